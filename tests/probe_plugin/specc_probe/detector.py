"""probe_detector: boxes around things, however many there are. One box a cell of the grid that the network ends in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specc.errors import Diagnostic, Note
from specc.plugin import Column, Piece, Program, Rule, Task

if TYPE_CHECKING:
    from specc.study import Study

_PIECES, _DATA = "specc_probe.pieces.detector", "specc_probe.pieces.data"
_HOMES = {_PIECES: "train", _DATA: "data", "specc_probe.pieces.deploy": "deploy"}
_OUTPUTS = {"boxes": 4, "scores": 1}  # channels of each


def _program(study: Study) -> Program:
    names = list(study.passed["network"].outputs)
    symbols: dict[str, Piece | str] = {
        "build": Piece(_PIECES, "build"),
        "export_model": Piece(_PIECES, "export_detector"),
        "targets_of": Piece(_DATA, "boxes_and_offsets"),
        "BOXES": str(names.index("boxes")),
        "SCORES": str(names.index("scores")),
    }
    column = (study.spec.data.columns or {}).get("boxes", "boxes")
    return Program(symbols, _HOMES, columns={"boxes": column})


def _contract(study: Study) -> Mapping[str, Any]:
    return {"boxes": "x, y, width, height in shares of the image", "scores": "probability that a box is there"}


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


def check_outputs(study: Study) -> list[Diagnostic]:
    """What: the network does not end in `boxes` (4 channels) and `scores` (1 channel) on the same grid.

    Why: each cell of the grid says where its box is and how sure it is of it.

    Bad:

        model: {layers: [conv2d: {filters: 4, kernel: 3, id: places}], outputs: {boxes: places}}

    Good:

        model:
          layers:
            - conv2d: {filters: 8, kernel: 3, id: cells}
            - conv2d: {filters: 4, kernel: 1, id: places}
            - from: cells
            - conv2d: {filters: 1, kernel: 1, id: certain}
          outputs: {boxes: places, scores: certain}
    """
    graph = study.graphs.get("network")
    if graph is None:
        return []
    shapes = {name: graph.shape_of(source) for name, source in graph.outputs.items()}
    wanted = {name: (channels, *shapes.get("boxes", ())[1:]) for name, channels in _OUTPUTS.items()}
    if shapes == wanted and len(wanted["boxes"]) == 3:
        return []
    found = ", ".join(f"`{name}` of {list(shape)}" for name, shape in shapes.items())
    help_ = "`outputs: {boxes: ID, scores: ID}`, of 4 and of 1 channels, with as many rows and columns"
    message = f"a detector ends in boxes and scores, and this one in {found}"
    return [Diagnostic("Z103", message, study.key_span("model"), ("model",), notes=(Note("help", help_),))]


TASK = Task(
    "probe_detector",
    "Boxes around things: one a cell of a grid.",
    _program,
    _contract,
    lifts=frozenset({"loss"}),
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("boxes", "x,y,width,height in shares of the image, `;` between boxes", fault=fault_of),
    ),
    rules=(Rule("Z103", "probe_detector_outputs", check_outputs),),
    example="task: probe_detector",
    metrics={"recall": 1},
)
