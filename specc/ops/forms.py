"""Operations that take or move values without arithmetic: select, reshape."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.weights import Attrs, Shapes, image
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape, count, show_shape


def _select_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, height, width = image(shapes, "a choice of channels")
    last = max(attrs["channels"])
    if last >= channels:
        raise ShapeFault(
            "S313",
            f"there is no channel {last}: the image has {channels} channels, numbered 0 to {channels - 1}",
            f"from 0 to {channels - 1}",
            "channels",
        )
    return (len(attrs["channels"]), height, width)


def _select_call(node: Node, names: tuple[str, ...]) -> str:
    first, *_ = chosen = list(node.attrs["channels"])
    end = first + len(chosen)
    row = chosen == list(range(first, end))
    return f"{names[0]}[:, {first if first else ''}:{end}]" if row else f"{names[0]}[:, {chosen}]"


def _reshape_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    to: Shape = attrs["to"]
    if len(to) == 2:
        raise ShapeFault(
            "S312",
            "a form is [channels, height, width] or [numbers], and this has two numbers",
            "one number or three",
            "to",
            helps=(f"one channel: `to: [1, {to[0]}, {to[1]}]`",),
        )
    if count(to) != count(shapes[0]):
        raise ShapeFault(
            "S312",
            f"{show_shape(to)} needs {count(to):,} values, and there are {count(shapes[0]):,}",
            f"gets {show_shape(shapes[0])}",
            "to",
            helps=(f"all of them as a vector: `to: [{count(shapes[0])}]`",),
        )
    return to


def _reshape_call(node: Node, names: tuple[str, ...]) -> str:
    return f"{names[0]}.reshape(-1, {', '.join(map(str, node.attrs['to']))})"


OPS = (
    Op(
        name="select",
        infer=_select_infer,
        call=_select_call,
        doc="Channels of a map by number, in the order given; (C, H, W) to (len(channels), H, W).",
        relevance="goes back to the channels that were taken; the others have none",
        keeps=(),
    ),
    Op(
        name="reshape",
        infer=_reshape_infer,
        call=_reshape_call,
        doc="The same values in another form, in the order channels, height, width; (...) to `to`.",
        relevance="reshaped back",
        keeps=(),
    ),
)
