"""Images in shares of the range as numpy arrays (C, H, W): made smaller and larger, and held against the truth.

What the program does with torch, done once more for a model that is judged without it. Every step along an axis is a
matrix of weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from specc_superres.colours import rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

WINDOW, SIGMA = 11, 1.5  # of the structural similarity, in pixels
LEAST = 1e-10  # mean squared error that counts as none: 100 dB
_GOLDEN, _FIRST, _SECOND = (np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
GRAINS = 72  # last part of the key of noise, as in the program


def along(image: Array, rows: Array, columns: Array) -> Array:
    """(C, H, W) with weights (h, H) and (w, W) -> (C, h, w)."""
    result: Array = rows @ image @ columns.T
    return result


def cubic(distances: Array) -> Array:
    """Keys' cubic kernel with a = -0.5."""
    x = np.abs(distances)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def rows_to_one(weights: Array) -> Array:
    """Weights of which each row sums to 1."""
    result: Array = weights / weights.sum(1, keepdims=True)
    return result


def enlarging(length: int, factor: int) -> Array:
    """Weights (factor * length, length)."""
    here, there = np.arange(length), np.arange(factor * length)
    return rows_to_one(cubic(here - ((there + 0.5) / factor - 0.5)[:, None]))


def bicubic(image: Array, factor: int) -> Array:
    """(C, H, W) -> (C, factor * H, factor * W), cut to 0..1."""
    return along(image, *(enlarging(length, factor) for length in image.shape[1:])).clip(0, 1)


def shrinking(length: int, factor: int, kernel: str) -> Array:
    """Weights (length / factor, length) of `bicubic` (antialiased) or `area`."""
    here, there = np.arange(length), np.arange(length // factor)
    distances = (here - ((there + 0.5) * factor - 0.5)[:, None]) / factor
    return rows_to_one(cubic(distances) if kernel == "bicubic" else (np.abs(distances) < 0.5).astype(float))


def blurring(length: int, sd: float) -> Array:
    """Weights (length, length) of a Gaussian, cut at 4 standard deviations."""
    distances = (np.arange(length) - np.arange(length)[:, None]) / sd
    return rows_to_one(np.where(np.abs(distances) <= 4, np.exp(-(distances**2) / 2), 0))


def worsened(truth: Array, factor: int, how: Mapping[str, Any], key: tuple[int, ...], number: int) -> Array:
    """(C, H, W), multiples of the factor -> the image (C, H / factor, W / factor) that a spec's `degrade` makes of it.

    Noise follows from the key and the image's number, as in the program.
    """
    sides = truth.shape[1:]
    if how["blur"]:
        truth = along(truth, *(blurring(length, how["blur"]) for length in sides))
    if factor > 1:
        truth = along(truth, *(shrinking(length, factor, how["kernel"]) for length in sides))
    if how["noise"]:
        count = truth.size + truth.size % 2
        first, second = np.split(uniform((*key, GRAINS), number, count), 2)
        radius, angle = np.sqrt(-2 * np.log1p(-first)), 2 * np.pi * second
        drawn = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[: truth.size]
        truth = truth + how["noise"] * drawn.reshape(truth.shape)
    return truth.clip(0, 1)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


def uniform(key: tuple[int, ...], number: int, draws: int) -> Array:
    """(draws,) numbers in [0, 1), those of the program's `uniform` for one sample."""
    state = np.zeros(1, np.uint64)
    for part in key:
        state = _mix(state + np.uint64(part) + _GOLDEN)
    counter = np.arange(1, draws + 1, dtype=np.uint64) * _GOLDEN
    state = _mix(state + np.uint64(number))
    return (_mix(state + counter) >> np.uint64(40)).astype(np.float64) * 2.0**-24


def within(image: Array, border: int) -> Array:
    """(C, H, W) less `border` pixels of each side."""
    height, width = image.shape[1:]
    return image[:, border : height - border, border : width - border]


def brightness(image: Array, luma: str) -> Array:
    """(3, H, W) -> Y (1, H, W); grey stays as it is."""
    if len(image) != 3:
        return image
    rows, offsets = rows_of(luma)
    return np.tensordot(np.asarray(rows[:1]), image, 1) + offsets[0]


def psnr(image: Array, truth: Array, border: int) -> float:
    """Peak signal-to-noise ratio in dB, at most 100, without the border."""
    error = float(np.square(within(image - truth, border)).mean())
    return float(-10 * np.log10(max(error, LEAST)))


def _windows(length: int) -> Array:
    """Weights (length - 10, length) of the Gaussian window at each of its places."""
    steps = np.arange(length) - np.arange(length - WINDOW + 1)[:, None] - WINDOW // 2
    return rows_to_one(np.where(np.abs(steps) <= WINDOW // 2, np.exp(-(steps**2) / (2 * SIGMA**2)), 0))


def ssim(image: Array, truth: Array, border: int) -> float:
    """Structural similarity (Wang et al. 2004, eq. 13): mean over the windows within the image, less the border."""
    x, y = within(image, border), within(truth, border)
    rows, columns = (_windows(length) for length in x.shape[1:])
    first, second = along(x, rows, columns), along(y, rows, columns)
    variances = along(x * x, rows, columns) - first**2 + along(y * y, rows, columns) - second**2
    both = along(x * y, rows, columns) - first * second
    c1, c2 = 0.01**2, 0.03**2
    near = (2 * first * second + c1) * (2 * both + c2) / ((first**2 + second**2 + c1) * (variances + c2))
    return float(near.mean())
