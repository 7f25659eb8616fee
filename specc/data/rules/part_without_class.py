"""D416."""

from __future__ import annotations

from collections import Counter

from specc.data.look import DataRule, Look, found
from specc.data.split import LEFT_OUT, PARTS, shares
from specc.errors import Diagnostic
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: a part of the split is empty, or lacks a class.

    Why: a class that was not trained cannot be answered; a class that is not in validation has no figure, and the best
    epoch is chosen without it. Training and validation must be there, test is optional.

    Bad: three patients, and all with pneumonia fall into train.

        output: {classes: [normal, pneumonia]}
        data: {folders: data/cxr, split: {train: 80, val: 20, group: {before: "_"}}}

    Good: more patients of each class, or another seed.

        output: {classes: [normal, pneumonia]}
        data: {folders: data/cxr, split: {train: 80, val: 20, seed: 7, group: {before: "_"}}}
    """
    if not look.parts or not set(look.parts) <= {*PARTS, LEFT_OUT}:
        return []
    asked = shares(look) or dict.fromkeys(part for part in PARTS if part in {"train", "val", *look.parts})
    tally = Counter((part, row.label) for part, row in zip(look.parts, look.table.rows, strict=True))
    lacking = []
    for part in asked:
        if part not in look.parts:
            lacking.append(f"`{part}` is empty")
            continue
        names = [name for name in look.classes if not tally[part, name]]
        if names and any(row.label in names for row in look.table.rows):
            lacking.append(f"`{part}` has no " + " and no ".join(f"`{name}`" for name in names))
    if not lacking:
        return []
    split = look.data.split
    people = f"{plural(len(set(look.groups)), 'group')}, {plural(len(look.table.rows), 'image')}"
    column = bool(split.column) and not split.folds
    cure = "correct the column" if column else "add patients of that class, try another `seed`, or change the shares"
    cure = f"`use`: more than {split.use:g} percent, or {cure}" if split.use and split.use < 100 else cure
    return found(
        look,
        "D416",
        "a part of the split lacks images: " + ", ".join(lacking),
        ("data", "split", "column") if column else ("data", "split"),
        "by this column" if column else people,
        ("help", cure),
    )


RULE = DataRule(
    "D416",
    "part_without_class",
    check,
    ("D403", "D404", "D405", "D406", "D407", "D408", "D410", "D411", "D421", "D424", "D440", "D441"),
)
