"""maxpool, avgpool, global_avgpool."""

from __future__ import annotations

from pydantic import Field

from specc.layers.common import Padding, resolve_padding
from specc.plugin import Arguments, Builder, Layer, Pair


class Pool(Arguments):
    """Arguments of maxpool and avgpool."""

    size: Pair = Field(description="window: one number, or [height, width]")
    stride: Pair | None = Field(default=None, description="step of the window (default: its size)")
    padding: Padding = Field(
        default="valid", description="`valid`, `same` or a number; never counted in a mean, minus infinity in a maximum"
    )
    ceil_mode: bool = Field(default=False, description="round the output's size up, where a paper does so")


def _lower(builder: Builder, arguments: Pool, value: str, op: str) -> str:
    return builder.add(
        op,
        (value,),
        kernel=arguments.size,
        stride=arguments.stride or arguments.size,
        padding=resolve_padding(builder, arguments.padding, arguments.size, argument="size"),
        ceil=arguments.ceil_mode,
    )


def _max(builder: Builder, arguments: Pool, value: str) -> str:
    return _lower(builder, arguments, value, "maxpool2d")


def _mean(builder: Builder, arguments: Pool, value: str) -> str:
    return _lower(builder, arguments, value, "avgpool2d")


def _global(builder: Builder, arguments: Arguments, value: str) -> str:
    return builder.add("global_avgpool", (value,))


LAYERS = (
    Layer(
        "maxpool",
        Pool,
        _max,
        "Largest value of each window. Stride = size, and a rest at the edge is dropped, unless said otherwise.",
        "maxpool: {size: 2}",
        "Krizhevsky et al. 2012, NeurIPS 25, section 3.4",
    ),
    Layer(
        "avgpool",
        Pool,
        _mean,
        "Mean of each window. Stride = size, and a rest at the edge is dropped, unless said otherwise. "
        "Padding is never counted.",
        "avgpool: {size: 2}",
        "LeCun et al. 1998, Proc. IEEE 86:2278, section II.B (sub-sampling)",
    ),
    Layer(
        "global_avgpool",
        Arguments,
        _global,
        "Mean of each whole channel: an image of C channels becomes a vector of C numbers, whatever its size.",
        "global_avgpool",
        "Lin et al. 2014, arXiv:1312.4400, section 3.2",
    ),
)
