"""D450 to D452: what can be wrong with pairs of images."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from specc.data.look import DataRule, Look, found, share
from specc.errors import Diagnostic

if TYPE_CHECKING:
    from specc.data.table import Row
    from specc.pieces.readers import Facts

AFTER = ("D404", "D405", "D406", "D436")


@lru_cache(maxsize=65_536)
def _facts(file: FilePath, changed: int) -> Facts | str:
    """What the header says, or why there is none."""
    from specc.pieces import readers

    try:
        return readers.header(file)
    except readers.ReadError as error:
        return error.reason
    except OSError as error:
        return error.strerror or "the file cannot be read"


def targets(look: Look) -> Iterator[tuple[Row, Facts | None, Facts | str]]:
    """Rows with what the image is like, where that is known, and what the file that belongs to it is like."""
    column = look.table.words.get("target")
    if column is None or look.study.spec.degrade:
        return
    seen = {row.number: facts for row, facts in look.facts()}
    for row in look.table.rows:
        file = look.table.root / row.values[column]
        if row.values[column] and file.is_file():
            yield row, seen.get(row.number), _facts(file, file.stat().st_mtime_ns)


def pair_sizes(look: Look) -> list[Diagnostic]:
    """What: a file that is to come out is not `factor` times as high and wide as its image.

    Why: both are laid over each other pixel by pixel. A row too many moves the whole picture.

    Bad: low/1.png has 64x64 pixels, high/1.png 130x128.

        data: {manifest: pairs.csv, columns: {image: low, target: high}}

    Good: low/1.png has 64x64 pixels, high/1.png 128x128.

        data: {manifest: pairs.csv, columns: {image: low, target: high}}
    """
    factor, pairs = look.study.spec.output.factor, list(targets(look))
    (height, width) = look.study.spec.input.size
    bad, exchanged = [], 0
    for row, image, other in pairs:
        if isinstance(other, str):
            bad.append((row, f"{row.values[look.table.words['target']]}: {other}"))
            continue
        high, wide = (image.height, image.width) if image else (height, width)
        if (other.height, other.width) != (factor * high, factor * wide):
            bad.append((row, f"{other.height}x{other.width} for an image of {high}x{wide}"))
            exchanged += (high, wide) == (factor * other.height, factor * other.width)
    if not bad:
        return []
    message = f"{share(len(bad), len(pairs), 'pair', 'does', 'do')} not fit: the target must be {factor} times as large"
    label = "must be as large as the image" if factor == 1 else f"must be {factor} times as high and wide as the image"
    cure = "cut the targets to `factor` times the size of their images, from the same corner"
    if exchanged == len(bad):
        names = look.table.words
        cure = f"the two are exchanged: `columns: {{image: {names['target']}, target: {names['image']}}}`"
    return found(look, "D450", message, ("data", "columns", "target"), label, ("help", cure), files=bad)


def pair_kinds(look: Look) -> list[Diagnostic]:
    """What: a file that is to come out has other channels, bits or another format than its image.

    Why: both are read and scaled by the same rule: black and white of the one must be those of the other.

    Bad: low/1.png has 8 bits a sample, high/1.png 16.

        data: {manifest: pairs.csv, columns: {image: low, target: high}}

    Good: both have 16.

        data: {manifest: pairs.csv, columns: {image: low, target: high}}
    """
    pairs, bad = list(targets(look)), []
    for row, image, other in pairs:
        if image is None or isinstance(other, str):
            continue
        kinds = [f"{one.samples} x {one.bits} bits, {one.format}" for one in (image, other)]
        if kinds[0] != kinds[1]:
            bad.append((row, f"{kinds[1]}, and the image has {kinds[0]}"))
    if not bad:
        return []
    message = f"{share(len(bad), len(pairs), 'pair', 'is', 'are')} of two kinds of file"
    cure = "save both with the same channels, bits and format"
    return found(look, "D451", message, ("data", "columns", "target"), "differs", ("help", cure), files=bad)


def lossy(look: Look) -> list[Diagnostic]:
    """What: what is to come out was compressed with loss (JPEG).

    Why: the network learns to paint the blocks and ripples of the compression, and the figures count them as truth.

    Bad:

        input: {format: jpeg, size: [64, 64], channels: mono, scale: 0..1}

    Good:

        input: {format: png, size: [64, 64], channels: mono, scale: 0..1}
    """
    if look.study.spec.input.format != "jpeg":
        return []
    message = "JPEG files have lost details already, and here details are to be learned"
    cure = "train on PNG, TIFF or DICOM files from before the compression, if there are any"
    return found(look, "D452", message, ("input", "format"), "compressed with loss", ("help", cure), severity="warning")


CHECKS = (
    DataRule("D450", "pair_sizes", pair_sizes, AFTER),
    DataRule("D451", "pair_kinds", pair_kinds, (*AFTER, "D450")),
    DataRule("D452", "lossy_truth", lossy, AFTER),
)
