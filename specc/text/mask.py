"""Covers up what is text anyway (quoted values, comments, text blocks), so that signs outside of it can be judged."""

from __future__ import annotations

import re

COVER = "\x7f"

_TOKEN = re.compile(r"""["'#\[\]{}]""")
_BLOCK = re.compile(r"(?:^|[\s:-])[|>][-+0-9]*[ \t]*(?:\x7f*)$")
_KEY = re.compile(r"[ ]*(?:- +)*")
_OPENS = re.compile(r"(?:^|[\[{,]|:|(?:^|\s)[-?])[\s\u00a0\u3000]*$")
_DOUBLE_END = re.compile(r'(?:[^"\\]|\\.)*+"')
_SINGLE_END = re.compile(r"(?:[^']|'')*+'(?!')")


def mask(text: str) -> str:
    """A text of the same length and lines, with quoted values, comments and text blocks covered. Linear."""
    done: list[str] = []
    quote = ""
    block = -1  # column of the key that a text block belongs to, -1 outside
    depth = 0
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        if block >= 0 and (not line.strip() or indent > block):
            done.append(COVER * len(line))
            continue
        block = -1
        covered, quote, depth = _line(line, quote, depth)
        done.append(covered)
        if not quote and not depth and _BLOCK.search(covered.rstrip("\r")):
            match = _KEY.match(line)
            block = match.end() if match and match.end() > indent and ":" in covered else indent
    return "\n".join(done)


def _line(line: str, quote: str, depth: int) -> tuple[str, str, int]:
    """One line, given the quotation mark that is still open and the depth of brackets."""
    parts: list[str] = []
    at = 0
    if quote:
        end = _end(line, 0, quote)
        if end < 0:
            return COVER * len(line), quote, depth
        parts.append(COVER * end)
        at = end
    for match in _TOKEN.finditer(line):
        start, sign = match.start(), match.group()
        if start < at:
            continue
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth = max(0, depth - 1)
        elif sign == "#":
            if start and not line[start - 1].isspace():
                continue
            return "".join([*parts, line[at:start], COVER * (len(line) - start)]), "", depth
        elif _OPENS.search(line[max(0, start - 64) : start]):
            parts.append(line[at:start])
            end = _end(line, start + 1, sign)
            if end < 0:
                return "".join([*parts, COVER * (len(line) - start)]), sign, depth
            parts.append(COVER * (end - start))
            at = end
    return "".join([*parts, line[at:]]), "", depth


def _end(line: str, start: int, quote: str) -> int:
    """Offset behind the closing quotation mark, -1 where it is on a later line."""
    match = (_DOUBLE_END if quote == '"' else _SINGLE_END).match(line, start)
    return match.end() if match else -1
