"""conv2d."""

from __future__ import annotations

from pydantic import Field

from specc.layers.common import Dilation, Filters, Following, Groups, Kernel, Padding, RateScale, Start, resolve_padding
from specc.plugin import Arguments, Builder, Layer, Pair


class Conv2d(Arguments):
    """Arguments of conv2d."""

    filters: Filters
    kernel: Kernel
    stride: Pair = Field(default=(1, 1), description="step of the kernel: one number, or [vertical, horizontal]")
    padding: Padding = Field(
        default="valid",
        description="zeros around the image: `valid` (none), `same` (dilation*(kernel-1)/2 a side, output "
        "ceil(n/stride)), or a number",
    )
    dilation: Dilation = (1, 1)
    groups: Groups = 1
    bias: bool = Field(default=True, description="add a learned number to each output channel")
    activation: Following = None
    init: Start = None
    lr_scale: RateScale = 1.0


def _lower(builder: Builder, arguments: Conv2d, value: str) -> str:
    padding = resolve_padding(builder, arguments.padding, arguments.kernel, arguments.dilation)
    conv = builder.add(
        "conv2d",
        (value,),
        filters=arguments.filters,
        kernel=arguments.kernel,
        stride=arguments.stride,
        padding=padding,
        dilation=arguments.dilation,
        groups=arguments.groups,
        bias=arguments.bias,
    )
    return builder.activate(conv, arguments.activation)


LAYERS = (
    Layer(
        "conv2d",
        Conv2d,
        _lower,
        "2-D convolution (cross-correlation, as in every library): slides `filters` learned kernels over the image. "
        "Output length of an axis: floor((n + 2*padding - dilation*(kernel-1) - 1)/stride) + 1; "
        "parameters: kernel * kernel * channels / groups * filters, and `filters` for the bias.",
        "conv2d: {filters: 6, kernel: 5, activation: relu}",
        "LeCun et al. 1998, Proc. IEEE 86:2278, section II.A",
    ),
)
