"""Operations that take or move values without arithmetic: select."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.weights import Attrs, Shapes, image
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape


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


OPS = (
    Op(
        name="select",
        infer=_select_infer,
        call=_select_call,
        doc="Channels of a map by number, in the order given; (C, H, W) to (len(channels), H, W).",
        relevance="goes back to the channels that were taken; the others have none",
        keeps=(),
    ),
)
