"""S229."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: the quantities of a regression and the columns that hold them do not go together.

    Why: a regression is one quantity (`target`) or several (`targets`), and each needs a column of numbers. Folder
    names hold classes, not numbers.

    Bad:

        task: regression
        data:
          folders: data/slices
          split: {train: 80, val: 20, group: none}

    Good:

        task: regression
        output: {target: age, unit: years}
        data:
          manifest: data/slices.csv
          columns: {image: file, target: age, patient: patient}
          split: {train: 80, val: 20, group: patient}

    Source: the spec language, Task rules (`output: {target: age, unit: years}`).
    """
    output, data = study.spec.output, study.spec.data
    if (output.target is None) == (output.targets is None):
        both = output.target is not None
        message = "`target` is for one quantity and `targets` for several: not both" if both else "no quantity is named"
        note = ("help", "one: `{target: age, unit: years}`; several: `{targets: {age: years, weight: kg}}`")
        return [fault(study, "S229", message, ("output",), "what is to be predicted?", note)]  # type: ignore[arg-type]
    if data is None or data.images is not None:
        return []
    if data.folders is not None:
        note = ("help", "write the numbers into a table: `manifest: FILE.csv`")
        message = "a regression needs numbers, and folders give only classes"
        return [fault(study, "S229", message, ("data", "folders"), "one folder per class", note)]  # type: ignore[arg-type]
    return _columns(study)


def _columns(study: Study) -> list[Diagnostic]:
    output, columns = study.spec.output, study.spec.data.columns
    if not columns:
        return []
    key = "target" if output.target is not None else "targets"
    named = columns.get(key)
    wanted = dict.fromkeys(output.targets or (), "YOUR_COLUMN")
    good = isinstance(named, str) if key == "target" else isinstance(named, dict) and set(named) == set(wanted)
    if good:
        return []
    shown = "YOUR_COLUMN" if key == "target" else "{" + ", ".join(f"{name}: YOUR_COLUMN" for name in wanted) + "}"
    path = ("data", "columns", key) if key in columns else ("data", "columns")
    return [
        fault(
            study,
            "S229",
            f"`columns` does not say where {'the quantity is' if key == 'target' else 'each quantity is'}",
            path,
            f"needs `{key}: {shown}`",
            labels=(Label(study.span("output", key), "to be predicted"),),
        )
    ]


RULE = Rule("S229", "regression_target", check, ("regression",))
