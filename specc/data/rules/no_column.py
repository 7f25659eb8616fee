"""D406."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found, printable
from specc.data.split import group_column, grouping
from specc.errors import Diagnostic, NoteKind, Path


def check(look: Look) -> list[Diagnostic]:
    """What: the manifest lacks a column that the spec names, or that the task needs.

    Why: `columns` says which of your columns holds what: our word on the left, your column on the right. Without a line
    there, the column is expected under our word.

    Bad: a manifest with the columns file and diagnosis.

        output: {classes: [normal, pneumonia]}
        data: {manifest: table.csv}

    Good:

        output: {classes: [normal, pneumonia]}
        data: {manifest: table.csv, columns: {image: file, label: diagnosis}}
    """
    table, problem = look.table, look.table.problem
    if problem is not None and problem[0] == "D406":
        words = [word for word, column in table.words.items() if column == problem[1]]
        return _report(look, problem[1], words[0] if words else "")
    missing = grouping(look) == "column" and not look.groups
    return _report(look, group_column(look), "group") if table.rows and missing else []


def _report(look: Look, column: str, word: str) -> list[Diagnostic]:
    header = look.table.header
    known = isinstance(look.data.columns, dict) and word.partition(".")[0] in look.data.columns
    if word == "group":
        path: Path = ("data", "split", "group")
    elif known:
        path = ("data", "columns", *(int(part) if part.isdigit() else part for part in word.split(".")))
    else:
        split = look.data.split
        told = "folds_column" if split and column == split.folds_column else "column"
        path = ("data", "split", told) if not word else look.table.path
    import difflib

    near = difflib.get_close_matches(column, header, 1)
    example = word if word not in ("", "group") else ""
    guess = near[0] if near else next((name for name in header if name not in look.table.words.values()), "NAME")
    notes: list[tuple[NoteKind, str]] = []
    if near:
        notes.append(("help", f"did you mean `{printable(near[0])}`?"))
    elif example and not known:
        notes.append(("help", f"say which one it is, as in `columns: {{{example}: {printable(guess)}}}`"))
    text = ", ".join(printable(name) for name in header[:12]) + (", ..." if len(header) > 12 else "")
    what = f"the table has no column `{printable(column)}`"
    what += f", which is where `{word}` is looked for" if example and not known else ""
    none = "a folder tree has no columns; write a manifest with one"
    return found(look, "D406", what, path, "named here" if known or not example else "this table", *notes,
                 ("note", f"its columns: {text}" if header else none))  # fmt: skip


RULE = DataRule("D406", "no_column", check)
