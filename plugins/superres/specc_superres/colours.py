"""Brightness and colour: Y, Cb and Cr of red, green and blue in shares of the range, by ITU-R BT.601."""

from __future__ import annotations

Row = tuple[float, float, float]
LIMITED: tuple[Row, ...] = (
    (65.481 / 255, 128.553 / 255, 24.966 / 255),
    (-37.797 / 255, -74.203 / 255, 112 / 255),
    (112 / 255, -93.786 / 255, -18.214 / 255),
)  # ITU-R BT.601-7, in the digits of MATLAB's rgb2ycbcr
FULL: tuple[Row, ...] = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)  # ITU-T T.871, section 7
OFFSETS: dict[str, Row] = {"limited": (16 / 255, 128 / 255, 128 / 255), "full": (0.0, 0.5, 0.5)}


def rows_of(luma: str) -> tuple[tuple[Row, ...], Row]:
    """The rows of Y, Cb and Cr and what is added to each, for `limited` or `full`."""
    return (LIMITED if luma == "limited" else FULL), OFFSETS[luma]


def inverse(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Of a 3x3 matrix, by cofactors."""
    a, b, c = rows
    cross = [
        (p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0])
        for p, q in ((b, c), (c, a), (a, b))
    ]
    whole = sum(x * y for x, y in zip(a, cross[0], strict=True))
    return tuple((cross[0][i] / whole, cross[1][i] / whole, cross[2][i] / whole) for i in range(3))
