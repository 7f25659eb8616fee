"""Mixup: a network learns from blends of two training images and of what it is to answer to each."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from specc.pieces import runtime as rt
from specc.pieces.slots import ALPHA, answered, augment

POINTS = 4096


@cache
def larger_shares(alpha: float) -> Tensor:
    """(POINTS,) max(x, 1 - x) at even quantiles, for x from Beta(alpha, alpha).

    The smaller share s has the density s^(alpha - 1) (1 - s)^(alpha - 1) on 0..1/2; in y = s^alpha it is
    (1 - s)^(alpha - 1), which is smooth, so that the trapezoidal rule and its inverse are enough.
    """
    y = torch.linspace(0, 0.5**alpha, POINTS, dtype=torch.float64)
    steps = torch.cumulative_trapezoid((1 - y ** (1 / alpha)) ** (alpha - 1), y)
    below = torch.cat([torch.zeros(1, dtype=torch.float64), steps / steps[-1]])
    even = torch.linspace(0, 1, POINTS, dtype=torch.float64)
    place = torch.searchsorted(below, even).clamp(1, POINTS - 1)
    part = (even - below[place - 1]) / (below[place] - below[place - 1])
    return 1 - torch.lerp(y[place - 1], y[place], part) ** (1 / alpha)


def larger_share(u: Tensor, alpha: float) -> Tensor:
    """(B,) numbers between 1/2 and 1 from u (B,), uniform in [0, 1)."""
    shares, at = larger_shares(alpha).to(u.device), u.double() * (POINTS - 1)
    place = at.long()
    return torch.lerp(shares[place], shares[place + 1], at - place).float()


def blended(images: Any, ids: Tensor, key: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Each image blended with any other training image: (B, C, H, W), which other (B,), the share of its own (B,).

    The other image and the share follow from the key and the sample's id.
    """
    u = rt.uniform((*key, 3), ids, 2)
    others = (u[:, 0].double() * len(images.parts["train"])).long()
    own, other = (augment(images.pick(which), which, key) for which in (ids, others))
    share = larger_share(u[:, 1], ALPHA).to(own.dtype)
    return torch.lerp(other, own, share[:, None, None, None]), others, share


def blended_images(images: Any, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """(B, C, H, W) as a training step blends them."""
    return blended(images, ids, key)[0]


def mixup_loss(
    net: Callable[[Tensor], Tensor], criterion: Callable[..., Tensor], images: Any, targets: Tensor, batch: rt.Batch
) -> Tensor:
    """The loss of a batch in which each image is blended with another one (Zhang et al. 2018, eq. 1)."""
    inputs, others, share = blended(images, batch.ids, batch.key)
    return answered(criterion, net(inputs), targets[batch.ids], targets[others], share) @ batch.weights


def classes_blended(criterion: Callable[..., Tensor], outputs: Tensor, own: Tensor, other: Tensor, u: Tensor) -> Tensor:
    """Losses (B,) of both classes, with their shares u (B,) and 1 - u: of cross entropy that of the blended target."""
    return torch.lerp(criterion(outputs, other), criterion(outputs, own), u)


def values_blended(criterion: Callable[..., Tensor], outputs: Tensor, own: Tensor, other: Tensor, u: Tensor) -> Tensor:
    """Losses (B,) against u own + (1 - u) other; targets are (B, d)."""
    return criterion(outputs, torch.lerp(other, own, u[:, None].to(own.dtype)))
