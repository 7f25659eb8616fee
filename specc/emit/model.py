"""Prints networks as PyTorch modules: one line an operation, each with the shape that comes out."""

from __future__ import annotations

from collections.abc import Mapping

from specc.emit.literal import literal
from specc.ir import Graph, Node
from specc.plugin import Op
from specc.shapes import Shape, show_shape


def class_name(network: str) -> str:
    """`a_to_b` becomes `AToB`."""
    return "".join(part.capitalize() for part in network.split("_"))


def print_model(graphs: Mapping[str, Graph], ops: Mapping[str, Op]) -> str:
    """The module of the networks: a class for each, and imports of the pieces that they use."""
    text = "\n\n".join(print_network(graph, ops) for graph in graphs.values())
    pieces = {ops[node.op].piece for graph in graphs.values() for node in graph.nodes} - {None}
    own = {(piece.module, piece.name) for piece in pieces if piece is not None}
    own |= {
        (init["module"], init["weights"])
        for graph in graphs.values()
        for init in graph.init.values()
        if "module" in init
    }
    imports = "".join(f"from {module} import {name}\n" for module, name in sorted(own))
    return f"import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n\n{imports}\n\n{text}"


def print_network(graph: Graph, ops: Mapping[str, Op]) -> str:
    """One network as a class."""
    shapes = dict(graph.inputs) | {node.name: node.shape for node in graph.nodes}
    inputs = ", ".join(f"{name}: Tensor" for name in graph.inputs)
    ends = list(graph.outputs.values())
    result = "Tensor" if len(ends) == 1 else f"tuple[{', '.join(['Tensor'] * len(ends))}]"
    lines = [f"class {class_name(graph.name)}(nn.Module):", f'    """{_title(graph, shapes)}"""', ""]
    lines += ["    def __init__(self) -> None:", "        super().__init__()"]
    for node in graph.nodes:
        if (module := ops[node.op].module) is not None:
            lines.append(f"        self.{node.name} = {module(node, tuple(shapes[name] for name in node.inputs))}")
    lines += [f"        {line}" for line in _initial_values(graph, ops)]
    lines += ["", f"    def forward(self, {inputs}) -> {result}:"]
    lines += [f"        {line}" for line in _forward(graph, ops)]
    return "\n".join(lines) + "\n"


def _title(graph: Graph, shapes: Mapping[str, Shape]) -> str:
    sources = ", ".join(f"{name} (B, {_axes(shape)})" for name, shape in graph.inputs.items())
    ends = ", ".join(
        (f"{name} " if len(graph.outputs) > 1 else "") + f"(B, {_axes(shapes[end])})"
        for name, end in graph.outputs.items()
    )
    logits = f" before {graph.activation}" if graph.activation != "none" else ""
    return f"{sources} -> {ends}{logits}."


def _axes(shape: Shape) -> str:
    return show_shape(shape).replace("x", ", ")


def _forward(graph: Graph, ops: Mapping[str, Op]) -> list[str]:
    last_use = {name: place for place, node in enumerate(graph.nodes) for name in node.inputs}
    ends = set(graph.outputs.values())
    names = {name: name for name in graph.inputs}
    lines = []
    for place, node in enumerate(graph.nodes):
        call = ops[node.op].call(node, tuple(names[name] for name in node.inputs))
        passing = node.name not in ends and last_use.get(node.name, place) == place + 1
        alone = len(graph.outputs) == 1 and place + 1 == len(graph.nodes)
        names[node.name] = "x" if passing or alone else node.name
        beside = ops[node.op].aside(node)
        lines.append(f"{names[node.name]}{beside and ', '}{beside} = {call}  # (B, {_axes(node.shape)})")
    return [*lines, f"return {', '.join(names[end] for end in graph.outputs.values())}"]


def _initial_values(graph: Graph, ops: Mapping[str, Op]) -> list[str]:
    """Weights and biases by the spec's `init`; normalization layers keep torch's ones and zeros."""
    lines: list[str] = []
    weighted = [node for node in graph.nodes if ops[node.op].weights]
    common = graph.init.get("*")
    if weighted and common:
        kinds = sorted({ops[node.op].weights for node in weighted})
        lines += ["for module in self.modules():", f"    if isinstance(module, {' | '.join(kinds)}):"]
        lines += [f"        {_call(common, 'module.weight')}", "        if module.bias is not None:"]
        lines += [f"            nn.init.constant_(module.bias, {literal(float(common['bias']))})"]
    for node in weighted:
        if own := graph.init.get(node.name):
            lines.append(_call(own, f"self.{node.name}.weight"))
            if _has_bias(node):
                lines.append(f"nn.init.constant_(self.{node.name}.bias, {literal(float(own['bias']))})")
    return lines


def _has_bias(node: Node) -> bool:
    return bool(node.attrs.get("bias", True))


def _call(init: Mapping[str, object], weight: str) -> str:
    keywords = init["keywords"]
    assert isinstance(keywords, Mapping)
    return (
        f"{init['weights']}({', '.join([weight, *(f'{name}={literal(value)}' for name, value in keywords.items())])})"
    )
