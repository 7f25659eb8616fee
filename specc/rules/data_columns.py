"""S228."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: the manifest's `columns` lack one that the task reads.

    Why: without the file's name there is no image, without the label nothing to learn from.

    Bad:

        data:
          manifest: data/slices.csv
          columns: {image: file}
          split: {train: 80, val: 20, group: none}

    Good:

        data:
          manifest: data/slices.csv
          columns: {image: file, label: label}
          split: {train: 80, val: 20, group: none}

    Source: the spec language, Data (`columns`).
    """
    data = study.spec.data
    if data is None or data.manifest is None or not data.columns:
        return []
    missing = [column for column in study.task.columns if column.required and column.name not in data.columns]
    return [
        fault(
            study,
            "S228",
            f"`columns` does not say where `{column.name}` is",
            ("data", "columns"),
            f"needs `{column.name}`",
            ("note", f"`{column.name}`: {column.doc}"),
            ("help", f"add `{column.name}: YOUR_COLUMN`"),
        )
        for column in missing
    ]


RULE = Rule("S228", "data_columns", check)
