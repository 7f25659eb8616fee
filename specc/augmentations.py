"""Changes to training images. Each comes with probability 1 (flip 0.5), bilinear, and fills with black."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from specc.plugin import Arguments, Augmentation, Pair, Piece

Shape = tuple[int, int, int]  # channels, height, width
Draws = int | Callable[[Any, Shape], int]


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"the first number must not be larger than the second: [{value[1]:g}, {value[0]:g}]")
    return value


def _both(value: object) -> object:
    return (value, value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_Probability = Annotated[float, Field(gt=0, le=1, description="the share of the images that it happens to")]
_Axis = Literal["horizontal", "vertical"]
_Factor = Annotated[float, Field(gt=0, le=10)]
_Range = Annotated[tuple[_Factor, _Factor], AfterValidator(_rising)]
_Share = Annotated[float, Field(gt=0, le=1)]
_Shares = Annotated[tuple[_Share, _Share], AfterValidator(_rising)]


def _grid(value: tuple[int, int]) -> tuple[int, int]:
    if not all(2 <= number <= 64 for number in value):
        raise ValueError("a grid has 2 to 64 points down and across")
    return value


_DEVIATION_SCHEMA = {"type": "number", "minimum": 0, "maximum": 100}
_DEVIATIONS_SCHEMA = {"type": "array", "items": _DEVIATION_SCHEMA, "minItems": 2, "maxItems": 2}
_Deviation = Annotated[float, Field(ge=0, le=100)]
_Deviations = Annotated[
    tuple[_Deviation, _Deviation],
    AfterValidator(_rising),
    BeforeValidator(_both),
    WithJsonSchema({"anyOf": [_DEVIATION_SCHEMA, _DEVIATIONS_SCHEMA]}),
]  # 0.05 or [smallest, largest]
_NODE_SCHEMA = {"type": "integer", "minimum": 2, "maximum": 64}
_NODES_SCHEMA = {"type": "array", "items": _NODE_SCHEMA, "minItems": 2, "maxItems": 2}
_Grid = Annotated[Pair, AfterValidator(_grid), WithJsonSchema({"anyOf": [_NODE_SCHEMA, _NODES_SCHEMA]})]


class Rotate(Arguments):
    """Arguments of rotate."""

    degrees: float = Field(gt=0, le=180, description="at most so far to either side")
    probability: _Probability = 1.0


class Rotate90(Arguments):
    """Arguments of rotate90."""

    probability: _Probability = 1.0


class Zoom(Arguments):
    """Arguments of zoom."""

    range: _Range = Field(description="[smallest, largest] factor; 1.1 enlarges")
    probability: _Probability = 1.0


class Shift(Arguments):
    """Arguments of shift."""

    fraction: float = Field(gt=0, lt=1, description="at most this part of height and width, in each direction")
    probability: _Probability = 1.0


class Shear(Arguments):
    """Arguments of shear."""

    degrees: float = Field(gt=0, le=60, description="at most so far to either side")
    axis: _Axis = Field(default="horizontal", description="`horizontal` slants upright lines, `vertical` level ones")
    probability: _Probability = 1.0


class Flip(Arguments):
    """Arguments of flip."""

    axis: _Axis = Field(description="`horizontal` swaps left and right")
    probability: _Probability = 0.5


class RandomCrop(Arguments):
    """Arguments of random_crop."""

    pad: int = Field(
        default=0,
        ge=0,
        le=1024,
        description="pixels of black that are added on every side before a part of the old size is cut out",
    )
    area: _Shares = Field(
        default=(1.0, 1.0), description="[smallest, largest] share of the image that is cut out and enlarged"
    )
    aspect: _Range = Field(
        default=(1.0, 1.0),
        description="[smallest, largest] ratio of width to height of the part, 1 being that of the image: other "
        "numbers stretch what is seen",
    )
    probability: _Probability = 1.0


class Elastic(Arguments):
    """Arguments of elastic."""

    sd: float = Field(gt=0, le=1000, description="standard deviation of the displacements, in pixels")
    grid: _Grid = Field(default=(3, 3), description="points that are displaced, down and across: `3` or `[3, 4]`")
    probability: _Probability = 1.0


class Brightness(Arguments):
    """Arguments of brightness."""

    range: _Range = Field(description="[smallest, largest] factor of every pixel; black stays black")
    probability: _Probability = 1.0


class Contrast(Arguments):
    """Arguments of contrast."""

    range: _Range = Field(description="[smallest, largest] factor of the distance to the image's mean")
    probability: _Probability = 1.0


class Gamma(Arguments):
    """Arguments of gamma."""

    range: _Range = Field(description="[smallest, largest] power; below 1 brightens what is between black and white")
    probability: _Probability = 1.0


class Noise(Arguments):
    """Arguments of noise."""

    sd: _Deviations = Field(
        description="standard deviation, or [smallest, largest], in the unit that `input: scale` gives the pixels: "
        "with `0..1`, 0.05 is a twentieth of the way from black to white"
    )
    probability: _Probability = 1.0


class Blur(Arguments):
    """Arguments of blur."""

    sd: _Deviations = Field(description="standard deviation, or [smallest, largest], in pixels")
    probability: _Probability = 1.0


class Cutout(Arguments):
    """Arguments of cutout."""

    fraction: float = Field(gt=0, le=1, description="side of a square, as a part of the image's shorter side")
    holes: int = Field(default=1, ge=1, le=64, description="how many squares")
    probability: _Probability = 1.0


class Mixup(Arguments):
    """Arguments of mixup (Zhang et al. 2018, arXiv:1710.09412)."""

    alpha: float = Field(
        default=0.2, gt=0, le=10, description="shares come from Beta(alpha, alpha): small, and one image prevails"
    )


def _bind(arguments: Arguments) -> Mapping[str, Any]:
    """The arguments by their names, less what every change has; a pair of numbers as `low` and `high`."""
    values = {name: value for name, value in arguments.model_dump().items() if name != "probability"}
    for name in ("range", "sd"):
        if isinstance(values.get(name), tuple):
            values["low"], values["high"] = values.pop(name)
    return values


def _noises(arguments: Any, shape: Shape) -> int:
    """One for the level, and a pair of numbers for each pair of pixels."""
    pixels = shape[0] * shape[1] * shape[2]
    return 1 + pixels + pixels % 2


def _record(module: str, name: str, given: str, draws: Draws, arguments: type[Arguments], doc: str) -> Augmentation:
    """`given` are the arguments of the example. What stands behind `Source:` in `doc` is the source."""
    text, _, source = doc.partition(" Source: ")
    example = f"augment:\n  - {name}{f': {{{given}}}' if given else ''}"
    piece = Piece(f"specc.pieces.{module}", name)
    count = draws if callable(draws) else lambda arguments, shape: draws
    return Augmentation(name, piece, count, arguments, _bind, text, module == "augment_places", example, source)


_move = partial(_record, "augment_places")
_shade = partial(_record, "augment")

AUGMENTATIONS = (
    _move("rotate", "degrees: 10", 1, Rotate, "Turns the image about its middle by a random angle."),
    _move(
        "rotate90",
        "",
        1,
        Rotate90,
        "Turns the image by 0, 90, 180 or 270 degrees, each as often as the others. For images without an upright: "
        "those of a microscope, say.",
    ),
    _move(
        "zoom",
        "range: [0.9, 1.1]",
        1,
        Zoom,
        "Enlarges or shrinks the image about its middle by a random factor; the size in pixels stays.",
    ),
    _move("shift", "fraction: 0.1", 2, Shift, "Moves the image by a random distance, up or down and to either side."),
    _move("shear", "degrees: 10", 1, Shear, "Slants the image by a random angle: a square becomes a parallelogram."),
    _move(
        "flip",
        "axis: horizontal",
        0,
        Flip,
        "Mirrors the image. A mirrored chest has its heart on the right: leave it out where sides matter.",
    ),
    _move(
        "random_crop",
        "area: [0.7, 1]",
        6,
        RandomCrop,
        "Cuts out a random part. `{pad: 4}` adds a black frame and cuts out a part of the old size, which moves the "
        "image by whole pixels; `{area: [0.7, 1]}` cuts out a part with so much of the image and enlarges it to the "
        "old size. Source: pad: He et al. 2016, section 4.2; area and aspect: Szegedy et al. 2015, section 6",
    ),
    _move(
        "elastic",
        "sd: 2",
        lambda arguments, shape: 2 * arguments.grid[0] * arguments.grid[1],
        Elastic,
        "Bends the image as rubber: the points of a coarse grid move by random distances, and what lies between "
        "follows smoothly. Source: Ronneberger et al. 2015 (U-Net), section 3.1: a 3x3 grid and 10 pixels",
    ),
    _shade("brightness", "range: [0.8, 1.2]", 1, Brightness, "Multiplies every pixel by a random factor."),
    _shade(
        "contrast",
        "range: [0.8, 1.2]",
        1,
        Contrast,
        "Multiplies each pixel's distance to the mean of the image by a random factor.",
    ),
    _shade(
        "gamma",
        "range: [0.7, 1.5]",
        1,
        Gamma,
        "Raises pixels to a random power, on a scale from the darkest to the brightest of the image, which both stay. "
        "Source: Isensee et al. 2021 (nnU-Net), supplement, section 4",
    ),
    _shade(
        "noise",
        "sd: [0.01, 0.05]",
        _noises,
        Noise,
        "Adds to every pixel a random number of its own, out of a normal distribution.",
    ),
    _shade("blur", "sd: [0.5, 1.5]", 1, Blur, "Blurs the image by a Gaussian of random width."),
    _shade(
        "cutout",
        "fraction: 0.25",
        lambda arguments, shape: 2 * arguments.holes,
        Cutout,
        "Covers a part of the image with black squares, so that the network does not learn to look at one place only. "
        "The middle of a square is anywhere in the image, and a part of the square may be outside. "
        "Source: DeVries and Taylor 2017, arXiv:1708.04552",
    ),
    Augmentation(
        "mixup",
        Piece("specc.pieces.mixup", "mixup_loss"),
        lambda arguments, shape: 2,
        Mixup,
        lambda arguments: {"ALPHA": float(arguments.alpha)},
        "Blends each image with another training image, and what the network is to answer with it. Comes last.",
        example="augment:\n  - mixup: {alpha: 0.2}",
        source="Zhang et al. 2018, arXiv:1710.09412",
        mixes=Piece("specc.pieces.mixup", "blended_images"),
    ),
)
