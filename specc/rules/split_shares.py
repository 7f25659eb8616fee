"""S221."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import Said, fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: the split is missing, says too little, or its shares do not add up to 100 percent.

    Why: without images that the network has not seen nobody can tell learning from memorising. Shares that add up to
    90 would leave a tenth of the images unused without a word.

    Bad:

        data:
          folders: data/slices
          split: {train: 80, val: 10, group: none}

    Good:

        data:
          folders: data/slices
          split: {train: 80, val: 20, group: none}

    Source: Wataya et al. 2020, Jpn J Radiol 38 (dataset creation, 80/20).
    """
    data = study.spec.data
    if data is None or data.images is not None:
        return []
    split, path = data.split, ("data", "split")
    if split is None:
        message, label = "the data are not split into training and validation", "needs `split`"
        cure: Said = ("help", "add `split: {train: 80, val: 20, group: ...}`")
        return [fault(study, "S221", message, path, label, cure, span=study.key_span("data"))]
    if split.folds is not None and split.column is None:
        return []
    shares = {key: getattr(split, key) for key in ("train", "val", "test") if getattr(split, key) is not None}
    if split.column is not None:
        if not shares:
            return []
        key = next(iter(shares))
        label = "the column says already which image is where"
        return [fault(study, "S221", "a split is a column or percentages, not both", (*path, key), label)]
    missing = [key for key in ("train", "val") if key not in shares]
    total = sum(shares.values())
    if missing:
        what = " and ".join(f"`{key}`" for key in missing)
        return [
            fault(
                study,
                "S221",
                f"the split does not say {what}",
                path,
                f"needs {what}",
                ("help", "percentages: `split: {train: 80, val: 20}`; or a column: `split: {column: NAME}`"),
            )
        ]
    if abs(total - 100) < 1e-6:
        return []
    return [
        fault(
            study,
            "S221",
            f"the parts of the split add up to {total:g}, not 100",
            path,
            " + ".join(f"{share:g}" for share in shares.values()) + f" = {total:g}",
            ("help", "percentages of all images: `{train: 80, val: 20}`"),
        )
    ]


RULE = Rule("S221", "split_shares", check)
