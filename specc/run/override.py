"""`-S train.epochs=3`: the spec's text with a value changed, so that a run keeps what it was really trained with."""

from __future__ import annotations

import re
from collections.abc import Iterable

from specc.errors import Edit, Path, Span, SpeccError
from specc.fix import apply_edits
from specc.run.faults import fault
from specc.source import Document, Mapping_, Node, Scalar, Sequence_, parse

SHAPE = re.compile(r"(?P<path>[A-Za-z_][\w-]*(\.[\w-]+)*)=(?P<value>.*)", re.DOTALL)
EXAMPLE = "write it as in `-S train.epochs=3` or `-S 'input.size=[64, 64]'`"


def override(document: Document, settings: Iterable[str]) -> Document:
    """The document with every `path=value` applied in order. Raises SpeccError T657, or S0xx for a bad value."""
    for setting in settings:
        document = _one(document, setting)
    return document


def _one(document: Document, setting: str) -> Document:
    found = SHAPE.fullmatch(setting)
    if found is None or not found["value"].strip() or any(c in setting for c in "\n\r\0\u2028\u2029"):
        raise fault("T657", f"`{_shown(setting)}` is not of the form path=value", EXAMPLE)
    path: Path = tuple(int(part) if part.isdecimal() else part for part in found["path"].split("."))
    node, depth = _deepest(document, path)
    rest, value = path[depth:], found["value"].strip()
    edit = _replaced(document, node, value) if not rest else _added(document, node, path, rest, value)
    try:
        return parse(apply_edits(document.text, [edit]), document.file)
    except SpeccError as error:
        error.diagnostics = (*error.diagnostics, *fault("T657", f"this came from `-S {setting}`", EXAMPLE).diagnostics)
        raise


def _deepest(document: Document, path: Path) -> tuple[Node, int]:
    """The last node on the way that exists, and how many steps lead to it."""
    for depth in range(len(path), 0, -1):
        node = document.node(path[:depth])
        if node is not None:
            return node, depth
    return document.tree, 0


def _replaced(document: Document, node: Node, value: str) -> Edit:
    return Edit(_trimmed(document, node.span), value)


def _added(document: Document, node: Node, path: Path, rest: Path, value: str) -> Edit:
    """A new entry in the mapping `node`; a bare name becomes a call (`adam` -> `{adam: {learning_rate: ...}}`)."""
    if any(isinstance(key, int) for key in rest):
        raise fault("T657", f"`{_dotted(path)}` does not exist, and a list is not made longer by `-S`", EXAMPLE)
    if isinstance(node, Scalar):
        if node.value == rest[0] and len(rest) > 1:
            return Edit(node.span, _flow(rest, value))
        place = _dotted(path[: len(path) - len(rest)])
        whole = f"give the whole value: `-S '{place}={_flow(rest, '...')}'`"
        raise fault("T657", f"`{place}` is one value and holds no `{rest[0]}`", whole)
    if isinstance(node, Sequence_):
        raise fault("T657", f"`{_dotted(path)}`: the list has {len(node.items)} items, counted from 0", EXAMPLE)
    return _entry(document, node, rest, value)


def _entry(document: Document, node: Mapping_, rest: Path, value: str) -> Edit:
    text = f"{rest[0]}: {_flow(rest[1:], value)}"
    start = node.span
    if _at(document.text, start) == "{":
        inside = Span(start.file, start.line, start.column + 1, start.line, start.column + 1)
        return Edit(inside, f"{text}, " if node.items else text)
    first = min(entry.key_span for entry in node.items.values())
    here = Span(first.file, first.line, first.column, first.line, first.column)
    return Edit(here, f"{text}\n{' ' * (first.column - 1)}")


def _flow(rest: Path, value: str) -> str:
    """`("adam", "learning_rate")`, `0.1` -> `{adam: {learning_rate: 0.1}}`."""
    return value if not rest else f"{{{rest[0]}: {_flow(rest[1:], value)}}}"


def _at(text: str, span: Span) -> str:
    line = text.split("\n")[span.line - 1]
    return line[span.column - 1 : span.column]


def _trimmed(document: Document, span: Span) -> Span:
    """The span without the white space and comments that a block ends in."""
    lines = document.text.split("\n")
    end_line, end_column = span.end_line, span.end_column
    while end_line > span.line:
        head = lines[end_line - 1][: end_column - 1] if end_line <= len(lines) else ""
        if head.strip() and not head.lstrip().startswith("#"):
            break
        end_line -= 1
        end_column = len(lines[end_line - 1]) + 1
    return Span(span.file, span.line, span.column, end_line, end_column)


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:100]
