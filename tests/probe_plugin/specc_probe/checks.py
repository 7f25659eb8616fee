"""What can be wrong with the data of these tasks, beyond single entries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic, Path
from specc_probe.ssd_entries import fault_of


def _things(look: Look, row: Any) -> list[tuple[str, float, float, float, float]]:
    """The boxes of a row; none where its entry cannot be read, which is said elsewhere."""
    entry = row.values[look.table.words["objects"]]
    return [] if fault_of(entry) else [tuple(thing) for thing in json.loads(entry or "[]")]


def _column(look: Look) -> Path:
    given = look.study.document.node(("data", "columns", "objects")) is not None
    return ("data", "columns", "objects") if given else look.table.path


def check_classes(look: Look) -> list[Diagnostic]:
    """What: a box is of a class that is not in `output.classes`.

    Why: the order of the classes comes from the spec alone; a thing of another class would be learned as background.

    Bad: table.csv has a box `["disc", 3, 4, 5, 6]`.

        output: {classes: [square, bar]}

    Good:

        output: {classes: [square, bar, disc]}
    """
    names = look.output.classes
    bad = [(row, name) for row in look.table.rows for name, *_ in _things(look, row) if name not in names]
    if not bad:
        return []
    rows = {row.number: (row, name) for row, name in bad}
    message = f"{share(len(rows), len(look.table.rows), 'image', 'has', 'have')} a box of an unknown class"
    text, cure = counts(f"`{name}`" for _, name in bad), "add it to `output.classes`, or take the boxes out"
    return found(look, "Z401", message, _column(look), text, ("help", cure), files=list(rows.values()))


def _outside(look: Look) -> Iterator[tuple[Any, str]]:
    for row, facts in look.facts():
        for name, x, y, width, height in _things(look, row):
            if x + width > facts.width or y + height > facts.height:
                yield row, f"a `{name}` ends at {x + width:g}, {y + height:g} of {facts.width}x{facts.height} pixels"
                break


def check_within(look: Look) -> list[Diagnostic]:
    """What: a box ends outside of its image.

    Why: such boxes are often written in another unit, or for another size of the image, and then all are wrong.

    Bad: a box `["bar", 20, 4, 16, 6]` of an image of 32 columns.

        data: {manifest: table.csv, columns: {image: file, objects: objects}}

    Good: `["bar", 20, 4, 12, 6]`.

        data: {manifest: table.csv, columns: {image: file, objects: objects}}
    """
    bad = list(_outside(look))
    if not bad:
        return []
    message = f"{share(len(bad), len(look.table.rows), 'image', 'has', 'have')} a box that ends outside of it"
    cure = "boxes are x, y, width and height in pixels of the file; cut them, or take them out"
    return found(look, "Z402", message, _column(look), "is not within the image", ("help", cure), files=bad)


def check_domains(look: Look) -> list[Diagnostic]:
    """What: an image is of neither kind, or a part of the data lacks one of the kinds.

    Why: each generator learns from images of both kinds.

    Bad: the column holds `A` and `b`.

        domains: [A, B]

    Good: it holds `A` and `B`, both among the training images.

        domains: [A, B]
    """
    kinds, path = look.study.spec.domains, ("data", "columns", "domain")
    column = look.table.words["domain"]
    bad = [(row, row.values[column]) for row in look.table.rows if row.values[column] not in kinds]
    if bad:
        message = f"{share(len(bad), len(look.table.rows), 'image', 'is', 'are')} of neither kind"
        cure = f"`domains` names {kinds[0]} and {kinds[1]}"
        return found(look, "Z403", message, path, counts(f"`{name}`" for _, name in bad), ("help", cure), files=bad)
    faults = []
    for part in dict.fromkeys(look.parts):
        held = {row.values[column] for row, where in zip(look.table.rows, look.parts, strict=True) if where == part}
        if lacks := [kind for kind in kinds if kind not in held]:
            message, cure = f"the part `{part}` has no image of `{lacks[0]}`", "give it some of both, or none at all"
            faults += found(look, "Z404", message, path, "both kinds are needed", ("help", cure))
    return faults


BOXES = (DataRule("Z401", "probe_box_class", check_classes), DataRule("Z402", "probe_box_within", check_within))
DOMAINS = (DataRule("Z403", "probe_domains", check_domains),)
