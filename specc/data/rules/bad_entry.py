"""D426."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: a column of the manifest holds an entry that the task cannot read.

    Why: a task says how its columns are written. An entry in another form has no meaning that could be learned, and
    one that is left out in silence changes the study.

    Bad: a column of boxes holds `0.1,0.2,0.5`, a box without its height.

        data: {manifest: table.csv, columns: {image: file, boxes: boxes}}

    Good: it holds `0.1,0.2,0.5,0.4`.

        data: {manifest: table.csv, columns: {image: file, boxes: boxes}}
    """
    if look.data.manifest is None:
        return []
    faults = []
    for column in look.study.task.columns:
        name = look.table.words.get(column.name, "")
        bad = [(row, column.fault(row.values[name])) for row in look.table.rows if name in row.values]
        bad = [(row, what) for row, what in bad if what]
        if bad:
            faults += found(
                look,
                "D426",
                f"{share(len(bad), len(look.table.rows), 'image', 'has', 'have')} an entry that cannot be read",
                ("data", "columns", column.name),
                counts(what for _, what in bad),
                ("note", f"`{column.name}`: {column.doc}"),
                ("help", "correct them, or take these lines out of the table"),
                files=bad,
            )
    return faults


RULE = DataRule("D426", "bad_entry", check)
