"""S229."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import Said, fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a regression without a quantity, with `target` and `targets` both, or with folders as its data.

    Why: a regression is about one quantity (`target`) or several (`targets`), and their numbers stand in columns of a
    table. Folder names hold classes, not numbers.

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
        note: Said = ("help", "one: `{target: age, unit: years}`; several: `{targets: {age: years, weight: kg}}`")
        return [fault(study, "S229", message, ("output",), "what is to be predicted?", note)]
    if data is None or data.images is not None:
        return []
    if data.folders is not None:
        table: Said = ("help", "write the numbers into a table: `manifest: FILE.csv`")
        message = "a regression needs numbers, and folders give only classes"
        return [fault(study, "S229", message, ("data", "folders"), "one folder per class", table)]
    return []


RULE = Rule("S229", "regression_target", check, ("regression",))
