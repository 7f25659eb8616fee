"""Shapes without the batch axis: (channels, height, width) for images, (features,) for vectors."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

Shape = tuple[int, ...]
Reach = tuple[tuple[int, int], tuple[Fraction, Fraction]]  # pixels looked at, step to the next; both (down, across)


def show_shape(shape: Shape) -> str:
    """`6x28x28`; a vector of 120 as `120`."""
    return "x".join(str(n) for n in shape)


def count(shape: Shape) -> int:
    """How many numbers one sample has."""
    total = 1
    for n in shape:
        total *= n
    return total


def conv_out(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil: bool = False) -> int:
    """Output length of a convolution or pool along one axis: floor((n + 2p - d(k-1) - 1)/s) + 1; may be below 1."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    out = (-(-span // stride) if ceil else span // stride) + 1
    if ceil and (out - 1) * stride >= size + padding:  # the last window must start inside the image or its left padding
        out -= 1
    return out


def window_reach(attrs: Mapping[str, Any], shapes: tuple[Shape, ...], output: Shape) -> Reach:
    """Of a window with `kernel`, `stride` and `dilation`, or of an enlargement by `factor`; (1, 1) and 1 without them.

    A window that enlarges is a transposed one: an output pixel looks at ceil(window / stride) pixels, and the next one
    is 1 / stride of a pixel away.
    """
    axes = []
    for i in (0, 1):
        kernel, stride = _axis(attrs.get("kernel"), i), _axis(attrs.get("stride"), i)
        dilation, factor = _axis(attrs.get("dilation"), i), _axis(attrs.get("factor"), i)
        window = dilation * (kernel - 1) + 1
        grows = stride > 1 and len(shapes[0]) == len(output) == 3 and output[i + 1] > shapes[0][i + 1]
        step = Fraction(1, stride) if grows else Fraction(stride, factor)
        axes.append((-(-window // stride) if grows else window, step))
    return (axes[0][0], axes[1][0]), (axes[0][1], axes[1][1])


def _axis(value: Any, axis: int) -> int:
    """A number, or one of a pair; 1 where there is none."""
    number = value[axis] if isinstance(value, tuple) and len(value) == 2 else value
    return number if isinstance(number, int) and not isinstance(number, bool) else 1
