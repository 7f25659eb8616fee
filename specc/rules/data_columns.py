"""S228."""

from __future__ import annotations

from typing import Any

from specc.errors import Diagnostic, Label, NoteKind
from specc.plugin import Column, Rule
from specc.rules.common import fault, values
from specc.spec.faults import listed
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: the manifest's `columns` lack one that the task reads, or do not name one for each finding or quantity.

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
    faults, output = [], values(study, "output")
    forms = [column.form for column in study.task.columns if column.form and getattr(output, column.form, None)]
    for column in study.task.columns:
        if column.form and len(forms) > 1:
            continue  # it is not settled which of them is meant
        asked: Any = getattr(output, column.form, None) if column.form else column.required
        named = data.columns.get(column.name)
        names = tuple(asked) if asked and column.each else ()
        good = isinstance(named, dict) and set(named) == set(names) if names else isinstance(named, str | tuple)
        if asked and not good:
            faults.append(_missing(study, column, names))
    return faults


def _missing(study: Study, column: Column, names: tuple[str, ...]) -> Diagnostic:
    """What to write under `columns`."""
    named = study.spec.data.columns.get(column.name)
    shown = "{" + ", ".join(f"{name}: YOUR_COLUMN" for name in names[:4]) + (", ..." * (len(names) > 4)) + "}"
    line = f"`{column.name}: {shown if names else 'YOUR_COLUMN'}`"
    lacks = [name for name in names if not isinstance(named, dict) or name not in named]
    strange = [name for name in named if name not in names] if isinstance(named, dict) else []
    message = f"`columns` does not say where `{column.name}` is"
    if isinstance(named, dict) and names:
        of = f"`output.{column.form}`"
        message = f"`columns.{column.name}` lacks {listed(lacks)}" if lacks else f"{listed(strange)} is not in {of}"
    path = ("data", "columns") if named is None else ("data", "columns", column.name)
    labels = (Label(study.span("output", column.form), "to be answered"),) if column.form else ()
    notes: list[tuple[NoteKind, str]] = [
        ("note", f"`{column.name}`: {column.doc}"),
        ("help", f"{'add' if named is None else 'write'} {line}"),
    ]
    return fault(study, "S228", message, path, f"needs {line}", *notes, labels=labels)


RULE = Rule("S228", "data_columns", check)
