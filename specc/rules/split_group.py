"""S222."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.spec.faults import listed, rename
from specc.study import Study

_WORDS = ("none", "folder")


def check(study: Study) -> list[Diagnostic]:
    """What: a split by chance that does not say what keeps one patient on one side, or names an unknown column.

    Why: slices of one patient look alike. With some of them in training and some in validation, the network is
    praised for recognising the patient: accuracy grew by 29 to 55 percent in published comparisons. DICOM files carry
    the patient's ID; other files do not, so the spec must say (or say `group: none`, where images are independent).

    Bad:

        data:
          folders: data/slices
          split: {train: 80, val: 20}

    Good:

        data:
          folders: data/slices
          split: {train: 80, val: 20, group: {before: "_"}}

    Source: Yagis et al. 2021, Sci Rep 11:22544.
    """
    data = study.spec.data
    if data is None or data.split is None or data.images is not None:
        return []
    split, columns = data.split, data.columns or {}
    told = bool(split.folds_column) or bool(split.column)
    if told and not (split.use and split.use < 100) and (split.folds_column or not split.folds):
        return []
    group = split.group
    if group is None:
        known = study.spec.input.format == "dicom" or (told and "patient" in columns)
        return [] if known else [_unsaid(study)]
    if not isinstance(group, str) or group in _WORDS or group in columns:
        return []
    path = ("data", "split", "group")
    known = (*columns, *_WORDS)
    return [
        fault(
            study,
            "S222",
            f"no column is called `{group}`",
            path,
            "not under `columns`",
            ("note", f"can stand here: {listed(known)}, or {{before: MARK}}"),
            ("help", f"name it: `columns: {{..., {group}: YOUR_COLUMN}}`"),
            fixes=rename(study.document, path, known, key=False),
        )
    ]


def _unsaid(study: Study) -> Diagnostic:
    data = study.spec.data
    if "patient" in (data.columns or {}):
        cure = "`group: patient` keeps one patient on one side"
    elif data.manifest is not None:
        cure = "name a column: `columns: {..., patient: YOUR_COLUMN}` and `group: patient`"
    else:
        cure = '`group: {before: "_"}` where file names begin with the patient, or `group: folder`'
    return fault(
        study,
        "S222",
        "the split does not say what keeps one patient on one side",
        ("data", "split"),
        "needs `group`",
        ("why", "slices of one patient look alike; on both sides they make validation far too good"),
        ("help", cure),
        ("help", "`group: none` where every image is from another patient"),
    )


RULE = Rule("S222", "split_group", check)
