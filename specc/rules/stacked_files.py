"""S235."""

from __future__ import annotations

from collections.abc import Sequence

from specc.errors import Diagnostic, Fix, Label
from specc.plugin import Rule
from specc.rules.common import Said, fault, plural, replace_text
from specc.rules.stacked_names import name_from
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: `input.channels` is a list of names and `columns.image` is not a list of as many columns, or the other way
    round; a column stands twice; or the images come from a folder.

    Why: each name stands for a column of the table, in the same order. Only a table can say which files belong to one
    case.

    Bad:

        input: {format: png, size: [32, 32], channels: [flair, t1, t2], resize: fit, scale: 0..1}
        data:
          manifest: data/cases.csv
          columns: {image: FLAIR, label: label, patient: patient}
          split: {train: 80, val: 20, group: patient}

    Good:

        input: {format: png, size: [32, 32], channels: [flair, t1, t2], resize: fit, scale: 0..1}
        data:
          manifest: data/cases.csv
          columns: {image: [FLAIR, T1, T2], label: label, patient: patient}
          split: {train: 80, val: 20, group: patient}

    Source: the spec language, Data (`columns`, `input.channels`).
    """
    given, data = study.spec.input, study.spec.data
    if given is None or data is None:
        return []
    columns = data.columns or {}
    faults = [_not_a_list(study, word) for word, named in columns.items() if word != "image" and type(named) is tuple]
    names = None if isinstance(given.channels, str) else given.channels
    named = columns.get("image")
    if names is not None and data.manifest is None:
        source = "folders" if data.folders else "images" if data.images else ""
        return [*faults, _no_table(study, names, source)] if source else faults
    if isinstance(named, dict):
        return faults  # another rule says that it is neither a column nor a list
    found = None if named is None or isinstance(named, str) else named
    if names is not None and named is not None and found is None:
        return [*faults, _one_column(study, names)]
    if found is not None and names is None:
        return [*faults, _one_channel(study, found)]
    if found is not None and names is not None and len(found) != len(names):
        return [*faults, _lengths(study, names, found)]
    return [*faults, *_twice(study, found or ())]


def _not_a_list(study: Study, word: str) -> Diagnostic:
    cure: Said = ("help", f"one column: `{word}: YOUR_COLUMN`")
    message, label = f"`columns.{word}` names several columns", "only `image` may be a list"
    return fault(study, "S235", message, ("data", "columns", word), label, cure)


def _no_table(study: Study, names: Sequence[str], source: str) -> Diagnostic:
    cure: Said = ("help", f"a table with {plural(len(names), 'column')} of files and a line for each case: "
                          "`manifest: FILE.csv` with `columns`")  # fmt: skip
    return fault(
        study,
        "S235",
        f"{len(names)} files a case need a table that says which belong together",
        ("data", source),
        "a folder does not say which files are of one case",
        cure,
        labels=(Label(study.span("input", "channels"), "one file each"),),
    )


def _one_column(study: Study, names: Sequence[str]) -> Diagnostic:
    shown = ", ".join(f"COLUMN_OF_{name.upper()}" for name in names[:4]) + (", ..." if len(names) > 4 else "")
    return fault(
        study,
        "S235",
        f"{len(names)} channels, and one column of files",
        ("data", "columns", "image"),
        f"needs a list of {len(names)} columns",
        ("help", f"`image: [{shown}]`, in the order of the channels"),
        ("help", "one file a case: `channels: mono`, or `rgb` for a colour file"),
        labels=(Label(study.span("input", "channels"), f"{len(names)} channels"),),
    )


def _one_channel(study: Study, columns: Sequence[str]) -> Diagnostic:
    names = [name_from(column) for column in columns]
    text = f"[{', '.join(names)}]"
    usable = all(names) and len(set(names)) == len(names)
    fix = Fix(f"write `channels: {text}`", replace_text(study, (("input", "channels"), text))) if usable else None
    return fault(
        study,
        "S235",
        f"{plural(len(columns), 'column')} of files, and `channels: {study.spec.input.channels}`",
        ("input", "channels"),
        f"needs a list of {len(columns)} names",
        *(() if fix else (("help", "name the channels, as in `channels: [flair, t1, t2]`"),)),
        labels=(Label(study.span("data", "columns", "image"), "one file each"),),
        fixes=(fix,) if fix else (),
    )


def _lengths(study: Study, names: Sequence[str], columns: Sequence[str]) -> Diagnostic:
    return fault(
        study,
        "S235",
        f"{plural(len(names), 'channel')}, and {plural(len(columns), 'column')} of files",
        ("data", "columns", "image"),
        plural(len(columns), "column"),
        ("help", "name one column for each channel, in the same order"),
        labels=(Label(study.span("input", "channels"), plural(len(names), "channel")),),
    )


def _twice(study: Study, columns: Sequence[str]) -> list[Diagnostic]:
    faults = []
    for place, column in enumerate(columns):
        first = columns.index(column)
        if first != place:
            path = ("data", "columns", "image", place)
            labels = (Label(study.span("data", "columns", "image", first), "first here"),)
            message = f"the column `{column}` is named twice: two channels would be the same file"
            faults.append(fault(study, "S235", message, path, "the same again", labels=labels))
    return faults


RULE = Rule("S235", "stacked_files", check)
