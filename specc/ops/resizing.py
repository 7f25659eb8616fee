"""Operations that change height and width without weights: upsample, pixel_shuffle, pad, crop, unpool."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.printing import arguments
from specc.ops.weights import Attrs, Shapes, image
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape, show_shape


def _upsample_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, height, width = image(shapes, "enlarging")
    return (channels, height * attrs["factor"], width * attrs["factor"])


def _upsample_call(node: Node, names: tuple[str, ...]) -> str:
    mode = ', mode="bilinear"' if node.attrs["mode"] == "bilinear" else ""
    return f"F.interpolate({names[0]}, scale_factor={node.attrs['factor']}{mode})"


def _shuffle_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, height, width = image(shapes, "a pixel shuffle")
    factor = attrs["factor"]
    if channels % factor**2:
        raise ShapeFault(
            "S304",
            f"{channels} channels cannot be divided into groups of {factor**2} (factor * factor)",
            f"must be a number whose square divides {channels}",
            "factor",
        )
    return (channels // factor**2, height * factor, width * factor)


def _pad_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, height, width = image(shapes, "padding")
    top, bottom, left, right = attrs["size"]
    if attrs["mode"] == "reflect" and (max(top, bottom) >= height or max(left, right) >= width):
        raise ShapeFault(
            "S306",
            f"an image of {height}x{width} has too few pixels to be reflected so far",
            f"at most {height - 1} above and below, {width - 1} left and right",
            "size",
            helps=("`mode: replicate` repeats the edge as often as needed",),
        )
    return (channels, height + top + bottom, width + left + right)


def _pad_call(node: Node, names: tuple[str, ...]) -> str:
    top, bottom, left, right = node.attrs["size"]
    mode = "" if node.attrs["mode"] == "zero" else f', mode="{node.attrs["mode"]}"'
    return f"F.pad({names[0]}, ({left}, {right}, {top}, {bottom}){mode})"


def _crop_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, *size = image(shapes, "a crop")
    (top, left), (height, width) = attrs["at"], attrs["to"]
    if min(height, width) < 1:
        raise ShapeFault("S314", "a crop has at least one row and one column", "nothing would be left", "to")
    if height > size[0] or width > size[1]:
        raise ShapeFault(
            "S314",
            f"cannot cut {height}x{width} out of an image of {size[0]}x{size[1]}",
            f"is larger than {size[0]}x{size[1]}",
            "to",
        )
    if top + height > size[0] or left + width > size[1]:
        raise ShapeFault(
            "S314",
            f"a crop of {height}x{width} that begins at [{top}, {left}] ends outside of an image of "
            f"{size[0]}x{size[1]}",
            f"at most [{size[0] - height}, {size[1] - width}]",
            "at",
        )
    return (channels, height, width)


def _crop_call(node: Node, names: tuple[str, ...]) -> str:
    (top, left), (height, width) = node.attrs["at"], node.attrs["to"]
    rows, columns = (f"{first or ''}:{first + length}" for first, length in ((top, height), (left, width)))
    return f"{names[0]}[:, :, {rows}, {columns}]"


def _unpool_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    pooled, here = shapes
    if pooled != here:
        raise ShapeFault(
            "S302",
            f"the indices of a pool that gives {show_shape(pooled)} do not fit an image of {show_shape(here)}",
            f"gave {show_shape(pooled)}, and here are {show_shape(here)}",
            "with",
            helps=("a convolution with as many filters before it makes them equal",),
        )
    return (here[0], *attrs["size"])


def _unpool_call(node: Node, names: tuple[str, ...]) -> str:
    attrs = node.attrs
    shown = arguments(
        attrs["kernel"],
        stride=(attrs["stride"], attrs["kernel"]),
        padding=(attrs["padding"], (0, 0)),
    )
    height, width = attrs["size"]
    return f"F.max_unpool2d({names[1]}, {attrs['indices']}, {shown}, output_size=({height}, {width}))"


OPS = (
    Op(
        name="upsample",
        infer=_upsample_infer,
        call=_upsample_call,
        doc="`factor` times as high and wide; nearest: each pixel repeated; bilinear: in between, by pixel centres.",
        relevance="goes back in the proportions of the interpolation",
        keeps=(),
    ),
    Op(
        name="pixel_shuffle",
        infer=_shuffle_infer,
        call=lambda node, names: f"F.pixel_shuffle({names[0]}, {node.attrs['factor']})",
        stem="shuffle",
        doc="Groups of factor * factor channels become blocks of pixels; (C, H, W) to (C / factor**2, ...).",
        relevance="moved back with the pixels",
        keeps=(),
    ),
    Op(
        name="pad",
        infer=_pad_infer,
        call=_pad_call,
        doc="Pixels added around the map: zeros, a mirror image, or the edge repeated.",
        relevance="goes back to the pixels that were copied; zeros have none",
        keeps=(),
    ),
    Op(
        name="crop",
        infer=_crop_infer,
        call=_crop_call,
        doc="A rectangle `to` = (height, width) cut out of the map from `at` = (top, left) on.",
        relevance="goes back to the pixels that were kept; the others have none",
        keeps=(),
    ),
    Op(
        name="unpool",
        infer=_unpool_infer,
        call=_unpool_call,
        doc="Each value goes to where the max-pool took its maximum from, zeros elsewhere; (pooled, value) to a map.",
        relevance="taken from where the values were put; the zeros have none",
        keeps=(),  # the indices wait with the pool
    ),
)
