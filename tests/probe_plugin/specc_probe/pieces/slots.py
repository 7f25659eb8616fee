"""Names that the pieces of this plugin use and a program binds; those of every program are in `specc.pieces.slots`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from specc.pieces import slots
from specc.pieces.slots import unbound

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

BOXES: int = 0  # which output of the network is which
SCORES: int = 1
FEATURES: int = 0
LOGITS: int = 1
CLASSES: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config(slots.Config):
    """The settings of every program and those of the GAN."""

    latent: int = 1
    pool: int = 1


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
