"""What an unquoted value means: YAML 1.2, without the parts that surprise."""

from __future__ import annotations

import math
import re

from specc.text.nodes import Scalar, Value

LONGEST_NUMBER = 100  # characters

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def value_of(raw: str) -> Value:
    """The value of plain text: null, a boolean, a whole number, a finite number, or the text itself.

    `012`, `0x1F`, `1_000`, `12:30`, dates, `no`, `on`, `.nan`, `.inf` and numbers beyond 1.8e308 are text.
    """
    if raw in _WORDS:
        return _WORDS[raw]
    if raw[0] not in "-+.0123456789" or len(raw) > LONGEST_NUMBER:
        return raw
    if _INTEGER.fullmatch(raw):
        return int(raw)
    if _NUMBER.fullmatch(raw):
        number = float(raw)
        return number if math.isfinite(number) else raw
    return raw


def is_long_number(raw: str) -> bool:
    """Whether plain text is a number with more digits than any quantity has."""
    return len(raw) > LONGEST_NUMBER and _NUMBER.fullmatch(raw) is not None


def why_not_a_number(scalar: Scalar) -> str:
    """For a text that looks like a number: why it is none. Empty where it does not look like one."""
    raw = scalar.raw
    if isinstance(scalar.value, bool):
        return f"`{raw}` is yes or no, not a number"
    if not isinstance(scalar.value, str):
        return ""
    if scalar.quoted and _NUMBER.fullmatch(raw):
        return "quotation marks make it a text"
    if raw.lower().lstrip("+-") in (".nan", ".inf", "nan", "inf", "infinity"):
        return "infinity and `nan` are not numbers here"
    if _NUMBER.fullmatch(raw):
        return "it is beyond the largest number, 1.8e308"
    if any("０" <= sign <= "９" for sign in raw):
        return "its digits are full-width"
    if re.fullmatch(r"[-+]?0[0-9]+(\.[0-9]*)?", raw):
        return "a number does not begin with 0"
    if re.fullmatch(r"[-+]?[0-9]{1,3}([,_ ][0-9]{3})+(\.[0-9]*)?", raw):
        return "digits are written without separators"
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", raw):
        return "the decimal sign is a point"
    if re.fullmatch(r"[-+]?[0-9.]+ ?%", raw):
        return "it carries a percent sign"
    if re.fullmatch(r"[-+]?0[xXoO][0-9a-fA-F]+", raw):
        return "numbers are decimal"
    return ""
