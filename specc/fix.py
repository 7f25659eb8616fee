"""Applies edits to a text: all or none, never overlapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from specc.errors import Diagnostic, Edit, Fix, Span


def line_starts(text: str) -> list[int]:
    """Offset of the first character of every line. Only a line feed ends a line."""
    return list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))[:-1]


def offsets(starts: Sequence[int], length: int, span: Span) -> tuple[int, int]:
    """Character offsets of a span in a text of that length; places outside of the text are moved to its edge."""

    def offset(line: int, column: int) -> int:
        if line > len(starts):
            return length
        end = starts[line] - 1 if line < len(starts) else length
        return min(max(starts[line - 1] + column - 1, 0), end)

    start = offset(span.line, span.column)
    return start, max(start, offset(span.end_line, span.end_column))


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made. Raises ValueError where two of them overlap."""
    starts = line_starts(text)
    places = sorted({(*offsets(starts, len(text), edit.span), edit.text) for edit in edits})
    parts: list[str] = []
    done = 0
    for start, end, new in places:
        if start < done:
            raise ValueError(f"two edits overlap at character {start}")
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def safe_fixes(diagnostics: Iterable[Diagnostic], file: str) -> tuple[Fix, ...]:
    """The first safe fix of every diagnostic that has one, as far as it touches this file and nothing else."""
    found: list[Fix] = []
    for diagnostic in diagnostics:
        for fix in diagnostic.fixes:
            if fix.safe and fix.edits and all(edit.span.file == file for edit in fix.edits):
                found.append(fix)
                break
    return tuple(found)


def apply_safe(text: str, file: str, diagnostics: Iterable[Diagnostic]) -> tuple[str, tuple[Fix, ...]]:
    """The text after every safe fix that does not touch an earlier one, and the fixes that were made.

    A fix is made whole or not at all. One that overlaps an earlier one waits for the next run.
    """
    starts = line_starts(text)
    taken: list[tuple[int, int]] = []
    edits: list[Edit] = []
    made: list[Fix] = []
    for fix in safe_fixes(diagnostics, file):
        places = [offsets(starts, len(text), edit.span) for edit in fix.edits]
        if any(_touches(place, other) for place in places for other in taken):
            continue
        taken += places
        edits += fix.edits
        made.append(fix)
    return apply_edits(text, edits), tuple(made)


def _touches(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two stretches share a character, or two insertions stand at one place."""
    return one == other or (one[0] < other[1] and other[0] < one[1])
