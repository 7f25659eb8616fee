"""D433."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: two channels of one case are the same picture (a warning). Flat pictures are not counted.

    Why: mostly a slip of the table: a series was entered twice, or stands in for one that is missing. The network would
    learn that such cases are different.

    Bad: the columns T1 and T2 of a line name copies of one file.

        input: {format: png, size: [256, 256], channels: [t1, t2], scale: 0..1}
        data: {manifest: table.csv, columns: {image: [T1, T2]}}

    Good: the line names the right file, or was taken out.

        input: {format: png, size: [256, 256], channels: [t1, t2], scale: 0..1}
        data: {manifest: table.csv, columns: {image: [T1, T2]}}
    """
    twice, names = [], look.input.channels
    for row, files in look.cases():
        first: dict[str, int] = {}
        for place, file in enumerate(files):
            if file is not None and file.pixels and file.low != file.high:
                other = first.setdefault(file.pixels, place)
                if other != place:
                    twice.append((row, f"`{names[other]}` and `{names[place]}`"))
    if not twice:
        return []
    rows = {row.number for row, _ in twice}
    return found(
        look,
        "D433",
        f"{share(len(rows), len(look.table.rows), 'case', 'has', 'have')} the same picture in two channels",
        ("data", "columns", "image"),
        counts(pair for _, pair in twice),
        ("help", "name the right file, or take these lines out of the table"),
        files=twice,
        severity="warning",
    )


RULE = DataRule("D433", "same_channel", check)
