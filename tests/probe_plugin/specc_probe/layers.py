"""Two layers that a generator needs: a vector as an image, and an image of more pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from specc.ir import Node
from specc.plugin import Arguments, Builder, Count, Layer, Op, ShapeFault

Shape = tuple[int, ...]


class Unflatten(Arguments):
    """Arguments of probe_unflatten."""

    shape: tuple[Count, Count, Count] = Field(description="[channels, height, width]")


class Upsample(Arguments):
    """Arguments of probe_upsample."""

    factor: Count = Field(default=2, description="how many times as high and as wide")


def _unflatten_shape(attrs: Mapping[str, Any], shapes: tuple[Shape, ...]) -> Shape:
    channels, height, width = attrs["shape"]
    if shapes[0] != (channels * height * width,):
        has = "x".join(map(str, shapes[0]))
        message = f"{channels}x{height}x{width} needs {channels * height * width:,} numbers, and there are {has}"
        raise ShapeFault("S302", message, "another number of values", "shape")
    return (channels, height, width)


def _upsample_shape(attrs: Mapping[str, Any], shapes: tuple[Shape, ...]) -> Shape:
    if len(shapes[0]) != 3:
        raise ShapeFault("S303", "only an image has more pixels", "gets a vector")
    channels, height, width = shapes[0]
    return (channels, height * attrs["factor"], width * attrs["factor"])


def _unflatten_call(node: Node, names: tuple[str, ...]) -> str:
    return f"{names[0]}.unflatten(1, {tuple(node.attrs['shape'])})"


def _upsample_call(node: Node, names: tuple[str, ...]) -> str:
    return f"F.interpolate({names[0]}, scale_factor={node.attrs['factor']})"


def _unflatten(builder: Builder, arguments: Unflatten, value: str) -> str:
    return builder.add("probe_unflatten", (value,), shape=arguments.shape)


def _upsample(builder: Builder, arguments: Upsample, value: str) -> str:
    return builder.add("probe_upsample", (value,), factor=arguments.factor)


OPS = (
    Op("probe_unflatten", _unflatten_shape, _unflatten_call, "A vector as an image.", "reshaped back", stem="unflat"),
    Op("probe_upsample", _upsample_shape, _upsample_call, "Each pixel several times.", "summed back", stem="up"),
)
LAYERS = (
    Layer(
        "probe_unflatten",
        Unflatten,
        _unflatten,
        "A vector as an image: channels first, then rows.",
        "probe_unflatten: {shape: [8, 4, 4]}",
    ),
    Layer(
        "probe_upsample",
        Upsample,
        _upsample,
        "Each pixel several times, down and across (nearest neighbour).",
        "probe_upsample: {factor: 2}",
    ),
)
