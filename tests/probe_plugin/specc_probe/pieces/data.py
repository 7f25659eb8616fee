"""What is known of each image, as arrays."""

import json
from typing import Any

import numpy as np

from specc.pieces.slots import HEIGHT, WIDTH
from specc_probe.pieces.slots import CLASSES, DOMAINS


def no_targets(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """Nothing is known of the images."""
    return {}


def boxes_of_table(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """All boxes one after another: corners (M, 4) in pixels as read, classes (M,) from 1, and offsets (N + 1,).

    Those of image i stand from offsets[i] to offsets[i + 1].
    """
    things = [json.loads(row["objects"] or "[]") for row in rows]
    named = [CLASSES.index(name) + 1 for image in things for name, *_ in image]
    sides = np.array([box for image in things for _, *box in image], np.float32).reshape(-1, 4)
    offsets = np.cumsum([0, *(len(image) for image in things)])
    corners = np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], 1)
    return {"corners": corners, "labels": np.array(named, np.int64), "offsets": offsets}


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


def domains(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """0 or 1: which kind each image is of."""
    return {"domain": np.array([DOMAINS.index(row["domain"]) for row in rows])}
