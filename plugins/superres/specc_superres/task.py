"""super_resolution: an image out of an image, larger or of the same size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from specc.plugin import IDENTITY, STEP, Arguments, Column, Count, Piece, Program, Task
from specc_superres import checks, likeness, rules, sizes
from specc_superres.colours import inverse, rows_of
from specc_superres.losses import OF_IMAGES

if TYPE_CHECKING:
    from specc.study import Study

_PIECES = "specc_superres.pieces"
_HOMES = {
    f"{_PIECES}.train": "train",
    f"{_PIECES}.data": "pairs",
    f"{_PIECES}.resample": "deploy",
    f"{_PIECES}.colour": "deploy",
    f"{_PIECES}.deploy": "deploy",
    f"{_PIECES}.quality": "metrics",
    f"{_PIECES}.losses": "metrics",
    "specc.pieces.supervised": "train",
}


class Output(Arguments):
    """What comes out: an image."""

    channels: Literal["mono", "rgb", "luma"] | None = Field(
        default=None,
        description="`mono` and `rgb` as the images; `luma`: of colour images the network learns the brightness (Y), "
        "and the colours are enlarged by bicubic interpolation (default: as `input.channels`)",
    )
    factor: Annotated[int, Field(ge=1, le=16)] = Field(
        description="how many times as high and wide the answer is; 1: of the same size, as for taking noise away"
    )
    enlarge: Literal["network", "bicubic"] = Field(
        default="network",
        description="`network`: its own layers enlarge (pixel_shuffle, upconv2d); `bicubic`: the image is enlarged "
        "before the network, which keeps the size (SRCNN)",
    )
    luma: Literal["limited", "full"] = Field(
        default="limited",
        description="brightness of colour images, in the network and in the figures: `limited`, 16 to 235 of 255 as "
        "MATLAB's rgb2ycbcr and most papers, or `full`, 0 to 255 as Pillow; limited PSNR is 1.32 dB higher",
    )
    border: Annotated[int, Field(ge=0, le=1024)] | None = Field(
        default=None, description="pixels of each side that the figures leave out (default: `factor`; 0 for factor 1)"
    )


class Degrade(Arguments):
    """How an image is made out of the one that is to come out."""

    blur: Annotated[float, Field(ge=0, le=64)] = Field(
        default=0.0, description="standard deviation in pixels of a Gaussian blur before anything else"
    )
    kernel: Literal["bicubic", "area"] = Field(
        default="bicubic",
        description="what makes the image smaller by `output.factor`: `bicubic` (a = -0.5, antialiased, as MATLAB's "
        "imresize and Pillow), or `area`, the mean of each block",
    )
    noise: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="standard deviation of Gaussian noise, as a share of the range: 0.1 is 25.5 of 255"
    )


class Patches(Arguments):
    """Which parts of training images a step takes."""

    size: Count = Field(description="pixels of a side of what is to come out; a multiple of the network's factor")
    per_image: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=1, description="patches of each image in a step, at places that follow from seed, epoch and image"
    )


def border(study: Study) -> int:
    """Pixels of each side that figures leave out."""
    output = study.spec.output
    return int(output.border) if output.border is not None else output.factor if output.factor > 1 else 0


def _piece(module: str, name: str) -> Piece:
    return Piece(f"{_PIECES}.{module}", name)


def _program(study: Study) -> Program:
    spec, output = study.spec, study.spec.output
    found = sizes.sizes(study.passed["network"], study.registry.ops)
    assert found is not None and found.margin is not None  # the rules have looked
    luma, enlarge = sizes.channels(study) == "luma", output.enlarge == "bicubic"
    colour = luma or sizes.channels(study) == "rgb"
    symmetric, columns = spec.input.scale == "-1..1", spec.data.columns or {}
    rows, offset = rows_of(output.luma)
    literals = {
        "FACTOR": output.factor,
        "STEP": found.step,
        "MARGIN": found.margin,
        "MULTIPLE": _multiple(study, found),
        "BORDER": border(study),
        "CUT": found.step * found.margin,
        "CHANNELS": 3 if spec.input.channels == "rgb" else 1,
        "BLACK": -1.0 if symmetric else 0.0,
        "WHITE": 1.0,
        "TO_PARTS": rows,
        "TO_COLOURS": inverse(rows),
        "OFFSET": offset,
        "OUTPUTS": ("image",),
    }
    symbols: dict[str, Piece | str] = {
        **{name: repr(value) for name, value in literals.items()},
        **_cut(study, found),
        **_degraded(study),
        "build": _piece("train", "build"),
        "export_model": _piece("train", "export_restorer"),
        "targets_of": _piece("data", "no_targets"),
        "learn": Piece("specc.pieces.supervised", "learn_parts"),
        "batch_loss": _piece("train", "patch_loss"),
        "seen": _piece("data", "fed"),
        "resize": _piece("deploy", "any_size"),
        "enlarged": _piece("resample", "bicubic") if enlarge else IDENTITY,
        "bordered": _piece("deploy", "repeated") if found.margin else IDENTITY,
        "part": _piece("colour", "brightness") if luma else IDENTITY,
        "trimmed": _piece("quality", "within") if found.margin else IDENTITY,
        "to_shares": _piece("colour", "from_symmetric") if symmetric else IDENTITY,
        "to_scale": _piece("colour", "to_symmetric") if symmetric else IDENTITY,
        "judged": _piece("colour", "share_of_brightness") if colour else IDENTITY,
        "whole": _piece("colour", "recoloured") if luma else IDENTITY,
    }
    words = {} if spec.degrade else {"target": str(columns.get("target", "target"))}
    words |= {"patient": columns["patient"]} if "patient" in columns else {}
    return Program(symbols, _HOMES, columns=words)


def _multiple(study: Study, found: sizes.Sizes) -> int:
    """Of which height and width of an image must be multiples."""
    if study.spec.output.enlarge != "bicubic":
        return found.multiple
    factor = study.spec.output.factor
    return next(number for number in range(1, found.multiple + 1) if factor * number % found.multiple == 0)


def _cut(study: Study, found: sizes.Sizes) -> dict[str, Piece | str]:
    given = study.spec.patches
    if given is None:
        return {"patches": _piece("data", "whole_images"), "shown": IDENTITY}
    side = given.size // found.step
    pieces = {"patches": _piece("data", "random_patches"), "shown": _piece("data", "first_patch")}
    return {**pieces, "SIDE": repr(side), "PATCHES": repr(given.per_image)}


def _degraded(study: Study) -> dict[str, Piece | str]:
    given, factor = study.spec.degrade, study.spec.output.factor
    if given is None:
        return {"known": _piece("data", "read_targets"), "pairs": _piece("data", "given_pairs")}
    return {
        "known": _piece("data", "nothing_known"),
        "pairs": _piece("data", "made_pairs"),
        "BLUR": repr(float(given.blur)),
        "NOISE": repr(float(given.noise) * (2 if study.spec.input.scale == "-1..1" else 1)),
        "blurred": _piece("resample", "blurred_by") if given.blur else IDENTITY,
        "shrunk": _piece("resample", f"shrunk_{given.kernel}") if factor > 1 else IDENTITY,
        "noisy": _piece("data", "with_noise") if given.noise else IDENTITY,
    }


def _reach(study: Study) -> int | None:
    """How many pixels of the image a pixel of the answer depends on to each side; None where on all of them."""
    found, output = sizes.reach(study.passed["network"], study.registry.ops), study.spec.output
    if found is None:
        return None
    return (-(-found // output.factor) if output.enlarge == "bicubic" else found) + 4  # bicubic takes 2


def _contract(study: Study) -> Mapping[str, Any]:
    output, given = study.spec.output, study.spec.degrade
    return {
        "image": {
            "channels": sizes.channels(study),
            "factor": output.factor,
            "luma": output.luma,
            "border": border(study),
            "reach": _reach(study),
            "degrade": None
            if given is None
            else {"blur": float(given.blur), "kernel": given.kernel, "noise": float(given.noise)},
        }
    }


TASK = Task(
    "super_resolution",
    "An image out of each image: larger (super-resolution), or of the same size (noise, bones or vessels taken away).",
    _program,
    _contract,
    output=Output,
    keys={
        "degrade": (
            Degrade | None,
            Field(
                default=None,
                description="makes each image out of the one that is to come out, which is then all that the data "
                "hold: blurred, smaller by `output.factor`, with noise (default: pairs of files)",
            ),
        ),
        "patches": (
            Patches | None,
            Field(default=None, description="train on parts of the images (default: whole images)"),
        ),
    },
    inputs=sizes.network_input,
    columns=(
        Column("image", "file name of the image, relative to the manifest; with `degrade`, of what is to come out"),
        Column("target", "file name of the image that is to come out", required=False, file=True),
        Column("patient", "who it is; keeps one patient on one side of the split", required=False),
    ),
    rules=rules.RULES,
    checks=(*checks.CHECKS, *likeness.RULES),
    losses=OF_IMAGES,
    table=(
        "image to image: convolution, as many filters as the image has channels (times factor * factor before "
        "`pixel_shuffle`), no activation, `mean_squared_error` or `mean_absolute_error`",
    ),
    example="plugins/superres/specs/kodak_x2.yaml",
    metrics={"psnr": 1, "ssim": 1},
    logits=(),
    heeds=STEP - {"mixup"},
    answering=Piece("specc_superres.answering", "ANSWERING"),
    any_size=True,
)
