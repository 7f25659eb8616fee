"""What is known of each image, as arrays."""

from typing import Any

import numpy as np

from specc.pieces.slots import HEIGHT, WIDTH
from specc_probe.pieces.slots import CLASSES


def no_targets(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """Nothing is known of the images."""
    return {}


def boxes_and_offsets(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """All boxes one after another (M, 4); those of image i stand from offsets[i] to offsets[i + 1]."""
    texts = [[box.split(",") for box in row["boxes"].split(";") if box.strip()] for row in rows]
    boxes = np.array([box for image in texts for box in image], np.float32).reshape(-1, 4)
    offsets = np.cumsum([0, *(len(image) for image in texts)])
    return {"boxes": boxes, "offsets": offsets}


def masks(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """(N, 1, HEIGHT, WIDTH): 1 inside of the boxes, 0 elsewhere."""
    return {"masks": np.stack([filled(row["boxes"], HEIGHT, WIDTH)[None] for row in rows]).astype(np.uint8)}


def filled(cell: str, rows: int, columns: int) -> np.ndarray[Any, Any]:
    """(rows, columns) of bool: what lies inside of the boxes of an entry."""
    found = np.zeros((rows, columns), bool)
    for box in cell.split(";") if cell.strip() else ():
        x, y, width, height = map(float, box.split(","))
        top, left = round(y * rows), round(x * columns)
        found[top : top + round(height * rows), left : left + round(width * columns)] = True
    return found


def classes(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """The place of each label in the list of classes."""
    return {"target": np.array([CLASSES.index(row["label"]) for row in rows])}
