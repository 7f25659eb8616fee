"""Losses on images: the mean over channels and pixels of each image."""

from torch import Tensor


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """(B, C, H, W), (B, C, H, W) -> (B,): (y - t)^2."""
    return (outputs - targets).square().mean((1, 2, 3))


def mean_absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """(B, C, H, W), (B, C, H, W) -> (B,): |y - t|."""
    return (outputs - targets).abs().mean((1, 2, 3))


def charbonnier(outputs: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    """(B, C, H, W), (B, C, H, W) -> (B,): sqrt((y - t)^2 + epsilon^2) (Lai et al. 2017, arXiv:1704.03915, eq. 3)."""
    return ((outputs - targets).square() + epsilon**2).sqrt().mean((1, 2, 3))
