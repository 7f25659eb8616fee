"""Which rows stay together and which part each is in, by the same functions that the emitted program runs."""

from __future__ import annotations

from specc.data.look import Look
from specc.pieces import tables
from specc.pieces.findings import finding, split_findings

PARTS = ("train", "val", "test")


def shares(look: Look) -> dict[str, float]:
    """The percentages of the spec, in the order train, val, test; none where the table tells the parts."""
    split = look.data.split
    given = {part: getattr(split, part) for part in PARTS} if split else {}
    return {part: share for part, share in given.items() if share is not None}


def grouping(look: Look) -> str:
    """How images are grouped: folder, before, none, column, patient id (of DICOM headers), or "" where unsaid."""
    group = look.data.split.group if look.data.split else None
    if group is None:
        return "column" if "patient" in look.table.words else "patient id" if look.input.format == "dicom" else ""
    if not isinstance(group, str):
        return "before"
    if group in ("folder", "none"):
        return group
    known = group in look.table.words or (group in look.table.header and look.input.format != "dicom")
    return "patient id" if group == "patient" and not known and look.input.format == "dicom" else "column"


def group_column(look: Look) -> str:
    """The manifest's column that groups; it may be one that is not there."""
    group = look.data.split.group if look.data.split else None
    word = group if isinstance(group, str) else "patient"
    return look.table.words.get(word, word)


def groups(look: Look) -> list[str]:
    """The group of each row; empty where the spec does not say how, or what it names is not there."""
    rows, kind = look.table.rows, grouping(look)
    files = [row.file for row in rows]
    if kind == "folder":
        return tables.group_by_folder(files)
    if kind == "before":
        return tables.group_before(files, look.data.split.group.before)
    if kind == "none":
        return files
    if kind == "patient id":
        return look.patients()
    column = group_column(look)
    if kind == "column" and column in look.table.header:
        return tables.group_by_column([row.values for row in rows], column)
    return []


def parts(look: Look) -> list[str]:
    """The part of each row; empty where it cannot be known. Words of a split column are passed on as they are."""
    split = look.data.split
    if split is None or not look.table.rows:
        return []
    if split.column:
        return [row.values.get(split.column, "") for row in look.table.rows]
    if not look.groups or "" in look.groups or not shares(look):
        return []
    if look.findings:
        found = findings(look)
        return split_findings(found, look.groups, shares(look), split.seed) if found else []
    labels = [row.label or "" for row in look.table.rows]
    return tables.split_grouped(labels, look.groups, shares(look), split.seed)


def findings(look: Look) -> list[list[int]]:
    """Rows x findings of 1, 0 and -100 for blank; empty where an entry is none of these."""
    try:
        return [[finding(row.targets[f"labels.{name}"]) for name in look.findings] for row in look.table.rows]
    except ValueError:
        return []
