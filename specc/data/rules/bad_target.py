"""D412."""

from __future__ import annotations

import re

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic, NoteKind

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def check(look: Look) -> list[Diagnostic]:
    """What: a target of a regression is blank, not a number, or not finite.

    Why: a single value that is not finite turns every weight into one after a step; a blank that is read as 0 is a
    false measurement. Units and thousands marks do not belong into the table; the decimal mark is a point.

    Bad: the column age holds `57 y` and `n/a`.

        output: {target: age, unit: years}
        data: {manifest: table.csv, columns: {image: file, target: age}}

    Good: the column holds 57, and images without an age are not in the table.

        output: {target: age, unit: years}
        data: {manifest: table.csv, columns: {image: file, target: age}}
    """
    bad = [
        (row, text, word)
        for row in look.table.rows
        for word, text in row.targets.items()
        if word.partition(".")[0] in ("target", "targets")
        and not (NUMBER.fullmatch(text.strip()) and abs(float(text)) < 1e38)
    ]
    if not bad:
        return []
    rows = {row.number for row, _, _ in bad}
    commas = sum(bool(re.fullmatch(r"[+-]?\d+,\d+", text.strip())) for _, text, _ in bad)
    notes: list[tuple[NoteKind, str]] = [("help", "correct them, or take these lines out of the table")]
    if commas:
        notes.insert(0, ("help", f"{commas:,} of them with a decimal comma: write a point"))
    words = {word for _, _, word in bad}
    path = ("data", "columns", *words.pop().split(".")) if len(words) == 1 else ("data", "columns")
    return found(
        look,
        "D412",
        f"{share(len(rows), len(look.table.rows), 'image', 'has', 'have')} no finite number as target",
        path,
        counts(f"`{text}`" if text.strip() else "blank" for _, text, _ in bad),
        *notes,
        files=[(row, text or "blank") for row, text, _ in bad],
    )


RULE = DataRule("D412", "bad_target", check)
