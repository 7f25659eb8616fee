"""D410."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, printable, share
from specc.errors import Diagnostic, Label, NoteKind
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: a label, or a class folder, is not in `output.classes`; or an image has no label.

    Why: the order of the classes comes from the spec and from nowhere else. If a new folder took a place in the order,
    every later class would get its neighbour's name. Labels are compared letter by letter.

    Bad: the folder data/cxr holds normal, pneumonia and tuberculosis.

        output: {classes: [normal, pneumonia]}
        data: {folders: data/cxr}

    Good:

        output: {classes: [normal, pneumonia, tuberculosis]}
        data: {folders: data/cxr}
    """
    classes = look.classes
    if not classes:
        return []
    place = Label(look.study.span("output", "classes"), plural(len(classes), "class", "classes"))
    if look.table.folders is not None:
        extra = [name for name in look.table.folders if name not in classes]
        if not extra:
            return []
        names = ", ".join(f"`{printable(name)}`" for name in extra[:4]) + (", ..." if len(extra) > 4 else "")
        what = f"{plural(len(extra), 'folder')} {'is' if len(extra) == 1 else 'are'} not in `classes`: {names}"
        text = "one folder per class, nothing else"
        return found(look, "D410", what, look.table.path, text, *_helps(extra, classes), labels=(place,))
    strange = [(row, row.label or "") for row in look.table.rows if row.label is not None and row.label not in classes]
    if not strange:
        return []
    others = sorted({name for _, name in strange})
    return found(
        look,
        "D410",
        f"{share(len(strange), len(look.table.rows), 'image', 'has', 'have')} a label that is not in `classes`",
        look.table.path,
        counts(f"`{name}`" if name else "blank" for _, name in strange),
        *_helps(others, classes),
        files=[(row, name or "blank") for row, name in strange],
        labels=(place,),
    )


def _helps(names: list[str], classes: tuple[str, ...]) -> list[tuple[NoteKind, str]]:
    notes: list[tuple[NoteKind, str]] = []
    for name in names[:4]:
        import difflib

        near = difflib.get_close_matches(name.strip().casefold(), [one.casefold() for one in classes], 1)
        meant = next((one for one in classes if near and one.casefold() == near[0]), None)
        if meant is not None:
            notes.append(("help", f"`{printable(name)}`: is `{printable(meant)}` meant?"))
    return notes or [("help", "add it to `classes`, or take these images out of the data")]


RULE = DataRule("D410", "unknown_label", check)
