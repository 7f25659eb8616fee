"""D411."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found, printable
from specc.errors import Diagnostic, Label
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: a class of `output.classes` has no image.

    Why: its neuron would learn to stay silent, and the report would speak of a class that nobody ever showed it. With
    class folders this is also how a renamed folder shows.

    Bad: data/cxr holds the folders normal and pneumonia.

        output: {classes: [normal, pneumonia, tuberculosis]}
        data: {folders: data/cxr}

    Good:

        output: {classes: [normal, pneumonia]}
        data: {folders: data/cxr}
    """
    if look.table.problem or look.table.path[-1] == "images":
        return []
    there = {row.label for row in look.table.rows}
    empty = [name for name in look.classes if name not in there]
    strange = {name.casefold() for name in there | set(look.table.folders or ()) if name and name not in look.classes}
    import difflib

    empty = [name for name in empty if not difflib.get_close_matches(name.casefold(), strange, 1)]  # D410 asks for it
    if not empty or not there & set(look.classes):
        return []
    names = ", ".join(f"`{printable(name)}`" for name in empty)
    absent = [name for name in empty if name not in (look.table.folders or empty)]
    known = ", ".join(printable(name) for name in look.table.folders or ())
    return found(
        look,
        "D411",
        f"{plural(len(empty), 'class', 'classes')} without images: {names}",
        ("output", "classes"),
        "named here",
        *((("note", f"there is no such folder; the folders are: {known or 'none'}"),) if absent else ()),
        ("help", "correct the name (letter by letter), add images, or take the class out"),
        labels=(Label(look.study.at(look.table.path), f"{plural(len(look.table.rows), 'image')} of other classes"),),
    )


RULE = DataRule("D411", "empty_class", check)
