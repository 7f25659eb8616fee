"""Guesses at indentation and missing spaces, each kept only if the YAML parser gets further with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from specc.errors import Diagnostic, Edit, Fix, Label, Note, Span
from specc.text.characters import Finding
from specc.text.tree import Fault, Tree, build, missing_space

_FARTHEST = 4  # columns that a line may be off and still be taken for a slip
_JOINED = re.compile(r"([ ]*(?:-[ ]+)*)([A-Za-z_]\w*):(?=[^\s/\\])")
_LEVEL = re.compile(r"[ ]*((?:-[ ]+)*)")
_WORD = re.compile(r"-|[^\s:]+")


@dataclass(frozen=True, slots=True)
class Mend:
    """A finding in the places of the text that was tried, and the text that it makes."""

    finding: Finding
    text: str


def mend(text: str, file: str, tree: Tree) -> Mend | None:
    """The first guess that lets the parser get beyond the fault (or the swallowed line) of `tree`."""
    lines = text.split("\n")
    line = _line(tree, lines)
    if line is None:
        return None
    for guess in _spaces(lines, line, tree.fault, file):
        tried = _apply(lines, guess)
        new = build(tried, file)
        if _better(tree, new, line) or _opens_the_way(tree, new, tried, line, file):
            return Mend(guess, tried)
    fitting: list[tuple[int, Mend]] = []
    for shift, guess in _indents(lines, line, file):
        if fitting and abs(shift) > abs(fitting[0][0]):
            break
        tried = _apply(lines, guess)
        if _better(tree, build(tried, file), line):
            fitting.append((shift, Mend(guess, tried)))
    if len(fitting) > 1:  # two groups are equally near: the author must choose
        return Mend(_unsure(fitting[0][1].finding), fitting[0][1].text)
    return fitting[0][1] if fitting else None


def _line(tree: Tree, lines: list[str]) -> int | None:
    """The line (from 0) to look at: where the parser gave up, or the first swallowed one above it."""
    line = min([*tree.folded, *([tree.fault.line] if tree.fault else [])], default=None)
    if line is None:
        return None
    line = min(line, len(lines) - 1)
    while line > 0 and not lines[line].strip():
        line -= 1
    return line


def _better(old: Tree, new: Tree, line: int) -> bool:
    """Whether the parser came beyond the line, and no line is swallowed up to it."""
    ahead = new.fault is None or new.fault.line > max(line, old.fault.line if old.fault else 0)
    same = bool(old.folded) and new.fault is not None and old.fault is not None and new.fault.line >= old.fault.line
    return (ahead or same) and not any(folded <= line for folded in new.folded)


def _opens_the_way(old: Tree, new: Tree, text: str, line: int, file: str) -> bool:
    """Whether the line is also indented wrongly, by the nearest guess, so that one repair alone shows no progress."""
    if new.fault is None or old.fault is None or new.fault.line < old.fault.line:
        return False
    lines = text.split("\n")
    guesses = [guess for _, guess in _indents(lines, line, file)][:1]
    return any(_better(new, build(_apply(lines, guess), file), line) for guess in guesses)


def _apply(lines: list[str], finding: Finding) -> str:
    """The text after edits that each stay on one line, at most one a line."""
    new = list(lines)
    for edit in finding.repair:
        at = edit.span.line - 1
        new[at] = new[at][: edit.span.column - 1] + edit.text + new[at][edit.span.end_column - 1 :]
    return "\n".join(new)


def _spaces(lines: list[str], line: int, fault: Fault | None, file: str) -> Iterator[Finding]:
    """`key:value` on the line, on the one that the parser speaks of, or on the one above."""
    near = {line, line - 1, fault.context_line if fault else line}
    for at in sorted(near & set(range(len(lines))), reverse=True):
        match = _JOINED.match(lines[at])
        if match:
            column = match.end() + 1
            yield missing_space(match.group(2), Span(file, at + 1, column, at + 1, column))


def _indents(lines: list[str], line: int, file: str) -> Iterator[tuple[int, Finding]]:
    """The line, with those that hang on it, moved to the column of a group above; the nearest column first."""
    own = _indent(lines[line])
    end = line + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) >= max(own, 1)):
        end += 1
    item = lines[line].lstrip().startswith("-")
    levels = [(column, at) for column, at, dash in _levels(lines, line) if dash == item]
    for column, at in sorted(levels, key=lambda level: (abs(level[0] - own), -level[1])):
        if 0 < abs(column - own) <= _FARTHEST:
            yield column - own, _move(lines, (line, end), column - own, at, file)


def _levels(lines: list[str], line: int) -> Iterator[tuple[int, int, bool]]:
    """Columns (from 0) of the groups that are open above a line: column, line, whether of list items."""
    limit = 10**9
    for at in range(line - 1, -1, -1):
        body = lines[at].strip()
        if not body or body.startswith("#") or _indent(lines[at]) >= limit:
            continue
        limit = _indent(lines[at])
        match = _LEVEL.match(lines[at])
        dashes = match.group(1) if match else ""
        columns = [limit + found.start() for found in re.finditer("-", dashes)]
        yield from ((column, at, True) for column in columns)
        if not body.endswith("-"):
            yield limit + len(dashes), at, False
        if limit == 0:
            return


def _move(lines: list[str], block: tuple[int, int], shift: int, sibling: int, file: str) -> Finding:
    line, end = block
    edits = []
    for at in range(line, end):
        if lines[at].strip():
            where = Span(file, at + 1, 1, at + 1, 1 + max(0, -shift))
            edits.append(Edit(where, " " * max(0, shift)))
    own = _indent(lines[line])
    here, there = _word(lines[line], own), _word(lines[sibling], own + shift)
    count = "one space" if abs(shift) == 1 else f"{abs(shift)} spaces"
    what = "items of one list" if here == "-" else "keys of one group"
    span = Span(file, line + 1, own + 1, line + 1, own + 1 + len(here))
    label = Label(_at(file, sibling, own + shift, there), f"`{there}` starts at column {own + shift + 1}")
    verb = "add" if shift > 0 else "remove"
    fix = Fix(f"{verb} {count} before `{here}`", tuple(edits), safe=True)
    diagnostic = Diagnostic(
        "S002", f"this line is indented {count} too {'far' if shift < 0 else 'little'}", span, (),
        f"`{here}` starts at column {own + 1}; {what} must line up", (label,), (), (fix,),
    )  # fmt: skip
    return Finding(diagnostic, tuple(edits))


def _at(file: str, line: int, column: int, word: str) -> Span:
    return Span(file, line + 1, column + 1, line + 1, column + 1 + len(word))


def _word(line: str, column: int) -> str:
    match = _WORD.match(line, column)
    return match.group() if match else line[column : column + 1]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _unsure(finding: Finding) -> Finding:
    """The same, with fixes that a person must look at."""
    fixes = tuple(replace(fix, safe=False) for fix in finding.diagnostic.fixes)
    return Finding(replace(finding.diagnostic, fixes=fixes), finding.repair)


def with_note(finding: Finding, text: str) -> Finding:
    """The finding with one more remark."""
    notes = (*finding.diagnostic.notes, Note("note", text))
    return Finding(replace(finding.diagnostic, notes=notes), finding.repair)
