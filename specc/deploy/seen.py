"""What the network inside an exported model gets to see: the image after window, channels, size and scale.

Those steps are part of the graph, so the graph itself is asked for the tensor between them and the network: the last
one with the shape of the contract's input on which both the answer and the score of strangeness depend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.deploy.contract import Contract
from specc.deploy.faults import Refusal
from specc.deploy.session import Session, inspect, load_bytes, quiet, runtime_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import GraphProto

Ask = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]


def images_seen(
    model: FilePath, session: Session, cases: Sequence[tuple[FilePath, ...]]
) -> list[NDArray[np.float32] | None]:
    """(1 or 3, height, width) of each case as the network sees it, stacked channels side by side; None where it cannot
    be had.

    Raises SpeccError P840 to P846 for a file that is no model of specc's.
    """
    from specc.deploy.predict import read_case

    data = load_bytes(model)
    opened = _opened(data, inspect(data, model.name))
    if opened is None:
        return [None] * len(cases)
    runtime, name = opened
    found: list[NDArray[np.float32] | None] = []
    failures: tuple[type[Exception], ...] = (Refusal, *runtime_errors())
    for case in cases:
        try:
            pixels, _ = read_case(session, case)
            image = runtime.run([name], {"pixels": pixels[None]})[0][0]
            found.append(image if isinstance(session.contract.input.channels, str) else _beside(image))
        except failures:
            found.append(None)
    return found


def network_of(model: FilePath) -> tuple[Ask, Ask] | None:
    """Two halves of a model: pixels as read -> images as the network sees them, and these -> probabilities or values,
    batches both; None for a graph that has no such place.

    Raises SpeccError P840 to P846 for a file that is no model of specc's.
    """
    import onnx

    data = load_bytes(model)
    contract = inspect(data, model.name)
    first = _opened(data, contract)
    if first is None:
        return None
    runtime, name = first
    wanted = "probabilities" if contract.output.likely else "values"
    whole = onnx.ModelProto.FromString(data)
    part = whole if name == "pixels" else onnx.utils.Extractor(whole).extract_model([name], [wanted])
    second = _session(part.SerializeToString())
    if second is None:
        return None

    def seen(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = runtime.run([name], {"pixels": pixels})[0]
        return found

    def answer(images: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = second.run([wanted], {name: images})[0]
        return found

    return seen, answer


def _session(data: bytes) -> Any:
    """A model on the processor; None where the runtime refuses it."""
    with quiet():
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 4
        try:
            return ort.InferenceSession(data, options, ["CPUExecutionProvider"])
        except runtime_errors():
            return None


def _beside(image: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    return np.concatenate(list(image), axis=1)[None]


def _opened(data: bytes, contract: Contract) -> tuple[Any, str] | None:
    """The model with that tensor as its output; None for a graph that has no such tensor."""
    import onnx

    model = onnx.ModelProto.FromString(data)
    name = input_of_network(model.graph, contract)
    if name is None:
        return None
    info = next(value for value in (*model.graph.value_info, *model.graph.input) if value.name == name)
    del model.graph.output[:]
    model.graph.output.append(info)
    opened = _session(model.SerializeToString())
    return None if opened is None else (opened, name)


def input_of_network(graph: GraphProto, contract: Contract) -> str | None:
    """The name of the tensor between the edits and the network."""
    wanted = "probabilities" if contract.output.likely else "values"
    common = _before(graph, wanted) & _before(graph, "ood_score")
    channels = {"mono": 1, "rgb": 3}.get(str(contract.input.channels), len(contract.input.channels))
    shape = (channels, *contract.input.size)
    shapes = {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)[1:]
        for value in (*graph.value_info, *graph.input)
    }
    ordered = ["pixels", *(name for node in graph.node for name in node.output)]
    return next((name for name in reversed(ordered) if name in common and shapes.get(name) == shape), None)


def _before(graph: GraphProto, output: str) -> set[str]:
    """The tensors that an output is computed from."""
    maker = {name: node for node in graph.node for name in node.output}
    found, open_ = set[str](), [output]
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            open_ += maker[name].input if name in maker else ()
    return found
