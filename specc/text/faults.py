"""What to say where the YAML parser gives up, in words about the spec and not about the parser."""

from __future__ import annotations

import re

from specc.errors import Diagnostic, Label, Note, Span
from specc.text.tree import Fault


def explain(fault: Fault, text: str, file: str) -> Diagnostic:
    """One located message with a cause and a cure for what cannot be repaired."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    line, column = _clamp(fault.line, fault.column, lines)
    rest = lines[line][column:]
    width = len(rest.split()[0]) if rest.strip() else 1
    here = Span(file, line + 1, column + 1, line + 1, column + 1 + width)
    start = _span(file, fault.context_line, fault.context_column, lines)
    for words, describe in _TABLE:
        if any(word in fault.problem for word in words):
            return describe(fault, rest, here, start)
    note = Note("help", "compare the line and the one above it with an example: specc explain spec")
    return Diagnostic("S031", "this line cannot be read as YAML", here, (), fault.problem[:100], (), (note,))


def _clamp(line: int, column: int, lines: list[str]) -> tuple[int, int]:
    """A place inside of the text: the end of the last line with text for a place behind it."""
    while line >= len(lines) or (line > 0 and line == len(lines) - 1 and not lines[line].strip()):
        line, column = line - 1, 10**9
    return line, min(column, len(lines[line]))


def _span(file: str, line: int, column: int, lines: list[str]) -> Span | None:
    if line < 0:
        return None
    line, column = _clamp(line, column, lines)
    width = max(1, len(re.split(r"[\s:,]", lines[line][column:])[0]))
    return Span(file, line + 1, column + 1, line + 1, column + 1 + width)


def _quote(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    note = Note("help", "close it with the same mark; inside of '...' an apostrophe is written twice")
    return Diagnostic(
        "S022", "a quotation mark is opened and never closed", _one(start or here), (), "opened here", (), (note,)
    )


def _one(span: Span) -> Span:
    return Span(span.file, span.line, span.column, span.line, span.column + 1)


def _bracket(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    mapping = "mapping" in fault.context
    close, other = ("}", "{") if mapping else ("]", "[")
    labels = () if start is None else (Label(_one(start), f"`{other}` is opened here"),)
    notes = (Note("help", f"write the missing `{close}`, or the missing `,` between two values"),)
    return Diagnostic("S023", f"`,` or `{close}` is missing", here, (), f"`{close}` or `,` expected", labels, notes)


def _content(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    sign = rest[:1]
    if sign == ":":
        note = Note("help", "write a word in front of the colon")
        return Diagnostic(
            "S028", "nothing stands where a key belongs", _one(here), (), "a key is one word", (), (note,)
        )
    if sign == ",":
        note = Note("help", "delete the comma, or write the value in front of it")
        return Diagnostic(
            "S023", "a comma without a value in front of it", here, (), "nothing stands before it", (), (note,)
        )
    note = Note("help", f"delete the `{sign}`, or write the bracket that opens it" if sign in ("]", "}") and sign
                else "write a value here")  # fmt: skip
    message = f"`{sign}` closes nothing" if sign in ("]", "}") and sign else "a value is missing"
    return Diagnostic("S023", message, here, (), "", (), (note,))


def _colon(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    place = start or here
    note = Note("help", "write `key: value`, or `- ` in front of a list's item")
    return Diagnostic(
        "S024", "this line has no key", place, (), "a colon with a space behind it is missing", (), (note,)
    )


def _character(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    sign = rest[:1]
    note = Note("help", 'put the whole value in double quotation marks: "..."')
    span = Span(here.file, here.line, here.column, here.line, here.column + 1)
    return Diagnostic(
        "S025",
        "a value cannot begin with " + (f"`{sign}`" if sign != "`" else "a backtick"),
        span,
        (),
        "has a meaning of its own in YAML",
        (),
        (note,),
    )


def _escape(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    labels = () if start is None else (Label(start, "in double quotation marks a backslash begins an escape"),)
    notes = (Note("help", "use single quotation marks ('...'), or write paths with `/`"),)
    span = Span(here.file, here.line, here.column, here.line, here.column + 1)
    return Diagnostic("S026", "a backslash that stands for nothing", span, (), "unknown escape", labels, notes)


def _second(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    notes = (Note("help", "write each key on a line of its own, or several as `{key: value, key: value}`"),
             Note("help", "a colon that belongs to a name: put the name in double quotation marks"))  # fmt: skip
    span = Span(here.file, here.line, here.column, here.line, here.column + 1)
    return Diagnostic("S027", "a second colon on one line", span, (), "not allowed here", (), notes)


def _indent(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    labels = () if start is None or start.line == here.line else (Label(start, "the group begins here"),)
    if rest[:1] in ("]", "}", ":"):
        return _content(fault, rest, here, None)
    item = rest.startswith("-")
    message = "a list's item stands among keys" if item else "this line does not fit to the lines above it"
    if "'-'" in fault.problem or ("but found" in fault.problem and "-" in fault.problem[:12]):
        message = "a key stands among the items of a list"
    notes = (Note("help", "keys of one group begin at one column; items of one list begin with `- ` at one column"),)
    return Diagnostic("S002", message, here, (), f"begins at column {here.column}", labels, notes)


def _block(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    note = Note("help", "end the line behind `|` or `>`, and write the text below, indented")
    return Diagnostic("S025", "a text block begins with `|` or `>` alone on its line", here, (), "", (), (note,))


def _tag(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    note = Note("help", "delete it: a spec holds only plain values and never names code")
    return Diagnostic(
        "S007", "a tag stands in front of a value", start or here, (), "tags are not part of the language", (), (note,)
    )


def _anchor(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    note = Note("help", "write the value out, or give it a name under `vars:`; a text that begins so needs quotes")
    return Diagnostic(
        "S008", "an anchor or alias (`&`, `*`) is not part of the language", start or here, (), "", (), (note,)
    )


def _directive(fault: Fault, rest: str, here: Span, start: Span | None) -> Diagnostic:
    note = Note("help", "delete the line: the language version is `specc: 1`")
    return Diagnostic("S030", "a YAML directive (`%`) is not part of the language", start or here, (), "", (), (note,))


_TABLE = (
    (("unexpected end of stream", "document separator", "unexpected document"), _quote),
    (("',' or",), _bracket),
    (("expected node content", "expected the node content", "but found '<"), _content),
    (("could not find expected ':'",), _colon),
    (("cannot start any token",), _character),
    (("escape", "Unicode"), _escape),
    (("mapping values are not allowed",), _second),
    (("directive", "YAML document", "version"), _directive),
    (("tag", "URI"), _tag),
    (("alphabetic or numeric", "alphanumeric", "anchor", "alias"), _anchor),
    (("comment or line break", "chomping", "indentation indicator"), _block),
    (("expected key", "'-' indicator", "<block end>", "not allowed in this context", "<document start>"), _indent),
)
