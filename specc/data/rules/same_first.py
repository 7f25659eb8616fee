"""D435."""

from __future__ import annotations

from collections import defaultdict

from specc.data.look import DataRule, Look, found
from specc.data.table import Row
from specc.errors import Diagnostic
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: two cases of several files have the same first file.

    Why: a case is named by its first file: in the answers, in the list of errors, in the pictures. Two cases of one
    name could not be told apart.

    Bad: every line of a patient begins with the baseline T1.

        input: {format: png, size: [256, 256], channels: [baseline, followup], scale: 0..1}
        data: {manifest: table.csv, columns: {image: [T1_baseline, T1_followup]}}

    Good: the file that differs from case to case stands first.

        input: {format: png, size: [256, 256], channels: [followup, baseline], scale: 0..1}
        data: {manifest: table.csv, columns: {image: [T1_followup, T1_baseline]}}
    """
    same: dict[str, list[Row]] = defaultdict(list)
    for row in look.table.rows:
        if row.others and row.file:
            same[row.file].append(row)
    again = [rows for rows in same.values() if len(rows) > 1]
    if not again:
        return []
    return found(
        look,
        "D435",
        f"{plural(len(again), 'file')} {'is' if len(again) == 1 else 'are'} the first of more than one case",
        ("data", "columns", "image"),
        "the first column names the cases",
        ("why", "a case is named by its first file, and two of one name could not be told apart"),
        ("help", "put a column first whose files differ from case to case, or take out lines that stand twice"),
        files=[(row, f"line {row.number} of the data") for rows in again for row in rows],
    )


RULE = DataRule("D435", "same_first", check)
