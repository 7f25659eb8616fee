"""Enlarging, shrinking and blurring as two matrix products whose weights are made from the sizes, also in a graph.

The cubic kernel is Keys' with a = -0.5, widened by the factor where images shrink (antialiased), and at the edges the
weights of pixels that are there sum to 1: what Pillow does. MATLAB's `imresize` has the same kernel and mirrors the
edges. (torch and OpenCV take a = -0.75, and no widening unless they are asked.)
"""

from collections.abc import Callable

import torch
from torch import Tensor


def cubic(distances: Tensor) -> Tensor:
    """Weights at distances in pixels: piecewise cubic, 1 at 0 and 0 at other whole numbers and from 2 on.

    Keys 1981, IEEE Trans Acoust 29:1153, eq. 15.
    """
    x = distances.abs()
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def box(distances: Tensor) -> Tensor:
    """Weights at distances in pixels: 1 within half a pixel, as the mean over a block takes them."""
    return (distances.abs() < 0.5).float()


def gaussian(distances: Tensor) -> Tensor:
    """Weights at distances in standard deviations, cut at 4."""
    return torch.where(distances.abs() <= 4, (-(distances**2) / 2).exp(), torch.zeros_like(distances))


def rows_to_one(weights: Tensor) -> Tensor:
    """Weights (out, in) of which each row sums to 1."""
    return weights / weights.sum(1, keepdim=True)


def places(length: int, like: Tensor) -> Tensor:
    """0, 1, ... up to a length, as numbers on the device of `like`."""
    return torch.arange(length, device=like.device).float()


def enlarging(images: Tensor, axis: int, factor: int) -> Tensor:
    """Weights (factor * n, n) that enlarge an axis of length n: out pixel i lies at (i + 0.5) / factor - 0.5."""
    here, there = places(images.shape[axis], images), places(factor * images.shape[axis], images)
    return rows_to_one(cubic(here - ((there + 0.5) / factor - 0.5)[:, None]))


def bicubic(images: Tensor, factor: int) -> Tensor:
    """(B, C, H, W) -> (B, C, factor * H, factor * W)."""
    return enlarging(images, 2, factor) @ images @ enlarging(images, 3, factor).T


def cut_to(images: Tensor, factor: int) -> Tensor:
    """(B, C, H, W) less the last rows and columns that a factor leaves over (`modcrop`)."""
    height, width = images.shape[2:]
    return images[:, :, : height - height % factor, : width - width % factor]


def shrinking(length: int, factor: int, kernel: Callable[[Tensor], Tensor], like: Tensor) -> Tensor:
    """Weights (length / factor, length) that shrink an axis by a kernel, widened by the factor."""
    here, there = places(length, like), places(length // factor, like)
    return rows_to_one(kernel((here - ((there + 0.5) * factor - 0.5)[:, None]) / factor))


def shrunk_bicubic(images: Tensor, factor: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H / factor, W / factor) by the cubic kernel, antialiased."""
    rows, columns = (shrinking(length, factor, cubic, images) for length in images.shape[2:])
    return rows @ images @ columns.T


def shrunk_area(images: Tensor, factor: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H / factor, W / factor): the mean of each block."""
    rows, columns = (shrinking(length, factor, box, images) for length in images.shape[2:])
    return rows @ images @ columns.T


def blurred_by(images: Tensor, sd: float) -> Tensor:
    """(B, C, H, W) with Gaussian weights of standard deviation `sd` pixels; those of pixels that are there sum to 1."""
    vertical, horizontal = (places(length, images) for length in images.shape[2:])
    rows, columns = (rows_to_one(gaussian((at - at[:, None]) / sd)) for at in (vertical, horizontal))
    return rows @ images @ columns.T
