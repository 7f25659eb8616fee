"""What can be wrong with masks: D444 to D447. Each mask is read once, and remembered while one check runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from specc.data.look import DataRule, found, share
from specc_segmentation.output import meanings, names
from specc_segmentation.pieces.known import IGNORE

if TYPE_CHECKING:
    from specc.data.look import Look
    from specc.data.table import Row
    from specc.errors import Diagnostic

_LACKS = ("D403", "D404", "D405", "D406", "D436")


@dataclass(frozen=True)
class Seen:
    """One mask of a case: how large it is, how many pixels have each number, or why it cannot be read."""

    row: Row
    word: str
    size: tuple[int, int] = (0, 0)
    counts: Mapping[int, int] = field(default_factory=dict)
    fault: str = ""


_LAST: list[tuple[Look, Sequence[Seen]]] = []  # of the last look, since several rules ask for the same masks


def seen(look: Look) -> Sequence[Seen]:
    """All masks of the data."""
    if not _LAST or _LAST[0][0] is not look:
        _LAST[:] = [(look, _shapes(look) if look.table.path[-1] == "coco" else _files(look))]
    return _LAST[0][1]


def _files(look: Look) -> list[Seen]:
    """Every mask file, read once."""
    import numpy as np

    from specc_segmentation.pieces.masks import read_mask

    result = []
    words = [word for word in look.table.words if word.partition(".")[0] == "mask"]
    for row in look.table.rows:
        for word in words:
            name = row.values.get(look.table.words[word], "")
            if not name:
                continue
            try:
                numbers, counts = np.unique(mask := read_mask(look.table.root / name), return_counts=True)
            except ValueError as fault:
                result.append(Seen(row, word, fault=str(fault)))
                continue
            told = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
            result.append(Seen(row, word, (mask.shape[0], mask.shape[1]), told))
    return result


def _shapes(look: Look) -> list[Seen]:
    """Every case of a COCO file, drawn; its numbers are places of classes, or of labels from 1."""
    import json

    import numpy as np

    from specc_segmentation.pieces.coco import drawn_shapes

    output, result = look.output, []
    words = names(output) if output.labels else names(output)[1:]
    for row in look.table.rows:
        height, width = (int(side) for side in row.values["size"].split("x"))
        try:
            drawn = drawn_shapes(json.loads(row.values["shapes"]), (height, width), words, bool(output.classes))
        except ValueError as fault:
            result.append(Seen(row, "shapes", fault=str(fault)))
            continue
        for place, mask in enumerate(drawn):
            numbers, counts = np.unique(mask, return_counts=True)
            told = {int(n): int(c) for n, c in zip(numbers, counts, strict=True)}
            word = "mask" if output.classes else f"mask.{words[place]}"
            result.append(Seen(row, word, (height, width), told))
    return result


def check_readable(look: Look) -> list[Diagnostic]:
    """What: masks that cannot be read, have colours or broken numbers, or are JPEG files.

    Why: a mask has one whole number a pixel. JPEG invents numbers at every edge, where masks matter most.

    Bad: the masks are JPEG files.

        data: {manifest: data/table.csv, columns: {image: file, mask: mask}}

    Good: the masks are PNG or TIFF files with one number a pixel.

        data: {manifest: data/table.csv, columns: {image: file, mask: mask}}
    """
    if look.table.problem:
        return []
    bad = [one for one in seen(look) if one.fault]
    if not bad:
        return []
    return found(
        look,
        "D444",
        f"{share(len(bad), len(seen(look)), 'mask', 'cannot', 'cannot')} be used",
        look.table.path,
        bad[0].fault,
        ("help", "save masks as PNG or TIFF with one whole number a pixel, without loss"),
        files=[(one.row, one.fault) for one in bad],
    )


def check_size(look: Look) -> list[Diagnostic]:
    """What: masks that do not have as many rows and columns as their images.

    Why: a mask says of each pixel what it is. Where the sizes differ, nobody knows which pixel is meant.

    Bad: an image has 512x512 pixels, and its mask 256x256.

        data: {manifest: data/table.csv, columns: {image: file, mask: mask}}

    Good: images and masks have one grid.

        data: {manifest: data/table.csv, columns: {image: file, mask: mask}}
    """
    if look.table.problem:
        return []
    facts = {row.number: files[0].facts for row, files in look.cases() if files and files[0] and files[0].facts}
    bad = []
    for one in seen(look):
        fact: Any = facts.get(one.row.number)
        if not one.fault and fact is not None and one.size != (fact.height, fact.width):
            bad.append((one.row, f"mask {one.size[0]}x{one.size[1]}, image {fact.height}x{fact.width}"))
    if not bad:
        return []
    return found(
        look,
        "D445",
        f"{share(len(bad), len(seen(look)), 'mask', 'has', 'have')} another size than the image",
        look.table.path,
        bad[0][1],
        ("help", "draw masks in the grid of their images, and bring neither of them to another size"),
        files=bad,
    )


def check_numbers(look: Look) -> list[Diagnostic]:
    """What: masks hold numbers that are no class's, nor `ignore`.

    Why: a number that nobody has named cannot be learned, and to take it for the background would be a guess.

    Bad: the masks hold 0 and 255.

        output: {classes: [background, nucleus]}

    Good: the masks hold 0 and 255.

        output: {classes: [background, nucleus], values: [0, 255]}
    """
    if look.table.problem or look.table.path[-1] == "coco":
        return []
    known, total = meanings(look.output), dict[int, int]()
    bad = []
    for one in seen(look):
        strange = sorted(set(one.counts) - set(known))
        for number in one.counts:
            total[number] = total.get(number, 0) + 1
        if strange:
            bad.append((one.row, f"holds {_some(strange)}"))
    if not bad:
        return []
    cure = f"`values: [...]` says the number of each class; the masks hold {_some(sorted(total))}"
    if look.output.classes and len(total) == len(look.output.classes):
        cure = f"write `values: {sorted(total)}`, if that is the order of `classes`"
    return found(
        look,
        "D446",
        f"{share(len(bad), len(seen(look)), 'mask', 'holds', 'hold')} numbers that mean nothing",
        ("output",),
        f"{_some(sorted(known))} have a meaning",
        ("help", cure),
        files=bad,
    )


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:6])) + (", ..." if len(numbers) > 6 else "")


def check_empty(look: Look) -> list[Diagnostic]:
    """What: a class or label has no pixel in any training mask.

    Why: its map would learn to stay silent, and the report would speak of a class that nobody ever showed it.

    Bad: no mask holds 2.

        output: {classes: [background, lung, heart]}

    Good:

        output: {classes: [background, lung]}
    """
    if look.table.problem or not seen(look) or any(one.fault for one in seen(look)):
        return []
    output, there = look.output, set[str]()
    parts = dict(zip((row.number for row in look.table.rows), look.parts, strict=False))
    known = {n: n for n in range(IGNORE)} if look.table.path[-1] == "coco" else meanings(output)
    for one in seen(look):
        if parts.get(one.row.number, "train") != "train":
            continue
        places = {known[number] for number in one.counts if number in known} - {IGNORE}
        if output.labels:
            there |= {one.word.partition(".")[2]} if 1 in places else set()
        else:
            there |= {output.classes[place] for place in places if place < len(output.classes)}
    absent = [name for name in names(output) if name not in there]
    if not absent:
        return []
    key = "classes" if output.classes else "labels"
    shown = ", ".join(f"`{name}`" for name in absent)
    return found(
        look,
        "D447",
        f"no training mask has a pixel of {shown}",
        ("output", key),
        "named here",
        ("help", "correct `values`, add masks that show it, or take it out"),
    )


CHECKS = (
    DataRule("D444", "unreadable_mask", check_readable, _LACKS),
    DataRule("D445", "mask_size", check_size, (*_LACKS, "D444")),
    DataRule("D446", "mask_numbers", check_numbers, (*_LACKS, "D444")),
    DataRule("D447", "empty_mask_class", check_empty, (*_LACKS, "D444", "D446")),
)
