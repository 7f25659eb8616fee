"""The head: one number against K - 1 ordered thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from specc.ir import Node
from specc.plugin import Arguments, Builder, Layer, Op, Piece, ShapeFault

Shape = tuple[int, ...]


class Thresholds(Arguments):
    """Arguments of thresholds."""

    count: int = Field(ge=1, le=255, description="how many: one less than there are grades")


def _shape(attrs: Mapping[str, Any], shapes: tuple[Shape, ...]) -> Shape:
    if shapes[0] != (1,):
        has = "x".join(map(str, shapes[0]))
        raise ShapeFault(
            "S303", "thresholds need one number for each image", f"gets {has}", helps=("`dense: {units: 1}`",)
        )
    return (attrs["count"],)


def _lower(builder: Builder, arguments: Thresholds, value: str) -> str:
    return builder.add("thresholds", (value,), count=arguments.count)


def _module(node: Node, shapes: tuple[Shape, ...]) -> str:
    return f"Thresholds({node.attrs['count']})"


def _call(node: Node, names: tuple[str, ...]) -> str:
    return f"self.{node.name}({names[0]})"


OPS = (
    Op(
        "thresholds",
        _shape,
        _call,
        "One number less each of several ordered thresholds, which are learned.",
        "the sum over the thresholds goes back to the number",
        module=_module,
        parameters=lambda attrs, shapes: int(attrs["count"]),
        piece=Piece("specc_ordinal.pieces.layers", "Thresholds"),
    ),
)
LAYERS = (
    Layer(
        "thresholds",
        Thresholds,
        _lower,
        "One number less each of `count` ordered thresholds, which are learned: the logits of `more than this grade`.",
        "thresholds: {count: 3}",
        "McCullagh 1980, J R Stat Soc B 42:109",
    ),
)
