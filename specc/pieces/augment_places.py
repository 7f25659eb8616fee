"""Changes of place: each says where a point of the changed image lies in the image that it is made of.

Points are (B, N, 2): x to the right, y downwards, in pixels from the middle of a canvas of `size` (height, width), so
that no turn shears and a picture of another resolution can be moved alike. Changes are composed from the last to the
first, and images are then read once. All that is random comes in as `u`, uniform in [0, 1).
"""

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from specc.pieces.augment import between, normal


def middles(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) -> (B, h*w, 2): the middle of each pixel, on a canvas that may have another number of pixels."""
    height, width = images.shape[2:]
    y = (torch.arange(height, device=images.device) - (height - 1) / 2) * (size[0] / height)
    x = (torch.arange(width, device=images.device) - (width - 1) / 2) * (size[1] / width)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), 2).view(1, -1, 2).expand(len(images), -1, -1)


def bilinear(images: Tensor, points: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) read at points (B, h*w, 2); black (0) outside. In the middle of a pixel: its value, to the bit."""
    (x, y), (height, width) = points.unbind(2), images.shape[2:]
    column, row = x * (width / size[1]) + (width - 1) / 2, y * (height / size[0]) + (height - 1) / 2
    whole = (column == column.round()) & (row == row.round())
    grid = torch.stack([x * (2 / size[1]), y * (2 / size[0])], 2).view(-1, height, width, 2)
    exact, mean = (F.grid_sample(images, grid, mode, align_corners=False) for mode in ("nearest", "bilinear"))
    return torch.where(whole.view(-1, 1, height, width), exact, mean)


def nearest(masks: Tensor, points: Tensor, size: tuple[int, int], fill: float) -> Tensor:
    """(B, C, h, w) whole numbers read at points (B, h*w, 2), the nearest pixel's value; outside is `fill`."""
    x, y = points.unbind(2)
    grid = torch.stack([x * (2 / size[1]), y * (2 / size[0])], 2).view(-1, *masks.shape[2:], 2)
    return (F.grid_sample(masks.float() - fill, grid, "nearest", align_corners=False) + fill).to(masks.dtype)


def turned(points: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
    """Points of an image that is turned counter-clockwise about its middle; sine and cosine (B, 1)."""
    x, y = points.unbind(2)
    return torch.stack([cosine * x - sine * y, cosine * y + sine * x], 2)


def rotate(points: Tensor, u: Tensor, size: tuple[int, int], degrees: float) -> Tensor:
    """u (B, 1): turn by -degrees to degrees; counter-clockwise is positive."""
    angles = torch.deg2rad(between(u, -degrees, degrees))
    return turned(points, angles.sin(), angles.cos())


def rotate90(points: Tensor, u: Tensor, size: tuple[int, int]) -> Tensor:
    """u (B, 1): turn by 0, 1, 2 or 3 quarters, counter-clockwise."""
    quarters = (4 * u).floor()
    return turned(points, 1 - (quarters - 1).abs(), (quarters - 2).abs() - 1)


def zoom(points: Tensor, u: Tensor, size: tuple[int, int], low: float, high: float) -> Tensor:
    """u (B, 1): enlarge by a factor between low and high; below 1 the image shrinks."""
    return points / between(u, low, high)[:, :, None]


def shift(points: Tensor, u: Tensor, size: tuple[int, int], fraction: float) -> Tensor:
    """u (B, 2): move down, then right, by -fraction to fraction of the height and of the width."""
    down, right = between(u, -fraction, fraction).unbind(1)
    return points - torch.stack([right * size[1], down * size[0]], 1)[:, None]


def shear(
    points: Tensor, u: Tensor, size: tuple[int, int], degrees: float, axis: Literal["horizontal", "vertical"]
) -> Tensor:
    """u (B, 1): slant by -degrees to degrees; horizontal moves rows to the side, vertical columns up and down."""
    (x, y), slope = points.unbind(2), torch.deg2rad(between(u, -degrees, degrees)).tan()
    return torch.stack([x + slope * y, y] if axis == "horizontal" else [x, y + slope * x], 2)


def flip(points: Tensor, u: Tensor, size: tuple[int, int], axis: Literal["horizontal", "vertical"]) -> Tensor:
    """u (B, 0): swap left and right (horizontal) or top and bottom."""
    x, y = points.unbind(2)
    return torch.stack([-x, y] if axis == "horizontal" else [x, -y], 2)


def random_crop(
    points: Tensor,
    u: Tensor,
    size: tuple[int, int],
    pad: int,
    area: tuple[float, float],
    aspect: tuple[float, float],
) -> Tensor:
    """u (B, 6): a part of the canvas that is enlarged to fill it, then moved by up to `pad` whole pixels.

    `area` is the least and the largest share of the canvas, `aspect` how much wider the part may be than the canvas.
    """
    share, ratio = between(u[:, 0], *area), between(u[:, 1], math.log(aspect[0]), math.log(aspect[1])).exp()
    wide, high = (share * ratio).sqrt().clamp(max=1), (share / ratio).sqrt().clamp(max=1)
    left, top, right, down = u[:, 2:].unbind(1)
    x = (left - 0.5) * (1 - wide) * size[1] + (right * (2 * pad + 1)).floor() - pad
    y = (top - 0.5) * (1 - high) * size[0] + (down * (2 * pad + 1)).floor() - pad
    return points * torch.stack([wide, high], 1)[:, None] + torch.stack([x, y], 1)[:, None]


def elastic(points: Tensor, u: Tensor, size: tuple[int, int], sd: float, grid: tuple[int, int]) -> Tensor:
    """u (B, 2*rows*columns): random displacements (sd in pixels) of the nodes of a coarse grid that spans the canvas,
    bicubic between them (Ronneberger et al. 2015, section 3.1).
    """
    nodes = sd * normal(u).view(len(u), 2, *grid)
    x, y = points.unbind(2)
    at = torch.stack([x * (2 / max(1, size[1] - 1)), y * (2 / max(1, size[0] - 1))], 2)[:, :, None]
    moved = F.grid_sample(nodes, at, "bicubic", padding_mode="border", align_corners=True)
    return points + moved[..., 0].mT
