"""From a spec to its networks as graphs of primitive operations with shapes. Time and memory grow with the layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specc.errors import Diagnostic, Note, Path, SpeccError, has_errors
from specc.ir import Graph
from specc.lower.builder import GiveUp, NetworkBuilder
from specc.lower.faults import open_ends, unfit_initial, unknown_input
from specc.lower.initial import initial, misfit
from specc.plugin import Task
from specc.shapes import Shape
from specc.spec import network_paths
from specc.study import Study

if TYPE_CHECKING:
    from specc.registry import Registry
    from specc.source import Document

__all__ = ["at_size", "attempt", "image_shape", "lower"]


def lower(document: Document, spec: Any, registry: Registry, task: Task) -> dict[str, Graph]:
    """Every network as a graph, by name. `document` is the expanded one. Raises SpeccError with every S3xx fault."""
    graphs, faults = attempt(document, spec, registry, task)
    if faults:
        raise SpeccError(tuple(faults), texts={document.file: document.text})
    return graphs


def attempt(document: Document, spec: Any, registry: Registry, task: Task) -> tuple[dict[str, Graph], list[Diagnostic]]:
    """The graphs of all networks that can be made (if need be with the safe fix of a fault), and the faults."""
    known: dict[str, Shape] = {}
    if spec.input is not None:
        known["image"] = image_shape(spec)
    if task.inputs is not None:
        known |= task.inputs(Study(document, spec, registry, task))
    graphs: dict[str, Graph] = {}
    faults: list[Diagnostic] = []
    for name, path in network_paths(spec, document).items():
        network = getattr(spec.networks, name) if path[0] == "networks" else spec.model
        try:
            graph, found = _network(document, spec, registry, name, network, path, known, task.code)
        except GiveUp as stop:
            faults.append(stop.diagnostic)
            continue
        faults += found
        graphs[name] = graph
    return graphs, faults


def at_size(document: Document, spec: Any, registry: Registry, task: Task, size: tuple[int, int]) -> Graph | None:
    """The only network for images of another height and width; None where its layers refuse them."""
    other = spec.model_copy(update={"input": spec.input.model_copy(update={"size": size})})
    graphs, faults = attempt(document, other, registry, task)
    return None if has_errors(faults) else next(iter(graphs.values()), None)


def image_shape(spec: Any) -> Shape:
    """(channels, height, width) of the images that the network sees."""
    height, width = spec.input.size
    channels = spec.input.channels
    return ({"mono": 1, "rgb": 3}[channels] if isinstance(channels, str) else len(channels), height, width)


def _network(
    document: Document,
    spec: Any,
    registry: Registry,
    name: str,
    network: Any,
    path: Path,
    known: Mapping[str, Shape],
    code: str,
) -> tuple[Graph, list[Diagnostic]]:
    inputs: dict[str, Shape] = {}
    for i, word in enumerate(network.input or tuple(known)[:1]):
        if word not in known:
            raise GiveUp(unknown_input(document, (*path, "input"), i, word, known))
        inputs[word] = known[word]
    if not inputs:
        raise GiveUp(_no_input(document, path))
    builder = NetworkBuilder(document, registry, path, inputs, network.layers)
    value = next(iter(inputs))
    for call in network.layers:
        value = builder.layer(call, value)
    outputs = {"output": value}
    if network.outputs:
        outputs = {key: builder.resolve(word, (*path, "outputs", key)) for key, word in network.outputs.items()}
    nodes = tuple(builder.nodes.values())
    if wrong := misfit(registry, spec.init, ""):
        raise GiveUp(unfit_initial(document, registry, wrong, "every layer"))
    init = {"*": initial(registry, spec.init), **builder.init}
    code = builder.ids.get(code, "")
    graph = Graph(name, inputs, nodes, outputs, init=init, lr_scale=builder.lr_scale, code=code)
    return graph, [*builder.faults, *open_ends(document, graph, path)]


def _no_input(document: Document, path: Path) -> Diagnostic:
    return Diagnostic(
        "S309",
        "this network has no input",
        document.key_span(path),
        path,
        "needs `input`",
        notes=(Note("help", "name what goes in: `input: image`"),),
    )
