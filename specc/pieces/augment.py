"""Changes to how bright training images are. All that is random comes in as `u`, uniform in [0, 1): equal `u`, equal
images.

Images are float (B, C, H, W) with black = 0; nothing is clipped. Masks, boxes and paired images stay as they are.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def sometimes(changed: Tensor, before: Tensor, u: Tensor, probability: float) -> Tensor:
    """(B, ...): changed where the last of a sample's numbers u (B, n) is below probability, else before."""
    return torch.where((u[:, -1] < probability).view(-1, *[1] * (before.ndim - 1)), changed, before)


def between(u: Tensor, low: float, high: float) -> Tensor:
    """A number between low and high for each u."""
    return low + (high - low) * u


def normal(u: Tensor) -> Tensor:
    """(B, 2n) uniform numbers -> (B, 2n) of the standard normal distribution (Box and Muller 1958)."""
    first, second = u.chunk(2, 1)
    radius, angle = (-2 * torch.log1p(-first)).sqrt(), 2 * torch.pi * second
    return torch.cat([radius * angle.cos(), radius * angle.sin()], 1)


def brightness(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """u (B, 1): multiply the pixels by a factor between low and high; black stays black."""
    return images * between(u, low, high)[:, :, None, None]


def contrast(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """u (B, 1): multiply each pixel's distance to the image's mean by a factor between low and high."""
    return torch.lerp(images.mean((1, 2, 3), keepdim=True), images, between(u, low, high)[:, :, None, None])


def gamma(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """u (B, 1): raise to a power between low and high; the darkest and the brightest pixel of the image stay."""
    dark = images.amin((1, 2, 3), keepdim=True)
    span = images.amax((1, 2, 3), keepdim=True) - dark
    part = (images - dark) / span.clamp(min=1e-12)  # of the way from the darkest to the brightest
    return images + span * (part ** between(u, low, high)[:, :, None, None] - part)


def noise(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """u (B, 1 + C*H*W, rounded up to be odd): add Gaussian noise, its standard deviation between low and high."""
    drawn = normal(u[:, 1:])[:, : images[0].numel()].view_as(images)
    return images + drawn * between(u[:, :1], low, high)[:, :, None, None]


def blur(images: Tensor, u: Tensor, low: float, high: float) -> Tensor:
    """u (B, 1): mean with Gaussian weights, standard deviation between low and high pixels; edges go on outside."""
    deviations, reach = between(u, low, high).clamp(min=0.05), math.ceil(3 * high)
    steps = torch.arange(-reach, reach + 1, device=images.device)
    weights = torch.exp(-(steps**2) / (2 * deviations**2))
    weights = (weights / weights.sum(1, keepdim=True))[:, :, None, None, None]
    for axis, frame in ((2, (0, 0, reach, reach)), (3, (reach, reach, 0, 0))):
        wide, length = F.pad(images, frame, mode="replicate"), images.shape[axis]
        images = torch.zeros_like(images)
        for tap in range(2 * reach + 1):
            images = images + weights[:, tap] * wide.narrow(axis, tap, length)
    return images


def cutout(images: Tensor, u: Tensor, fraction: float, holes: int) -> Tensor:
    """u (B, 2*holes): squares of black, their side a fraction of the shorter side of the image, their middles in it."""
    height, width = images.shape[2:]
    reach, (down, right) = fraction * min(height, width) / 2, u.view(len(u), 2, holes, 1).unbind(1)
    rows, columns = (torch.arange(length, device=images.device) + 0.5 for length in (height, width))
    high, wide = (rows - down * height).abs() < reach, (columns - right * width).abs() < reach
    holed = (high[:, :, :, None] & wide[:, :, None, :]).any(1, keepdim=True)
    return torch.where(holed, torch.zeros_like(images), images)
