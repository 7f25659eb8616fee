"""D415."""

from __future__ import annotations

from collections import defaultdict

from specc.data.look import DataRule, Look, counts, found
from specc.data.table import Row
from specc.errors import Diagnostic
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: the same picture has two labels or two targets; or the same pictures have, where a case is several files.

    Why: one of the two is wrong, and which one is not for a program to decide.

    Bad: table.csv has the lines `1.png,normal` and `1.png,pneumonia`.

        data: {manifest: table.csv, columns: {image: file}}

    Good: the line that is wrong is taken out.

        data: {manifest: table.csv, columns: {image: file}}
    """
    same: dict[tuple[str, ...], list[tuple[Row, str]]] = defaultdict(list)
    for row, entries in look.cases():
        seen = [entry for entry in entries if entry is not None and entry.pixels]
        if len(seen) == len(entries):
            pictures = tuple(entry.pixels if entry.low != entry.high else entry.path for entry in seen)
            same[pictures].append((row, row.label if row.label is not None else ", ".join(row.targets.values())))
    torn = [rows for rows in same.values() if len({answer for _, answer in rows}) > 1]
    if not torn:
        return []
    files = [(row, f"{answer}; picture {number}") for number, rows in enumerate(torn, 1) for row, answer in rows]
    pairs = counts(" and ".join(sorted({f"`{answer}`" for _, answer in rows})) for rows in torn)
    return found(
        look,
        "D415",
        f"{plural(len(torn), 'picture')} with two answers, in {len(files):,} lines or files",
        look.table.path,
        pairs,
        ("help", "find out which is right and take the others out; the list numbers pictures that are alike"),
        files=files,
    )


RULE = DataRule("D415", "two_labels", check)
