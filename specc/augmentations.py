"""Changes to training images. Each comes with probability 1 (flip 0.5), bilinear, and fills with black."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from specc.plugin import Arguments, Augmentation, Piece


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"the first number must not be larger than the second: [{value[1]:g}, {value[0]:g}]")
    return value


_Factor = Annotated[float, Field(gt=0, le=10)]
_Range = Annotated[tuple[_Factor, _Factor], AfterValidator(_rising)]


class Rotate(Arguments):
    """Arguments of rotate."""

    degrees: float = Field(gt=0, le=180, description="at most so far to either side")


class Zoom(Arguments):
    """Arguments of zoom."""

    range: _Range = Field(description="[smallest, largest] factor; 1.1 enlarges")


class Shift(Arguments):
    """Arguments of shift."""

    fraction: float = Field(gt=0, lt=1, description="at most this part of height and width, in each direction")


class Flip(Arguments):
    """Arguments of flip."""

    axis: Literal["horizontal", "vertical"] = Field(description="`horizontal` swaps left and right")
    probability: float = Field(default=0.5, gt=0, le=1, description="how often")


class Brightness(Arguments):
    """Arguments of brightness."""

    range: _Range = Field(description="[smallest, largest] factor of every pixel; black stays black")


class Contrast(Arguments):
    """Arguments of contrast."""

    range: _Range = Field(description="[smallest, largest] factor of the distance to the image's mean")


def _bind(arguments: Arguments) -> Mapping[str, Any]:
    """The arguments by their names; a range as `low` and `high`."""
    values = arguments.model_dump()
    if "range" in values:
        values["low"], values["high"] = values.pop("range")
    return values


def _augmentation(name: str, draws: int, arguments: type[Arguments], doc: str) -> Augmentation:
    return Augmentation(name, Piece("specc.pieces.augment", name), draws, arguments, _bind, doc)


AUGMENTATIONS = (
    _augmentation("rotate", 1, Rotate, "Turns the image about its centre by a random angle."),
    _augmentation("zoom", 1, Zoom, "Enlarges or shrinks the image about its centre by a random factor."),
    _augmentation("shift", 2, Shift, "Moves the image by a random distance, vertically and horizontally."),
    _augmentation("flip", 1, Flip, "Mirrors the image."),
    _augmentation("brightness", 1, Brightness, "Multiplies every pixel by a random factor."),
    _augmentation("contrast", 1, Contrast, "Multiplies each pixel's distance to the mean by a random factor."),
)
