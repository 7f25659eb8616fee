"""D440."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found
from specc.errors import Diagnostic
from specc.rules.common import plural

AFTER = ("D403", "D404", "D405", "D406", "D407", "D408", "D410", "D411", "D421", "D424")


def check(look: Look) -> list[Diagnostic]:
    """What: there are fewer groups (patients) than folds, or a fold that no image is in.

    Why: what belongs together is never torn, so a fold without a group would be empty and nothing could validate.

    Bad: images of three patients in five folds.

        data: {manifest: table.csv, columns: {image: file, patient: patient}, split: {folds: 5, group: patient}}

    Good: as many folds as patients at most.

        data: {manifest: table.csv, columns: {image: file, patient: patient}, split: {folds: 3, group: patient}}
    """
    if not look.folds:
        return []
    count, split = look.data.split.folds, look.data.split
    empty = [str(fold) for fold in range(1, count + 1) if fold not in look.folds]
    if not empty:
        return []
    which = f"fold {empty[0]} is" if len(empty) == 1 else f"folds {', '.join(empty)} are"
    if split.folds_column:
        cure = "correct the column, or the number of folds"
        return found(
            look, "D440", f"{which} empty", ("data", "split", "folds_column"), "by this column", ("help", cure)
        )
    people = {group for group, fold in zip(look.groups, look.folds, strict=True) if fold}
    return found(
        look,
        "D440",
        f"{which} empty: {plural(len(people), 'group')} for {count} folds",
        ("data", "split", "folds"),
        "one group is never torn",
        ("help", f"`folds: {len(people)}` or fewer" if 1 < len(people) < count else "fewer folds, or more patients"),
    )


RULE = DataRule("D440", "few_groups", check, AFTER)
