"""D424."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.data.split import LEFT_OUT, PARTS, shares
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: the split is not said, said twice, does not sum to 100, or its column holds other words.

    Why: figures without a validation part cannot be trusted, and a word that nobody knows would leave images out.

    Bad:

        data: {folders: data/cxr, split: {train: 80, val: 10, group: folder}}

    Good:

        data: {folders: data/cxr, split: {train: 80, val: 20, group: folder}}
    """
    split, asked = look.data.split, shares(look)
    usual = "`split: {train: 80, val: 20, group: patient}`"
    if split is None:
        if look.output is None or look.table.problem:
            return []
        what = "the spec does not say which images train and which validate"
        return found(look, "D424", what, ("data",), "has no `split`", ("help", f"as in {usual}"))
    if split.column and asked:
        help_ = "keep one of the two: the column, or the percentages"
        return found(look, "D424", "the split is given twice", ("data", "split"), "column and shares", ("help", help_))
    if (
        not split.column
        and not split.folds
        and (not {"train", "val"} <= asked.keys() or abs(sum(asked.values()) - 100) > 0.01)
    ):
        total = (
            f"sums to {sum(asked.values()):g}" if {"train", "val"} <= asked.keys() else "`train` and `val` are needed"
        )
        message = "the percentages of a split are `train`, `val` and (if wanted) `test`, and sum to 100"
        return found(look, "D424", message, ("data", "split"), total, ("help", f"as in {usual}"))
    strange = [
        (row, part) for row, part in zip(look.table.rows, look.parts, strict=False) if part not in (*PARTS, LEFT_OUT)
    ]
    if not split.column or not strange:
        return []
    return found(
        look,
        "D424",
        f"{share(len(strange), len(look.table.rows), 'line', 'says', 'say')} something else than train, val or test",
        ("data", "split", "column"),
        counts(f"`{part}`" if part else "blank" for _, part in strange),
        ("help", "write train, val or test into each line of the column"),
        files=[(row, part or "blank") for row, part in strange],
    )


RULE = DataRule("D424", "unclear_split", check)
