"""Names that the pieces of this plugin use and a program binds; those of every program are in `specc.pieces.slots`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from specc.pieces.slots import unbound

if TYPE_CHECKING:
    from torch import Tensor

    from specc.pieces import runtime as rt

NOISE: float = 0.1  # standard deviation of the noise on what goes in
HOLES: float = 0.3  # share of pixels that are black in what goes in
BLACK: float = 0.0  # of the edited images
PEAK: float = 1.0  # distance from black to white on the scale of the edited images, or what the training images span
SPARSITY: float = 0.0  # weight of the penalty on the code
TARGET: float = 0.05  # mean of each number of a sparse code
BETA: float = 1.0  # weight of the divergence of a variational code
CODE: int = 1  # numbers of the code


def objective(net: Any, criterion: Callable[..., Tensor], images: Tensor, batch: rt.Batch) -> Tensor:
    """(B,) what training makes small, for clean images (B, C, H, W)."""
    unbound("objective")


def disturbed(images: Tensor, batch: rt.Batch) -> Tensor:
    """What goes into the encoder while it learns: (B, C, H, W)."""
    unbound("disturbed")


def sparse(losses: Tensor, code: Tensor, batch: rt.Batch) -> Tensor:
    """Losses (B,) with a penalty on a code that is not sparse."""
    unbound("sparse")


def shown(outputs: Tensor) -> Tensor:
    """What a network puts out -> images on the scale of the input."""
    unbound("shown")


def hidden(images: Tensor) -> Tensor:
    """What a network puts out for images that it gives back whole: the inverse of `shown`."""
    unbound("hidden")


def bounds(images: Tensor) -> tuple[float, float]:
    """The loss of a network that puts out 0 everywhere, and of one that gives images back whole, if training can get
    there.
    """
    unbound("bounds")


def middle(encoded: Any) -> Tensor:
    """The code of what an encoder says: where that is a distribution, its mean."""
    unbound("middle")
