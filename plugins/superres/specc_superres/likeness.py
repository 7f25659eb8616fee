"""D453 and D454: pairs whose pixels do not lie on each other, and pairs that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from specc.data.look import DataRule, Look, found
from specc.errors import Diagnostic
from specc.rules.common import plural
from specc_superres.checks import AFTER, targets

if TYPE_CHECKING:
    from specc.data.table import Row
    from specc_superres.measure import Array

LOOKED_AT = 12  # pairs, from the first to the last of the table
LEAST = 3  # pairs with something to see, below which nothing is said
SIDE = 192  # pixels of a side of the part of the truth that is compared, in its middle
FARTHEST = 4  # pixels of the truth that a move is looked for
CLEARLY = 0.7  # what a move must leave of the difference to count
MOST = 0.75  # share of pairs that must be moved

Move = tuple[int, int]  # rows and columns


@dataclass(frozen=True)
class Pair:
    """A pair as pictures (H, W) of the size of the truth: the image enlarged. `here` is how alike both are, `other` how
    alike the image is to the most similar truth of another pair.
    """

    row: Row
    image: Array
    truth: Array
    here: float
    other: float


def correlation(first: Array, second: Array) -> float:
    """Of the pixels of two pictures of one size, without its sign: bones may be white here and black there. 0 where
    one of them is flat.
    """
    import numpy as np

    x, y = first - first.mean(), second - second.mean()
    size = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return abs(float((x * y).sum())) / size if size > 0 else 0.0


def best_move(image: Array, truth: Array, most: int) -> Move:
    """Rows and columns by which what is seen in the image lies further down and right in the truth, both (H, W)."""
    height, width = image.shape
    inside = image[most : height - most, most : width - most]
    moves = [(down, right) for down in range(-most, most + 1) for right in range(-most, most + 1)]

    def unlike(move: Move) -> float:
        top, left = most + move[0], most + move[1]
        return 1 - correlation(inside, truth[top : top + inside.shape[0], left : left + inside.shape[1]])

    best = min(moves, key=lambda move: (unlike(move), abs(move[0]) + abs(move[1])))
    return best if unlike(best) < CLEARLY * unlike((0, 0)) else (0, 0)


@lru_cache(maxsize=64)
def _middle(file: FilePath, changed: int, side: int, unit: int, frame: int | None) -> Array | None:
    """Grey values (h, w) of the middle of a file, at most `side` times `unit` pixels of each side; None where it cannot
    be read. Of an image and of one that is `unit` times as large, with the unit 1, it is the same part.
    """
    import numpy as np

    from specc.pieces import readers

    try:
        pixels = readers.read(file, "none", frame)[0]
    except (readers.ReadError, OSError):
        return None
    parts = []
    for length in pixels.shape[:2]:
        kept = min(length // unit, side)
        start = unit * ((length // unit - kept) // 2)
        parts.append(slice(start, start + unit * kept))
    result: Array = pixels[parts[0], parts[1]].astype(np.float64).mean(2)
    return result


def _pictures(look: Look) -> Iterator[tuple[Row, Array, Array]]:
    """Some pairs as pictures of the size of the truth, less those in which there is nothing to see."""
    from specc_superres.measure import along, enlarging

    rows = [row for row, image, other in targets(look) if image is not None and not isinstance(other, str)]
    factor, column = look.study.spec.output.factor, look.table.words.get("target", "")
    for place in sorted({round(step * (len(rows) - 1) / (LOOKED_AT - 1)) for step in range(LOOKED_AT)} if rows else ()):
        files = [look.table.root / name for name in (rows[place].file, rows[place].values[column])]
        image, truth = (
            _middle(file, file.stat().st_mtime_ns, max(1, SIDE // factor), unit, look.input.frame)
            for file, unit in zip(files, (1, factor), strict=True)
        )
        if image is None or truth is None or not image.std() or not truth.std():
            continue
        large = along(image[None], *(enlarging(length, factor) for length in image.shape))[0] if factor > 1 else image
        if large.shape == truth.shape:
            yield rows[place], large, truth


def pairs_of(look: Look) -> list[Pair]:
    """Some pairs, from the first to the last."""
    seen, result = list(_pictures(look)), []
    for number, (row, image, truth) in enumerate(seen):
        others = [other for _, _, other in (*seen[:number], *seen[number + 1 :]) if other.shape == truth.shape]
        strangers = [correlation(image, other) for other in others if (other != truth).any()]
        result.append(Pair(row, image, truth, correlation(image, truth), max(strangers, default=0.0)))
    return result


def moved(look: Look) -> list[Diagnostic]:
    """What: what is to come out lies some pixels beside its image.

    Why: the network is to learn what a pixel's surroundings say of it. Where both do not lie on each other, it learns
    to move the picture, blurs what it cannot know, and the figures count the move as an error. Of a large table some
    pairs are looked at. (A warning.)

    Bad: high/1.png begins one row above low/1.png.

        data: {manifest: pairs.csv, columns: {image: low, target: high}}

    Good: both begin at the same corner.

        data: {manifest: pairs.csv, columns: {image: low, target: high}}
    """
    most = min(FARTHEST, look.study.spec.output.factor + 1)
    known = [one for one in pairs_of(look) if one.here >= one.other and min(one.image.shape) >= 4 * most]
    away = [(one.row, move) for one in known if (move := best_move(one.image, one.truth, most)) != (0, 0)]
    if len(known) < LEAST or len(away) < MOST * len(known):
        return []
    (move, count), *_ = Counter(move for _, move in away).most_common(1)
    far = f"by {_said(move)}" if count >= MOST * len(away) else "each by others"
    message = f"{len(away)} of {len(known)} targets that were looked at do not lie on their images, {far}"
    cure = "cut or register both alike; a small image made of a large one begins at its corner and covers all of it"
    files = [(row, _said(move)) for row, move in away]
    path, label = ("data", "columns", "target"), "moved against the image"
    return found(look, "D453", message, path, label, ("help", cure), files=files, severity="warning")


def _said(move: Move) -> str:
    """`1 row down, 2 columns left`."""
    (down, right), parts = move, []
    if down:
        parts.append(f"{plural(abs(down), 'row')} {'down' if down > 0 else 'up'}")
    if right:
        parts.append(f"{plural(abs(right), 'column')} {'right' if right > 0 else 'left'}")
    return ", ".join(parts)


def unlike(look: Look) -> list[Diagnostic]:
    """What: what is to come out shows something else than its image, or is the very same image.

    Why: rows that slipped in a table pair each image with a stranger, and the network learns the mean of all pictures.
    (At factor 1 this is not looked for: the contrasts of the two may differ on purpose.) Where both are the same there
    is nothing to learn. Of a large table some pairs are looked at. (A warning.)

    Bad: the column `high` was sorted, and `low` was not.

        data: {manifest: pairs.csv, columns: {image: low, target: high}}

    Good: each line has an image and what is to come out of it.

        data: {manifest: pairs.csv, columns: {image: low, target: high}}
    """
    known = pairs_of(look)
    same = [one for one in known if (one.image == one.truth).all()]
    strange = [one for one in known if one.here < one.other]
    if len(known) < LEAST:
        return []
    if len(same) == len(known):
        message = f"in all {len(known)} pairs that were looked at both images are the same"
        label, cure = "nothing to learn", "name the column of what is to come out, or make images with `degrade`"
        files = [(one.row, "the same pixels") for one in same]
    elif look.study.spec.output.factor > 1 and 2 * len(strange) > len(known):
        message = (
            f"{len(strange)} of {len(known)} targets that were looked at are more like other images than their own"
        )
        label, cure = "shows something else", "look whether the lines of the table have slipped"
        files = [(one.row, f"correlation {one.here:.2f}, with another {one.other:.2f}") for one in strange]
    else:
        return []
    path = ("data", "columns", "target")
    return found(look, "D454", message, path, label, ("help", cure), files=files, severity="warning")


RULES = (
    DataRule("D453", "moved_pairs", moved, (*AFTER, "D402", "D450", "D451")),
    DataRule("D454", "unlike_pairs", unlike, (*AFTER, "D402", "D450", "D451")),
)
