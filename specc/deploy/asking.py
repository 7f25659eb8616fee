"""Explanations that ask a model again and again: which part of an image its answer hangs on.

`ask` takes images (N, C, H, W) as the network sees them and gives the number that is explained (N,): the probability
of the class that was answered, of a finding, or a value. What is hidden becomes the image's own mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ask = Callable[[Floats], NDArray[Any]]
AT_ONCE = 64  # images that are asked about together


def _answers(ask: Ask, image: Floats, visible: Iterator[Floats]) -> Iterator[tuple[Floats, float]]:
    """Masks (H, W) of what is visible, each with the answer to what is left of the image."""
    gray = image.mean((1, 2), keepdims=True)
    while masks := list(islice(visible, AT_ONCE)):
        shown = np.stack([gray + mask * (image - gray) for mask in masks]).astype(np.float32)
        yield from zip(masks, np.asarray(ask(shown), np.float64).tolist(), strict=True)


def occlusion(ask: Ask, image: Floats, size: float, steps: int) -> Floats:
    """(H, W): mean fall of the answer while a patch covers each pixel; what raises it is negative."""
    height, width = image.shape[1:]
    side = max(1, round(size * min(height, width)))
    step = max(1, math.ceil(side / steps))

    def visible() -> Iterator[Floats]:
        for top in _places(height, side, step):
            for left in _places(width, side, step):
                mask = np.ones((height, width), np.float32)
                mask[top : top + side, left : left + side] = 0
                yield mask

    whole = float(np.asarray(ask(image[None].astype(np.float32)))[0])
    total, times = np.zeros((height, width)), np.zeros((height, width))
    for mask, answer in _answers(ask, image, visible()):
        total += (1 - mask) * (whole - answer)
        times += 1 - mask
    return np.asarray(total / np.maximum(times, 1), np.float32)


def _places(length: int, side: int, step: int) -> list[int]:
    """Where a patch begins, so that every pixel is covered."""
    return sorted({*range(0, max(1, length - side + 1), step), max(0, length - side)})


def rise(ask: Ask, image: Floats, masks: int, cells: int, share: float) -> Floats:
    """(H, W): the mean answer while each pixel is visible, less the mean over all masks."""
    height, width = image.shape[1:]
    dice = np.random.default_rng(0)  # the same masks for every image

    def visible() -> Iterator[Floats]:
        for _ in range(masks):
            grid = (dice.random((cells + 1, cells + 1)) < share).astype(np.float32)
            down, right = dice.random(2)
            yield _enlarged(grid, cells, height, width, down, right)

    weighted, weights, answers = np.zeros((height, width)), np.zeros((height, width)), list[float]()
    for mask, answer in _answers(ask, image, visible()):
        weighted += mask * answer
        weights += mask
        answers.append(answer)
    return np.asarray(weighted / np.maximum(weights, 1e-9) - np.mean(answers), np.float32)


def _enlarged(grid: Floats, cells: int, height: int, width: int, down: float, right: float) -> Floats:
    """A grid of (cells + 1) squared, bilinear, moved by up to a cell: (H, W)."""
    rows = (np.arange(height) + 0.5) / height * (cells - 1) + down
    columns = (np.arange(width) + 0.5) / width * (cells - 1) + right
    above, before = np.floor(rows).astype(int), np.floor(columns).astype(int)
    low, side = (rows - above)[:, None], (columns - before)[None]
    upper = grid[above][:, before] * (1 - side) + grid[above][:, before + 1] * side
    lower = grid[above + 1][:, before] * (1 - side) + grid[above + 1][:, before + 1] * side
    return np.asarray(upper * (1 - low) + lower * low, np.float32)
