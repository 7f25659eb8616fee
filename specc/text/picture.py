"""The picture of a diagnostic: lines of the text with marks under them, in columns that a terminal shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from specc.errors import Diagnostic, Span

TAB = 4  # columns that a tab is drawn as
_LONGEST = 1000  # characters of a message
_GAP = 2  # lines between two marked ones that are left out are worth a `...` from here on
_BLUE = "1;34"

Paint = Callable[[str, str], str]


def clean(text: str, longest: int = _LONGEST) -> str:
    """Text with everything invisible written as an escape, so that it can do nothing to a terminal."""
    shown = "".join(shape(sign) for sign in text[:longest])
    return shown if len(text) <= longest else f"{shown} ..."


def shape(sign: str) -> str:
    """How a character is drawn."""
    if sign == "\t":
        return " " * TAB
    if " " <= sign < "\x7f":
        return sign
    category = unicodedata.category(sign)
    if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\u{{{ord(sign):X}}}"
    return " " if category == "Zs" and sign != "\u3000" else sign


def cells(sign: str) -> int:
    """Columns that a character takes: 2 for East Asian wide ones, 0 for combining marks."""
    drawn = shape(sign)
    if len(drawn) > 1 or drawn < "\x7f":
        return len(drawn)
    if unicodedata.category(sign) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in ("W", "F") else 1


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place on one line: columns (from 0) of the drawn line."""

    start: int
    end: int
    text: str
    main: bool


def picture(
    diagnostic: Diagnostic, lines: Mapping[str, Sequence[str]], paint: Paint, color: str, width: int
) -> tuple[list[str], int]:
    """The lines of the picture, and how wide its line numbers are."""
    span = diagnostic.span
    assert span is not None
    places = [(span, diagnostic.label, True), *((label.span, label.text, False) for label in diagnostic.labels)]
    files = list(dict.fromkeys(place.file for place, _, _ in places))
    margin = max(2, *(len(str(place.line)) for place, _, _ in places))
    out: list[str] = []
    for file in files:
        here = [place for place in places if place[0].file == file]
        first = next((place for place, _, main in here if main), here[0][0])
        arrow = "-->" if file == span.file else ":::"
        out.append(f"{' ' * margin}{paint(arrow, _BLUE)} {clean(file)}:{first.line}:{first.column}")
        text = lines.get(file)
        if text and text != [""] and any(place.line <= len(text) for place, _, _ in here):
            out.append(f"{' ' * (margin + 1)}{paint('|', _BLUE)}")
            out += _lines(here, text, margin, paint, color, width)
    return out, margin


def _lines(
    places: list[tuple[Span, str, bool]], text: Sequence[str], margin: int, paint: Paint, color: str, width: int
) -> list[str]:
    out: list[str] = []
    numbers = sorted({place.line for place, _, _ in places if place.line <= len(text)})
    before = 0
    for number in numbers:
        skipped = number - before - 1
        if before and skipped == 1 and _GAP > 1:
            line, _ = _clip(text[before].rstrip("\r"), [], width - margin - 3)
            out.append(_row(str(before + 1), line, margin, paint))
        elif before and skipped:
            out.append(f"{' ' * (margin + 1)}{paint('...', _BLUE)}")
        source = text[number - 1].rstrip("\r")
        marks = [_mark(span, words, main, source) for span, words, main in places if span.line == number]
        line, marks = _clip(source, marks, width - margin - 3)
        out.append(_row(str(number), line, margin, paint))
        out += [_row("", row, margin, paint) for row in _under(marks, paint, color)]
        before = number
    return out


def _row(number: str, text: str, margin: int, paint: Paint) -> str:
    return f"{paint(f'{number:>{margin}} |', _BLUE)} {text}".rstrip()


def _mark(span: Span, text: str, main: bool, source: str) -> _Mark:
    """The place in columns of the drawn line, at least one wide; a place over several lines ends with its first."""
    start = min(span.column - 1, len(source))
    end = len(source.rstrip()) if span.end_line > span.line else min(span.end_column - 1, len(source))
    left = sum(cells(sign) for sign in source[:start])
    return _Mark(left, left + max(1, sum(cells(sign) for sign in source[start:end])), clean(text, 200), main)


def _clip(source: str, marks: list[_Mark], width: int) -> tuple[str, list[_Mark]]:
    """The drawn line, cut to a window of `width` columns around the main mark, and the marks in that window."""
    signs = [(shape(sign), cells(sign)) for sign in source.rstrip()]
    total = sum(wide for _, wide in signs)
    if total <= width:
        return "".join(drawn for drawn, _ in signs), marks
    anchor = next((mark for mark in marks if mark.main), marks[0] if marks else _Mark(0, 1, "", True))
    left = max(0, min(anchor.start - width // 3, total - width + 4))
    parts: list[str] = []
    at = 0
    begin: int | None = None  # column of the first character that is drawn
    for drawn, wide in signs:
        if at >= left and at + wide <= left + width - 8:
            begin = at if begin is None else begin
            parts.append(drawn)
        at += wide
    begin = begin or 0
    lead = "... " if begin else ""
    end = begin + sum(cells(sign) for sign in "".join(parts))
    moved = [
        _Mark(
            max(mark.start, begin) - begin + len(lead),
            max(min(mark.end, end), max(mark.start, begin) + 1) - begin + len(lead),
            mark.text,
            mark.main,
        )
        for mark in marks
        if mark.start < end or mark.main
    ]
    return f"{lead}{''.join(parts)} ...", moved


def _under(marks: list[_Mark], paint: Paint, color: str) -> list[str]:
    """Rows below a line: all marks in one row where they do not overlap, words from right to left."""
    rows: list[str] = []
    for group in _groups(sorted(marks, key=lambda mark: (mark.start, mark.end))):
        row, at = "", 0
        for mark in group:
            row += " " * (mark.start - at) + paint(
                ("^" if mark.main else "-") * (mark.end - mark.start), _tone(mark, color)
            )
            at = mark.end
        last = group[-1]
        rows.append(f"{row} {paint(last.text, _tone(last, color))}" if last.text else row)
        waiting = [mark for mark in group[:-1] if mark.text]
        while waiting:
            mark = waiting[-1]
            row, at = "", 0
            for other in waiting[:-1]:
                row += " " * (other.start - at) + paint("|", _tone(other, color))
                at = other.start + 1
            rows.append(f"{row}{' ' * (mark.start - at)}{paint(mark.text, _tone(mark, color))}")
            waiting.pop()
    return rows


def _tone(mark: _Mark, color: str) -> str:
    return color if mark.main else _BLUE


def _groups(marks: list[_Mark]) -> list[list[_Mark]]:
    """Marks that can share a row; one that overlaps another goes into the next group."""
    groups: list[list[_Mark]] = []
    for mark in marks:
        for group in groups:
            if group[-1].end < mark.start:
                group.append(mark)
                break
        else:
            groups.append([mark])
    return groups
