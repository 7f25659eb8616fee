"""Words for `specc eval --explain`: what in an image an answer hangs on, asked of the exported model alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specc.plugin import Arguments, Explainer, Piece

_PIECES = "specc.deploy.asking"
_Share = Annotated[float, Field(gt=0, le=1)]


class Occlusion(Arguments):
    """Arguments of occlusion."""

    size: _Share = Field(default=0.2, description="side of the patch, as a share of the shorter side of the image")
    steps: int = Field(default=4, ge=1, le=16, description="places of the patch along its own side")


class Rise(Arguments):
    """Arguments of rise."""

    masks: int = Field(default=500, ge=16, le=20_000, description="random masks that are tried")
    cells: int = Field(default=7, ge=2, le=64, description="cells of a mask along each side")
    share: _Share = Field(default=0.5, description="share of the cells that stay visible")


EXPLAINERS = (
    Explainer(
        "occlusion",
        Piece(_PIECES, "occlusion"),
        Occlusion,
        lambda arguments: {"size": float(arguments.size), "steps": arguments.steps},
        "A patch of the image's own mean moves over it; where it lies when the answer gives way, there the answer was "
        "found. The map is the mean loss of probability (or change of the value) under the patches that cover a pixel.",
        "occlusion: {size: 0.2}",
        "Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2",
    ),
    Explainer(
        "rise",
        Piece(_PIECES, "rise"),
        Rise,
        lambda arguments: {"masks": arguments.masks, "cells": arguments.cells, "share": float(arguments.share)},
        "Many random masks leave parts of the image visible; the map is the mean of the masks, each weighted by the "
        "answer that is left. It finds several places that work together, and takes more runs of the model.",
        "rise: {masks: 1000}",
        "Petsiuk et al. 2018, arXiv:1806.07421, eq. 6",
    ),
)
