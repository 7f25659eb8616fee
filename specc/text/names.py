"""Names that a spec may give: ids, blocks, parameters, variables."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
RESERVED = frozenset({"input", "mark"})  # words with a meaning of their own among layers


def why_no_name(text: str) -> str:
    """Why a text cannot be a name; empty where it can."""
    if keyword.iskeyword(text) or text in RESERVED:
        return "this word has a meaning of its own"
    if _NAME.fullmatch(text):
        return ""
    if len(text) > 64:
        return f"a name has at most 64 characters, and this one has {len(text):,}"
    return "a name begins with a small letter and goes on with small letters, digits and `_`"


def as_name(text: str) -> str:
    """The nearest valid name, or an empty text."""
    name = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")[:64]
    return name if name and not why_no_name(name) else ""


def nearest(text: str, names: Iterable[str]) -> str:
    """The known name that is most like a text, or an empty text."""
    if len(text) > 200:
        return ""
    import difflib

    close = difflib.get_close_matches(text, list(names), 1, 0.6)
    return close[0] if close else ""
