"""Names that the pieces of this plugin use and a program binds; those of every program are in `specc.pieces.slots`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from specc.pieces import slots
from specc.pieces.slots import unbound

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

BOXES: tuple[int, ...] = ()  # which outputs of the network say where the boxes of each map are
SCORES: tuple[int, ...] = ()  # and which say what is in them
MAPS: tuple[tuple[int, int, float, float, float, float, tuple[float, ...]], ...] = ()  # boxes.default_boxes
KEEP: int = 1  # boxes that an image has at most
CANDIDATES: int = 1  # boxes of a class among which some are kept
OVERLAP: float = 0.45  # of boxes of one class, above which only one is kept
LEAST_SCORE: float = 0.01  # of a box that is kept
FEATURES: int = 0
LOGITS: int = 1
CLASSES: tuple[str, ...] = ()
DOMAINS: tuple[str, str] = ("", "")  # what the table calls both kinds of images


@dataclass(frozen=True)
class Config(slots.Config):
    """The settings of every program and those of both GANs."""

    latent: int = 1
    pool: int = 1
    cycle: float = 10.0
    identity: float = 0.0


def placed(size: Tensor) -> tuple[Tensor, Tensor]:
    """Height and width as read (2,) -> what places are multiplied by, and where the first pixel lies on the canvas."""
    unbound("placed")


def Generator() -> nn.Module:
    """The network that the spec calls `generator`."""
    unbound("Generator")


def Discriminator() -> nn.Module:
    """The network that the spec calls `discriminator`."""
    unbound("Discriminator")


def generator_optimizer(net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of `generator`."""
    unbound("generator_optimizer")


def discriminator_optimizer(net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of `discriminator`."""
    unbound("discriminator_optimizer")


def generator_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each image that the generator made: (B, 1), (B,) -> (B,)."""
    unbound("generator_loss")


def discriminator_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each image that the discriminator judged: (B, 1), (B,) -> (B,)."""
    unbound("discriminator_loss")


def AToB() -> nn.Module:
    """The network that the spec calls `a_to_b`."""
    unbound("AToB")


def a_to_b_optimizer(net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of `a_to_b`."""
    unbound("a_to_b_optimizer")


def a_to_b_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each image that `a_to_b` made: (B, ...), (B,) -> (B,)."""
    unbound("a_to_b_loss")


def BToA() -> nn.Module:
    """The network that the spec calls `b_to_a`."""
    unbound("BToA")


def b_to_a_optimizer(net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of `b_to_a`."""
    unbound("b_to_a_optimizer")


def b_to_a_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each image that `b_to_a` made: (B, ...), (B,) -> (B,)."""
    unbound("b_to_a_loss")


def JudgeA() -> nn.Module:
    """The network that the spec calls `judge_a`."""
    unbound("JudgeA")


def judge_a_optimizer(net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of `judge_a`."""
    unbound("judge_a_optimizer")


def judge_a_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each image that it judged: (B, ...), (B,) -> (B,)."""
    unbound("judge_a_loss")


def JudgeB() -> nn.Module:
    """The network that the spec calls `judge_b`."""
    unbound("JudgeB")


def judge_b_optimizer(net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of `judge_b`."""
    unbound("judge_b_optimizer")


def judge_b_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each image that it judged: (B, ...), (B,) -> (B,)."""
    unbound("judge_b_loss")
