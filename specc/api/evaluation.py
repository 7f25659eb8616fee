"""Evaluate a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specc.api.program import study_of
from specc.deploy import contract as contracts
from specc.run import evaluate as evaluation
from specc.run import resume
from specc.run.faults import fault
from specc.run.folders import Run
from specc.run.origins import origins


@dataclass(frozen=True)
class Evaluation:
    """Figures by split (`val`, `test`): metrics with intervals, those of the baseline, a confusion table."""

    figures: dict[str, Any]
    question: evaluation.Question

    def plain(self) -> dict[str, Any]:
        """As eval/metrics.json holds it."""
        return self.figures

    def lines(self) -> list[str]:
        """As a table for a terminal."""
        return evaluation.table(self.figures, self.question)

    def __str__(self) -> str:
        return "\n".join(self.lines())


def evaluate(run: FilePath | str, *, data: FilePath | str | None = None) -> Evaluation:
    """Figures of a finished run, written to eval/metrics.json. Raises SpeccError T658 when nothing can be judged."""
    place = Run(FilePath(run))
    lock = resume.read_lock(place)
    if not place.contract.exists():
        cure = f"`specc train --resume {place.folder}` goes on with it"
        raise fault("T658", f"{place.folder} was stopped before its model was exported", cure)
    contract = contracts.read(place.contract)
    contracts.check_answers(contract)
    root = FilePath(data).absolute() if data is not None else resume.folder_of(place, lock)
    found = origins(study_of(place, lock, root), root)
    question = question_of(contract)
    window = contract.input.window
    fixed = (window.center, window.width) if isinstance(window, contracts.Window) else None
    images = evaluation.Images(found.root, contract.input.reader_window, fixed, contract.input.frame)
    return Evaluation(evaluation.evaluate(place, question, images, found.patient_of, lock.seed), question)


def question_of(contract: contracts.Contract) -> evaluation.Question:
    """What a model answers, as its contract says."""
    classes, units = contract.output.classes, contract.output.units
    positive = classes.index(contract.output.positive) if contract.output.positive in classes else 1
    return evaluation.Question(
        classes,
        positive,
        tuple(units),
        tuple(u or "" for u in units.values()),
        contract.output.aggregate == "patient",
        contract.output.labels,
    )
