"""probe_staged: a network learns classes; then scikit-learn fits a logistic regression on its features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from specc.errors import Diagnostic, Note
from specc.plugin import Arguments, Column, Piece, Program, Rule, Task

if TYPE_CHECKING:
    from specc.study import Study

_PIECES, _DATA = "specc_probe.pieces.staged", "specc_probe.pieces.data"
_HOMES = {_PIECES: "train", _DATA: "data", "specc_probe.pieces.deploy": "deploy"}


class Output(Arguments):
    """What comes out."""

    classes: Annotated[tuple[str, ...], Field(min_length=2)] = Field(description="the names of the classes")


def _program(study: Study) -> Program:
    graph = study.passed["network"]
    names, classes = list(graph.outputs), tuple(study.spec.output.classes)
    symbols: dict[str, Piece | str] = {
        "build": Piece(_PIECES, "build"),
        "export_model": Piece(_PIECES, "export_both"),
        "targets_of": Piece(_DATA, "classes"),
        "FEATURES": str(names.index("features")),
        "LOGITS": str(names.index("logits")),
        "WIDTH_OUT": str(graph.shape_of(graph.outputs["features"])[0]),
        "CLASSES": ascii(classes),
    }
    column = (study.spec.data.columns or {}).get("label", "label")
    homes = {**_HOMES, "specc.pieces.answers": "deploy"}
    return Program(symbols, homes, columns={"label": column} if study.spec.data.manifest else {})


def _contract(study: Study) -> Mapping[str, Any]:
    return {"classes": list(study.spec.output.classes), "positive": None, "aggregate": None}


def check_outputs(study: Study) -> list[Diagnostic]:
    """What: the network does not end in a vector of `features` and one of `logits`, a number for each class.

    Why: the network learns by the logits, the logistic regression from the features.

    Bad:

        model: {layers: [flatten, dense: {units: 2}]}

    Good:

        model:
          layers: [flatten, dense: {units: 8, activation: relu, id: hidden}, dense: {units: 2, id: last}]
          outputs: {features: hidden, logits: last}
    """
    graph = study.graphs.get("network")
    if graph is None:
        return []
    shapes = {name: graph.shape_of(source) for name, source in graph.outputs.items()}
    good = shapes.get("logits") == (len(study.spec.output.classes),) and len(shapes.get("features", ())) == 1
    if good and len(shapes) == 2:
        return []
    message = "this task needs the outputs `features` and `logits`, both vectors; `logits` has a number for each class"
    note = Note("help", "`outputs: {features: ID, logits: ID}`")
    return [Diagnostic("Z104", message, study.key_span("model"), ("model",), notes=(note,))]


TASK = Task(
    "probe_staged",
    "One class for each image, by a logistic regression on what a network makes of it.",
    _program,
    _contract,
    output=Output,
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("label", "name of the class"),
    ),
    rules=(Rule("Z104", "probe_staged_outputs", check_outputs),),
    example="task: probe_staged",
    metrics={"accuracy": 1},
)
