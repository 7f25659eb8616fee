"""The module that leaves: from pixels as read to the restored image."""

from typing import Any

import torch
from torch import Tensor, nn

from specc_superres.pieces.slots import FACTOR, MARGIN, bordered, enlarged, part, to_shares, whole


def any_size(images: Tensor, height: int, width: int) -> Tensor:
    """(B, C, H, W) as they are: nothing is resized."""
    return images


def repeated(images: Tensor, margin: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H + 2 margin, W + 2 margin): the pixels at the edges go on outside."""
    height, width = images.shape[2:]
    rows = (torch.arange(height + 2 * margin, device=images.device) - margin).clamp(0, height - 1)
    columns = (torch.arange(width + 2 * margin, device=images.device) - margin).clamp(0, width - 1)
    return images.index_select(2, rows).index_select(3, columns)


def prepared(images: Tensor) -> Tensor:
    """Images (B, C, H, W) as the network gets them."""
    return enlarged(part(images), FACTOR)


def restored(net: Any, images: Tensor) -> Tensor:
    """Images (B, C, H, W) -> what the network gives (B, C', FACTOR * H, FACTOR * W)."""
    outputs: Tensor = net(bordered(prepared(images), MARGIN))
    return outputs


def shares(images: Tensor) -> Tensor:
    """From the spec's scale to shares of the range, cut to 0..1."""
    return to_shares(images).clamp(0, 1)


class Restored(nn.Module):
    """Pixels as read (B, samples, H, W) -> the image (B, C, FACTOR * H, FACTOR * W) in 0..1: black to white."""

    def __init__(self, edits: nn.Module, net: nn.Module) -> None:
        super().__init__()
        self.edits, self.net = edits, net

    def forward(self, pixels: Tensor) -> tuple[Tensor]:
        images = self.edits(pixels)
        return (shares(whole(restored(self.net, images), images)),)
