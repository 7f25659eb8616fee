"""upsample, pixel_shuffle, pad, crop, unpool: height and width change, and nothing is learned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from specc.errors import Diagnostic, Fix, Note
from specc.plugin import Arguments, Builder, Count, Layer, Pair

_Zeros = Annotated[int, Field(ge=0, le=1_048_576)]
_SCHEMA = {"type": "integer", "minimum": 0, "maximum": 1_048_576}


def _sides(value: object) -> object:
    """(top, bottom, left, right) of one number, [vertical, horizontal], or all four."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) * 4
    if isinstance(value, tuple) and len(value) == 2:
        return (value[0], value[0], value[1], value[1])
    return value


Sides = Annotated[
    tuple[_Zeros, _Zeros, _Zeros, _Zeros],
    BeforeValidator(_sides),
    WithJsonSchema(
        {"anyOf": [_SCHEMA, *({"type": "array", "items": _SCHEMA, "minItems": n, "maxItems": n} for n in (2, 4))]}
    ),
]


class Upsample(Arguments):
    """Arguments of upsample."""

    factor: Count = Field(default=2, description="how many times as high and as wide")
    mode: Literal["nearest", "bilinear"] = Field(
        default="nearest", description="`nearest` repeats each pixel, `bilinear` interpolates between their centres"
    )


class PixelShuffle(Arguments):
    """Arguments of pixel_shuffle."""

    factor: Count = Field(default=2, description="how many times as high and as wide; channels become 1/factor**2")


class Pad(Arguments):
    """Arguments of pad."""

    size: Sides = Field(description="pixels a side: one number, [vertical, horizontal], or [top, bottom, left, right]")
    mode: Literal["zero", "reflect", "replicate"] = Field(
        default="zero", description="`zero`, `reflect` (a mirror image without the edge itself), `replicate` (the edge)"
    )


class Crop(Arguments):
    """Arguments of crop."""

    to: str | Pair = Field(description="size of what stays: as the output of this id (or `input`), or [height, width]")
    at: Literal["center"] | tuple[_Zeros, _Zeros] = Field(
        default="center",
        description="`center` (of an odd rest, the larger part goes off below and right), or [top, left]",
    )


class Unpool(Arguments):
    """Arguments of unpool."""

    with_: str = Field(alias="with", description="id of the maxpool whose places are used")


def _upsample(builder: Builder, arguments: Upsample, value: str) -> str:
    return builder.add("upsample", (value,), factor=arguments.factor, mode=arguments.mode)


def _shuffle(builder: Builder, arguments: PixelShuffle, value: str) -> str:
    return builder.add("pixel_shuffle", (value,), factor=arguments.factor)


def _pad(builder: Builder, arguments: Pad, value: str) -> str:
    return builder.add("pad", (value,), size=arguments.size, mode=arguments.mode)


def _crop(builder: Builder, arguments: Crop, value: str) -> str:
    shape, to, at = builder.shape(value), arguments.to, arguments.at
    if isinstance(to, str) and to.isascii() and to.isdecimal():  # one number: as high as wide
        to = (int(to), int(to))
    if isinstance(to, str):
        other = builder.shape(builder.resolve(to, builder.path("to")))
        if len(other) != 3:
            builder.fail(_no_size(builder, to, other[0] if other else 1))
        to = (other[1], other[2])
    if at == "center":
        at = ((shape[1] - to[0]) // 2, (shape[2] - to[1]) // 2) if len(shape) == 3 else (0, 0)
    return builder.add("crop", (value,), to=to, at=at)


def _no_size(builder: Builder, name: str, count: int) -> Diagnostic:
    return Diagnostic(
        "S303",
        f"a crop takes the size of an image, and `{name}` is a vector of {count} numbers",
        builder.span("to"),
        builder.path("to"),
        "has no height and width",
        notes=(
            Note("help", "name a layer before `flatten`, or give the size: `to: [height, width]`"),
            Note("more", "specc explain S303"),
        ),
    )


def _unpool(builder: Builder, arguments: Unpool, value: str) -> str:
    pooled = builder.resolve(arguments.with_, builder.path("with"))
    pool = builder.node(pooled)
    if pool is None or pool.op != "maxpool2d":
        builder.fail(_no_indices(builder, arguments.with_))
    if any(pool.attrs["stride"][i] < pool.attrs["kernel"][i] for i in (0, 1)):
        builder.fail(_overlapping(builder, arguments.with_))
    size = builder.shape(pool.inputs[0])[1:]
    return builder.add(
        "unpool",
        (pooled, value),
        kernel=pool.attrs["kernel"],
        stride=pool.attrs["stride"],
        padding=pool.attrs["padding"],
        size=size,
        indices=builder.aside(pooled, "indices"),
    )


def _overlapping(builder: Builder, name: str) -> Diagnostic:
    return Diagnostic(
        "S315",
        f"`unpool` cannot undo `{name}`, whose windows overlap",
        builder.span("with"),
        builder.path("with"),
        "must be a `maxpool` with a stride of its size",
        notes=(
            Note("why", "a pixel that is the largest of two windows would get two values, and one of them is lost"),
            Note("help", "leave out the `stride` of that maxpool"),
            Note("more", "specc explain S315"),
        ),
    )


def _no_indices(builder: Builder, name: str) -> Diagnostic:
    return Diagnostic(
        "S315",
        f"`unpool` undoes a max-pool, and `{name}` is none",
        builder.span("with"),
        builder.path("with"),
        "must be the id of a `maxpool`",
        notes=(
            Note("why", "only a max-pool knows from which pixel each of its values came"),
            Note("help", "give the pool an id: `maxpool: {size: 2, id: pool1}`, then `unpool: {with: pool1}`"),
            Note("more", "specc explain S315"),
        ),
        fixes=(Fix("without a pool, `upsample` enlarges the image"),),
    )


LAYERS = (
    Layer(
        "upsample",
        Upsample,
        _upsample,
        "Makes an image `factor` times as high and wide: each pixel repeated, or interpolated between the centres of "
        "the pixels (bilinear). Learns nothing.",
        "upsample: {factor: 2, mode: bilinear}",
        "Odena et al. 2016, Distill, doi:10.23915/distill.00003",
    ),
    Layer(
        "pixel_shuffle",
        PixelShuffle,
        _shuffle,
        "Makes blocks of factor * factor pixels out of groups of factor * factor channels: C x H x W becomes "
        "C/factor**2 x H*factor x W*factor (sub-pixel convolution, with the convolution before it).",
        "pixel_shuffle: {factor: 2}",
        "Shi et al. 2016, arXiv:1609.05158, eq. 4",
    ),
    Layer(
        "pad",
        Pad,
        _pad,
        "Adds pixels around the image: zeros, its mirror image, or its edge repeated.",
        "pad: {size: 1, mode: reflect}",
        "Johnson et al. 2016, arXiv:1603.08155, supplement (reflection)",
    ),
    Layer(
        "crop",
        Crop,
        _crop,
        "Cuts a rectangle out of the image: of the size of another output or of a given one, from the middle or from a "
        "given place on.",
        "crop: {to: [24, 24]}",
        "Ronneberger et al. 2015, arXiv:1505.04597, Fig. 1; Long et al. 2015, arXiv:1411.4038 (offsets)",
    ),
    Layer(
        "unpool",
        Unpool,
        _unpool,
        "Undoes a max-pool: each value goes back to the pixel from which the pool named by `with` took its maximum, "
        "the others are 0. The output has the size of that pool's input. Where the largest values of a window are "
        "equal but for rounding, as in flat areas before a ReLU, torch and ONNX may put them at different pixels.",
        "unpool: {with: pool1}",
        "Zeiler and Fergus 2014, arXiv:1311.2901, section 2.1; Badrinarayanan et al. 2017, arXiv:1511.00561",
    ),
)
