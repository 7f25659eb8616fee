"""What the compared programs share: their settings, the table, decoded images, and how they report."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BATCH, LEARNING_RATE, CLASSES = 64, 1e-3, 10


def arguments(parser: argparse.ArgumentParser | None = None) -> argparse.Namespace:
    """`TABLE --epochs N --seed N --out DIR`, and whatever the parser has besides."""
    parser = parser or argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--out", type=Path, default=Path(), help="where the best weights are kept")
    return parser.parse_args()


def read_table(table: Path, part: str) -> list[tuple[Path, int]]:
    """(file, label) of every image of `train` or `val`."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == part]
    return [(table.parent / row["file"], int(row["label"])) for row in rows]


def decode(samples: list[tuple[Path, int]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All images at once, (N, 32, 32) in 0..1, and their labels (N,)."""
    pixels = np.stack([np.asarray(Image.open(file)) for file, _ in samples])
    return pixels.astype(np.float32) / np.float32(255), np.array([label for _, label in samples], np.int64)


def say(event: str, **values: float) -> None:
    """One JSON object a line, as specc's programs write them; the reader of the line takes the time."""
    print(json.dumps({"event": event, **values}), flush=True)
