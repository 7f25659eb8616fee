"""Characters and spellings that must not stand in a spec: found before the YAML parser sees the text.

Every kind is one diagnostic, with its first place as the caret, some further ones as labels and the rest counted.
A finding carries the repair under which reading goes on, so that one run shows the faults behind it, too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from specc.errors import Diagnostic, Edit, Fix, Label, Note, Span
from specc.fix import line_starts
from specc.text.mask import mask

_LABELS = 3  # further places that are drawn; the rest is counted

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
HIDDEN = re.compile("[\u200b\u200e\u200f\u2060\u061c\u202a-\u202e\u2066-\u2069\ufeff]")
SURROGATE = re.compile("[\ud800-\udfff]")
_BARE_CR = re.compile(r"\r(?!\n)")
_SUSPECT = re.compile("[\t\u00a0\u2000-\u200a\u202f\u205f\u3000：，、［］｛｝－“”„‟«»＂‘’‚‛＇]")

_SPACE = "\u00a0\u2000-\u200a\u202f\u205f\u3000"
_START = rf"(?:^[ {_SPACE}]*(?:[-－][ {_SPACE}]+)*|[{{\[｛［,，、][ {_SPACE}]*)"  # where a key or an item begins
_WIDE_COLON = re.compile(rf"{_START}[A-Za-z_][\w.]*[ {_SPACE}]*(：)", re.MULTILINE)
_WIDE_OPEN = re.compile(rf"(?:{_START}|[:：][ {_SPACE}]*)([［｛])", re.MULTILINE)
_WIDE_DASH = re.compile(rf"^[ {_SPACE}]*(－)(?=[ {_SPACE}])", re.MULTILINE)
_SPACES = re.compile(rf"[ {_SPACE}]+")
_FLOW = re.compile(r"[\[\]{}［］｛｝，、]")
_QUOTE = re.compile(rf"(?:{_START}|[:：][ {_SPACE}]+|：)([“”„‟«»＂‘’‚‛＇])", re.MULTILINE)
_CLOSING = re.compile(r"[“”„‟«»＂‘’‚‛＇](?=[ \t]*(?:[,，}\]｝］:：\r]|$))")
_NARROW = {"：": ":", "，": ",", "、": ",", "［": "[", "］": "]", "｛": "{", "｝": "}", "－": "-"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and the edits that let reading go on (they need not be a fix that a person would want)."""

    diagnostic: Diagnostic
    repair: tuple[Edit, ...] = ()


Place = tuple[int, int]  # offsets of the first character and of the one behind the last


class Places:
    """Spans from offsets."""

    def __init__(self, text: str, file: str) -> None:
        self.file, self.starts = file, line_starts(text)

    def span(self, start: int, end: int) -> Span:
        """Span of text[start:end]."""
        line, end_line = bisect_right(self.starts, start), bisect_right(self.starts, end)
        return Span(self.file, line, start - self.starts[line - 1] + 1, end_line, end - self.starts[end_line - 1] + 1)


def scan(text: str, file: str) -> list[Finding]:
    """Every kind of character fault in the text. Linear in its length."""
    places = Places(text, file)
    found = [*_forbidden(text, places)]
    if _SUSPECT.search(text):
        masked = mask(text)
        quotes, inside = _curly(masked)
        wide = [place for place in _wide(masked) if not _between(place[0], inside)]
        found += [*_tabs(text, masked, places), *_widths(text, wide, places), *_quotes(text, quotes, places)]
    return found


def name(character: str) -> str:
    """A character that cannot be shown, as `U+202E`."""
    return f"U+{ord(character):04X}"


def _gather(base: Diagnostic, spots: list[Span], edits: Iterable[Edit]) -> list[Finding]:
    """One finding for all places of a kind; `base` speaks of the first."""
    labels = tuple(Label(span, "here, too") for span in spots[1 : 1 + _LABELS])
    notes = base.notes
    if len(spots) > 1 + _LABELS:
        lines = ", ".join(str(line) for line in sorted({span.line for span in spots})[:12])
        notes = (Note("where", f"{len(spots)} places, on lines {lines}{' ...' if len(spots) > 12 else ''}"), *notes)
    return [Finding(replace(base, labels=labels, notes=notes), tuple(edits))]


def _forbidden(text: str, places: Places) -> list[Finding]:
    found: list[Finding] = []
    if text.startswith("\ufeff"):
        spot = places.span(0, 1)
        fix = Fix("save as UTF-8 without a byte order mark", (Edit(spot, ""),), safe=True)
        message = "the file begins with an invisible byte order mark (U+FEFF)"
        note = Note("why", "some Windows editors write it; other programs read it as a part of the first word")
        found.append(Finding(Diagnostic("S014", message, spot, (), "in front of the first letter", (), (note,), (fix,)),
                             fix.edits))  # fmt: skip
    for pattern, code, what, why in (
        (CONTROL, "S017", "a control character", "it has no place in text and can hide or cut what follows"),
        (
            SURROGATE,
            "S018",
            "half of a character (a lone surrogate)",
            "no file can hold it: the text was damaged on its way",
        ),
        (HIDDEN, "S019", "an invisible character", "it can make a text look different from what is read"),
    ):
        spans = [places.span(*m.span()) for m in pattern.finditer(text) if m.start() or m.group() != "\ufeff"]
        if spans:
            shown = name(text[_offset(places, spans[0])])
            edits = [Edit(span, " ") for span in spans]
            fix = Fix(f"delete {shown}" if len(spans) == 1 else "delete them", tuple(Edit(s, "") for s in spans))
            note = Note("why", why)
            message = f"{what} stands in the text: {shown}"
            base = Diagnostic(code, message, spans[0], (), shown, (), (note,), (fix,))
            found += _gather(base, spans, edits)
    returns = [places.span(*m.span()) for m in _BARE_CR.finditer(text)]
    notes = (Note("why", "some programs see a new line here and others do not, so that a comment could hide a value"),
             Note("help", "save the file with the line ends of Linux (LF) or Windows (CRLF)"))  # fmt: skip
    message = "a carriage return stands alone, without a line feed behind it"
    if returns:
        found += _gather(Diagnostic("S020", message, returns[0], (), "U+000D", (), notes), returns, ())
    return found


def _offset(places: Places, span: Span) -> int:
    return places.starts[span.line - 1] + span.column - 1


def _tabs(text: str, masked: str, places: Places) -> list[Finding]:
    """Tabs outside of quotes, comments and text blocks. In front of a line one tab becomes one step of indentation."""
    step = min((len(m.group(1)) for m in re.finditer(r"^( {1,8})[^\s#]", text, re.MULTILINE)), default=2)
    spans, edits = [], []
    for match in re.finditer(r"\t+", masked):
        start = masked.rfind("\n", 0, match.start()) + 1
        leading = not masked[start : match.start()].strip()
        at_end = match.end() == len(masked) or masked[match.end()] in "\r\n"
        new = "" if at_end else " " * (step * len(match.group())) if leading else " "
        spans.append(places.span(*match.span()))
        edits.append(Edit(spans[-1], new))
    fix = Fix("write spaces in place of tabs", tuple(edits), safe=True)
    note = Note("why", "a tab is as wide as each editor likes, and the indentation of a spec has a meaning")
    label = "a tab"
    message = "a tab stands where spaces belong"
    if not spans:
        return []
    return _gather(Diagnostic("S001", message, spans[0], (), label, (), (note,), (fix,)), spans, edits)


def _wide(masked: str) -> list[Place]:
    """Full-width punctuation and spaces at places where only their narrow forms have a meaning."""
    found = {m.span(1) for pattern in (_WIDE_COLON, _WIDE_OPEN, _WIDE_DASH) for m in pattern.finditer(masked)}
    depth = 0
    for match in _FLOW.finditer(masked):
        sign = match.group()
        if sign in "[{" or (sign in "［｛" and match.span() in found):
            depth += 1
        elif sign in "]}":
            depth = max(0, depth - 1)
        elif depth and sign in "］｝，、":
            found.add(match.span())
            depth -= sign in "］｝"
    for match in _SPACES.finditer(masked):
        if not match.group().isascii() and _has_a_meaning(masked, *match.span()):
            found |= {(at, at + 1) for at in range(*match.span()) if masked[at] != " "}
    return sorted(found)


def _has_a_meaning(masked: str, start: int, end: int) -> bool:
    """Whether spaces between two offsets separate or indent (those inside of a name do not)."""
    before, behind = masked[start - 1 : start], masked[end : end + 1]
    dash = before == "-" and not masked[max(0, start - 2) : start - 1].strip()
    return dash or before in ("", *"\n:,{[：，、［｛") or behind in ("", *"\n\r,}]#:：，")


def _widths(text: str, found: list[Place], places: Places) -> list[Finding]:
    spans, edits = [], []
    for start, end in found:
        sign = text[start]
        new = _NARROW.get(sign, " ")
        if new in ":," and end < len(text) and not text[end].isspace():
            new += " "
        spans.append(places.span(start, end))
        edits.append(Edit(spans[-1], new))
    if not spans:
        return []
    first = text[found[0][0]]
    narrow = _NARROW.get(first)
    what = f"a full-width `{first}`" if narrow else f"a wide space ({name(first)})"
    fix = Fix("write the half-width forms (switch the input method off)", tuple(edits), safe=True)
    help_ = Note("help", "if it belongs to a name, put the name in double quotes")
    message = f"{what} stands where {f'`{narrow}`' if narrow else 'an ordinary space'} belongs"
    return _gather(Diagnostic("S003", message, spans[0], (), name(first), (), (help_,), (fix,)), spans, edits)


def _curly(masked: str) -> tuple[list[tuple[Place, Place | None]], list[Place]]:
    """Typographic quotation marks at the start of a value with their closing ones, and the stretches between them."""
    pairs: list[tuple[Place, Place | None]] = []
    inside: list[Place] = []
    done = 0
    for match in _QUOTE.finditer(masked):
        start = match.start(1)
        if start < done:
            continue
        line_end = masked.find("\n", start)
        line_end = len(masked) if line_end < 0 else line_end
        closing = _CLOSING.search(masked, start + 1, line_end)
        pairs.append(((start, start + 1), closing.span() if closing else None))
        if closing:
            done = closing.end()
            inside.append((start, done))
    return pairs, inside


def _between(at: int, stretches: list[Place]) -> bool:
    """Whether an offset is inside of one of some stretches, which are in order."""
    number = bisect_right(stretches, (at, at))
    return any(a <= at < b for a, b in stretches[max(0, number - 1) : number + 1])


def _quotes(text: str, pairs: list[tuple[Place, Place | None]], places: Places) -> list[Finding]:
    spans, edits = [], []
    safe = True
    for opening, closing in pairs:
        spans.append(places.span(*opening))
        if closing is None:
            safe = False
            continue
        inner = text[opening[1] : closing[0]]
        safe = safe and not {'"', "\\"} & set(inner)
        edits += [Edit(spans[-1], '"'), Edit(places.span(*closing), '"')]
    if not spans:
        return []
    sign = text[pairs[0][0][0]]
    fix = Fix('write straight quotation marks: "', tuple(edits), safe=safe)
    note = Note("why", "word processors make them; in a spec they would become a part of the name")
    message = f"a typographic quotation mark `{sign}` opens a value"
    return _gather(Diagnostic("S004", message, spans[0], (), name(sign), (), (note,), (fix,)), spans, edits)
