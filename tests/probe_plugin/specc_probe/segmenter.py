"""probe_segmenter: says of every pixel whether it belongs to a thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specc.plugin import Column, Piece, Program, Task

if TYPE_CHECKING:
    from specc.study import Study

_PIECES, _DATA = "specc_probe.pieces.segmenter", "specc_probe.pieces.data"
_HOMES = {_PIECES: "train", _DATA: "data", "specc_probe.pieces.deploy": "deploy"}


def _program(study: Study) -> Program:
    symbols: dict[str, Piece | str] = {
        "build": Piece(_PIECES, "build"),
        "export_model": Piece(_PIECES, "export_segmenter"),
        "targets_of": Piece(_DATA, "masks"),
    }
    return Program(symbols, _HOMES, columns={"boxes": (study.spec.data.columns or {}).get("boxes", "boxes")})


def _contract(study: Study) -> Mapping[str, Any]:
    return {"mask": "probability that a pixel belongs to a thing"}


def fault_of(cell: str) -> str:
    """What is wrong with an entry of the column `boxes`; empty where nothing is."""
    for box in cell.split(";") if cell.strip() else ():
        try:
            x, y, width, height = map(float, box.split(","))
        except ValueError:
            return "a box is four numbers: x,y,width,height"
        if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 and 0 < height <= 1):
            return "a box is written in shares of the image, from 0 to 1"
    return ""


TASK = Task(
    "probe_segmenter",
    "The pixels of things.",
    _program,
    _contract,
    lifts=frozenset({"loss"}),
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("boxes", "x,y,width,height in shares of the image, `;` between boxes", fault=fault_of),
    ),
    example="task: probe_segmenter",
    metrics={"overlap": 1},
    answering=Piece("specc_probe.answering", "MASKS"),
)
