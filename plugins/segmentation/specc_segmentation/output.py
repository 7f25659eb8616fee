"""`output` of a segmentation: what the numbers in masks mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from specc.plugin import Arguments
from specc_segmentation.pieces.known import IGNORE

Names = Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(min_length=1, max_length=254)]
Number = Annotated[int, Field(ge=0, le=65_535)]
Millimetres = Annotated[float, Field(gt=0, le=1000)]


class Output(Arguments):
    """What comes out of a segmentation."""

    classes: Names | None = Field(
        default=None,
        description="the names of the classes, one of which each pixel has; the first is the background",
    )
    labels: Names | None = Field(
        default=None, description="instead of `classes`: what may lie on top of each other, each with masks of its own"
    )
    values: tuple[Number, ...] | None = Field(
        default=None,
        description="the number that each class has in the masks, in the order of `classes` (default: 0, 1, 2, ...)",
    )
    ignore: Number | None = Field(
        default=None, description="the number in the masks for pixels of which nothing is known; they never count"
    )
    crop: Literal["center"] | None = Field(
        default=None,
        description="where the network answers fewer pixels than the image has (convolutions without padding): they "
        "are those in the middle. Without this key the same is done, and said",
    )
    spacing: tuple[Millimetres, Millimetres] | None = Field(
        default=None,
        description="millimetres from row to row and from column to column, where the files' headers do not tell",
    )
    tolerance: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="how far borders may be apart for surface Dice: in mm, or in pixels where the spacing is unknown",
    )


def names(output: Any) -> tuple[str, ...]:
    """The classes, or the labels."""
    return tuple(output.classes or output.labels or ())


def meanings(output: Any) -> Mapping[int, int]:
    """What a number in a mask means: place of the class, 1 or 0 for a label, or IGNORE."""
    unknown = {} if output.ignore is None else {int(output.ignore): IGNORE}
    if output.labels:
        return {0: 0, 1: 1, 255: 1} | unknown
    return {int(value): place for place, value in enumerate(values(output))} | unknown


def values(output: Any) -> tuple[int, ...]:
    """The number of each class in masks."""
    return tuple(output.values or range(len(output.classes or ())))
