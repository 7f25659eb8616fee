"""D413."""

from __future__ import annotations

from collections import defaultdict

from specc.data.look import DataRule, Look, found, share
from specc.data.split import LEFT_OUT, PARTS, grouping, sides
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: images of one patient are in two parts of the split.

    Why: slices of one person are nearly alike, so a network that has seen some of them knows the others by heart.
    Accuracy measured so is too high by 29 to 55 points. An error where a split column does it; a warning where the spec
    groups by something else on purpose.

    Bad: the column split puts slices of one patient into train and val.

        data: {manifest: table.csv, columns: {image: file, patient: patient}, split: {column: split}}

    Good:

        data: {manifest: table.csv, columns: {image: file, patient: patient}, split: {train: 80, val: 20}}

    Source: Yagis et al. 2021, Sci Rep 11: 22544, doi:10.1038/s41598-021-01681-w.
    """
    if not look.parts or not set(look.parts) <= {*PARTS, LEFT_OUT}:
        return []
    parts: dict[str, set[str]] = defaultdict(set)
    people, where_of = look.patients(), sides(look)
    for who, part in zip(people, where_of, strict=True):
        if who:
            parts[who].add(part)
    torn = {who for who, where in parts.items() if len(where) > 1}
    if not torn:
        return []
    files = [
        (row, f"patient {who} in {part}")
        for row, who, part in zip(look.table.rows, people, where_of, strict=True)
        if who in torn
    ]
    split = look.data.split
    column = "folds_column" if split.folds_column else "column" if split.column else ""
    shares = f"folds: {split.folds}" if split.folds else "train: 80, val: 20"
    return found(
        look,
        "D413",
        f"{share(len(torn), len(parts), 'patient')} in more than one part",
        ("data", "split", column) if column else ("data", "split", "group"),
        "this column splits" if column else f"groups by {grouping(look)}",
        ("why", "images of one person are nearly alike: validation would measure memory"),
        ("help", f"let specc split by patient: `split: {{{shares}, group: patient}}`"),
        files=files,
        severity="error" if column else "warning",
    )


RULE = DataRule("D413", "patient_in_two_parts", check)
