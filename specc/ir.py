"""The graph between a spec and a program: typed primitive operations with shapes. Frozen; passes make new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from specc.errors import Path
from specc.shapes import Shape, show_shape


@dataclass(frozen=True, slots=True)
class Node:
    """One primitive operation.

    `name` is a checked, unique Python identifier; `inputs` are names of earlier nodes or graph inputs;
    `attrs` holds plain numbers, strings, booleans and tuples; `shape` has no batch axis; `path` is the layer in the
    spec that it comes from.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attrs: Mapping[str, Any]
    shape: Shape
    path: Path = ()
    layer: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a loss gets: the numbers of a network and the truth.

    `kind` is `one` (a logit (B, 1), classes (B,) with 1 for the positive one), `classes` (logits (B, K), classes (B,)),
    `findings` (logits (B, L), 1, 0 or -100 for blank (B, L)) or `values` (numbers (B, d) both); `flipped` says that
    the positive class of `one` is the first of the spec's list.
    """

    kind: str
    flipped: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """One network: named inputs, nodes in order of evaluation, named outputs (name of output -> name of node).

    `activation` is the final activation that the pass `head_on_logits` took off for training; the Deploy module puts
    it back ("none" where there was none). `init` says how weights start: for a node's name, or "*" for all others,
    {"weights": "nn.init.xavier_uniform_", "keywords": {...}, "bias": 0.0}; `module` beside them is where a function
    that torch does not have comes from. `lr_scale` holds factors of the learning rate for some nodes. `code` is the
    value that the task wants beside the outputs, as the layer with the id `Task.code` gives it (empty: none).
    """

    name: str
    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]
    activation: str = "none"
    init: Mapping[str, Any] = field(default_factory=dict)
    lr_scale: Mapping[str, float] = field(default_factory=dict)
    code: str = ""

    def node(self, name: str) -> Node:
        """The node of that name. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def shape_of(self, name: str) -> Shape:
        """Shape of a node's or an input's value, without batch. Raises KeyError."""
        return self.inputs[name] if name in self.inputs else self.node(name).shape

    def users(self, name: str) -> tuple[Node, ...]:
        """The nodes that read this value."""
        return tuple(node for node in self.nodes if name in node.inputs)


def encoder(graph: Graph) -> Graph:
    """What the code of a graph is made from, with the code as its output."""
    needed = {graph.code}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    nodes = tuple(node for node in graph.nodes if node.name in needed)
    return replace(graph, nodes=nodes, outputs={"code": graph.code}, code="")


def decoder(graph: Graph) -> Graph | None:
    """What is made from the code alone, which goes in as `code`; None where the outputs need more than the code."""
    before = {node.name for node in encoder(graph).nodes} | set(graph.inputs)
    own = [node for node in graph.nodes if node.name not in before]
    known = {node.name for node in own} | {graph.code}
    reads = [*graph.outputs.values(), *(source for node in own for source in node.inputs)]
    if not own or not known.issuperset(reads):
        return None
    nodes = tuple(replace(node, inputs=tuple(_renamed(name, graph.code) for name in node.inputs)) for node in own)
    outputs = {name: _renamed(source, graph.code) for name, source in graph.outputs.items()}
    return replace(graph, inputs={"code": graph.shape_of(graph.code)}, nodes=nodes, outputs=outputs, code="")


def _renamed(name: str, code: str) -> str:
    return "code" if name == code else name


def show(graph: Graph) -> str:
    """The graph as text, one node a line: `conv1 = conv2d(image) filters=6 kernel=(5, 5) : 6x28x28`."""
    lines = [f"graph {graph.name}"]
    lines += [f"  input {name} : {show_shape(shape)}" for name, shape in graph.inputs.items()]
    for node in graph.nodes:
        attrs = " ".join(f"{key}={value!r}" for key, value in node.attrs.items())
        head = f"  {node.name} = {node.op}({', '.join(node.inputs)}) {attrs}".rstrip()
        lines.append(f"{head} : {show_shape(node.shape)}")
    lines += [f"  output {name} = {source}" for name, source in graph.outputs.items()]
    return "\n".join([*lines, f"  activation {graph.activation}"])


def verify(graph: Graph) -> None:
    """Raise AssertionError unless every name is defined once, before its use, and every output exists."""
    known = set(graph.inputs)
    for node in graph.nodes:
        assert node.name.isidentifier(), f"{node.name!r} is not an identifier"
        assert node.name not in known, f"{node.name} is defined twice"
        for source in node.inputs:
            assert source in known, f"{node.name} reads {source} before it is defined"
        known.add(node.name)
    for name, source in graph.outputs.items():
        assert source in known, f"output {name} reads {source}, which nothing defines"
    assert not graph.code or graph.code in known, f"the code is {graph.code}, which nothing defines"
