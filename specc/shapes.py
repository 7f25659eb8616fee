"""Shapes without the batch axis: (channels, height, width) for images, (features,) for vectors."""

from __future__ import annotations

Shape = tuple[int, ...]


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
