"""Masks as arrays of numbers: read from files, brought to the network's size as images are, borders of things."""

import io
import json
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image

from specc.pieces import index, readers
from specc.pieces.slots import HEIGHT, WIDTH
from specc_segmentation.pieces.coco import Array, drawn_shapes, numbered_shapes
from specc_segmentation.pieces.known import IGNORE
from specc_segmentation.pieces.slots import CLASSES, MASKS, RULE, SHAPES, SIGMA, VALUES, masks_of, with_border

FAR = 6  # sigmas beyond which a weight of exp(-18) is none


def read_mask(path: Path) -> Array:
    """(H, W) the whole numbers of a mask file: PNG or TIFF; of a palette, the places in it. Raises ValueError."""
    try:
        data = readers.load(path)
        facts = readers.inspect(data)[0]
        if facts.format == "jpeg":
            raise ValueError("is a JPEG: its compression invents values at every edge; export it as PNG or TIFF")
        pixels = readers.decode(data, "none", None)[0]
    except readers.ReadError as fault:
        raise ValueError(f"cannot be read ({fault.code}: {fault.reason})") from None
    if facts.samples == 3 and (chosen := palette_places(data)) is not None:
        return chosen
    if (pixels != pixels[..., :1]).any():
        raise ValueError("has colours; a mask has one number a pixel (or a palette)")
    numbers: Array = pixels[..., 0].astype(np.int64)
    if (numbers != pixels[..., 0]).any():
        raise ValueError("has numbers that are not whole")
    return numbers


def palette_places(data: bytes) -> Array | None:
    """(H, W) the places in the palette of an image file whose colours readers give; None where it has no palette."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image, np.int64) if image.mode == "P" else None
    except (OSError, ValueError, Image.DecompressionBombError):  # of colours that Pillow does not know
        return None


def places(numbers: Array, values: Mapping[int, int]) -> Array:
    """(H, W) numbers of a mask -> places of classes (uint8). Raises ValueError for a number that has no meaning."""
    found, where = np.unique(numbers, return_inverse=True)
    strange = [int(number) for number in found if int(number) not in values]
    if strange:
        shown = ", ".join(map(str, strange[:5])) + (", ..." if len(strange) > 5 else "")
        raise ValueError(f"has the value{'s' * (len(strange) > 1)} {shown}, of no class; there are {sorted(values)}")
    meant = np.array([values[int(number)] for number in found], np.uint8)
    placed: Array = meant[where.reshape(numbers.shape)]
    return placed


def from_files(row: Mapping[str, str], root: str) -> Array:
    """(C, h, w) places of classes at the network's size. A label without a file is not known. Raises ValueError."""
    read = []
    for word in MASKS:
        if not row[word]:
            read.append(np.full((HEIGHT, WIDTH), IGNORE, np.uint8))
            continue
        try:
            read.append(fitted(places(read_mask(Path(root) / row[word]), VALUES), RULE, (HEIGHT, WIDTH)))
        except ValueError as fault:
            raise ValueError(f"the mask {row[word]} {fault}") from None
    return np.stack(read)


def from_outlines(row: Mapping[str, str], root: str) -> Array:
    """(C, h, w) places of classes at the network's size; a crowd is not known. Raises ValueError."""
    height, width = (int(side) for side in row["size"].split("x"))
    drawn = drawn_shapes(json.loads(row["shapes"]), (height, width), SHAPES, CLASSES > 2 or len(SHAPES) == 1)
    return np.stack([fitted(mask, RULE, (HEIGHT, WIDTH)) for mask in drawn])


def read_later(rows: list[dict[str, str]]) -> dict[str, Array]:
    """No targets: masks are read when it is known where the data lie."""
    return {}


def all_masks(rows: Sequence[Mapping[str, str]], root: str, workers: int) -> Array:
    """(N, C, h, w) the masks of all cases at the network's size. Raises ValueError."""

    def whole(row: Mapping[str, str]) -> Array:
        return with_border(masks_of(row, root), row, root)

    return np.stack(list(index.several(whole, rows, workers)))


def placed(length: int, canvas: int, new: float, first: float) -> Array:
    """(canvas,) which of `length` pixels lies nearest where `new` pixels are laid on a canvas from `first` on, or -1.

    The geometry is that of `resize.axis_weights`.
    """
    target = np.arange(canvas) - first
    nearest = np.floor((target + 0.5) * (length / new)).clip(0, length - 1).astype(np.int64)
    return np.where((target >= 0) & (target < new), nearest, -1)


def laid(size: tuple[int, int], rule: str, canvas: tuple[int, int]) -> tuple[tuple[float, float], tuple[float, float]]:
    """For rows and columns: how many pixels of a canvas an image of `size` gets, and from which one on.

    Numbers are rounded as `resize_fit`, `resize_crop` and `resize_stretch` do in single precision. Raises ValueError
    where there is no rule and the size is another.
    """
    if rule == "none" and size != canvas:
        raise ValueError(
            f"has {size[0]}x{size[1]} pixels, the network takes {canvas[0]}x{canvas[1]}; no rule to resize"
        )
    if rule in ("none", "stretch"):
        return (canvas[0], 0.0), (canvas[1], 0.0)
    shares = [np.float32(n) / np.float32(m) for n, m in zip(size, canvas, strict=True)]
    ratio = max(shares) if rule == "fit" else min(shares)
    new = [float(np.floor(np.float32(n) / ratio + np.float32(0.5))) for n in size]
    if rule == "fit":
        new = [max(1.0, n) for n in new]
        return tuple((n, float(np.floor((m - n) / 2))) for n, m in zip(new, canvas, strict=True))  # type: ignore[return-value]
    return tuple((n, -float(np.floor((n - m) / 2))) for n, m in zip(new, canvas, strict=True))  # type: ignore[return-value]


def fitted(mask: Array, rule: str, canvas: tuple[int, int]) -> Array:
    """(H, W) -> a canvas (h, w), each pixel the nearest of the mask; IGNORE where the canvas has no image."""
    vertical, horizontal = laid((mask.shape[0], mask.shape[1]), rule, canvas)
    rows, columns = placed(mask.shape[0], canvas[0], *vertical), placed(mask.shape[1], canvas[1], *horizontal)
    taken = mask[rows[:, None], columns[None]]
    fitting: Array = np.where((rows[:, None] < 0) | (columns[None] < 0), np.array(IGNORE, mask.dtype), taken)
    return fitting


def components(there: Array) -> Array:
    """(H, W) of yes and no -> numbers from 1 for what hangs together by edges or corners, 0 elsewhere."""
    parents, runs = [0], list[list[tuple[int, int, int]]]()

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for line in there:
        ends = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]]))).reshape(-1, 2).tolist()
        above, at, row = runs[-1] if runs else [], 0, list[tuple[int, int, int]]()
        for start, stop in ends:
            number = 0
            while at < len(above) and above[at][1] < start:
                at += 1
            for first, _, other in above[at:]:
                if first > stop:
                    break
                least, most = sorted((root(number or other), root(other)))
                parents[most] = number = least
            if not number:
                number = len(parents)
                parents.append(number)
            row.append((start, stop, number))
        runs.append(row)
    numbers = np.zeros(there.shape, np.int64)
    for place, row in enumerate(runs):
        for start, stop, number in row:
            numbers[place, start:stop] = root(number)
    _, dense = np.unique(np.concatenate([[0], numbers.ravel()]), return_inverse=True)
    return dense[1:].reshape(there.shape)


def distances(there: Array) -> Array:
    """(H, W) of yes and no -> distance of each pixel to the nearest yes, in pixels between middles."""
    height, width = there.shape
    down = np.full((height, width), np.inf)
    for order in (range(height), range(height - 1, -1, -1)):
        last = np.full(width, np.inf)
        for row in order:
            last = np.where(there[row], 0.0, last + 1)
            down[row] = np.minimum(down[row], last)
    across = np.square(np.arange(width)[:, None] - np.arange(width)[None])  # (to, from)
    squares: Array = np.stack([(across + np.square(row)[None]).min(1) for row in down])
    return np.sqrt(squares)


def closeness(instances: Array, sigma: float) -> Array:
    """exp(-(d1 + d2)^2 / (2 sigma^2)) outside of things: d1 and d2 are the distances to the two nearest; 0 within.

    `instances` (H, W) numbers things from 1. (Ronneberger et al. 2015, arXiv:1505.04597, eq. 2 without w0.) Farther
    than 6 sigma it counts as 0: the weight would be 1.5e-8.
    """
    height, width = instances.shape
    first = np.full((height, width), np.inf)
    second, reach = first.copy(), ceil(FAR * sigma)
    for number in np.unique(instances[instances > 0]):
        rows, columns = np.nonzero(instances == number)
        box = (
            slice(max(0, rows.min() - reach), rows.max() + reach + 1),
            slice(max(0, columns.min() - reach), columns.max() + reach + 1),
        )
        far = distances(instances[box] == number)
        second[box] = np.minimum(second[box], np.maximum(first[box], far))
        first[box] = np.minimum(first[box], far)
    close = np.exp(-np.square(first + second) / (2 * sigma**2))
    return np.where(instances > 0, 0.0, close).astype(np.float32)


def read_instances(row: Mapping[str, str], root: str) -> Array:
    """(H, W) a number for each thing: of the file that the row names, or of its outlines. Raises ValueError."""
    if "shapes" in row:
        height, width = (int(side) for side in row["size"].split("x"))
        return numbered_shapes(json.loads(row["shapes"]), (height, width))
    try:
        return read_mask(Path(root) / row["instances"])
    except ValueError as fault:
        raise ValueError(f"the instances {row['instances']} {fault}") from None


def with_closeness(masks: Array, row: Mapping[str, str], root: str) -> Array:
    """(C, h, w) -> (C + 1, h, w) float32: the last channel is `closeness`, of the instances or outlines that the row
    names, or else of what hangs together in the masks.
    """
    if row.get("instances") or "shapes" in row:
        read = read_instances(row, root)
        read = fitted(read + IGNORE + 1, RULE, (HEIGHT, WIDTH))  # IGNORE itself may be a number of things
        things = np.where(read > IGNORE, read - IGNORE - 1, 0)
    else:
        things, count = np.zeros(masks.shape[1:], np.int64), 0
        for mask in masks:
            for place in range(1, CLASSES):
                found = components(mask == place)
                things = np.where(found > 0, found + count, things)
                count = int(things.max())
    return np.concatenate([masks.astype(np.float32), closeness(things, SIGMA)[None]])
