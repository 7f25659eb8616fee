"""Which rows stay together and which part each is in, by the same functions that the emitted program runs."""

from __future__ import annotations

from specc.data.look import Look
from specc.pieces import folds, subset, tables
from specc.pieces.findings import finding, split_findings

PARTS = ("train", "val", "test")
LEFT_OUT = subset.LEFT_OUT  # training images that `use` does not take


def shares(look: Look) -> dict[str, float]:
    """The percentages of the spec, in the order train, val, test; none where the table tells the parts, or folds."""
    split = look.data.split
    given = {part: getattr(split, part) for part in PARTS} if split and not split.folds else {}
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


def by_groups(look: Look) -> bool:
    """Whether it matters what stays together: parts, folds or a part of the training images are dealt by group."""
    split = look.data.split
    if split is None:
        return False
    dealt = bool(split.folds and not split.folds_column) or bool(shares(look) and not split.column)
    return dealt or bool(split.use and split.use < 100)


def sides(look: Look) -> list[str]:
    """Where each row is, for leaks between them: `fold 2`, or its part; left out is as good as training."""
    if look.folds:
        return [f"fold {fold}" if fold else "test" for fold in look.folds]
    return ["train" if part == LEFT_OUT else part for part in look.parts]


def marks(look: Look) -> list[list[str]] | None:
    """The classes (or the findings that are there) of each row; None where an entry is no finding."""
    if look.findings:
        table = findings(look)
        return [[name for name, there in zip(look.findings, row, strict=True) if there == 1] for row in table] or None
    return [[row.label or ""] for row in look.table.rows] if look.classes else [[] for _ in look.table.rows]


def folds_of(look: Look) -> list[int]:
    """The fold of each row, from 1, and 0 for the test part; empty without folds, or where they cannot be known."""
    split, rows = look.data.split, look.table.rows
    if split is None or not split.folds or not rows:
        return []
    if split.folds_column:
        try:
            return folds.told([row.values.get(split.folds_column, "") for row in rows], split.folds)
        except ValueError:
            return []
    held, groups = marks(look), look.groups
    if not groups or "" in groups or held is None:
        return []
    apart = [False] * len(rows)
    if split.column:
        words = [row.values.get(split.column, "") for row in rows]
        if not set(words) <= set(PARTS):
            return []
        apart = [word == "test" for word in words]
    elif split.test:
        apart = folds.held_out(held, groups, split.test, split.seed)
    return folds.dealt(held, groups, apart, split.folds, split.seed)


def parts(look: Look) -> list[str]:
    """The part of each row; empty where it cannot be known. Words of a split column are passed on as they are."""
    split = look.data.split
    if split is None or not look.table.rows:
        return []
    whole = _whole(look)
    if not whole or not split.use or split.use >= 100 or not set(whole) <= set(PARTS):
        return whole
    held = marks(look)
    if held is None or not look.groups or "" in look.groups:
        return []
    return subset.train_on(whole, held, look.groups, split.use, split.seed)


def _whole(look: Look) -> list[str]:
    """Parts before any training group is left out."""
    split = look.data.split
    words = [row.values.get(split.column, "") for row in look.table.rows] if split.column else []
    if split.folds:
        return folds.parts(look.folds, split.fold or 1) if look.folds else words if split.column else []
    if split.column:
        return words
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
