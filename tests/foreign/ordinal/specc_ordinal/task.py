"""The task `ordinal_regression`: one grade for each image, out of several that have an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from specc.data.look import DataRule, Look, found
from specc.errors import Diagnostic, NoteKind
from specc.plugin import IDENTITY, STEP, Arguments, Column, Loss, Piece, Program, Rule, Task
from specc.rules.common import fault

if TYPE_CHECKING:
    from specc.study import Study

_PIECES = "specc_ordinal.pieces"
_TRAIN = "specc.pieces.supervised"
_TEXT = '''from typing import Any

import numpy as np

GRADES = {grades}


def targets_of(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """The place of each grade in their order."""
    return {{"target": np.array([GRADES.index(row["label"]) for row in rows])}}
'''
EXAMPLE = """
specc: 1
name: size-of-a-square
task: ordinal_regression
plugins: [ordinal]
input: {format: png, size: [24, 24], channels: mono, scale: 0..1}
output: {classes: [tiny, small, large]}
data:
  manifest: table.csv
  columns: {image: file, label: grade, patient: patient}
  split: {column: part}
model:
  layers:
    - conv2d: {filters: 4, kernel: 3, activation: relu}
    - global_avgpool
    - dense: {units: 1}
    - thresholds: {count: 2}
loss: ordinal_cross_entropy
optimizer: {adam: {learning_rate: 0.02}}
train: {epochs: 8, batch_size: 8, early_stop: {watch: kappa, patience: 7}}
"""


class Output(Arguments):
    """What comes out of an ordinal regression."""

    classes: tuple[str, ...] = Field(description="the names of the grades, the least one first")
    aggregate: Literal["patient"] | None = Field(
        default=None, description="`patient` adds one answer per patient: the mean probability"
    )


def _program(study: Study) -> Program:
    given, count = study.spec.data.columns or {}, len(study.spec.output.classes)
    words = {word: given.get(word, word) for word in ("label", *(("patient",) if "patient" in given else ()))}
    symbols: dict[str, Piece | str] = {
        "build": Piece(_TRAIN, "build"),
        "export_model": Piece(_TRAIN, "export_answer"),
        "targets_of": Piece("<grades>", "targets_of"),
        "Deploy": Piece(f"{_PIECES}.deploy", "Grades"),
        "scores": Piece(f"{_PIECES}.metrics", "grade_scores"),
        "OUTPUTS": ascii(("answer", "probabilities", "ood_score", "accepted")),
        "TRUTH": ascii(("label",)),
        "WIDTH_OUT": ascii(count - 1),
        "CLASSES_OUT": ascii(count),
        "LEAST": ascii(0.0),
        "weighed": IDENTITY,
    }
    homes = {
        _TRAIN: "train",
        "specc.pieces.answers": "deploy",
        f"{_PIECES}.deploy": "deploy",
        f"{_PIECES}.metrics": "metrics",
    }
    text = _TEXT.format(grades=ascii(tuple(study.spec.output.classes)))
    return Program(symbols, homes, columns=words, printed={"<grades>": ("data", text)})


def _contract(study: Study) -> Mapping[str, Any]:
    """The grades as classes: predict and eval of specc know what to do with these."""
    return {"classes": list(study.spec.output.classes), "positive": None, "aggregate": study.spec.output.aggregate}


def _enough_grades(study: Study) -> list[Diagnostic]:
    """What: an ordinal regression with fewer than three grades.

    Why: two grades have no order that a threshold more could tell; that is a classification.

    Bad:

        output: {classes: [tiny, large]}
        model: {layers: [flatten, dense: {units: 1}, thresholds: {count: 1}]}

    Good:

        output: {classes: [tiny, small, large]}

    Source: McCullagh 1980, J R Stat Soc B 42:109.
    """
    if len(study.spec.output.classes) >= 3:
        return []
    notes: list[tuple[NoteKind, str]] = [("why", "two grades are two classes"), ("help", "`task: classification`")]
    return [fault(study, "Z201", "grades with an order are at least three", ("output", "classes"), "too few", *notes)]


def _one_threshold_less(study: Study) -> list[Diagnostic]:
    """What: the network does not end in `thresholds` with one less than there are grades.

    Why: a threshold stands between two grades that follow each other.

    Bad:

        model: {layers: [flatten, dense: {units: 3}]}

    Good:

        model: {layers: [flatten, dense: {units: 1}, thresholds: {count: 2}]}

    Source: McCullagh 1980, J R Stat Soc B 42:109.
    """
    graph = study.graphs.get("network")
    wanted = len(study.spec.output.classes) - 1
    if graph is None or wanted < 1:
        return []
    last = next((node for node in graph.nodes if node.name in graph.outputs.values()), None)
    if last is not None and last.op == "thresholds" and last.attrs["count"] == wanted:
        return []
    cure: tuple[NoteKind, str] = ("help", f"end in `dense: {{units: 1}}` and `thresholds: {{count: {wanted}}}`")
    return [fault(study, "Z202", f"{wanted + 1} grades need {wanted} thresholds at the end", ("model",), "", cure)]


def _every_grade(look: Look) -> list[Diagnostic]:
    """What: a grade that no training image has.

    Why: nothing says where its thresholds are, so that two grades become one.

    Bad: a table without a `severe` image in the training part.

    Good: images of every grade in the training part.
    """
    column = look.table.words.get("label")
    if column is None or not look.parts:
        return []
    rows = [row.values[column] for row, part in zip(look.table.rows, look.parts, strict=True) if part == "train"]
    gone = [name for name in look.classes if name not in rows]
    message = f"no training image has the grade {', '.join(f'`{name}`' for name in gone)}"
    return found(look, "Z411", message, ("output", "classes"), "of these") if gone and rows else []


LOSSES = (
    Loss(
        "ordinal_cross_entropy",
        Piece(f"{_PIECES}.losses", "ordinal_cross_entropy"),
        ("none",),
        "Binary cross entropy of each question `more than this grade?`, summed over the thresholds.",
        "Cao et al. 2020, Pattern Recognit Lett 140:325, eq. 4",
    ),
)
TASK = Task(
    "ordinal_regression",
    "One grade for each image, out of several that have an order. One number against ordered thresholds.",
    _program,
    _contract,
    output=Output,
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("label", "name of the grade"),
        Column("patient", "who it is; keeps one patient on one side of the split", required=False),
    ),
    rules=(
        Rule("Z201", "enough_grades", _enough_grades),
        Rule("Z202", "one_threshold_less", _one_threshold_less),
    ),
    checks=(DataRule("Z411", "every_grade", _every_grade, ("D404", "D405")),),
    table=("ordered grades: dense, 1 neuron, `thresholds`, `ordinal_cross_entropy`",),
    metrics={"mae": -1, "accuracy": 1, "kappa": 1},
    heeds=STEP,
)
