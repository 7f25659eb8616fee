"""From YAML events to nodes, without recursion and without making any object that a text names.

Reading goes on behind a refused anchor, alias, tag or doubled key, so that all of them are told in one run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from specc.errors import Diagnostic, Edit, Fix, Label, Note, Span
from specc.text.characters import CONTROL, HIDDEN, Finding, name
from specc.text.nodes import Entry, Mapping_, Node, Scalar, Sequence_
from specc.text.values import is_long_number, value_of

DEEPEST = 64  # levels of mappings and lists

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_JOINED = re.compile(r"([A-Za-z_]\w*):(?=[^\s/\\])")
_CONTINUED = re.compile(r"[ ]*(?:(-)[ ]+\S|([A-Za-z_]\w*):\S)")


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the YAML parser gave up (lines and columns from 0) and its words."""

    problem: str
    line: int
    column: int
    context: str = ""
    context_line: int = -1
    context_column: int = -1


@dataclass
class _Open:
    """A mapping or list that is not closed yet."""

    start: tuple[int, int]
    flow: bool
    mapping: bool
    entries: dict[str, Entry] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    key: tuple[str, Span] | None = None
    end: tuple[int, int] = (0, 0)


@dataclass
class Tree:
    """What came out of a text: a root (if any), faults of the text, joined keys to repair, and where YAML gave up."""

    root: Node | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    joined: list[Finding] = field(default_factory=list)
    folded: list[int] = field(default_factory=list)  # lines (from 0) that were swallowed by the value above them
    fault: Fault | None = None


def build(text: str, file: str) -> Tree:
    """Read a text. Never raises: `Tree.fault` tells where the YAML parser stopped."""
    return _Builder(text, file).run()


class _Builder:
    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.lines = text.split("\n")
        self.tree = Tree()
        self.stack: list[_Open] = []
        self.stopped = False

    def run(self) -> Tree:
        try:
            for event in self._events():
                self._event(event)
                if self.stopped:
                    break
        except yaml.MarkedYAMLError as error:
            self.tree.fault = _fault(error)
        except yaml.YAMLError as error:
            self.tree.fault = Fault(str(error).split("\n")[0], 0, 0)
        return self.tree

    def _events(self) -> Iterator[Any]:
        yield from yaml.parse(self.text, Loader=_LOADER)

    # ------------------------------------------------------------------ events

    def _event(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._document(event)

    def _scalar(self, event: Any) -> None:
        span = self._scalar_span(event)
        plain = event.style is None or event.style == ""
        self._marks(event)
        raw: str = event.value
        if plain and span.end_line > span.line:
            self._swallowed(span)
        if plain and is_long_number(raw):
            message = f"this number has {len(raw):,} characters"
            note = Note("help", "no quantity needs more than 17 digits; put it in quotation marks if it is a name")
            self._report("S021", message, span, "too long for a number", (note,))
        if not plain:
            self._decoded(raw, span)
        self._add(Scalar(value_of(raw) if plain else raw, raw, not plain, span), plain)

    def _decoded(self, raw: str, span: Span) -> None:
        """Control characters that came in by an escape such as `\\u0000`."""
        found = CONTROL.search(raw) or HIDDEN.search(raw)
        if found:
            code = "S017" if CONTROL.search(raw) else "S019"
            note = Note("help", "write the text without it")
            self._report(code, f"this text holds {name(found.group())}, written as an escape", span, "", (note,))

    def _open(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._marks(event)
        start = (event.start_mark.line, event.start_mark.column)
        if len(self.stack) >= DEEPEST:
            note = Note("why", "no network needs it, and endless nesting is a way to stop a program")
            span = self._span(start, (start[0], start[1] + 1))
            self._report("S013", f"more than {DEEPEST} levels of nesting", span, f"level {DEEPEST + 1}", (note,))
            self.stopped = True
            return
        self.stack.append(_Open(start, bool(event.flow_style), mapping, end=start))

    def _close(self, event: Any) -> None:
        top = self.stack.pop()
        end = (event.end_mark.line, event.end_mark.column) if top.flow else top.end
        span = self._span(top.start, max(end, top.start))
        self._add(Mapping_(top.entries, span) if top.mapping else Sequence_(tuple(top.nodes), span), False)

    def _alias(self, event: Any) -> None:
        span = self._span(_at(event.start_mark), _at(event.end_mark))
        note = Note("help", "write the value out, or give it a name under `vars:` and use it as `$name`")
        self._report("S009", f"an alias (`*{event.anchor}`) stands in place of a value", span,
                     "aliases are not part of the language", (note,))  # fmt: skip
        self._add(Scalar(None, "", False, span), False)

    def _document(self, event: Any) -> None:
        start = _at(event.start_mark)
        if event.version is not None or event.tags:
            span = self._span(start, (start[0], len(self.lines[start[0]].rstrip())))
            note = Note("help", "delete the line: the language version is `specc: 1`")
            self._report("S030", "a YAML directive (`%`) stands in front of the spec", span, "", (note,))
        if self.tree.root is not None:
            span = self._span(start, _at(event.end_mark))
            note = Note("help", "write each spec into a file of its own, and delete this line")
            self._report("S011", "a second document begins here", span, "one file is one spec", (note,))
            self.stopped = True

    def _marks(self, event: Any) -> None:
        """Refuse an anchor or a tag in front of a node."""
        if event.anchor is None and event.tag is None:
            return
        line, column = _at(event.start_mark)
        head = self.lines[line][column:] if line < len(self.lines) else ""
        for found in re.finditer(r"(?:^|(?<=\s))([&!])[^\s,\[\]{}]*", head.split(" #")[0]):
            span = self._span((line, column + found.start()), (line, column + found.end()))
            if found.group(1) == "&" and event.anchor is not None:
                note = Note("help", "write the value out, or give it a name under `vars:` and use it as `$name`")
                self._report("S008", f"an anchor (`{found.group()}`) marks a value", span,
                             "anchors are not part of the language", (note,))  # fmt: skip
            elif found.group(1) == "!" and event.tag is not None:
                note = Note("help", "delete it: a spec holds only plain values and never names code")
                self._report("S007", f"a tag (`{found.group()[:80]}`) stands in front of a value", span,
                             "tags are not part of the language", (note,))  # fmt: skip
            else:
                continue
            if event.anchor is None or event.tag is None:
                return

    # ------------------------------------------------------------------ structure

    def _add(self, node: Node, plain: bool) -> None:
        if not self.stack:
            if self.tree.root is None:
                self.tree.root = node
            return
        top = self.stack[-1]
        top.end = max(top.end, (node.span.end_line - 1, node.span.end_column - 1))
        if not top.mapping:
            top.nodes.append(node)
        elif top.key is None:
            top.key = (self._key(node, plain), node.span)
        else:
            (key, span), top.key = top.key, None
            self._pair(top, key, span, node)

    def _key(self, node: Node, plain: bool) -> str:
        if not isinstance(node, Scalar) or (not node.quoted and node.raw == ""):
            note = Note("help", "write a word in front of the colon")
            what = "nothing" if isinstance(node, Scalar) else "a list" if isinstance(node, Sequence_) else "a mapping"
            self._report("S028", f"{what} stands where a key belongs", node.span, "a key is one word", (note,))
            return f"\0{node.span.line}:{node.span.column}"
        joined = _JOINED.match(node.raw) if plain else None
        if joined:
            at = Span(self.file, node.span.line, node.span.column + joined.end(), node.span.line,
                      node.span.column + joined.end())  # fmt: skip
            self.tree.joined.append(missing_space(joined.group(1), at))
        if plain and node.raw == "<<":
            note = Note("help", "write the keys out, or make a block with parameters under `blocks:`")
            self._report("S010", "a merge key (`<<`) pulls in keys from elsewhere", node.span,
                         "merge keys are not part of the language", (note,))  # fmt: skip
        return node.raw

    def _pair(self, top: _Open, key: str, span: Span, node: Node) -> None:
        first = top.entries.get(key)
        if first is None:
            top.entries[key] = Entry(span, node)
            return
        shown = key if len(key) <= 40 else key[:37] + "..."
        diagnostic = Diagnostic(
            "S006", f"the key `{shown}` is written twice", span, (), "the second time",
            (Label(first.key_span, "the first time"),),
            (Note("why", "one of the two values would be lost without a word"), Note("help", "keep one of them")),
        )  # fmt: skip
        self.tree.diagnostics.append(diagnostic)

    def _swallowed(self, span: Span) -> None:
        """Lines that look like keys or items, yet are read as the end of the text above them."""
        for line in range(span.line, span.end_line):
            if _CONTINUED.match(self.lines[line]):
                self.tree.folded.append(line)

    # ------------------------------------------------------------------ places

    def _scalar_span(self, event: Any) -> Span:
        start, end = _at(event.start_mark), _at(event.end_mark)
        if event.style in ("|", ">"):
            end = (start[0], len(self.lines[start[0]].rstrip()))
        elif event.anchor is not None or event.tag is not None:
            skipped = re.match(r"(?:[&!]\S*\s+)+", self.lines[start[0]][start[1] :])
            if skipped:
                start = min((start[0], start[1] + skipped.end()), end)
        return self._span(start, max(start, end))

    def _span(self, start: tuple[int, int], end: tuple[int, int]) -> Span:
        last = (len(self.lines) - 1, len(self.lines[-1]))  # the parser's own end may be a line further
        start, end = min(start, last), min(end, last)
        return Span(self.file, start[0] + 1, start[1] + 1, end[0] + 1, end[1] + 1)

    def _report(self, code: str, message: str, span: Span, label: str, notes: tuple[Note, ...] = ()) -> None:
        self.tree.diagnostics.append(Diagnostic(code, message, span, (), label, (), notes))


def missing_space(key: str, at: Span) -> Finding:
    """A key whose colon is followed by its value without a space; `at` is the empty place behind the colon."""
    edit = Edit(at, " ")
    fix = Fix(f"write a space behind `{key}:`", (edit,), safe=True)
    span = Span(at.file, at.line, at.column - len(key) - 1, at.line, at.column)
    message = f"a space is missing behind `{key}:`"
    note = Note("why", "without it the colon is part of a word, and the line has no key")
    return Finding(Diagnostic("S005", message, span, (), "the value follows at once", (), (note,), (fix,)), (edit,))


def _at(mark: Any) -> tuple[int, int]:
    return mark.line, mark.column


def _fault(error: yaml.MarkedYAMLError) -> Fault:
    problem, context = error.problem_mark or error.context_mark, error.context_mark
    line, column = _at(problem) if problem else (0, 0)
    where = _at(context) if context else (-1, -1)
    return Fault(error.problem or "", line, column, error.context or "", *where)
