"""Changes to training images. All that is random comes in as `u`, uniform in [0, 1): equal `u`, equal images.

Images are float (B, C, H, W) with black = 0; nothing is clipped. Geometry is in pixels about the image's centre, so
that no shape shears; what comes from outside of the image is black.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F


def from_centre(images: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (1, H, 1), downwards, and columns (1, 1, W), rightwards, of the pixels of (B, C, H, W), 0 at the centre."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) - (height - 1) / 2
    columns = torch.arange(width, device=images.device) - (width - 1) / 2
    return rows[None, :, None], columns[None, None, :]


def bilinear(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(B, C, H, W) read at rows and columns from the centre, both of them (B, H, W) or broadcast to it."""
    (own_rows, own_columns), (height, width) = from_centre(images), images.shape[2:]
    grid = torch.stack([at.expand(len(images), height, width) for at in (2 * columns / width, 2 * rows / height)], -1)
    moved = (rows != own_rows) | (columns != own_columns)  # a pixel that stays where it is keeps its value to the bit
    return torch.where(moved[:, None], F.grid_sample(images, grid, align_corners=False), images)


def rotate(images: Tensor, u: Tensor, degrees: float) -> Tensor:
    """(B, C, H, W), u (B, 1): turn by -degrees to degrees; counter-clockwise is positive."""
    angles = torch.deg2rad((2 * u - 1) * degrees)[:, :, None]
    (rows, columns), sine, cosine = from_centre(images), angles.sin(), angles.cos()
    return bilinear(images, cosine * rows + sine * columns, cosine * columns - sine * rows)


def zoom(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """(B, C, H, W), u (B, 1): enlarge by a factor between low and high; below 1 the image shrinks."""
    (rows, columns), factors = from_centre(images), (low + (high - low) * u)[:, :, None]
    return bilinear(images, rows / factors, columns / factors)


def shift(images: Tensor, u: Tensor, fraction: float) -> Tensor:
    """(B, C, H, W), u (B, 2): move down, then right, by -fraction to fraction of the height and of the width."""
    (rows, columns), (down, right) = from_centre(images), ((2 * u - 1) * fraction)[:, :, None, None].unbind(1)
    return bilinear(images, rows - down * images.shape[2], columns - right * images.shape[3])


def flip(images: Tensor, u: Tensor, axis: Literal["horizontal", "vertical"], probability: float) -> Tensor:
    """(B, C, H, W), u (B, 1): where u is below probability, swap left and right (horizontal) or top and bottom."""
    return torch.where(u[:, :, None, None] < probability, images.flip(3 if axis == "horizontal" else 2), images)


def brightness(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """(B, C, H, W), u (B, 1): multiply the pixels by a factor between low and high; black stays black."""
    return images * (low + (high - low) * u)[:, :, None, None]


def contrast(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """(B, C, H, W), u (B, 1): multiply each pixel's distance to the image's mean by a factor between low and high."""
    return torch.lerp(images.mean((1, 2, 3), keepdim=True), images, (low + (high - low) * u)[:, :, None, None])
