"""The module that leaves the program: what a reader gives goes in, named answers come out, whatever the size."""

from typing import Any

import torch
from torch import Tensor, nn

from specc.pieces.slots import inner, to_pair


def brightness(images: Tensor) -> Tensor:
    """(B, 2): each image's mean, and the root of its mean square."""
    mean, square = (values.mean(3).mean(2).mean(1) for values in (images, images.square()))  # short sums, small errors
    return torch.stack([mean, square.sqrt()], 1)


def typical(images: Tensor) -> Tensor:
    """(2, 2): mean and deviation of the training images' brightness."""
    numbers = torch.cat([brightness(chunk) for chunk in images.split(256)])
    return torch.stack([numbers.mean(0), numbers.std(0, correction=0).clamp(min=0.02)])


def ood_score(images: Tensor, usual: Tensor) -> Tensor:
    """(B,) how far the brightness is from the training images', in their deviations; the larger of both numbers."""
    return ((brightness(images) - usual[0]).abs() / usual[1]).amax(1)


def positive_second(probability: Tensor) -> Tensor:
    """(B, 1) -> (B, 2): the neuron speaks for the second class."""
    return torch.cat([1 - probability, probability], 1)


def positive_first(probability: Tensor) -> Tensor:
    """(B, 1) -> (B, 2): the neuron speaks for the first class."""
    return torch.cat([probability, 1 - probability], 1)


class TwoClasses(nn.Module):
    """Pixels as read (B, samples, H, W) -> class, probabilities (B, 2), ood_score, accepted."""

    usual: Tensor
    temperature: Tensor
    threshold: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module, training: Tensor) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("usual", typical(training))
        self.register_buffer("temperature", torch.tensor(1.0))  # not calibrated
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        probabilities = to_pair(torch.sigmoid(self.net(images) / self.temperature))
        score = ood_score(images, self.usual)
        return probabilities.argmax(1), probabilities, score, score <= self.threshold


class ManyClasses(nn.Module):
    """Pixels as read (B, samples, H, W) -> class, probabilities (B, classes), ood_score, accepted."""

    usual: Tensor
    temperature: Tensor
    threshold: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module, training: Tensor) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("usual", typical(training))
        self.register_buffer("temperature", torch.tensor(1.0))  # not calibrated
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        probabilities = torch.softmax(self.net(images) / self.temperature, 1)
        score = ood_score(images, self.usual)
        return probabilities.argmax(1), probabilities, score, score <= self.threshold


class Findings(nn.Module):
    """Pixels as read (B, samples, H, W) -> findings (B, L) of 1 or 0, probabilities (B, L), ood_score, accepted."""

    usual: Tensor
    temperature: Tensor
    threshold: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module, training: Tensor) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("usual", typical(training))
        self.register_buffer("temperature", torch.tensor(1.0))  # not calibrated
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        probabilities = torch.sigmoid(self.net(images) / self.temperature)
        score = ood_score(images, self.usual)
        return (probabilities > 0.5).long(), probabilities, score, score <= self.threshold


class Values(nn.Module):
    """Pixels as read (B, samples, H, W) -> values (B, targets) twice (answer, values), ood_score, accepted."""

    usual: Tensor
    threshold: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module, training: Tensor) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("usual", typical(training))
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        values = self.net(images)
        score = ood_score(images, self.usual)
        return values.clone(), values, score, score <= self.threshold


class Rescaled(nn.Module):
    """A network whose outputs are standardized targets, back in the targets' own units."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, net: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.net(images) * self.deviation + self.mean
        return values


class Coded(nn.Module):
    """An exported module whose last output is the code (B, ...) of its network beside the answers."""

    def __init__(self, answers: Any) -> None:
        super().__init__()
        self.answers = answers

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return *self.answers(pixels), inner(self.answers.net).encode(self.answers.edits(pixels))


def network_of(rescaled: Any) -> Any:
    """The network whose outputs are standardized targets."""
    return rescaled.net
