"""Names that the pieces of this plugin use and a program binds; those of every program are in `specc.pieces.slots`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specc.pieces.slots import unbound

if TYPE_CHECKING:
    from torch import Tensor

    from specc.pieces.pixels import Images

FACTOR: int = 2  # pixels of the answer for one of the image, along each axis
STEP: int = 1  # pixels of the network's output for one of its input
MARGIN: int = 0  # pixels that the network takes off each side, of its input
MULTIPLE: int = 1  # of which height and width of an image must be multiples
BORDER: int = 0  # pixels of each side that the figures leave out
CHANNELS: int = 1  # of images as the spec has them
CUT: int = 0  # pixels that the network takes off each side, of its output
BLACK: float = 0.0  # of the spec's scale
WHITE: float = 1.0
BLUR: float = 0.0  # standard deviation in pixels of the target
NOISE: float = 0.0  # standard deviation on the spec's scale
SIDE: int = 1  # of a patch, in pixels of the network's input
PATCHES: int = 1  # of an image in a step
TO_PARTS: tuple[tuple[float, float, float], ...] = ()  # rows of Y, Cb and Cr in red, green and blue
TO_COLOURS: tuple[tuple[float, float, float], ...] = ()  # its inverse
OFFSET: tuple[float, float, float] = (0.0, 0.5, 0.5)  # what is added to Y, Cb and Cr


def enlarged(images: Tensor, factor: int) -> Tensor:
    """(B, C, H, W), enlarged before the network or not."""
    unbound("enlarged")


def shrunk(images: Tensor, factor: int) -> Tensor:
    """(B, C, H, W) -> (B, C, H / factor, W / factor)."""
    unbound("shrunk")


def blurred(images: Tensor, sd: float) -> Tensor:
    """(B, C, H, W) with Gaussian weights."""
    unbound("blurred")


def noisy(images: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """(B, C, H, W) with noise that follows from key and ids."""
    unbound("noisy")


def bordered(images: Tensor, margin: int) -> Tensor:
    """(B, C, H, W) with a margin around each image."""
    unbound("bordered")


def trimmed(images: Tensor, border: int) -> Tensor:
    """(B, C, H, W) less what the network takes off each side."""
    unbound("trimmed")


def to_shares(images: Tensor) -> Tensor:
    """(B, C, H, W) from the spec's scale to shares of the range: black 0, white 1."""
    unbound("to_shares")


def to_scale(shares: Tensor) -> Tensor:
    """(B, C, H, W) from shares of the range to the spec's scale."""
    unbound("to_scale")


def part(images: Tensor) -> Tensor:
    """(B, C, H, W): the channels that the network works on."""
    unbound("part")


def judged(images: Tensor) -> Tensor:
    """(B, C, H, W): the channels that the figures are of."""
    unbound("judged")


def whole(restored: Tensor, images: Tensor) -> Tensor:
    """The answer (B, C, fH, fW) out of what the network gives and the images."""
    unbound("whole")


def known(images: Images, config: Any) -> Tensor:
    """(N, C, H, W): what is to come out of each image; empty where images are made of it."""
    unbound("known")


def pairs(images: Images, targets: Tensor, ids: Tensor, key: tuple[int, ...], moved: bool) -> tuple[Tensor, Tensor]:
    """Images and what is to come out of them (B, C, H, W); moved alike in training."""
    unbound("pairs")


def patches(inputs: Tensor, truth: Tensor, ids: Tensor, key: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Parts of what the network gets and of what is to come out (B * PATCHES, ...)."""
    unbound("patches")


def shown(inputs: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """What of the images a picture of them shows."""
    unbound("shown")
