"""How far a reconstruction is from its image: a mean over pixels and channels, one number an image.

The 2006 paper's error is the sum over the pixels: for 28x28 it is 784 times the mean squared error here.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from specc_features.pieces.slots import shown


def from_logits(outputs: Tensor) -> Tensor:
    """Training takes the final sigmoid off; here it is again."""
    return torch.sigmoid(outputs)


def to_logits(images: Tensor) -> Tensor:
    """The inverse of `from_logits`, for pixels in 0..1."""
    return torch.logit(images, 1e-6)


def pixel_cross_entropy(logits: Tensor, images: Tensor) -> Tensor:
    """-[t log p + (1 - t) log(1 - p)], p = sigmoid(logits), mean over the pixels: (B, C, H, W) twice -> (B,).

    Hinton and Salakhutdinov 2006, supporting text; pixels in 0..1.
    """
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).mean(1)


def pixel_squares(outputs: Tensor, images: Tensor) -> Tensor:
    """Squared error, mean over the pixels: (B, C, H, W) twice -> (B,)."""
    return (shown(outputs).float() - images).square().flatten(1).mean(1)


def pixel_distances(outputs: Tensor, images: Tensor) -> Tensor:
    """Absolute error, mean over the pixels: (B, C, H, W) twice -> (B,)."""
    return (shown(outputs).float() - images).abs().flatten(1).mean(1)
