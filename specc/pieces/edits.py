"""What the spec does to an image as read, as one module: training runs it once per image, the ONNX file contains it."""

from typing import Any

import torch
from torch import Tensor, nn

from specc.pieces.slots import HEIGHT, WIDTH, Edge, edited, mixing, resize, window

FLAT = 1 / 256  # a deviation below one step of 8 bits is rounding, which must not be made large


def clip_window(pixels: Tensor, low: float, high: float) -> Tensor:
    """Modality values to 0..1 between the window's edges."""
    return ((pixels - low) / (high - low)).clamp(0, 1)


def scale_only(pixels: Tensor, low: float, high: float) -> Tensor:
    """Numbers without a window and on the way to be standardized: nothing is cut off."""
    return (pixels - low) / (high - low)


def scale_each(pixels: Tensor, low: tuple[float, ...], high: tuple[float, ...]) -> Tensor:
    """In every channel, modality values between its own edges to 0..1, and on beyond them."""
    black, white = torch.tensor(low)[:, None, None], torch.tensor(high)[:, None, None]
    return (pixels - black) / (white - black)


def clip_each(pixels: Tensor, low: tuple[float, ...], high: tuple[float, ...]) -> Tensor:
    """In every channel, modality values to 0..1 between its own edges."""
    return scale_each(pixels, low, high).clamp(0, 1)


def as_read(pixels: Tensor, low: Edge, high: Edge) -> Tensor:
    """Modality values as they are: the spec has no window."""
    return pixels


def to_mono(samples: int) -> Tensor:
    """(1, samples): grey stays, colour becomes luma (ITU-R BT.601)."""
    return torch.tensor([[1.0]] if samples == 1 else [[0.299, 0.587, 0.114]])


def to_rgb(samples: int) -> Tensor:
    """(3, samples): colour stays, grey is repeated."""
    return torch.ones(3, 1) if samples == 1 else torch.eye(3)


def as_stacked(samples: int) -> Tensor:
    """(samples, samples): each file of a case stays a channel of its own."""
    return torch.eye(samples)


class UnitEdits(nn.Module):
    """Window, channels, size: (B, samples, H, W) as read -> (B, channels, height, width) in 0..1, black 0."""

    def __init__(self, low: Edge, high: Edge, samples: int) -> None:
        super().__init__()
        self.values = (low, high, samples)
        self.register_buffer("mix", mixing(samples))

    def forward(self, pixels: Tensor) -> Tensor:
        images = torch.einsum("oc,bchw->bohw", self.mix, window(pixels, *self.values[:2]))
        return resize(edited(images), HEIGHT, WIDTH)


class SymmetricEdits(nn.Module):
    """Window, channels, size: (B, samples, H, W) as read -> (B, channels, height, width) in -1..1, black -1."""

    def __init__(self, low: Edge, high: Edge, samples: int) -> None:
        super().__init__()
        self.values = (low, high, samples)
        self.register_buffer("mix", mixing(samples))

    def forward(self, pixels: Tensor) -> Tensor:
        images = torch.einsum("oc,bchw->bohw", self.mix, window(pixels, *self.values[:2]))
        return resize(edited(images), HEIGHT, WIDTH) * 2 - 1


class ImageStandardizedEdits(nn.Module):
    """Window, channels, size; then every channel of an image by its own mean and deviation; a flat one becomes 0.

    The mean is taken off twice: what rounding left of it at first would be made large where the deviation is small.
    """

    def __init__(self, low: Edge, high: Edge, samples: int) -> None:
        super().__init__()
        self.values = (low, high, samples)
        self.register_buffer("mix", mixing(samples))

    def forward(self, pixels: Tensor) -> Tensor:
        images = torch.einsum("oc,bchw->bohw", self.mix, window(pixels, *self.values[:2]))
        images = resize(edited(images), HEIGHT, WIDTH)
        for _ in range(2):
            images = images - images.mean(3, keepdim=True).mean(2, keepdim=True)  # short sums, small errors
        deviation = images.square().mean(3, keepdim=True).mean(2, keepdim=True).sqrt()
        return torch.where(deviation < FLAT, 0.0, images / deviation.clamp(min=FLAT))


class StandardizedEdits(nn.Module):
    """The edits to 0..1, then every channel by mean and deviation of the training images."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, edits: Any, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.edits, self.values = edits, edits.values
        self.register_buffer("mean", mean[:, None, None])
        self.register_buffer("deviation", deviation.clamp(min=FLAT)[:, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        images: Tensor = (self.edits(pixels) - self.mean) / self.deviation
        return images
