"""The module that leaves the program: pixels as read go in, probabilities and masks come out."""

import torch
from torch import Tensor, nn

from specc.pieces.answers import ood_score, typical
from specc_segmentation.pieces.slots import likelihoods


def pair(outputs: Tensor) -> Tensor:
    """(B, 1, h, w) -> probabilities of both classes (B, 2, h, w): the logit speaks for the second."""
    second = torch.sigmoid(outputs)
    return torch.cat([1 - second, second], 1)


def softmax(outputs: Tensor) -> Tensor:
    """(B, K, h, w) -> probabilities that sum to 1."""
    return torch.softmax(outputs, 1)


def sigmoid(outputs: Tensor) -> Tensor:
    """(B, L, h, w) -> a probability of its own for each label."""
    return torch.sigmoid(outputs)


class ClassMasks(nn.Module):
    """Pixels as read (B, samples, H, W) -> probabilities (B, K, h, w), mask (B, h, w), ood_score, accepted."""

    usual: Tensor
    threshold: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module, training: Tensor) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("usual", typical(training))
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        probabilities = likelihoods(self.net(images))
        score = ood_score(images, self.usual)
        return probabilities, probabilities.argmax(1), score, score <= self.threshold


class LabelMasks(nn.Module):
    """Pixels as read (B, samples, H, W) -> probabilities (B, L, h, w), mask (B, L, h, w), ood_score, accepted."""

    usual: Tensor
    threshold: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module, training: Tensor) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("usual", typical(training))
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        probabilities = likelihoods(self.net(images))
        score = ood_score(images, self.usual)
        return probabilities, (probabilities > 0.5).long(), score, score <= self.threshold
