"""Operations that multiply by learned weights: convolution and the affine (dense) map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.ir import Node
from specc.ops.printing import arguments
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape, conv_out, show_shape

Attrs = Mapping[str, Any]
Shapes = tuple[Shape, ...]


def image(shapes: Shapes, what: str) -> tuple[int, int, int]:
    """(channels, height, width) of the one input. Raises ShapeFault where it is a vector."""
    if len(shapes[0]) != 3:
        raise ShapeFault(
            "S303",
            f"{what} needs an image, and this is a vector of {show_shape(shapes[0])} numbers",
            f"gets {show_shape(shapes[0])}, needs channels x height x width",
            helps=("put it before `flatten` and the dense layers",),
        )
    channels, height, width = shapes[0]
    return channels, height, width


def vector(shapes: Shapes, what: str) -> int:
    """Length of the one input. Raises ShapeFault S305 where it is an image."""
    if len(shapes[0]) != 1:
        raise ShapeFault(
            "S305",
            f"{what} needs a vector, and this is an image of {show_shape(shapes[0])}",
            f"gets {show_shape(shapes[0])} (channels x height x width)",
        )
    return shapes[0][0]


def window_out(attrs: Attrs, size: tuple[int, int], what: str) -> tuple[int, int]:
    """Height and width after a sliding window. Raises ShapeFault S301 where nothing is left."""
    kernel, stride, padding = attrs["kernel"], attrs["stride"], attrs["padding"]
    dilation = attrs.get("dilation", (1, 1))
    height, width = (
        conv_out(size[i], kernel[i], stride[i], padding[i], dilation[i], attrs.get("ceil", False)) for i in (0, 1)
    )
    if height < 1 or width < 1:
        needs = [max(1, dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]) for i in (0, 1)]
        raise ShapeFault(
            "S301",
            f"the image is used up: nothing is left to {what}",
            f"needs at least {needs[0]}x{needs[1]}, gets {size[0]}x{size[1]}",
        )
    return height, width


def call_module(node: Node, names: tuple[str, ...]) -> str:
    """`self.conv1(x)`."""
    return f"self.{node.name}({', '.join(names)})"


def whole_groups(attrs: Attrs, channels: int) -> None:
    """Raises ShapeFault S304 where groups would have unequal parts of the channels or the filters."""
    if channels % attrs["groups"] or attrs["filters"] % attrs["groups"]:
        raise ShapeFault(
            "S304",
            f"{channels} channels and {attrs['filters']} filters cannot be divided into {attrs['groups']} groups",
            "must divide both the incoming channels and the filters",
            "groups",
        )


def _conv_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, *size = image(shapes, "a convolution")
    whole_groups(attrs, channels)
    height, width = window_out(attrs, (size[0], size[1]), "convolve")
    return (attrs["filters"], height, width)


def _conv_weights(attrs: Attrs, shapes: Shapes) -> int:
    kernel = attrs["kernel"]
    per_filter: int = kernel[0] * kernel[1] * shapes[0][0] // attrs["groups"]
    return per_filter * int(attrs["filters"])


def _conv_parameters(attrs: Attrs, shapes: Shapes) -> int:
    return _conv_weights(attrs, shapes) + (attrs["filters"] if attrs["bias"] else 0)


def _conv_multiply_adds(attrs: Attrs, shapes: Shapes) -> int:
    _, height, width = _conv_infer(attrs, shapes)
    return _conv_weights(attrs, shapes) * height * width


def _conv_module(node: Node, shapes: Shapes) -> str:
    attrs = node.attrs
    shown = arguments(
        shapes[0][0],
        attrs["filters"],
        attrs["kernel"],
        stride=((1, 1) if _skips(attrs) else attrs["stride"], (1, 1)),
        padding=(attrs["padding"], (0, 0)),
        dilation=(attrs["dilation"], (1, 1)),
        groups=(attrs["groups"], 1),
        bias=(attrs["bias"], True),
    )
    return f"nn.Conv2d({shown})"


def _skips(attrs: Attrs) -> bool:
    """Whether the convolution looks at single pixels and passes over some, as on a shortcut that halves the size."""
    return bool(attrs["kernel"] == (1, 1) and attrs["stride"] != (1, 1) and attrs["padding"] == (0, 0))


def _conv_call(node: Node, names: tuple[str, ...]) -> str:
    """`self.conv1(x)`; where pixels are passed over, `self.conv1(x[:, :, ::2, ::2])`, the same at less work.

    oneDNN's own way of passing over them was seen to write beside its memory where channels are few.
    """
    if not _skips(node.attrs):
        return call_module(node, names)
    rows, columns = node.attrs["stride"]
    return f"self.{node.name}({names[0]}[:, :, ::{rows}, ::{columns}])"


def _linear_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    vector(shapes, "a dense layer")
    return (attrs["units"],)


def _linear_parameters(attrs: Attrs, shapes: Shapes) -> int:
    units: int = attrs["units"]
    return shapes[0][0] * units + (units if attrs["bias"] else 0)


def _linear_module(node: Node, shapes: Shapes) -> str:
    return f"nn.Linear({arguments(shapes[0][0], node.attrs['units'], bias=(node.attrs['bias'], True))})"


OPS = (
    Op(
        name="conv2d",
        infer=_conv_infer,
        call=_conv_call,
        module=_conv_module,
        parameters=_conv_parameters,
        multiply_adds=_conv_multiply_adds,
        stem="conv",
        weights="nn.Conv2d",
        doc="2-D cross-correlation with learned kernels; (C, H, W) to (filters, H', W').",
        relevance="alpha-beta (alpha 1, beta 0); bounded inputs (z-B) on the first layer",
        keeps=("input",),
    ),
    Op(
        name="linear",
        infer=_linear_infer,
        call=call_module,
        module=_linear_module,
        parameters=_linear_parameters,
        multiply_adds=lambda attrs, shapes: shapes[0][0] * int(attrs["units"]),
        stem="dense",
        weights="nn.Linear",
        doc="y = W x + b on a vector; (features,) to (units,).",
        relevance="epsilon",
        keeps=("input",),
    ),
)
