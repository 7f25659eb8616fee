"""upconv2d."""

from __future__ import annotations

from pydantic import Field

from specc.errors import Diagnostic, Edit, Fix, Note
from specc.layers.common import Dilation, Filters, Following, Groups, Kernel, Padding, RateScale, Start, ZerosPair
from specc.plugin import Arguments, Builder, Layer, Pair


class UpConv2d(Arguments):
    """Arguments of upconv2d."""

    filters: Filters
    kernel: Kernel
    stride: Pair = Field(default=(1, 1), description="how many times as large the output is: one number, or a pair")
    padding: Padding = Field(
        default="valid",
        description="what is cut off the output on each side: `valid` (nothing), `same` (so that the output is "
        "n*stride), or a number",
    )
    output_padding: ZerosPair | None = Field(
        default=None,
        description="rows and columns added at the bottom and at the right (default: 0; `same` takes the fewest that "
        "it needs)",
    )
    dilation: Dilation = (1, 1)
    groups: Groups = 1
    bias: bool = Field(default=True, description="add a learned number to each output channel")
    activation: Following = None
    init: Start = None
    lr_scale: RateScale = 1.0


def _lower(builder: Builder, arguments: UpConv2d, value: str) -> str:
    padding, added = _padding(builder, arguments)
    conv = builder.add(
        "upconv2d",
        (value,),
        filters=arguments.filters,
        kernel=arguments.kernel,
        stride=arguments.stride,
        padding=padding,
        output_padding=added,
        dilation=arguments.dilation,
        groups=arguments.groups,
        bias=arguments.bias,
    )
    return builder.activate(conv, arguments.activation)


def _padding(builder: Builder, arguments: UpConv2d) -> tuple[tuple[int, int], tuple[int, int]]:
    """(padding, output padding) of both axes. `same`: 2 * padding = dilation*(kernel-1) + 1 - stride + output padding,
    with the smallest output padding for which that is even and not negative.
    """
    if arguments.padding != "same":
        cut = arguments.padding if isinstance(arguments.padding, tuple) else (0, 0)
        return cut, arguments.output_padding or (0, 0)
    axes = []
    for i in (0, 1):
        over = arguments.dilation[i] * (arguments.kernel[i] - 1) + 1 - arguments.stride[i]
        given = arguments.output_padding[i] if arguments.output_padding else None
        added = given if given is not None else (over % 2 if over >= 0 else -over)
        most = max(arguments.stride[i], arguments.dilation[i]) - 1
        if (over + added) % 2 or over + added < 0 or added > most:
            _refuse_same(builder, over)
        axes.append(((over + added) // 2, added))
    return (axes[0][0], axes[1][0]), (axes[0][1], axes[1][1])


def _refuse_same(builder: Builder, over: int) -> None:
    number = str(max(over, 0) // 2)
    builder.fail(
        Diagnostic(
            "S307",
            "`padding: same` cannot be symmetric with this `kernel` and `stride`",
            builder.span("padding"),
            builder.path("padding"),
            f"{over} rows to cut off cannot be shared by two sides",
            notes=(
                Note("why", "unequal sides shift the image by half a pixel, and libraries do it differently"),
                Note(
                    "rule",
                    "layers.upconv2d - `same` cuts (dilation * (kernel - 1) + 1 - stride + output_padding) / 2 off "
                    "every side",
                ),
            ),
            fixes=(
                Fix(f"say how much: `padding: {number}`", (Edit(builder.span("padding"), number),)),
                Fix("or take an odd `kernel`, or a `stride` of 2 or more"),
            ),
        )
    )


LAYERS = (
    Layer(
        "upconv2d",
        UpConv2d,
        _lower,
        "Transposed convolution (up-convolution): each pixel adds a learned kernel to a larger output. Output length "
        "of an axis: (n - 1)*stride - 2*padding + dilation*(kernel - 1) + output_padding + 1; `padding: same` makes it "
        "n*stride. Parameters: kernel * kernel * channels * filters / groups, and `filters` for the bias.",
        "upconv2d: {filters: 6, kernel: 2, stride: 2}",
        "Zeiler et al. 2010, CVPR; Dumoulin and Visin 2016, arXiv:1603.07285, relationship 14",
    ),
)
