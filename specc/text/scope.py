"""What names mean at a place of a spec: variables, parameters, ids; and the values that `$name` and `$( )` give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from specc.errors import Diagnostic, Fix, Label, Note, Span
from specc.text.arithmetic import ExpressionFault, Number, calculate
from specc.text.names import nearest
from specc.text.nodes import Entry, Mapping_, Node, Scalar, Sequence_, Within

MOST_NODES = 300_000  # values in an expanded spec

_NAME = re.compile(r"\$([A-Za-z_]\w*)", re.ASCII)
_EXPRESSION = re.compile(r"\$\((.*)\)", re.DOTALL)
_WITHIN = re.compile(r"\$(?:([A-Za-z_]\w*)|\()", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a name stands for: the value as written, the scope that it was written in, and the plain value."""

    node: Node
    scope: Scope
    value: Node
    passed: bool = False  # by a block's caller, so that the value's own place is the place of use


@dataclass(eq=False)
class Scope:
    """One layer list (a network's, or one use of a block) or, with no ids at all, the rest of the spec.

    `call` is the use in the network that all of a block's layers belong to; `entry` the name of what came in.
    """

    names: dict[str, Bound] = field(default_factory=dict)
    ids: Mapping[str, Span] = field(default_factory=dict)
    prefix: str = ""
    entry: str = ""
    call: Span | None = None
    chain: tuple[str, ...] = ()
    entered: bool = False  # whether something referred to `input`
    hidden: dict[str, int] = field(default_factory=dict)  # names of uses without an id; per block, the last number

    @property
    def inside(self) -> bool:
        """Whether this is the inside of a block."""
        return self.call is not None

    @property
    def within(self) -> Within:
        """The uses of blocks around this scope, outermost first: (the block, a name for this use)."""
        return tuple(zip(self.chain, self.prefix.split("."), strict=False))

    def hide(self, block: str) -> str:
        """A name for a use of a block that has no id: one that nothing else in this scope has."""
        number = self.hidden.get(block, 0) + 1
        while (name := f"{block}{number}") in self.ids or name in self.hidden:
            number += 1
        self.hidden[block] = number
        self.hidden.setdefault(name, 0)
        return name


class Report:
    """Collects diagnostics, each fault of a shared text once, and keeps count of what expansion has made."""

    def __init__(self) -> None:
        self.diagnostics: dict[tuple[str, Span, str], Diagnostic] = {}
        self.nodes = 0
        self.told = False

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        labels: Iterable[Label] = (),
        helps: Iterable[str] = (),
        fixes: Iterable[Fix] = (),
        scope: Scope | None = None,
    ) -> None:
        """One fault. Inside of a block the use that showed it is a second label."""
        used = (Label(scope.call, "in the block that is used here"),) if scope and scope.call else ()
        notes = tuple(Note("help", text) for text in helps if text)
        diagnostic = Diagnostic(code, message, span, (), label, (*labels, *used), notes, tuple(fixes))
        self.diagnostics.setdefault((code, span, message), diagnostic)

    @property
    def full(self) -> bool:
        """Whether there are too many values already."""
        return self.nodes > MOST_NODES

    def room(self, span: Span) -> bool:
        """Count one more value; False (and one diagnostic) when there are too many."""
        self.nodes += 1
        if self.full and not self.told:
            self.told = True
            message = f"the spec unfolds to more than {MOST_NODES:,} values"
            self.add("S167", message, span, "it grew too large here", helps=("use fewer repeats or smaller blocks",))
        return self.nodes <= MOST_NODES


def evaluate(node: Node, scope: Scope, report: Report, free_text: bool = False) -> Node:
    """The plain value of a node: every `$name` and `$( )` replaced, places set."""
    if not report.room(node.span):
        return Scalar(None, "", False, node.span)
    if isinstance(node, Scalar):
        return _scalar(node, scope, report, free_text)
    if isinstance(node, Sequence_):
        items = tuple(evaluate(item, scope, report, free_text) for item in node.items)
        return placed(Sequence_(items, node.span), node, scope)
    entries = {}
    for key, entry in node.items.items():
        value = evaluate(entry.node, scope, report, free_text)
        entries[key] = entry_at(entry, value, scope)
    return placed(Mapping_(entries, node.span), node, scope)


def entry_at(entry: Entry, value: Node, scope: Scope) -> Entry:
    """The entry with another value; in a block its key's place of use is the block's."""
    if scope.call is None:
        return Entry(entry.key_span, value, entry.key_definition)
    return Entry(scope.call, value, entry.key_definition or entry.key_span)


def placed(new: Node, old: Node, scope: Scope) -> Node:
    """`new`, made from `old`, with its places: as it stands, or in a block the use and the place in the block."""
    if scope.call is None:
        return replace(new, span=old.span, definition=old.definition)
    return replace(new, span=scope.call, definition=old.definition or old.span)


def used_name(node: Node) -> str:
    """`w` of an unquoted `$w`, else an empty text."""
    match = _NAME.fullmatch(node.raw) if isinstance(node, Scalar) and not node.quoted else None
    return match.group(1) if match else ""


def find(node: Node, name: str, scope: Scope, report: Report, at: int = 1) -> Bound | None:
    """What a name stands for; an unknown one is reported at character `at` of the node."""
    bound = scope.names.get(name)
    if bound is None:
        close = nearest(name, scope.names)
        known = ", ".join(f"`{known}`" for known in list(scope.names)[:12])
        meant = f"known here: {known}" if known else f"define it: `vars: {{{name}: 64}}`"
        helps = (
            f"did you mean `{close}`?" if close else meant,
            'a text that begins with $ stands in double quotation marks: "$..."',
        )
        span = part(node.span, at, len(name), node)
        report.add("S160", f"unknown variable `{name}`", span, "nothing has this name", helps=helps, scope=scope)
    return bound


def place_bound(bound: Bound, value: Node, node: Node, scope: Scope) -> Node:
    """A value that replaces `$name` at `node`, with its places."""
    if bound.passed:
        return replace(value, definition=value.definition or node.span)
    return _moved(value, scope.call or node.span)


def part(span: Span, at: int, length: int, node: Node) -> Span:
    """A part of an unquoted value's place; the whole where it runs over lines."""
    if span.line != span.end_line or not isinstance(node, Scalar) or span.end_column - span.column != len(node.raw):
        return span
    start = min(span.column + at, max(span.column, span.end_column - 1))
    return Span(span.file, span.line, start, span.line, max(start + 1, min(start + length, span.end_column)))


def _moved(node: Node, use: Span) -> Node:
    """The whole value with `use` as its place."""
    definition = node.definition or node.span
    if isinstance(node, Sequence_):
        return Sequence_(tuple(_moved(item, use) for item in node.items), use, definition)
    if isinstance(node, Mapping_):
        entries = {k: Entry(use, _moved(e.node, use), e.key_definition or e.key_span) for k, e in node.items.items()}
        return Mapping_(entries, use, definition)
    return replace(node, span=use, definition=definition)


def _size(node: Node) -> int:
    if isinstance(node, Sequence_):
        return 1 + sum(_size(item) for item in node.items)
    if isinstance(node, Mapping_):
        return 1 + sum(_size(entry.node) for entry in node.items.values())
    return 1


def _scalar(node: Scalar, scope: Scope, report: Report, free_text: bool) -> Node:
    if node.quoted or "$" not in node.raw:
        return placed(node, node, scope)
    name = used_name(node)
    if name:
        bound = find(node, name, scope, report)
        if bound is None:
            return placed(Scalar(None, "", False, node.span), node, scope)
        report.nodes += _size(bound.value) - 1
        if not report.room(node.span):
            return Scalar(None, "", False, node.span)
        return place_bound(bound, bound.value, node, scope)
    match = _EXPRESSION.fullmatch(node.raw)
    if match:
        return _expression(node, match.group(1), scope, report)
    within = _WITHIN.search(node.raw)
    if within and not free_text and (within.group(1) in scope.names or not within.group(1)):
        helps = (
            "write the whole value as `$( ... )`, as in `$(w * 2)`",
            "a text with $ stands in double quotation marks",
        )
        message = "`$` inside of a longer value has no meaning"
        span = part(node.span, within.start(), len(within.group()), node)
        report.add("S161", message, span, "only a whole value can be a variable", helps=helps, scope=scope)
    return placed(node, node, scope)


def _expression(node: Scalar, text: str, scope: Scope, report: Report) -> Node:
    used: list[Bound] = []

    def lookup(name: str, at: int) -> Number:
        bound = find(node, name, scope, report, at + 2)
        if bound is None:
            raise ExpressionFault("", at)
        value = bound.value.value if isinstance(bound.value, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionFault(f"`{name}` is not a number", at, f"give `{name}` a number")
        used.append(bound)
        return value

    try:
        number = calculate(text, lookup)
    except ExpressionFault as fault:
        if fault.message:
            labels = [Label(bound.value.span, "a value that it uses") for bound in used[:2]]
            span = part(node.span, fault.at + 2, 1, node)
            message = f"this expression has no value: {fault.message}"
            helps = (fault.help or "write a shorter one, or the number itself",)
            report.add("S161", message, span, "here", labels, helps, scope=scope)
        return placed(Scalar(None, "", False, node.span), node, scope)
    result = placed(Scalar(number, repr(number), False, node.span), node, scope)
    passed = [bound.value for bound in used if bound.passed]
    if passed:
        return replace(result, span=passed[0].span, definition=node.span)
    if used and scope.call is None:
        return replace(result, definition=used[0].value.definition or used[0].value.span)
    return result
