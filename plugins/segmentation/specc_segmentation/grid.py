"""Maps in the grid of the images as read: a resize undone, large images in tiles, mirrored borders.

Numbers (height, width) are those of arrays; a network's canvas is the size that its spec names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specc.answering import Session
from specc_segmentation.pieces.masks import laid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

TILE, OVERLAP = 512, 128  # pixels of a tile where the network takes any size, and how far tiles overlap
WHOLE = 1536 * 1536  # pixels of an image that goes through in one piece, where the network takes any size
Size = tuple[int, int]


class InGrid(Session):
    """A session whose maps have as many rows and columns as the images that go in.

    It gives `probabilities` (B, K, H, W) of the contract's classes or labels, `answered` (B, H, W): False where the
    network looked but does not answer, and `ood_score` (B,).
    """

    def run(self, pixels: Floats) -> dict[str, NDArray[Any]]:
        """Outputs by name for images of one size (B, C, H, W)."""
        inputs, (top, left, high, wide) = self.contract.input, self.contract.plain["map"]
        if len(pixels) > 1 and pixels[:, 0].size > WHOLE:  # not more at once than of one image
            each = [self.run(pixels[place : place + 1]) for place in range(len(pixels))]
            return {name: np.concatenate([one[name] for one in each]) for name in each[0]}
        size, canvas = (pixels.shape[2], pixels.shape[3]), (int(inputs.size[0]), int(inputs.size[1]))
        if inputs.resize is not None:
            said = super().run(pixels)
            maps, known = undone(said["probabilities"], canvas, (top, left), inputs.resize, size)
            answered = np.broadcast_to(known, (len(pixels), *size))
            return {"probabilities": maps, "answered": answered, "ood_score": said["ood_score"]}
        if (high, wide) != canvas:
            maps, score = self._side_by_side(pixels, canvas, (top, left), (high, wide))
        elif inputs.multiple and size[0] * size[1] <= WHOLE:
            maps, score = self._in_one(pixels, inputs.multiple)
        else:
            step = inputs.multiple or 1
            tile = (TILE // step * step, TILE // step * step) if inputs.multiple else canvas
            maps, score = self._blended(pixels, tile, min(OVERLAP, min(tile) // 2), step)
        return {"probabilities": maps, "answered": np.ones((len(pixels), *size), bool), "ood_score": score}

    def _in_one(self, pixels: Floats, multiple: int) -> tuple[Floats, Floats]:
        """Mirrored at the bottom and at the right up to a size that the network takes."""
        height, width = pixels.shape[2:]
        said = super().run(mirrored(pixels, (0, -height % multiple), (0, -width % multiple)))
        return said["probabilities"][:, :, :height, :width], said["ood_score"]

    def _side_by_side(self, pixels: Floats, tile: Size, margin: Size, part: Size) -> tuple[Floats, Floats]:
        """The overlap-tile strategy (Ronneberger et al. 2015, Fig. 2): each tile answers its middle, the borders of the
        image are mirrored, and what comes out is what one pass over the mirrored image would give.
        """
        height, width = pixels.shape[2:]
        down, across = -(-height // part[0]), -(-width // part[1])
        rest = [
            count * inner - length + outer - inner - before
            for count, inner, length, outer, before in zip(
                (down, across), part, (height, width), tile, margin, strict=True
            )
        ]
        wide = mirrored(pixels, (margin[0], rest[0]), (margin[1], rest[1]))
        rows, scores = [], []
        for i in range(down):
            row = []
            for j in range(across):
                top, left = i * part[0], j * part[1]
                said = super().run(np.ascontiguousarray(wide[:, :, top : top + tile[0], left : left + tile[1]]))
                row.append(said["probabilities"])
                scores.append(said["ood_score"])
            rows.append(np.concatenate(row, 3))
        return np.concatenate(rows, 2)[:, :, :height, :width], np.mean(scores, 0, dtype=np.float32)

    def _blended(self, pixels: Floats, tile: Size, overlap: int, step: int) -> tuple[Floats, Floats]:
        """Tiles that overlap: near its border each counts less, so that no seam is seen. They begin at multiples of
        `step`, where the windows of pools lie as they do in the whole image.
        """
        height, width = pixels.shape[2:]
        rest = [max(outer, -(-side // step) * step) - side for side, outer in zip((height, width), tile, strict=True)]
        wide = mirrored(pixels, (0, rest[0]), (0, rest[1]))
        weights = ramp(tile[0], overlap)[:, None] * ramp(tile[1], overlap)[None]
        total, sums, scores = np.zeros(wide.shape[2:], np.float32), None, []
        for top in starts(wide.shape[2], tile[0], overlap, step):
            for left in starts(wide.shape[3], tile[1], overlap, step):
                at = (slice(top, top + tile[0]), slice(left, left + tile[1]))
                said = super().run(np.ascontiguousarray(wide[:, :, at[0], at[1]]))
                likely = said["probabilities"]
                if sums is None:
                    sums = np.zeros((*likely.shape[:2], *wide.shape[2:]), np.float32)
                sums[:, :, at[0], at[1]] += likely * weights
                total[at] += weights
                scores.append(said["ood_score"])
        assert sums is not None, "an image has one tile or more"
        maps = (sums / total)[:, :, :height, :width].astype(np.float32)
        return maps, np.mean(scores, 0, dtype=np.float32)


def mirrored(pixels: Floats, rows: Size, columns: Size) -> Floats:
    """(B, C, H, W) with so many mirrored rows before and after, and columns; the edge itself is not repeated."""
    if not any((*rows, *columns)):
        return pixels
    padded: Floats = np.pad(pixels, ((0, 0), (0, 0), rows, columns), "reflect")
    return padded


def starts(length: int, tile: int, overlap: int, step: int = 1) -> list[int]:
    """Where tiles begin that overlap by so many pixels or more, and of which the last ends with the image: multiples of
    `step`, as `length` and `tile` are.
    """
    rest, reach = (length - tile) // step, (tile - overlap) // step
    count = -(-rest // reach) + 1
    return [round(i * rest / max(1, count - 1)) * step for i in range(count)]


def ramp(length: int, overlap: int) -> Floats:
    """How much each pixel of a tile counts: from little at the ends to 1 where tiles do not overlap."""
    near = np.arange(1, length + 1, dtype=np.float32)
    return (np.minimum(np.minimum(near, near[::-1]), overlap + 1) / (overlap + 1)).astype(np.float32)


def undone(maps: Floats, canvas: Size, first: Size, rule: str, size: Size) -> tuple[Floats, NDArray[np.bool_]]:
    """Maps (B, K, h, w) of a part of the canvas, which begins at `first` -> (B, K, H, W) in the grid of the image,
    bilinear between the middles of pixels; and which of its pixels are answered.
    """
    vertical, horizontal = laid(size, rule, canvas)
    rows = _places(size[0], vertical, first[0], maps.shape[2])
    columns = _places(size[1], horizontal, first[1], maps.shape[3])
    (up, down, lower, _), (left, right, further, _) = rows, columns
    full = np.empty((*maps.shape[:2], *size), np.float32)
    for place in np.ndindex(maps.shape[:2]):  # one by one: with many classes the maps of a large image fill the memory
        tall = maps[place][up] * (1 - lower)[:, None] + maps[place][down] * lower[:, None]
        np.multiply(tall[:, left], 1 - further, out=full[place])
        full[place] += tall[:, right] * further
    return full, rows[3][:, None] & columns[3][None]


def _places(length: int, lies: tuple[float, float], first: int, there: int) -> tuple[Any, Any, Any, Any]:
    """For each pixel of the image, the two pixels of a map between which it lies, the share of the second, and whether
    the map reaches there. A neighbour beyond the image on its canvas does not count.
    """
    new, start = lies
    at = (np.arange(length) + 0.5) * (new / length) - 0.5 + start - first
    answered = (at > -0.75) & (at < there - 0.25)
    least, most = max(0.0, np.ceil(start) - first), min(there - 1.0, np.floor(start + new - 1) - first)
    at = at.clip(min(least, most), max(least, most)).clip(0, there - 1)
    low = np.floor(at).astype(np.int64)
    return low, np.minimum(low + 1, there - 1), (at - low).astype(np.float32), answered
