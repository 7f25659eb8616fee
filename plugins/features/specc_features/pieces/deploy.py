"""The modules that leave the program: pixels as read go in; the code, and what is made of it, come out."""

from typing import Any

import torch
from torch import Tensor, nn

from specc_features.pieces.slots import middle, shown


class Autoencoder(nn.Module):
    """Pixels as read (B, samples, H, W) -> code (B, n), reconstruction and image as the network sees it (B, C, h, w),
    error (B,), accepted (B,). The error is the mean squared error over pixels and channels, on the scale of the spec.
    """

    threshold: Tensor

    def __init__(self, edits: nn.Module, net: Any) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        code = middle(self.net.encode(images))
        reconstruction = shown(self.net.decode(code))
        error = (reconstruction - images).square().mean(3).mean(2).mean(1)  # short sums, small errors
        return code, reconstruction, images, error, error <= self.threshold


class Encoder(nn.Module):
    """Pixels as read (B, samples, H, W) -> code (B, n): the first half of the autoencoder."""

    def __init__(self, edits: nn.Module, net: Any) -> None:
        super().__init__()
        self.edits, self.net = edits, net

    def forward(self, pixels: Tensor) -> tuple[Tensor]:
        return (middle(self.net.encode(self.edits(pixels))),)
