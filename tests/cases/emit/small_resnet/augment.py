"""Changes to training images."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

import runtime as rt


def bilinear(images: Tensor, points: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) read at points (B, h*w, 2); black (0) outside. In the middle of a pixel: its value, to the bit."""
    (x, y), (height, width) = points.unbind(2), images.shape[2:]
    column, row = x * (width / size[1]) + (width - 1) / 2, y * (height / size[0]) + (height - 1) / 2
    whole = (column == column.round()) & (row == row.round())
    grid = torch.stack([x * (2 / size[1]), y * (2 / size[0])], 2).view(-1, height, width, 2)
    exact, mean = (F.grid_sample(images, grid, mode, align_corners=False) for mode in ("nearest", "bilinear"))
    return torch.where(whole.view(-1, 1, height, width), exact, mean)


SIZE = (128, 128)  # height and width of the images


def between(u: Tensor, low: float, high: float) -> Tensor:
    """A number between low and high for each u."""
    return low + (high - low) * u


def brightness(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """u (B, 1): multiply the pixels by a factor between low and high; black stays black."""
    return images * between(u, low, high)[:, :, None, None]


def sometimes(changed: Tensor, before: Tensor, u: Tensor, probability: float) -> Tensor:
    """(B, ...): changed where the last of a sample's numbers u (B, n) is below probability, else before."""
    return torch.where((u[:, -1] < probability).view(-1, *[1] * (before.ndim - 1)), changed, before)


def shift(points: Tensor, u: Tensor, size: tuple[int, int], fraction: float) -> Tensor:
    """u (B, 2): move down, then right, by -fraction to fraction of the height and of the width."""
    down, right = between(u, -fraction, fraction).unbind(1)
    return points - torch.stack([right * size[1], down * size[0]], 1)[:, None]


def zoom(points: Tensor, u: Tensor, size: tuple[int, int], low: float, high: float) -> Tensor:
    """u (B, 1): enlarge by a factor between low and high; below 1 the image shrinks."""
    return points / between(u, low, high)[:, :, None]


def turned(points: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
    """Points of an image that is turned counter-clockwise about its middle; sine and cosine (B, 1)."""
    x, y = points.unbind(2)
    return torch.stack([cosine * x - sine * y, cosine * y + sine * x], 2)


def rotate(points: Tensor, u: Tensor, size: tuple[int, int], degrees: float) -> Tensor:
    """u (B, 1): turn by -degrees to degrees; counter-clockwise is positive."""
    angles = torch.deg2rad(between(u, -degrees, degrees))
    return turned(points, angles.sin(), angles.cos())


def flip(points: Tensor, u: Tensor, size: tuple[int, int], axis: Literal["horizontal", "vertical"]) -> Tensor:
    """u (B, 0): swap left and right (horizontal) or top and bottom."""
    x, y = points.unbind(2)
    return torch.stack([-x, y] if axis == "horizontal" else [x, -y], 2)


def look(points: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """Where points of changed images lie in those before."""
    u = rt.uniform((*key, 2, 3), ids, 1)
    points = sometimes(flip(points, u[:, :-1], SIZE, axis="horizontal"), points, u, 0.5)
    u = rt.uniform((*key, 2, 2), ids, 2)
    points = shift(points, u, SIZE, fraction=0.08)
    u = rt.uniform((*key, 2, 1), ids, 1)
    points = zoom(points, u, SIZE, low=0.8, high=1.8)
    u = rt.uniform((*key, 2, 0), ids, 1)
    points = rotate(points, u, SIZE, degrees=15.0)
    return points


def middles(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) -> (B, h*w, 2): the middle of each pixel, on a canvas that may have another number of pixels."""
    height, width = images.shape[2:]
    y = (torch.arange(height, device=images.device) - (height - 1) / 2) * (size[0] / height)
    x = (torch.arange(width, device=images.device) - (width - 1) / 2) * (size[1] / width)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), 2).view(1, -1, 2).expand(len(images), -1, -1)


def augment(images: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """Training images as the network sees them; what happens to one follows from the key and its id."""
    black = images.amin((2, 3), keepdim=True)
    images = images - black
    images = bilinear(images, look(middles(images, SIZE), ids, key), SIZE)
    u = rt.uniform((*key, 2, 4), ids, 1)
    images = brightness(images, u, low=0.6, high=1.4)
    images = images + black
    return images
