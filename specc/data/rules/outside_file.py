"""D408."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found, share
from specc.data.table import Row
from specc.errors import Diagnostic
from specc.pieces import tables


def check(look: Look) -> list[Diagnostic]:
    """What: the table or folder leads to files outside of the data folder: by `..`, an absolute path, or a link.

    Why: a table from elsewhere could otherwise have any file of this computer read, and a study that reaches outside
    cannot be moved. Nothing outside is opened.

    Bad: data/table.csv names `../other/1.png` or `/home/me/1.png`.

        data: {manifest: data/table.csv, columns: {image: file}}

    Good: data/table.csv names `other/1.png`.

        data: {manifest: data/table.csv, columns: {image: file}}
    """
    outside: list[tuple[Row, str]] = []
    for row, entry in zip(look.files, look.entries, strict=True):
        if entry is None and row.file.strip():
            try:
                tables.inside(look.table.root, row.file)
            except (OSError, ValueError) as fault:
                outside.append((row, str(fault) if isinstance(fault, ValueError) else "cannot be a file name"))
    if not outside:
        return []
    return found(
        look,
        "D408",
        f"{share(len(outside), len(look.files), 'file name', 'leads', 'lead')} out of the data folder",
        look.table.path,
        "files must lie in the folder of this table" if look.table.path[-1] == "manifest" else "files must lie in here",
        ("why", "what lies outside is never opened, so that a table cannot reach into the rest of the computer"),
        ("help", "copy the files into the folder and name them from there, without `..` and without links"),
        files=outside,
    )


RULE = DataRule("D408", "outside_file", check)
