"""What is drawn: one cell a layer, in the words of the spec, with what it reads and what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from specc.cost import shapes_of
from specc.errors import Path
from specc.ir import Graph, Node
from specc.plugin import Call, Op
from specc.shapes import Shape
from specc.source import Mapping_, Scalar
from specc.spec.faults import fields
from specc.study import Study
from specc.text.definitions import REFERENCES

Kind = Literal["input", "layer", "join", "output"]
Role = Literal["weights", "norm", "size", "plain"]
_UNSAID = {"id", "init", "source", *REFERENCES}  # arguments that lines say, or that are no part of the network's form
_MOST = 3  # operations that one layer may stand for; what is more is drawn one by one


@dataclass(frozen=True)
class Cell:
    """One thing in the picture. `sources` are names of cells, the current path last.

    `helpers` are operations between a source and a join (a projected shortcut), in words. `within` are the uses of
    blocks around it, as in `specc.text.nodes.Scalar`.
    """

    name: str
    kind: Kind
    title: str
    shape: Shape
    detail: tuple[str, ...] = ()
    parameters: int = 0
    sources: tuple[str, ...] = ()
    helpers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    role: Role = "plain"
    sign: str = ""
    within: tuple[tuple[str, str], ...] = ()


def cells(study: Study, graph: Graph) -> list[Cell]:
    """A network's inputs, layers and outputs, from the top to the bottom."""
    found = [Cell(name, "input", name, shape) for name, shape in graph.inputs.items()]
    shown = {name: name for name in graph.inputs}  # the cell that shows a value
    shapes = shapes_of(graph)
    for group in _groups(graph.nodes):
        for cell, values in _drawn(study, shapes, group):
            found.append(_linked(cell, shown))
            shown |= dict.fromkeys(values, cell.name)
    for name, value in graph.outputs.items():
        source = shown[value]
        found.append(Cell(f"{name}:", "output", name, shapes[value], sources=(source,)))
    return found


def _linked(cell: Cell, shown: Mapping[str, str]) -> Cell:
    sources = tuple(dict.fromkeys(shown[value] for value in cell.sources))
    helpers = {shown[value]: words for value, words in cell.helpers.items()}
    return Cell(
        cell.name, cell.kind, cell.title, cell.shape, cell.detail, cell.parameters, sources, helpers, cell.role,
        cell.sign, cell.within,
    )  # fmt: skip


def _groups(nodes: Iterable[Node]) -> list[list[Node]]:
    """The nodes of each item of `layers`."""
    groups: dict[Path, list[Node]] = {}
    for node in nodes:
        groups.setdefault(item_path(node.path), []).append(node)
    return list(groups.values())


def item_path(path: Path) -> Path:
    """The path of the item of `layers` that a path leads into."""
    return path[: path.index("layers") + 2] if "layers" in path else path


def _drawn(study: Study, shapes: Mapping[str, Shape], group: list[Node]) -> list[tuple[Cell, list[str]]]:
    """The cells of one layer, each with the values that it shows."""
    ops, within = study.registry.ops, _within(study, group[0])
    own = [node for node in group if node.path == group[0].path]
    if len(own) > _MOST:
        within = (*within, (own[0].layer, own[0].name))
        return [(_one(node, ops, shapes, within), [node.name]) for node in group]
    joins = [node for node in group if ops[node.op].sign]
    main = joins[-1] if joins else own[-1]
    before = group[: group.index(main)] if joins else []
    call = _call(study.spec, item_path(main.path))
    parameters = sum(_parameters(node, ops, shapes) for node in group)
    title, detail = (main.layer, ()) if call is None else (call.name, _arguments(call.args))
    inner = {node.name for node in group}
    sources, helpers = [], {}
    for value in (name for node in group for name in node.inputs) if not joins else main.inputs:
        outside, chain = _back(value, {node.name: node for node in before})
        if outside not in inner:
            sources.append(outside)
            if chain:
                helpers[outside] = tuple(_short(node) for node in chain)
    cell = Cell(
        main.name, "join" if joins else "layer", title, group[-1].shape, detail, parameters, tuple(sources), helpers,
        _role(group, ops, shapes), ops[main.op].sign, within,
    )  # fmt: skip
    return [(cell, [node.name for node in group])]


def _one(node: Node, ops: Mapping[str, Op], shapes: Mapping[str, Shape], within: tuple[tuple[str, str], ...]) -> Cell:
    """A cell for an operation of its own."""
    kind: Kind = "join" if ops[node.op].sign else "layer"
    word, *rest = _short(node).split(" ", 1)
    return Cell(
        node.name, kind, word, node.shape, tuple(rest), _parameters(node, ops, shapes), node.inputs, {},
        _role([node], ops, shapes), ops[node.op].sign, within,
    )  # fmt: skip


def _back(value: str, nodes: Mapping[str, Node]) -> tuple[str, list[Node]]:
    """Where a join's input comes from, and the operations on the way, first one first."""
    chain: list[Node] = []
    while value in nodes:
        chain.insert(0, nodes[value])
        value = nodes[value].inputs[-1]
    return value, chain


def _within(study: Study, node: Node) -> tuple[tuple[str, str], ...]:
    item = study.document.node(item_path(node.path))
    return item.within if isinstance(item, Mapping_ | Scalar) else ()


def _parameters(node: Node, ops: Mapping[str, Op], shapes: Mapping[str, Shape]) -> int:
    return ops[node.op].parameters(node.attrs, tuple(shapes[name] for name in node.inputs))


def _role(group: list[Node], ops: Mapping[str, Op], shapes: Mapping[str, Shape]) -> Role:
    """What a layer does, by its numbers alone: multiply by weights, scale, change the size, or none of these."""
    if any(ops[node.op].multiply_adds(node.attrs, tuple(shapes[name] for name in node.inputs)) for node in group):
        return "weights"
    if any(_parameters(node, ops, shapes) for node in group):
        return "norm"
    return "size" if group[-1].shape[-2:] != shapes[group[0].inputs[-1]][-2:] else "plain"


def _call(spec: Any, path: Path) -> Call | None:
    """The layer of the spec at a path."""
    value = spec
    for key in path:
        if isinstance(key, int) and isinstance(value, tuple) and key < len(value):
            value = value[key]
        elif isinstance(key, str) and hasattr(value, key):
            value = getattr(value, key)
        else:
            return None
    return value if isinstance(value, Call) else None


def _short(node: Node) -> str:
    """`conv2d 1x1, stride 2`: an operation by its name and what is special about its window."""
    kernel, stride = node.attrs.get("kernel"), node.attrs.get("stride")
    words = [f"{node.op} {_value(kernel, 'x')}x{_value(kernel, 'x')}" if _square(kernel) else node.op]
    words += [f"stride {_value(stride, 'x')}"] if stride not in (None, 1, (1, 1)) else []
    return ", ".join(words)


def _square(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and value[0] == value[1]


def _arguments(arguments: Any) -> tuple[str, ...]:
    """What the spec says of a layer beyond the defaults: `filters 6`, `kernel 5`, `no bias`, `relu`."""
    words = []
    for name, info in fields(type(arguments)).items():
        value = getattr(arguments, name if name in type(arguments).model_fields else f"{name}_", None)
        if name in _UNSAID or value is None or value == info.default:
            continue
        if isinstance(value, bool):
            words.append(name if value else f"no {name}")
        elif isinstance(value, Call):
            words.append(" ".join([value.name, *_arguments(value.args)]))
        else:
            words.append(f"{name} {_value(value, 'x')}")
    return tuple(words)


def _value(value: Any, between: str) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        parts = value[:1] if _square(value) else value
        return between.join(_value(part, between) for part in parts)
    if isinstance(value, BaseModel):
        return ", ".join(_arguments(value))
    return str(value)
