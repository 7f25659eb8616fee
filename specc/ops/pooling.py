"""Sliding maxima and averages, and the average of a whole map."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.printing import arguments, pair
from specc.ops.weights import Attrs, Shapes, image, window_out
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape


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
    return f"F.{node.op[:3]}_pool2d({name}, {shown})"


OPS = (
    Op(
        name="maxpool2d",
        infer=_pool_infer,
        call=lambda node, names: _shown(node, names[0]),
        stem="pool",
        doc="Largest value of each window; padding counts as minus infinity.",
        relevance="winner takes all",
    ),
    Op(
        name="avgpool2d",
        infer=_pool_infer,
        call=lambda node, names: _shown(node, names[0]),
        stem="avgpool",
        doc="Mean of each window; padding is never counted.",
        relevance="epsilon: a convolution with equal weights",
    ),
    Op(
        name="adaptive_avgpool",
        infer=lambda attrs, shapes: (image(shapes, "adaptive pooling")[0], *attrs["size"]),
        call=lambda node, names: f"F.adaptive_avg_pool2d({names[0]}, {pair(node.attrs['size'])})",
        doc="Mean of each of height x width windows that cover the map; (C, H, W) to (C, *size).",
        relevance="epsilon: a convolution with equal weights",
    ),
    Op(
        name="global_maxpool",
        infer=lambda attrs, shapes: (image(shapes, "global pooling")[0],),
        call=lambda node, names: f"{names[0]}.amax((2, 3))",
        doc="Largest value of each whole channel; (C, H, W) to (C,).",
        relevance="winner takes all",
    ),
    Op(
        name="global_avgpool",
        infer=lambda attrs, shapes: (image(shapes, "global pooling")[0],),
        call=lambda node, names: f"{names[0]}.mean((2, 3))",
        doc="Mean of each whole channel; (C, H, W) to (C,).",
        relevance="epsilon: a convolution with equal weights",
    ),
)
