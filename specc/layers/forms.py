"""select, reshape: which channels go on, and in what form."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specc.plugin import Arguments, Builder, Count, Layer

_Place = Annotated[int, Field(ge=0, le=1_048_575)]


class Select(Arguments):
    """Arguments of select."""

    channels: Annotated[tuple[_Place, ...], Field(min_length=1)] = Field(
        description="numbers of the channels, the first one is 0"
    )


class Reshape(Arguments):
    """Arguments of reshape."""

    to: Annotated[tuple[Count, ...], Field(min_length=1, max_length=3)] = Field(
        description="[channels, height, width] of an image, or [numbers] of a vector"
    )


def _select(builder: Builder, arguments: Select, value: str) -> str:
    return builder.add("select", (value,), channels=arguments.channels)


def _reshape(builder: Builder, arguments: Reshape, value: str) -> str:
    return builder.add("reshape", (value,), to=arguments.to)


LAYERS = (
    Layer(
        "select",
        Select,
        _select,
        "Takes channels of an image by number, in the order given; the first one is 0.",
        "select: {channels: [0, 1, 2]}",
        "LeCun et al. 1998, Proc. IEEE 86:2278, Table I (which maps of S2 each map of C3 looks at)",
    ),
    Layer(
        "reshape",
        Reshape,
        _reshape,
        "The same values in another form, in the order channels, height, width: a vector as an image, an image as a "
        "vector or as an image of other proportions.",
        "reshape: {to: [6144]}",
    ),
)
