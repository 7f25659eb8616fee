"""D407."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found, share
from specc.data.table import Row
from specc.errors import Diagnostic
from specc.pieces import tables


def check(look: Look) -> list[Diagnostic]:
    """What: the manifest names files that are not there.

    Why: file names start in the manifest's own folder. Lines left out in silence would change the study.

    Bad: data/table.csv names `img/1.png`, and the file is images/1.png.

        data: {manifest: data/table.csv, columns: {image: file}}

    Good: data/table.csv names `images/1.png`, and data/images/1.png is there.

        data: {manifest: data/table.csv, columns: {image: file}}
    """
    missing: list[tuple[Row, str]] = []
    case = 0
    for row, entry in zip(look.files, look.entries, strict=True):
        if entry is None and not row.file.strip():
            missing.append((row, "no file is named"))
        elif entry is None:
            try:
                place = tables.inside(look.table.root, row.file)
            except (OSError, ValueError):
                continue  # D408 speaks of it
            missing.append((row, "not there"))
            if place.parent.is_dir() and len(missing) <= 20:
                case += any(other.name.casefold() == place.name.casefold() for other in place.parent.iterdir())
    if not missing:
        return []
    spelled = "a file of that name with other capitals is there: names must agree to the letter"
    return found(
        look,
        "D407",
        f"{share(len(missing), len(look.files), 'image')} not there",
        look.table.path,
        "names files from its own folder on",
        ("help", "correct the names, copy the files there, or take the lines out of the table"),
        *((("note", spelled),) if case else ()),
        files=missing,
    )


RULE = DataRule("D407", "missing_file", check)
