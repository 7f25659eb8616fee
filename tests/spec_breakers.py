"""Specs that are broken or made to do harm, each a function of a number."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache

from spec_makers import NASTY, ROOT, grammatical, quoted

# ---------------------------------------------------------------------- mutations

CONFUSED = {"a": "а", "e": "е", "o": "о", "c": "с", ":": "：", ",": "，", "[": "［", "]": "］", "{": "｛", "}": "｝",
            '"': "“", "'": "’", " ": "\u3000", "-": "－", "1": "１", "i": "ı", "x": "×", ".": "。"}  # fmt: skip
FEATURES = (
    "&anchor ", "*anchor", "<<: *anchor", "!!python/object/apply:os.system ", "!!str ", "!local ", "? ", "--- ", "...",
    "%YAML 1.1\n", "\t", "\n\t", "\r", "\r\n", "\0", "\ufeff", "\ud800", "\udfff", "\u202e", "\u2028", "\x85",
    "\x1b[31m",
    "|\n", ">\n", "|2-\n", "@", "`", "#", " #", "''", '"', "\\", '"\\x07"', '"\\ud83d"', "{", "}", "[", "]", "- ", ": ",
    "[" * 70, "{a: " * 70, "x" * 5000, "7" * 5000, "$", "$w", "$(1+", "$(((1", "$(1//0)", "$(2*99999999999999999999)",
    ", ", "null", "~", "=", "<<", "0.5", "1e3", "-", "repeat: 10000", "id: input", "id: l1", "with: [l1, l1]", "input",
)  # fmt: skip


@cache
def ground() -> tuple[str, ...]:
    """Texts that mutations start from: the specs that come along."""
    return tuple(path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs").glob("*.yaml")))


def mutated(number: int) -> str | bytes:
    """A spec with one to five changes; some of them are changes of bytes."""
    chance = random.Random(f"mutated {number}")
    text = chance.choice(ground()) if chance.random() < 0.5 else grammatical(chance.randrange(10**6)).text()
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        text = chance.choice(CHANGES)(text, chance)
    if chance.random() < 0.2:
        return _bytes(text, chance)
    return text


def _cut(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start + chance.randrange(40) :]


def _feature(text: str, chance: random.Random) -> str:
    at = chance.choice([match.start() for match in re.finditer(r"\b|$", text)])
    return text[:at] + chance.choice(FEATURES) + text[at:]


def _confuse(text: str, chance: random.Random) -> str:
    places = [at for at, sign in enumerate(text) if sign in CONFUSED] or [0]
    for at in chance.sample(places, min(len(places), chance.choice((1, 2, 9)))):
        text = text[:at] + CONFUSED.get(text[at : at + 1], "а") + text[at + 1 :]
    return text


def _tokens(text: str, chance: random.Random) -> str:
    """Two words change places, or one is doubled, lost, or another one."""
    found = list(re.finditer(r"[^\s:,\[\]{}]+", text))
    if len(found) < 2:
        return text
    one, two = sorted(chance.sample(found, 2), key=lambda match: match.start())
    new = chance.choice((two.group(), "", chance.choice(NASTY), quoted(chance.choice(NASTY)), f"{one.group()} " * 2))
    text = text[: one.start()] + new + text[one.end() :]
    return text if chance.random() < 0.5 else text.replace(two.group(), one.group(), 1)


def _rows(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    line = lines[at]
    new = [" " * chance.randint(1, 5) + line, line[1:], line.lstrip(), "\t" + line]
    form = chance.randrange(8)
    if form < 4:
        lines[at] = new[form]
    elif form == 4:
        del lines[at]
    elif form == 5:
        lines.insert(other, line)
    elif form == 6:
        lines[at:other] = lines[at:other][::-1]
    else:
        lines[at : at + 1] = [line] * chance.choice((3, 40))
    return "\n".join(lines)


def _ends(text: str, chance: random.Random) -> str:
    return chance.choice(
        (text.replace("\n", "\r\n"), "\ufeff" + text, text + "\0", text * 2, text.rstrip("\n"), "---\n" + text)
    )


def _scalar(text: str, chance: random.Random) -> str:
    """One value is a hostile text, quoted or as it is."""
    found = list(re.finditer(r"(?<=[:\[,] )[^\s:,\[\]{}#]+", text))
    if not found:
        return text
    place = chance.choice(found)
    new = chance.choice(NASTY)
    return text[: place.start()] + (new if chance.random() < 0.3 else quoted(new)) + text[place.end() :]


CHANGES: tuple[Callable[[str, random.Random], str], ...] = (
    _cut, _feature, _feature, _confuse, _tokens, _tokens, _rows, _rows, _ends, _scalar, _scalar,
)  # fmt: skip


def _bytes(text: str, chance: random.Random) -> bytes:
    data = bytearray(text.encode(chance.choice(("utf-8", "utf-8", "utf-8", "utf-16", "cp932", "latin-1")), "replace"))
    for _ in range(chance.choice((0, 1, 3))):
        at = chance.randrange(len(data) + 1)
        data[at : at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(3)))
    return bytes(data)


# ---------------------------------------------------------------------- hostile specs


def hostile(number: int) -> str:
    """A text made to do harm: in a field of a spec, as a name, as a bomb."""
    chance = random.Random(f"hostile {number}")
    if chance.random() < 0.05:
        return chance.choice(BOMBS)(chance.randint(2, 80))
    base, new = chance.choice(ground()), chance.choice(NASTY)
    shown = new if chance.random() < 0.4 else quoted(new)
    form = chance.randrange(8)
    if form == 0:
        return f"{base}\n{shown}: {shown}\n"
    if form == 1:
        return base.replace("  layers:\n", f"  layers:\n    - {shown}\n", 1)
    if form == 2:
        key = chance.choice(("id", "activation", "init", "with", "padding", "kernel", "repeat", shown))
        return base.replace("  layers:\n", f"  layers:\n    - conv2d: {{filters: 1, kernel: 1, {key}: {shown}}}\n", 1)
    if form == 3:
        return f"vars: {{{shown}: {quoted(chance.choice(NASTY))}, v: {shown}}}\n{base}\ncard: $v\n"
    if form == 4:
        return f"blocks: {{{shown}: {{params: {{{shown}: {shown}}}, layers: [{shown}, {{{shown}: {{}}}}]}}}}\n{base}"
    if form == 5:
        return f"# {new}\n{base}"
    if form == 6:
        return f"{base}\nplugins: [{shown}]\nallow: {{{shown}: {shown}}}\n"
    for _ in range(3):
        base = _scalar(base, chance)
    return base


def _counted(line: str, start: str = "", end: str = "") -> Callable[[int], str]:
    """A bomb of n lines; `{n}` and `{m}` are the line's number and the next one."""

    def bomb(count: int) -> str:
        lines = "".join(line.replace("{n}", str(n)).replace("{m}", str(n + 1)) for n in range(count))
        return start + lines + end.replace("{n}", str(count))

    return bomb


BOMBS: tuple[Callable[[int], str], ...] = (
    _counted("a{m}: &a{m} [*a{n}, *a{n}, *a{n}]\n", "a0: &a0 [lol]\n"),
    _counted("  v{m}: [$v{n}, $v{n}]\n", "vars:\n  v0: [1]\n", "card: $v{n}\n"),
    _counted("  v{m}: $(v{n} * v{n})\n", "vars:\n  v0: 99999\n"),
    _counted("  b{n}: {layers: [b{m}, b{m}]}\n", "model: {layers: [b0]}\nblocks:\n", "  b{n}: {layers: [relu]}\n"),
    _counted(
        "  b{n}: {layers: [b{m}: {repeat: 9999}]}\n", "model: {layers: [b0]}\nblocks:\n", "  b{n}: {layers: [relu]}\n"
    ),
    _counted("[", "a: "),
    _counted("{a: ", "a: "),
    _counted("- ", ""),
    _counted("? ", ""),
    _counted("a: 1\n", ""),
    _counted("(", "a: $(", "1"),
    _counted("-", "a: $(", "1)"),
    _counted("9", "a: $(9", ")"),
    _counted("  - conv2d: {filters: $(1", "model:\n layers:\n"),
    _counted("“", "a: "),
    _counted("\t", "a:\n"),
    _counted("a: |\n b: >\n", ""),
    _counted("layers: [{x: {layers: [", "model: "),
    _counted("!!python/object/apply:os.system [id]\n", "a: "),
)
