"""One class out of a list for each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from specc.plugin import Arguments, Column, Program, Task

if TYPE_CHECKING:
    from specc.study import Study


class Output(Arguments):
    """What comes out of a classification."""

    classes: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(min_length=1)] = Field(
        description="the names of the classes; their order here is their order everywhere"
    )
    positive: str | None = Field(
        default=None, description="with two classes, the one whose probability is given (default: the second)"
    )
    aggregate: Literal["patient"] | None = Field(
        default=None, description="`patient` adds one answer per patient: the mean probability"
    )


def _program(study: Study) -> Program:
    from importlib import import_module

    program: Program = import_module("specc.emit.tasks").classification_program(study)
    return program


def _contract(study: Study) -> Mapping[str, Any]:
    from importlib import import_module

    contract: Mapping[str, Any] = import_module("specc.emit.tasks").classification_contract(study)
    return contract


TASK = Task(
    "classification",
    "One class out of a list for each image. Two classes: one neuron with sigmoid and binary cross entropy. More "
    "classes: one neuron each with softmax and categorical cross entropy.",
    _program,
    _contract,
    output=Output,
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("label", "name of the class"),
        Column("patient", "who it is; keeps one patient on one side of the split", required=False),
    ),
    table=(
        "classification, two classes: dense, 1 neuron, sigmoid, `binary_cross_entropy`",
        "classification, more classes: dense, one neuron per class, softmax, `categorical_cross_entropy`",
    ),
    metrics={"accuracy": 1, "balanced_accuracy": 1, "auc": 1},
    example="specs/lenet.yaml",
)
