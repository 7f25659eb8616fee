"""select: which channels of an image go on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specc.plugin import Arguments, Builder, Layer

_Place = Annotated[int, Field(ge=0, le=1_048_575)]


class Select(Arguments):
    """Arguments of select."""

    channels: Annotated[tuple[_Place, ...], Field(min_length=1)] = Field(
        description="numbers of the channels, the first one is 0"
    )


def _select(builder: Builder, arguments: Select, value: str) -> str:
    return builder.add("select", (value,), channels=arguments.channels)


LAYERS = (
    Layer(
        "select",
        Select,
        _select,
        "Takes channels of an image by number, in the order given; the first one is 0.",
        "select: {channels: [0, 1, 2]}",
        "LeCun et al. 1998, Proc. IEEE 86:2278, Table I (which maps of S2 each map of C3 looks at)",
    ),
)
