"""Small helpers to print calls: `Conv2d(1, 6, 5)` rather than `Conv2d(1, 6, (5, 5), stride=(1, 1))`."""

from __future__ import annotations

from typing import Any


def pair(value: tuple[int, int]) -> str:
    """`5` for (5, 5), else the tuple itself."""
    return str(value[0]) if value[0] == value[1] else str(tuple(value))


def text(value: Any) -> str:
    """A literal; pairs of equal numbers as one number."""
    if isinstance(value, tuple) and len(value) == 2:
        return pair(value)
    return repr(value)


def arguments(*positional: Any, **keywords: tuple[Any, Any]) -> str:
    """`1, 6, 5, stride=2`: keywords are (value, default), and those at their default are left out."""
    shown = [text(value) for value in positional]
    shown += [f"{name}={text(value)}" for name, (value, default) in keywords.items() if value != default]
    return ", ".join(shown)
