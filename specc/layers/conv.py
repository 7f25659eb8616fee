"""conv2d."""

from __future__ import annotations

from pydantic import Field

from specc.layers.common import Padding, resolve_padding
from specc.plugin import Activation, Arguments, Builder, Count, Init, Layer, Pair


class Conv2d(Arguments):
    """Arguments of conv2d."""

    filters: Count = Field(description="how many kernels; the channels of the output")
    kernel: Pair = Field(description="size of a kernel: one number, or [height, width]")
    stride: Pair = Field(default=(1, 1), description="step of the kernel: one number, or [vertical, horizontal]")
    padding: Padding = Field(
        default="valid",
        description="zeros around the image: `valid` (none), `same` (dilation*(kernel-1)/2 a side, output "
        "ceil(n/stride)), or a number",
    )
    dilation: Pair = Field(default=(1, 1), description="distance between the taps of a kernel")
    groups: Count = Field(default=1, description="channels and filters are split into so many separate convolutions")
    bias: bool = Field(default=True, description="add a learned number to each output channel")
    activation: Activation | None = Field(default=None, description="what follows: relu, tanh, ... (default: nothing)")
    init: Init | None = Field(default=None, description="how the weights start (default: the spec's `init`)")
    lr_scale: float = Field(default=1.0, ge=0, description="factor of the learning rate; 0 keeps the layer as it is")


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
