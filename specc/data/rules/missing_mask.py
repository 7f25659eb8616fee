"""D436."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found, share
from specc.data.table import Row
from specc.errors import Diagnostic
from specc.pieces import tables


def check(look: Look) -> list[Diagnostic]:
    """What: a column that names files beside the images (masks, paired images) names one that is not there, or none.

    Why: file names start in the manifest's own folder. What is known of an image must be there for the whole study.

    Bad: data/table.csv has a column `mask` with `mask/1.png`, and the file is masks/1.png.

        data: {manifest: data/table.csv, columns: {image: file, mask: mask}}

    Good: data/table.csv names `masks/1.png`, and data/masks/1.png is there.

        data: {manifest: data/table.csv, columns: {image: file, mask: mask}}
    """
    faults: list[Diagnostic] = []
    for column in look.study.task.columns:
        if column.form and not getattr(look.output, column.form, None):
            continue  # it belongs to another form of output
        words = [word for word in look.table.words if column.file and word.partition(".")[0] == column.name]
        for word in words:
            bad = [(row, what) for row in look.table.rows if (what := _fault(look, row, word, column.blank))]
            if bad:
                faults += found(
                    look,
                    "D436",
                    f"{share(len(bad), len(look.table.rows), 'image', 'has', 'have')} no file under `{word}`",
                    ("data", "columns", *word.split(".")),
                    "names files from the folder of the table on",
                    ("note", f"`{column.name}`: {column.doc}"),
                    ("help", "correct the names, copy the files there, or take the lines out of the table"),
                    files=bad,
                )
    return faults


def _fault(look: Look, row: Row, word: str, blank: bool) -> str:
    """What is wrong with an entry; empty where nothing is."""
    name = row.values.get(look.table.words[word], "")
    if not name:
        return "" if blank else "no file is named"
    try:
        return "" if tables.inside(look.table.root, name).is_file() else f"{name} is not there"
    except (OSError, ValueError):
        return f"{name} lies outside of the table's folder"


RULE = DataRule("D436", "missing_mask", check, ("D404", "D405", "D406"))
