"""How well boxes are found: average precision."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Found = tuple[Array, Array, Array]  # corners (n, 4), scores (n,), classes (n,) of an image
Known = tuple[Array, Array]  # corners (m, 4), classes (m,)


def average_precision(right: Array, truths: int) -> float:
    """The area under precision over recall, made monotone: right (N,) of the boxes found, most certain first.

    All points, as in the VOC devkit since 2010 (Everingham et al. 2010, section 4.2).
    """
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(hits / truths, prepend=0) * envelope).sum())


def overlaps_with(boxes: Array, truths: Array) -> Array:
    """(N, M) area of the intersection over area of the union."""
    low, high = np.maximum(boxes[:, None, :2], truths[:, :2]), np.minimum(boxes[:, None, 2:], truths[:, 2:])
    both = (high - low).clip(min=0).prod(2)
    areas = [(each[:, 2:] - each[:, :2]).prod(1) for each in (boxes, truths)]
    overlaps: Array = both / (areas[0][:, None] + areas[1] - both).clip(min=1e-12)
    return overlaps


def hits_of(found: Sequence[Found], known: Sequence[Known], label: int, least: float) -> tuple[Array, int]:
    """Of the boxes of a class in all images, most certain first, whether each is right; and how many there are to find.

    A box is right where the truth that it overlaps most, by `least` at least, was not found before (VOC devkit). Of
    equal scores the first.
    """
    scores, right, count = list[float](), list[bool](), 0
    for (boxes, certain, classes), (truths, labels) in zip(found, known, strict=True):
        mine, theirs = np.flatnonzero(classes == label), truths[labels == label]
        mine = mine[np.argsort(-certain[mine], kind="stable")]
        taken, count = set[int](), count + len(theirs)
        overlaps = overlaps_with(boxes[mine], theirs)
        for row in overlaps:
            best = int(row.argmax()) if len(row) else -1
            right.append(best >= 0 and row[best] >= least and best not in taken)
            taken |= {best} if right[-1] else set()
        scores += certain[mine].tolist()
    order = np.argsort(-np.array(scores), kind="stable")
    return np.array(right, bool)[order], count


def mean_average_precision(found: Sequence[Found], known: Sequence[Known], classes: int, least: float = 0.5) -> float:
    """The mean over the classes 0, 1, ... that are there to find; 0 where none is."""
    each = [hits_of(found, known, label, least) for label in range(classes)]
    values = [average_precision(right, count) for right, count in each if count]
    return sum(values) / len(values) if values else 0.0
