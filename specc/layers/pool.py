"""maxpool, avgpool, adaptive_avgpool, global_avgpool, global_maxpool."""

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


class AdaptivePool(Arguments):
    """Arguments of adaptive_avgpool."""

    size: Pair = Field(description="height and width of the output: one number, or [height, width]")


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


def _adaptive(builder: Builder, arguments: AdaptivePool, value: str) -> str:
    return builder.add("adaptive_avgpool", (value,), size=arguments.size)


def _global(builder: Builder, arguments: Arguments, value: str) -> str:
    return builder.add("global_avgpool", (value,))


def _global_max(builder: Builder, arguments: Arguments, value: str) -> str:
    return builder.add("global_maxpool", (value,))


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
        "adaptive_avgpool",
        AdaptivePool,
        _adaptive,
        "Mean of windows that are chosen so that the output has the given size, whatever the size of the image. Row i "
        "of the output is the mean of the rows floor(i*h/size) to ceil((i+1)*h/size) - 1; columns likewise.",
        "adaptive_avgpool: {size: 7}",
        "He et al. 2015, arXiv:1406.4729, section 2.2 (spatial pyramid pooling)",
    ),
    Layer(
        "global_avgpool",
        Arguments,
        _global,
        "Mean of each whole channel: an image of C channels becomes a vector of C numbers, whatever its size.",
        "global_avgpool",
        "Lin et al. 2014, arXiv:1312.4400, section 3.2",
    ),
    Layer(
        "global_maxpool",
        Arguments,
        _global_max,
        "Largest value of each whole channel: an image of C channels becomes a vector of C numbers, whatever its size.",
        "global_maxpool",
        "Oquab et al. 2015, CVPR, section 3.2",
    ),
)
