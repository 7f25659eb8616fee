"""D443."""

from __future__ import annotations

from collections import Counter

from specc.data.look import DataRule, Look, found
from specc.data.rules.few_groups import AFTER
from specc.errors import Diagnostic

TIMES = 2


def check(look: Look) -> list[Diagnostic]:
    """What: the largest fold has more than twice the images of the smallest (a warning).

    Why: groups are not torn, so a few large ones leave little choice. The figures of a small fold vary more, and the
    large one takes many images away from training when it validates.

    Bad: one of four patients has as many images as the other three.

        data: {manifest: table.csv, columns: {image: file, patient: patient}, split: {folds: 4, group: patient}}

    Good: fewer folds, so that small patients share one.

        data: {manifest: table.csv, columns: {image: file, patient: patient}, split: {folds: 2, group: patient}}
    """
    sizes = Counter(fold for fold in look.folds if fold)
    if not sizes or max(sizes.values()) <= TIMES * min(sizes.values()):
        return []
    key = "folds_column" if look.data.split.folds_column else "folds"
    return found(
        look,
        "D443",
        f"the folds are of very different sizes: {min(sizes.values()):,} to {max(sizes.values()):,} images",
        ("data", "split", key),
        ", ".join(f"{sizes[fold]:,}" for fold in sorted(sizes)),
        ("why", "groups are never torn; the figures of a small fold vary more"),
        ("help", "fewer folds, or state the sizes in the report"),
        severity="warning",
    )


RULE = DataRule("D443", "uneven_folds", check, (*AFTER, "D440", "D441"))
