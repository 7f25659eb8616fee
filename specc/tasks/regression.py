"""One number (or several) for each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from specc.plugin import STEP, Arguments, Column, Program, Task

if TYPE_CHECKING:
    from specc.study import Study


class Output(Arguments):
    """What comes out of a regression."""

    target: str | None = Field(default=None, min_length=1, max_length=200, description="name of the quantity")
    unit: str | None = Field(default=None, max_length=200, description="its unit, for tables and reports")
    targets: dict[str, str] | None = Field(default=None, min_length=1, description="several quantities, name: unit")
    standardize: bool = Field(
        default=False,
        description="train on targets of mean 0 and deviation 1 (of the training split); undone in the exported model",
    )
    aggregate: Literal["patient"] | None = Field(
        default=None, description="`patient` adds one answer per patient: the mean value"
    )


def _program(study: Study) -> Program:
    from importlib import import_module

    program: Program = import_module("specc.emit.tasks").regression_program(study)
    return program


def _contract(study: Study) -> Mapping[str, Any]:
    from importlib import import_module

    contract: Mapping[str, Any] = import_module("specc.emit.tasks").regression_contract(study)
    return contract


TASK = Task(
    "regression",
    "One number for each image, or several. One neuron for each, no activation, mean squared error.",
    _program,
    _contract,
    output=Output,
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("target", "the number", form="target"),
        Column("targets", "for several numbers: name: column", form="targets", each=True),
        Column("patient", "who it is; keeps one patient on one side of the split", required=False),
    ),
    table=(
        "regression: dense, 1 neuron, no activation, `mean_squared_error`",
        "several quantities: dense, one neuron per quantity, no activation, `mean_squared_error`",
    ),
    metrics={"mae": -1, "rmse": -1, "r2": 1},
    example="specs/lenet_regression.yaml",
    heeds=STEP,
    code="code",
)
