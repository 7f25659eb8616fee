"""Transposed convolution."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.printing import arguments
from specc.ops.weights import Attrs, Shapes, call_module, image, whole_groups
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape


def _infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, *size = image(shapes, "a transposed convolution")
    whole_groups(attrs, channels)
    kernel, stride, padding, dilation = (attrs[name] for name in ("kernel", "stride", "padding", "dilation"))
    added = attrs["output_padding"]
    if any(added[i] >= max(stride[i], dilation[i]) for i in (0, 1)):
        raise ShapeFault(
            "S306",
            "the output padding of a transposed convolution must be smaller than its stride",
            "at most stride - 1",
            "output_padding",
        )
    out = [(size[i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + added[i] + 1 for i in (0, 1)]
    if min(out) < 1:
        raise ShapeFault(
            "S306",
            f"the padding of a transposed convolution takes away all of its output ({out[0]}x{out[1]})",
            "is cut off the output on each side",
            "padding",
        )
    return (attrs["filters"], out[0], out[1])


def _weights(attrs: Attrs, shapes: Shapes) -> int:
    kernel = attrs["kernel"]
    per_channel: int = kernel[0] * kernel[1] * attrs["filters"] // attrs["groups"]
    return per_channel * shapes[0][0]


def _module(node: Node, shapes: Shapes) -> str:
    attrs = node.attrs
    shown = arguments(
        shapes[0][0],
        attrs["filters"],
        attrs["kernel"],
        stride=(attrs["stride"], (1, 1)),
        padding=(attrs["padding"], (0, 0)),
        output_padding=(attrs["output_padding"], (0, 0)),
        groups=(attrs["groups"], 1),
        bias=(attrs["bias"], True),
        dilation=(attrs["dilation"], (1, 1)),
    )
    return f"nn.ConvTranspose2d({shown})"


OPS = (
    Op(
        name="upconv2d",
        infer=_infer,
        call=call_module,
        module=_module,
        parameters=lambda attrs, shapes: _weights(attrs, shapes) + (attrs["filters"] if attrs["bias"] else 0),
        multiply_adds=lambda attrs, shapes: _weights(attrs, shapes) * shapes[0][1] * shapes[0][2],
        stem="upconv",
        doc="Transposed convolution: each pixel of the input adds a kernel to the output; (C, H, W) to (filters, ...).",
        relevance="alpha-beta (alpha 1, beta 0), as a convolution",
        keeps=("input",),
        weights="nn.ConvTranspose2d",
    ),
)
