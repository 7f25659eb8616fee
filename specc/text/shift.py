"""Brings places in a repaired text back to the text that the author sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from specc.errors import Edit, Span

T = TypeVar("T")


class Shift:
    """Columns before a list of edits, none of which joins or splits lines, from columns after them."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        self.by_line: dict[int, list[Edit]] = defaultdict(list)
        for edit in sorted(set(edits), key=lambda e: e.span):
            self.by_line[edit.span.line].append(edit)

    def column(self, line: int, column: int) -> int:
        """Column in the text before the edits. A place inside of new text becomes the start of what it replaced."""
        moved = 0
        for edit in self.by_line.get(line, ()):
            start, length = edit.span.column + moved, edit.span.end_column - edit.span.column
            if column < start or (column == start and length):
                break
            if column < start + len(edit.text):
                return edit.span.column
            moved += len(edit.text) - length
        return column - moved

    def span(self, span: Span) -> Span:
        """A span before the edits."""
        start, end = self.column(span.line, span.column), self.column(span.end_line, span.end_column)
        if span.line == span.end_line:
            end = max(start, end)
        return Span(span.file, span.line, start, span.end_line, end)

    def all(self, value: T) -> T:
        """A record (a diagnostic, a finding) with every span in it brought back."""
        return self._all(value) if self.by_line else value

    def _all(self, value: Any) -> Any:
        if isinstance(value, Span):
            return self.span(value)
        if isinstance(value, tuple):
            return tuple(self._all(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: self._all(getattr(value, f.name)) for f in fields(value)})
        return value
