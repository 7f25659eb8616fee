"""The module that leaves the program."""

import torch
from torch import Tensor, nn

from specc.pieces.answers import ood_score, typical


class Grades(nn.Module):
    """Pixels as read (B, samples, H, W) -> grade, probabilities (B, grades), ood_score, accepted."""

    usual: Tensor
    threshold: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module, training: Tensor) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("usual", typical(training))
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        above = torch.sigmoid(self.net(images))  # falls from threshold to threshold
        ends = torch.ones_like(above[:, :1])
        probabilities = torch.cat([ends, above], 1) - torch.cat([above, 0 * ends], 1)
        score = ood_score(images, self.usual)
        return probabilities.argmax(1), probabilities, score, score <= self.threshold
