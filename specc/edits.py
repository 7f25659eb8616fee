"""Words for `input: edits`: changes to every image before the network sees it, in training and in the model alike."""

from __future__ import annotations

from pydantic import Field

from specc.plugin import Arguments, Edit, Piece

_PIECES = "specc.pieces.edit_words"


class Power(Arguments):
    """Arguments of power."""

    exponent: float = Field(gt=0, le=10, description="below 1 opens up dark parts, above 1 bright ones")


class Smooth(Arguments):
    """Arguments of smooth."""

    sd: float = Field(gt=0, le=20, description="standard deviation of the Gaussian weights, in pixels of the file")


EDITS = (
    Edit(
        "invert",
        Piece(_PIECES, "invert"),
        doc="Bright becomes dark: 1 - v. What is filled in stays black.",
        example="invert",
    ),
    Edit(
        "power",
        Piece(_PIECES, "power"),
        Power,
        lambda arguments: {"exponent": float(arguments.exponent)},
        "Each value raised to a power (gamma correction); black and white stay.",
        "power: {exponent: 0.5}",
        "Gonzalez and Woods 2018, Digital Image Processing, section 3.2",
    ),
    Edit(
        "smooth",
        Piece(_PIECES, "smooth"),
        Smooth,
        lambda arguments: {"sd": float(arguments.sd)},
        "Mean with Gaussian weights against noise, up to three standard deviations away; edges go on outside.",
        "smooth: {sd: 1}",
        "Gonzalez and Woods 2018, Digital Image Processing, section 3.5",
    ),
)
