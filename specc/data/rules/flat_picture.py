"""D425."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic


def check(look: Look) -> list[Diagnostic]:
    """What: pictures in which every pixel is the same (a warning).

    Why: they come from failed exports, and from slices beyond the body. A network cannot learn anything from them, but
    it can learn that a class has more of them.

    Bad: a folder with 12 black pictures.

        data: {folders: data/cxr}

    Good: the black pictures are taken out, of all classes alike.

        data: {folders: data/cxr}
    """
    flat = [
        (row, f"all {entry.low:g}")
        for row, entry in look.seen()
        if entry.pixels and entry.low == entry.high and entry.facts and entry.facts.height * entry.facts.width > 1
    ]
    if not flat:
        return []
    return found(
        look,
        "D425",
        f"{share(len(flat), len(look.files), 'picture')} flat: every pixel is the same",
        look.table.path,
        counts(what for _, what in flat),
        ("help", "look at them; take them out where an export failed"),
        files=flat,
        severity="warning",
    )


RULE = DataRule("D425", "flat_picture", check)
