"""Checks what a spec defines: blocks with their parameters, names, ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from specc.errors import Label, Span
from specc.text.names import as_name, nearest, why_no_name
from specc.text.nodes import Entry, Mapping_, Node, Scalar, Sequence_
from specc.text.scope import Report, Scope, evaluate

REFERENCES = ("with", "from", "to")  # arguments whose text names a value

_EXAMPLE = "write `NAME: {params: {filters: required}, layers: [...]}`"
_KEYS = ("params", "layers")


@dataclass(frozen=True, slots=True)
class Block:
    """A checked definition under `blocks`."""

    name: str
    span: Span
    params: Mapping[str, Entry]
    layers: Sequence_


def definitions(node: Node | None, report: Report) -> dict[str, Block]:
    """The blocks of a spec by name; what is malformed is reported and left out."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return {}
    if not isinstance(node, Mapping_):
        report.add("S170", "`blocks` is not a group of names and definitions", node.span, helps=(_EXAMPLE,))
        return {}
    blocks = {}
    for name, entry in node.items.items():
        check_name(name, entry.key_span, "block", report)
        block = _block(name, entry, report)
        if block is not None:
            blocks[name] = block
    return blocks


def _block(name: str, entry: Entry, report: Report) -> Block | None:
    body = entry.node
    if not isinstance(body, Mapping_):
        report.add("S170", f"the block `{name}` has no definition", body.span, "", helps=(_EXAMPLE,))
        return None
    for key, other in body.items.items():
        if key not in _KEYS:
            close = nearest(key, _KEYS)
            helps = (f"did you mean `{close}`?" if close else "a block has `params` and `layers`",)
            report.add("S170", f"unknown key `{key}` in the block `{name}`", other.key_span, helps=helps)
    layers = body.get("layers")
    if not isinstance(layers, Sequence_) or not layers.items:
        span = entry.key_span if layers is None else layers.span
        report.add("S170", f"the block `{name}` has no list of layers", span, helps=(_EXAMPLE,))
        return None
    params = body.get("params")
    if params is None or (isinstance(params, Scalar) and params.value is None):
        return Block(name, entry.key_span, {}, layers)
    if not isinstance(params, Mapping_):
        report.add("S170", f"the parameters of the block `{name}` have no names", params.span, helps=(_EXAMPLE,))
        return None
    for key, param in params.items.items():
        check_name(key, param.key_span, "parameter", report)
        if key in ("id", "repeat"):
            report.add("S162", f"`{key}` cannot be a parameter", param.key_span, "every layer has it already",
                       helps=("choose another name",))  # fmt: skip
    return Block(name, entry.key_span, params.items, layers)


def check_name(name: str, span: Span, what: str, report: Report, scope: Scope | None = None) -> None:
    """Report a name that is none."""
    why = why_no_name(name)
    if why:
        shown = name if len(name) <= 40 else name[:37] + "..."
        valid = as_name(name)
        helps = (f"write `{valid}`" if valid else "choose another name",)
        report.add("S162", f"`{shown}` cannot be the name of {'an' if what[0] in 'aeiou' else 'a'} {what}", span, why,
                   helps=helps, scope=scope)  # fmt: skip


def declared(layers: Sequence_, scope: Scope, report: Report) -> dict[str, Span]:
    """The ids that a list of layers gives, with their places; bad and doubled ones are reported."""
    found: dict[str, Span] = {}
    for item in layers.items:
        entry = next(iter(item.items.values())) if isinstance(item, Mapping_) and len(item.items) == 1 else None
        node = entry.node.get("id") if entry and isinstance(entry.node, Mapping_) else None
        if node is None:
            continue
        value = evaluate(node, scope, report)
        if not isinstance(value, Scalar) or not isinstance(value.value, str):
            if isinstance(node, Scalar) and not node.raw.startswith("$"):
                report.add(
                    "S162", "an `id` is a name", node.span, "not a name", helps=("as in `id: enc1`",), scope=scope
                )
            continue
        check_name(value.raw, node.span, "id", report, scope)
        if value.raw in found:
            labels = (Label(found[value.raw], "the first time"),)
            report.add("S168", f"the id `{value.raw}` is given twice", node.span, "the second time", labels,
                       ("ids name one layer each; choose another",), scope=scope)  # fmt: skip
        found.setdefault(value.raw, node.span)
    return found


def required(node: Node) -> bool:
    """Whether a parameter has no default."""
    return isinstance(node, Scalar) and not node.quoted and node.raw == "required"


def depth(node: Node) -> int:
    """Levels of a value; 1 for a number or a text."""
    if isinstance(node, Sequence_):
        return 1 + max((depth(item) for item in node.items), default=0)
    if isinstance(node, Mapping_):
        return 1 + max((depth(entry.node) for entry in node.items.values()), default=0)
    return 1


def references(item: Node) -> Iterator[tuple[str, Scalar]]:
    """The texts of a plain layer that name values."""
    if not isinstance(item, Mapping_):
        return
    for name, entry in item.items.items():
        inner = entry.node.items if isinstance(entry.node, Mapping_) else {name: entry}
        for key, argument in inner.items():
            nodes = argument.node.items if isinstance(argument.node, Sequence_) else (argument.node,)
            for node in nodes:
                if key in REFERENCES and isinstance(node, Scalar) and isinstance(node.value, str):
                    yield node.raw, node
