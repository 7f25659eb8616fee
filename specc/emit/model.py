"""Prints networks as PyTorch modules: one line an operation, each with the shape that comes out."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

from specc.emit.literal import literal
from specc.ir import Graph, Node, decoder, encoder
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
    """One network as a class; with a code it also has `encode`, and `decode` where nothing else goes on."""
    shapes = dict(graph.inputs) | {node.name: node.shape for node in graph.nodes}
    lines = [f"class {class_name(graph.name)}(nn.Module):", *_document(_title(graph, shapes)), ""]
    lines += ["    def __init__(self) -> None:", "        super().__init__()"]
    for node in graph.nodes:
        if (module := ops[node.op].module) is not None:
            lines.append(f"        self.{node.name} = {module(node, tuple(shapes[name] for name in node.inputs))}")
    lines += [f"        {line}" for line in _initial_values(graph, ops)]
    lines += _methods(graph, ops)
    return "\n".join(lines) + "\n"


def _methods(graph: Graph, ops: Mapping[str, Op]) -> list[str]:
    """`forward`; with a code `encode`, too, whose line ends in what the code's operation gives beside it."""
    if not graph.code:
        return _method("forward", graph, _forward(graph, ops))
    first, second = encoder(graph), decoder(graph)
    beside = "".join(ops[node.op].aside(node) for node in first.nodes if node.name == graph.code)
    body = _forward(first, ops)
    body[-1] += beside and f", {beside}"
    lines = _method("encode", first, body, 1 + bool(beside))
    if second is None:
        return [*lines, *_method("forward", graph, _forward(graph, ops))]
    lines += _method("decode", second, _forward(second, ops))
    code = f"self.encode({', '.join(graph.inputs)}){'[0]' if beside else ''}"
    return [*lines, *_method("forward", graph, [f"return self.decode({code})"])]


def _method(name: str, graph: Graph, body: list[str], results: int = 0) -> list[str]:
    inputs = ", ".join(f"{name}: Tensor" for name in graph.inputs)
    results = results or len(graph.outputs)
    result = "Tensor" if results == 1 else f"tuple[{', '.join(['Tensor'] * results)}]"
    return ["", f"    def {name}(self, {inputs}) -> {result}:", *(f"        {line}" for line in body)]


def _document(text: str) -> list[str]:
    """A docstring; one that is longer than a line ends in a line of its own."""
    lines = wrap(text, 112, break_long_words=False, break_on_hyphens=False)
    if len(lines) == 1:
        return [f'    """{text}"""']
    return [f'    """{lines[0]}', *(f"    {line}" for line in lines[1:]), '    """']


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
