"""Sliding maxima and averages, and the average of a whole map."""

from __future__ import annotations

from fractions import Fraction

from specc.ir import Node
from specc.ops.printing import arguments, pair
from specc.ops.weights import Attrs, Shapes, image, window_out
from specc.plugin import Op, ShapeFault
from specc.shapes import Reach, Shape


def _pool_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, *size = image(shapes, "pooling")
    kernel, padding = attrs["kernel"], attrs["padding"]
    if padding[0] * 2 > kernel[0] or padding[1] * 2 > kernel[1]:
        raise ShapeFault("S306", "a pool's padding is more than half of its window", "at most size / 2", "padding")
    return (channels, *window_out(attrs, (size[0], size[1]), "pool"))


def _shown(node: Node, name: str) -> str:
    attrs = node.attrs
    shown = arguments(
        attrs["kernel"],
        stride=(attrs["stride"], attrs["kernel"]),
        padding=(attrs["padding"], (0, 0)),
        ceil_mode=(attrs["ceil"], False),
    )
    if node.op == "avgpool2d" and (attrs["padding"] != (0, 0) or attrs["ceil"]):
        shown += ", count_include_pad=False"
    if "indices" in attrs:
        shown += ", return_indices=True"
    return f"F.{node.op[:3]}_pool2d({name}, {shown})"


def _adaptive_reach(attrs: Attrs, shapes: Shapes, output: Shape) -> Reach:
    """The largest of the windows, and their mean distance."""
    height, width = (-(-shapes[0][i] // output[i]) for i in (1, 2))
    return (height, width), (Fraction(shapes[0][1], output[1]), Fraction(shapes[0][2], output[2]))


OPS = (
    Op(
        name="maxpool2d",
        infer=_pool_infer,
        call=lambda node, names: _shown(node, names[0]),
        stem="pool",
        doc="Largest value of each window; padding counts as minus infinity. `indices` names where the maxima were.",
        aside=lambda node: str(node.attrs.get("indices", "")),
        relevance="winner takes all",
        keeps=("input",),
        keeps_bytes=8,  # where each maximum was, as a 64-bit number
    ),
    Op(
        name="avgpool2d",
        infer=_pool_infer,
        call=lambda node, names: _shown(node, names[0]),
        stem="avgpool",
        doc="Mean of each window; padding is never counted.",
        relevance="epsilon: a convolution with equal weights",
        keeps=("input",),
    ),
    Op(
        name="adaptive_avgpool",
        infer=lambda attrs, shapes: (image(shapes, "adaptive pooling")[0], *attrs["size"]),
        call=lambda node, names: f"F.adaptive_avg_pool2d({names[0]}, {pair(node.attrs['size'])})",
        doc="Mean of each of height x width windows that cover the map; (C, H, W) to (C, *size).",
        relevance="epsilon: a convolution with equal weights",
        reach=_adaptive_reach,
        keeps=("input",),
    ),
    Op(
        name="global_maxpool",
        infer=lambda attrs, shapes: (image(shapes, "global pooling")[0],),
        call=lambda node, names: f"{names[0]}.amax((2, 3))",
        doc="Largest value of each whole channel; (C, H, W) to (C,).",
        relevance="winner takes all",
        keeps=("input", "output"),
    ),
    Op(
        name="global_avgpool",
        infer=lambda attrs, shapes: (image(shapes, "global pooling")[0],),
        call=lambda node, names: f"{names[0]}.mean((2, 3))",
        doc="Mean of each whole channel; (C, H, W) to (C,).",
        relevance="epsilon: a convolution with equal weights",
        keeps=(),
    ),
)
