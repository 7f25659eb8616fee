"""S240."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a classification that names neither `classes` nor `labels`, or both; or findings whose data are folders.

    Why: `classes` exclude each other, one of them is the answer. `labels` are findings, any number of which may be in
    one image, so that a folder per class cannot hold them: they need a table with a column each.

    Bad:

        output: {classes: [normal, pneumonia], labels: [effusion, nodule]}

    Good:

        output: {labels: [effusion, nodule]}
        data:
          manifest: data/chest.csv
          columns: {image: file, labels: {effusion: effusion, nodule: nodule}, patient: patient}
          split: {train: 80, val: 20, group: patient}
        model:
          layers:
            - flatten
            - dense: {units: 2, activation: sigmoid}

    Source: the spec language, Task rules (forms of output); Wang et al. 2017, arXiv:1705.02315, section 4.1.
    """
    output, data = study.spec.output, study.spec.data
    if output.classes is not None and output.labels is not None:
        return [
            fault(
                study,
                "S240",
                "`classes` and `labels` are two different questions",
                ("output", "labels"),
                "any number of these in one image",
                ("help", "keep `classes` if exactly one of them is right for each image"),
                ("help", "keep `labels` if there may be none or several: name the findings, without `normal`"),
                span=study.key_span("output", "labels"),
                labels=(Label(study.key_span("output", "classes"), "exactly one of these"),),
            )
        ]
    if output.classes is None and output.labels is None:
        return [
            fault(
                study,
                "S240",
                "`output` does not say what the answers are",
                ("output",),
                "needs `classes` or `labels`",
                ("help", "one answer per image: `classes: [normal, pneumonia]`"),
                ("help", "several findings per image: `labels: [effusion, nodule]`"),
                span=study.key_span("output"),
            )
        ]
    if output.labels is not None and data is not None and data.folders is not None:
        return [
            fault(
                study,
                "S240",
                "an image with several findings cannot lie in one folder per class",
                ("data", "folders"),
                "one folder per class",
                ("help", "write a table with a column for each finding: `manifest: FILE.csv` with `columns`"),
                labels=(Label(study.span("output", "labels"), "findings"),),
            )
        ]
    return []


RULE = Rule("S240", "output_form", check, ("classification",))
