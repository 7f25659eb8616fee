"""Operations that join values or change their form without arithmetic: add, concat, pad_channels, flatten."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.weights import Attrs, Shapes, image
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape, count, show_shape


def _add_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    if len(set(shapes)) != 1:
        shown = " and ".join(show_shape(shape) for shape in dict.fromkeys(shapes))
        raise ShapeFault("S302", f"cannot add {shown}", f"shapes must be equal: {shown}", "with")
    return shapes[0]


def _concat_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    if len({shape[1:] for shape in shapes}) != 1:
        shown = " and ".join(show_shape(shape) for shape in dict.fromkeys(shapes))
        raise ShapeFault("S302", f"cannot concatenate {shown}", "height and width must be equal", "with")
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def _pad_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, height, width = image(shapes, "a padded shortcut")
    if attrs["channels"] < channels:
        raise ShapeFault("S302", f"a padded shortcut cannot go from {channels} to {attrs['channels']} channels")
    stride = attrs["stride"]
    return (attrs["channels"], -(-height // stride), -(-width // stride))


def _pad_call(node: Node, names: tuple[str, ...]) -> str:
    stride, before, after = node.attrs["stride"], node.attrs["before"], node.attrs["after"]
    taken = names[0] if stride == 1 else f"{names[0]}[:, :, ::{stride}, ::{stride}]"
    return taken if before == after == 0 else f"F.pad({taken}, (0, 0, 0, 0, {before}, {after}))"


def _add_call(node: Node, names: tuple[str, ...]) -> str:
    return " + ".join(names)


def _multiply_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    most = max(map(len, shapes))
    full = [shape if len(shape) == most else (*shape, *(1,) * (most - len(shape))) for shape in shapes]
    result = tuple(max(axis) for axis in zip(*full, strict=True))
    if any(n not in (1, m) for shape in full for n, m in zip(shape, result, strict=True)) or result not in full:
        shown = " and ".join(show_shape(shape) for shape in dict.fromkeys(shapes))
        raise ShapeFault(
            "S302",
            f"cannot multiply {shown}",
            "shapes must be equal, or one of them a gate",
            "with",
            helps=("a gate is a vector with one number for each channel, or an image of one channel",),
        )
    return result


def _multiply_call(node: Node, names: tuple[str, ...]) -> str:
    vectors = node.attrs["vectors"]
    return " * ".join(f"{name}[:, :, None, None]" if i in vectors else name for i, name in enumerate(names))


OPS = (
    Op(
        name="add",
        infer=_add_infer,
        call=_add_call,
        doc="Sum of values of equal shape.",
        relevance="split in proportion to the summands",
        keeps=(),
        sign="+",
    ),
    Op(
        name="multiply",
        infer=_multiply_infer,
        call=_multiply_call,
        doc="Product of values of equal shape, or of a map and gates of one number a channel (or a pixel).",
        relevance="all of it to the map; the gates count as constant",
        keeps=("input",),
        sign="×",
    ),
    Op(
        name="concat",
        infer=_concat_infer,
        call=lambda node, names: f"torch.cat(({', '.join(names)}), 1)",
        doc="Values one after another along the channels; height and width are equal.",
        relevance="cut apart along the channels",
        keeps=(),
        sign="||",
    ),
    Op(
        name="pad_channels",
        infer=_pad_infer,
        call=_pad_call,
        stem="shortcut",
        doc="Every stride-th pixel, with `before` and `after` channels of zeros added (ResNet's option A).",
        relevance="the channels that were there keep theirs; the zeros have none",
        keeps=(),
    ),
    Op(
        name="flatten",
        infer=lambda attrs, shapes: (count(shapes[0]),),
        call=lambda node, names: f"torch.flatten({names[0]}, 1)",
        doc="All values of a sample as one vector, in the order channels, height, width.",
        relevance="reshaped back",
        keeps=(),
    ),
)
