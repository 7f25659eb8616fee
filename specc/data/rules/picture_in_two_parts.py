"""D414."""

from __future__ import annotations

from collections import defaultdict

from specc.data.look import DataRule, Look, found
from specc.data.split import sides
from specc.data.table import Row
from specc.errors import Diagnostic
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: the same picture is in two parts of the split: the same pixels, whatever the file is called.

    Why: a picture that was trained on says nothing in validation. Copies come from exports done twice, and from one
    patient under two names. Flat pictures (all one grey) are not counted.

    Bad: train/1.png and val/7.png are copies.

        data: {manifest: table.csv, columns: {image: file}, split: {column: split}}

    Good: one of the two lines is taken out of the table.

        data: {manifest: table.csv, columns: {image: file}, split: {column: split}}
    """
    same: dict[str, list[tuple[Row, str]]] = defaultdict(list)
    part_of = dict(zip((row.number for row in look.table.rows), sides(look), strict=False))
    for row, entry in look.seen():
        part = part_of.get(row.number, "")
        if entry.pixels and part:
            same[entry.pixels if entry.low != entry.high else entry.path].append((row, part))
    copies = {digest: rows for digest, rows in same.items() if len({part for _, part in rows}) > 1}
    if not copies:
        return []
    files = [
        (row, f"{part}; picture {number}")
        for number, rows in enumerate(copies.values(), 1)
        for row, part in sorted(rows, key=lambda item: item[0].number)
    ]
    return found(
        look,
        "D414",
        f"{plural(len(copies), 'picture')} {'is' if len(copies) == 1 else 'are'} in more than one part, as "
        f"{len(files):,} files",
        ("data", "split"),
        "splits them",
        ("why", "a picture that was trained on says nothing in validation"),
        ("help", "keep one file of each; the list numbers those that are alike"),
        files=files,
    )


RULE = DataRule("D414", "picture_in_two_parts", check)
