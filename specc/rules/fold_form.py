"""S242."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import Said, fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: cross-validation that is said in part, twice, or with a fold that there is not.

    Why: with `folds` each part of the images validates once while the others train, so `train` and `val` have no
    percentage of their own; only a test part can stand apart.

    Bad:

        data:
          manifest: data/images.csv
          columns: {image: file, label: label, patient: patient}
          split: {train: 80, val: 20, folds: 5, group: patient}

    Good:

        data:
          manifest: data/images.csv
          columns: {image: file, label: label, patient: patient}
          split: {folds: 5, test: 20, group: patient}

    Source: Kohavi 1995, A study of cross-validation and bootstrap for accuracy estimation, IJCAI.
    """
    data = study.spec.data
    if data is None or data.split is None:
        return []
    split, path = data.split, ("data", "split")

    def wrong(key: str, message: str, label: str, cure: str) -> list[Diagnostic]:
        said: Said = ("help", cure)
        return [fault(study, "S242", message, (*path, key), label, said)]

    if split.folds is None:
        for key in ("fold", "folds_column"):
            if getattr(split, key) is not None:
                return wrong(key, f"`{key}` has no meaning without `folds`", "of how many?", "add `folds: 5`")
        return []
    for key in ("train", "val"):
        if getattr(split, key) is not None:
            cure = f"leave `train` and `val` out; in each of the {split.folds} runs one fold in {split.folds} validates"
            return wrong(key, f"`folds` and `{key}` are two ways to split", "follows from `folds`", cure)
    if split.fold is not None and split.fold > split.folds:
        return wrong("fold", f"there is no fold {split.fold} of {split.folds}", "too large", f"1 to {split.folds}")
    if split.folds_column is None:
        return []
    if data.manifest is None:
        cure = "write a manifest, or leave it out: specc deals the folds itself"
        return wrong("folds_column", "only a manifest has columns", "no column to read", cure)
    for key in ("column", "test"):
        if getattr(split, key) is not None:
            cure = f"leave `{key}` out, and write `test` into `{split.folds_column}` for images that stay apart"
            return wrong(key, f"`folds_column` and `{key}` are two ways to split", "said twice", cure)
    return []


RULE = Rule("S242", "fold_form", check)
