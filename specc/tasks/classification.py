"""One class out of a list for each image, or several findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from specc.plugin import STEP, Arguments, Column, Program, Task

if TYPE_CHECKING:
    from specc.study import Study


Names = Annotated[
    tuple[Annotated[str, Field(max_length=200)], ...],
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string", "maxLength": 200}, "minItems": 1},
                {
                    "type": "object",
                    "properties": {"file": {"type": "string", "description": "a text file with one name a line"}},
                    "required": ["file"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class Output(Arguments):
    """What comes out of a classification."""

    classes: Names | None = Field(
        default=None,
        description="the names of the classes, one of which is the answer; their order here is their order everywhere. "
        "A long list may stand in a file of its own, one name a line: `{file: names.txt}`",
    )
    labels: Names | None = Field(
        default=None,
        description="instead of `classes`: the names of findings, any number of which may be there in one image",
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
    "One class out of a list for each image (`classes`), or several findings that may be there together (`labels`). "
    "Two classes: one neuron with sigmoid and binary cross entropy. More classes: one neuron each with softmax and "
    "categorical cross entropy. Findings: one neuron each with sigmoid and binary cross entropy; `columns: {labels: "
    "{effusion: YOUR_COLUMN}}` says which columns of the table hold 1, 0 or nothing (not known: it does not count).",
    _program,
    _contract,
    output=Output,
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("label", "name of the class", form="classes"),
        Column("labels", "for several findings: name: column, which holds 1, 0 or nothing", form="labels", each=True),
        Column("patient", "who it is; keeps one patient on one side of the split", required=False),
    ),
    table=(
        "classification, two classes: dense, 1 neuron, sigmoid, `binary_cross_entropy`",
        "classification, more classes: dense, one neuron per class, softmax, `categorical_cross_entropy`",
        "several findings per image: dense, one neuron per finding, sigmoid, `binary_cross_entropy`",
    ),
    metrics={"accuracy": 1, "balanced_accuracy": 1, "auc": 1},
    example="specs/lenet.yaml",
    heeds=STEP,
    code="code",
)
