"""The modules that leave the programs, and what they are made of."""

import torch
from torch import Tensor, nn

from specc_probe.pieces.slots import BOXES, SCORES


class Maker(nn.Module):
    """Random numbers (B, latent) -> images (B, C, H, W), on the scale of the spec's input."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, latent: Tensor) -> tuple[Tensor]:
        return (self.generator(latent),)


def placed(places: Tensor) -> Tensor:
    """(B, 4, rows, columns) of a network -> (B, rows * columns, 4) x, y, width, height in shares of the image."""
    rows, columns = places.shape[2:]
    share = places.sigmoid()
    x = (torch.arange(columns, device=places.device) + share[:, 0]) / columns
    y = (torch.arange(rows, device=places.device)[:, None] + share[:, 1]) / rows
    return torch.stack([x - share[:, 2] / 2, y - share[:, 3] / 2, share[:, 2], share[:, 3]], 3).flatten(1, 2)


class Detector(nn.Module):
    """Pixels as read (B, samples, H, W) -> boxes (B, cells, 4) in shares of the image, scores (B, cells)."""

    def __init__(self, edits: nn.Module, net: nn.Module) -> None:
        super().__init__()
        self.edits, self.net = edits, net

    def forward(self, read: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.net(self.edits(read))
        return placed(outputs[BOXES]), outputs[SCORES].flatten(1).sigmoid()


class Segmenter(nn.Module):
    """Pixels as read (B, samples, H, W) -> for each pixel of the edited image (B, 1, h, w) how sure it is a thing."""

    def __init__(self, edits: nn.Module, net: nn.Module) -> None:
        super().__init__()
        self.edits, self.net = edits, net

    def forward(self, read: Tensor) -> tuple[Tensor]:
        return (self.net(self.edits(read)).sigmoid(),)


class Output(nn.Module):
    """One of a network's outputs."""

    def __init__(self, net: nn.Module, which: int) -> None:
        super().__init__()
        self.net, self.which = net, which

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.net(images)[self.which]
        return output
