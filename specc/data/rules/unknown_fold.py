"""D442."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic
from specc.pieces import folds


def check(look: Look) -> list[Diagnostic]:
    """What: the column that says the folds holds something else than 1 to `folds`, or `test`.

    Why: an image of no fold would never validate, and the pooled figures would leave it out without a word.

    Bad: the column fold holds 0 to 4.

        data: {manifest: table.csv, columns: {image: file}, split: {folds: 5, folds_column: fold}}

    Good: the column fold holds 1 to 5.

        data: {manifest: table.csv, columns: {image: file}, split: {folds: 5, folds_column: fold}}
    """
    split = look.data.split
    if split is None or not split.folds or not split.folds_column or look.folds:
        return []
    strange = []
    for row in look.table.rows:
        word = row.values.get(split.folds_column, "")
        try:
            folds.told([word], split.folds)
        except ValueError:
            strange.append((row, word or "blank"))
    return (
        found(
            look,
            "D442",
            f"{share(len(strange), len(look.table.rows), 'line', 'says', 'say')} no fold from 1 to {split.folds}",
            ("data", "split", "folds_column"),
            counts(f"`{word}`" for _, word in strange),
            ("help", f"write 1 to {split.folds} into each line, or `test` for images that stay apart"),
            files=strange,
        )
        if strange
        else []
    )


RULE = DataRule("D442", "unknown_fold", check)
