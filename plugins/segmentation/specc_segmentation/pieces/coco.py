"""COCO: its annotation files as a table, its outlines and its run-length codes as masks.

Runs are counted down the columns, pixels without the thing first (the data format page of cocodataset.org).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specc_segmentation.pieces.known import IGNORE

Array = np.ndarray[Any, Any]
MOST = 2**28  # pixels of an image, as of image files


def read_coco(path: Path) -> list[dict[str, str]]:
    """A row an image: `file`, `size` (height x width), `shapes`: JSON [[category, crowd, outline or runs], ...],
    `patient` and `part` where the image has the keys `patient` and `split`, else empty.

    Raises ValueError that names the place.
    """
    try:
        known = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as fault:
        raise ValueError(f"is not JSON: {fault}") from None
    if not isinstance(known, dict) or not all(isinstance(known.get(key), list) for key in ("images", "annotations")):
        raise ValueError("has no lists `images` and `annotations`")
    categories = known.get("categories", [])
    try:
        names = {one["id"]: plain(one["name"]) for one in categories}
        shapes: dict[Any, list[list[Any]]] = {image["id"]: [] for image in known["images"]}
    except (KeyError, TypeError, ValueError) as fault:
        raise ValueError(f"an entry of `images` or `categories`: {wrong(fault)}") from None
    for key, found, there in (("images", shapes, known["images"]), ("categories", names, categories)):
        if len(found) < len(there):
            raise ValueError(f"two entries of `{key}` have one id")
    for place, one in enumerate(known["annotations"]):
        try:
            outline, name = one["segmentation"], names[one["category_id"]]
            shapes[one["image_id"]].append([name, int(one.get("iscrowd", 0) not in (0, "0")), outline])
        except (KeyError, TypeError) as fault:
            raise ValueError(f"annotations[{place}]: {wrong(fault)}") from None
    rows = []
    for place, image in enumerate(known["images"]):
        try:
            height, width = int(image["height"]), int(image["width"])
            row = {"file": plain(image["file_name"]), "size": f"{height}x{width}"}
            row["shapes"] = json.dumps(shapes[image["id"]])
            row |= {"patient": plain(image.get("patient")), "part": plain(image.get("split"))}
        except (KeyError, TypeError, ValueError, OverflowError) as fault:
            raise ValueError(f"images[{place}]: {wrong(fault)}") from None
        if min(height, width) < 1 or height * width > MOST:
            raise ValueError(f"images[{place}]: no image has {height}x{width} pixels")
        rows.append(row)
    return rows


def plain(value: Any) -> str:
    """A value of JSON as text; null is empty. Raises ValueError for half of a character, which no file can hold."""
    text = "" if value is None else str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{text!a} holds half of a character") from None
    return text


def wrong(fault: Exception) -> str:
    """What an entry lacks, or what is wrong with it."""
    return f"has no {fault}" if isinstance(fault, KeyError) else str(fault)


def drawn_shapes(
    shapes: Sequence[Sequence[Any]], size: tuple[int, int], names: Sequence[str], exclusive: bool
) -> list[Array]:
    """One mask of places (names from 1; later shapes lie above), or one of 1 and 0 for each name. Raises ValueError."""
    masks = [np.zeros(size, np.uint8) for _ in range(1 if exclusive else len(names))]
    for name, crowd, outline in shapes:
        if name not in names:
            raise ValueError(f"the category {name!r} is none of {list(names)}")
        place = names.index(name)
        there = filled(outline, size)
        masks[0 if exclusive else place][there] = IGNORE if crowd else place + 1 if exclusive else 1
    return masks


def numbered_shapes(shapes: Sequence[Sequence[Any]], size: tuple[int, int]) -> Array:
    """(H, W) a number from 1 for each thing that is no crowd, 0 elsewhere. Raises ValueError."""
    numbers = np.zeros(size, np.int64)
    for number, (_, crowd, outline) in enumerate(shapes, 1):
        if not crowd:
            numbers[filled(outline, size)] = number
    return numbers


def filled(outline: Any, size: tuple[int, int]) -> Array:
    """(H, W) of yes and no: polygons [[x1, y1, x2, ...], ...], or runs {"size": [H, W], "counts": ...}.

    Raises ValueError.
    """
    if isinstance(outline, Mapping):
        if outline.get("size") != list(size):
            raise ValueError(f"runs of {outline.get('size')}, and the image has {list(size)}")
        counts: Any = outline.get("counts")
        return decode_runs(counted(counts) if isinstance(counts, str) else counts, size)
    if not isinstance(outline, list) or not outline:
        lacks = "; this one is empty" if outline == [] else ""
        raise ValueError(f"an outline is a list of polygons, or runs with size and counts{lacks}")
    there = np.zeros(size, bool)
    for polygon in outline:
        there |= inside_polygon(polygon, size)
    return there


def inside_polygon(polygon: Sequence[float], size: tuple[int, int]) -> Array:
    """(H, W): pixels whose middle lies inside by the even-odd rule. Raises ValueError."""
    try:
        corners = np.asarray(polygon, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("corners of a polygon are numbers") from None
    if corners.ndim != 1 or len(corners) < 6 or len(corners) % 2 or not (abs(corners) < 1e9).all():
        raise ValueError("a polygon needs three corners or more, as x1, y1, x2, y2, ...")
    (x0, y0), there = corners.reshape(-1, 2).T, np.zeros(size, bool)
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    across = np.arange(size[1]) + 0.5
    for row in range(max(0, int(y0.min())), min(size[0], int(np.ceil(y0.max())) + 1)):
        middle = row + 0.5
        cut = (y0 <= middle) != (y1 <= middle)
        at = x0[cut] + (middle - y0[cut]) * (x1[cut] - x0[cut]) / (y1[cut] - y0[cut])
        there[row] = (len(at) - np.searchsorted(np.sort(at), across, "right")) % 2 == 1  # cuts to the right
    return there


def decode_runs(counts: Sequence[int], size: tuple[int, int]) -> Array:
    """(H, W) of yes and no from uncompressed counts. Raises ValueError."""
    try:
        lengths = np.asarray(counts)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("counts are whole numbers") from None
    if lengths.dtype.kind not in "iuf" or not (np.isfinite(lengths) & (lengths == np.floor(lengths))).all():
        raise ValueError("counts are whole numbers")
    pixels = size[0] * size[1]  # each run is held against it: a sum of large numbers may wrap around to it
    if lengths.ndim != 1 or ((lengths < 0) | (lengths > pixels)).any() or lengths.sum() != pixels:
        raise ValueError(f"the counts do not add up to {size[0]} x {size[1]} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    runs: Array = np.repeat(values, lengths.astype(np.int64)).reshape(size[::-1]).T
    return runs


def encode_runs(there: Array) -> list[int]:
    """The counts of a mask (H, W); the first is of pixels without the thing, and may be 0."""
    flat = np.concatenate([[False], there.T.ravel().astype(bool)])
    ends = np.flatnonzero(np.diff(flat))
    counts = np.diff(np.concatenate([[0], ends, [there.size]]))
    numbers: list[int] = counts.tolist()
    return numbers


def counted(text: str) -> list[int]:
    """The counts of a compressed string: 5 bits a character and one that says whether more follow, from character 48
    on, least first, the last with a sign; from the fourth number on it is the difference to the last but one
    (`rleFrString` of the COCO API). Raises ValueError.
    """
    numbers: list[int] = []
    value, shift = 0, 0
    for sign in text:
        part = ord(sign) - 48
        if not 0 <= part < 64:
            raise ValueError(f"the character {sign!r} has no place in compressed counts")
        value |= (part & 31) << shift
        shift += 5
        if shift > 60:
            raise ValueError("compressed counts have a number that no image has pixels")
        if part & 32:
            continue
        if part & 16:
            value -= 1 << shift
        numbers.append(value + (numbers[-2] if len(numbers) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise ValueError("compressed counts are cut short")
    return numbers


def compressed(counts: Sequence[int]) -> str:
    """The string of counts: the inverse of `counted` (`rleToString` of the COCO API)."""
    text = ""
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            part = value & 31
            value >>= 5
            more = value != -1 if part & 16 else value != 0
            text += chr((part | 32 if more else part) + 48)
    return text
