"""D432."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic, Label


def check(look: Look) -> list[Diagnostic]:
    """What: the files of one case, each of them a channel, differ in size.

    Why: channels lie on top of each other, pixel on pixel. A FLAIR of 256x256 and a T1 of 512x512 do not: resized each
    for itself they would fit in size and not in place. Register the series and store them on one grid first.

    Bad: T1 has been stored with twice the matrix.

        input: {format: png, size: [256, 256], channels: [flair, t1], scale: 0..1}
        data: {manifest: table.csv, columns: {image: [FLAIR, T1]}}

    Good: T1 was resampled to the grid of FLAIR; the table names that file.

        input: {format: png, size: [256, 256], channels: [flair, t1], scale: 0..1}
        data: {manifest: table.csv, columns: {image: [FLAIR, T1_resampled]}}
    """
    uneven = []
    for row, files in look.cases():
        facts = [file.facts for file in files if file is not None and file.facts is not None and file.error is None]
        sizes = [f"{fact.height}x{fact.width}" for fact in facts]
        if len(set(sizes)) > 1:
            uneven.append((row, ", ".join(sizes)))
    if not uneven:
        return []
    look.blamed |= {row.number for row, _ in uneven}
    return found(
        look,
        "D432",
        f"{share(len(uneven), len(look.table.rows), 'case', 'has', 'have')} files of different sizes",
        ("data", "columns", "image"),
        counts(sizes for _, sizes in uneven),
        ("why", "channels lie on top of each other: the same pixel must be the same place in all files of a case"),
        ("help", "resample the series of a case to one grid, or take these lines out of the table"),
        files=uneven,
        labels=(Label(look.study.span("input", "channels"), "in this order"),),
    )


RULE = DataRule("D432", "uneven_case", check)
