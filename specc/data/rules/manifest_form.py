"""D405."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: the manifest is not a table that can be read without guessing.

    Why: a guessed encoding turns class names into others, and a shifted field gives an image its neighbour's label.
    A manifest is CSV: UTF-8 (a byte-order mark is fine), one line of column names, comma or semicolon, as many fields
    in every line.

    Bad: a table saved as Latin-1, or one with an empty first line.

        data: {manifest: data/table.csv, columns: {image: file}}

    Good: the same, saved as "CSV UTF-8".

        data: {manifest: data/table.csv, columns: {image: file}}
    """
    if look.table.problem is None or look.table.problem[0] != "D405":
        return []
    return found(
        look,
        "D405",
        f"the manifest cannot be read: {look.table.problem[1]}",
        look.table.path,
        "this table",
        ("help", "a manifest is CSV in UTF-8: column names first, then one line per image with as many fields"),
    )


RULE = DataRule("D405", "manifest_form", check)
