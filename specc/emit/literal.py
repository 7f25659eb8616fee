"""The one way by which a value of a spec gets into a program: as a Python literal in ASCII."""

from __future__ import annotations

import math
from collections.abc import Mapping


def literal(value: object) -> str:
    """The literal of a plain value; text is ASCII-escaped. Raises ValueError for what has no literal (NaN, objects)."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if type(value) is int:
        return repr(value)
    if type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} has no literal")
        return repr(value)
    if type(value) is str:
        return ascii(value)
    if type(value) is tuple:
        return "(" + ", ".join(literal(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    if type(value) is list:
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    raise ValueError(f"{type(value).__name__} has no literal")
