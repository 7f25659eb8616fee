"""Resizing as two matrix products whose weights are made in the graph: torch and ONNX agree for every input size.

The filter is the antialiased triangle of Pillow and of torch's `interpolate(antialias=True)`.
"""

import torch
from torch import Tensor


def axis_weights(places: Tensor, out: int, new: Tensor, first: Tensor) -> Tensor:
    """Weights (out, n) that lay n input pixels on `new` output pixels from place `first` on; zero outside of them."""
    scale = (places[-1] + 1) / new
    target = torch.arange(out, dtype=torch.float32) - first
    centre = (target + 0.5) * scale - 0.5
    weights = (1 - (places - centre[:, None]).abs() / scale.clamp(min=1)).clamp(min=0)
    inside = ((target >= 0) & (target < new)).float()[:, None]
    return inside * weights / weights.sum(1, keepdim=True).clamp(min=1e-12)


def resize_fit(images: Tensor, height: int, width: int) -> Tensor:
    """Whole image, proportions kept, centred on black; an odd pixel of border goes right and bottom."""
    rows, columns = torch.arange(images.shape[2]).float(), torch.arange(images.shape[3]).float()
    ratio = torch.maximum((rows[-1] + 1) / height, (columns[-1] + 1) / width)
    new_height, new_width = (((places[-1] + 1) / ratio + 0.5).floor().clamp(min=1) for places in (rows, columns))
    vertical = axis_weights(rows, height, new_height, ((height - new_height) / 2).floor())
    horizontal = axis_weights(columns, width, new_width, ((width - new_width) / 2).floor())
    return vertical @ images @ horizontal.T


def resize_crop(images: Tensor, height: int, width: int) -> Tensor:
    """Short side fitted, long side cut evenly; an odd pixel is cut right and bottom."""
    rows, columns = torch.arange(images.shape[2]).float(), torch.arange(images.shape[3]).float()
    ratio = torch.minimum((rows[-1] + 1) / height, (columns[-1] + 1) / width)
    new_height, new_width = (((places[-1] + 1) / ratio + 0.5).floor() for places in (rows, columns))
    vertical = axis_weights(rows, height, new_height, -((new_height - height) / 2).floor())
    horizontal = axis_weights(columns, width, new_width, -((new_width - width) / 2).floor())
    return vertical @ images @ horizontal.T


def resize_stretch(images: Tensor, height: int, width: int) -> Tensor:
    """Both sides fitted, each by its own factor."""
    rows, columns = torch.arange(images.shape[2]).float(), torch.arange(images.shape[3]).float()
    vertical = axis_weights(rows, height, torch.tensor(float(height)), torch.tensor(0.0))
    horizontal = axis_weights(columns, width, torch.tensor(float(width)), torch.tensor(0.0))
    return vertical @ images @ horizontal.T


def resize_none(images: Tensor, height: int, width: int) -> Tensor:
    """Images have the network's size already. Raises ValueError for others."""
    if images.shape[2:] != (height, width):
        found = "x".join(str(side) for side in images.shape[2:])
        raise ValueError(f"an image has {found} pixels, the network takes {height}x{width}, and the spec has no resize")
    return images
