"""Sum up the runs of a series: summary.json, summary.md and summary.png."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specc.api import cases
from specc.api.evaluation import question_of
from specc.api.notebook import Shown
from specc.api.program import study_of
from specc.deploy import contract as contracts
from specc.run import resume, series, summary
from specc.run.case_scores import mismatch, primary_of
from specc.run.evaluate import Question, read_predictions
from specc.run.evaluate.rows import AGAIN
from specc.run.faults import fault
from specc.run.folders import Run, replace
from specc.run.origins import origins
from specc.run.series import Book, Member
from specc.run.summary import of_task
from specc.run.summary.build import read_figures


@dataclass(frozen=True)
class SeriesSummary(Shown):
    """Figures of a series by part, and the verdict of a series with parts of the training patients."""

    folder: FilePath
    figures: dict[str, Any]
    question: Question | None

    def plain(self) -> dict[str, Any]:
        """As summary.json holds it."""
        return self.figures

    def lines(self) -> list[str]:
        """As a table for a terminal."""
        return summary.table(self.figures, self.question) if self.question else of_task.table(self.figures)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def shown(self) -> list[FilePath]:
        """Its picture."""
        return [self.folder / "summary.png"]


def summarize(folder: FilePath | str, *, data: FilePath | str | None = None) -> SeriesSummary:
    """The summary of a series, written anew. Raises SpeccError T681 for what is none, T683 with no finished run."""
    place = FilePath(folder)
    return summary_of(place, series.read(place), data)


def summary_of(folder: FilePath, book: Book, data: FilePath | str | None) -> SeriesSummary:
    """Pool what the finished runs answered, and write it. Raises SpeccError T683, T658."""
    members = [member for member in book.members if member.state == "done"]
    if not members:
        cure = f"`specc train --resume {folder}` goes on with it"
        raise fault("T683", f"no run of {folder} is finished", cure)
    first = series.run_of(folder, members[0])
    lock = resume.read_lock(first)
    title = "/".join(folder.resolve().parts[-2:])
    if contracts.read(first.contract).plugin:
        judged = [_judged(member, series.run_of(folder, member)) for member in members]
        rows = of_task.build(title, book, judged, lock.seed)
        return _written(
            SeriesSummary(folder, rows, None), of_task.markdown(rows), lambda file: of_task.draw(rows, file)
        )
    root = FilePath(data).absolute() if data is not None else resume.folder_of(first, lock)
    found = origins(study_of(first, lock, root), root)
    question = question_of(contracts.read(first.contract))
    finished = []
    for member in members:
        run = series.run_of(folder, member)
        answers = read_predictions(run.eval / "predictions.csv", question, found.patient_of)
        finished.append(summary.Finished(member, answers, _figures(run)))
    rows = summary.build(title, book, finished, question, lock.seed)
    page = summary.markdown(rows, question)
    return _written(SeriesSummary(folder, rows, question), page, lambda file: summary.draw(rows, question, file))


def _figures(run: Run) -> dict[str, Any]:
    """What the evaluation of a run found. Raises SpeccError T658."""
    try:
        return read_figures(run)
    except (OSError, ValueError) as error:
        raise fault("T658", f"{run.eval / 'metrics.json'} cannot be read", AGAIN) from error


def _judged(member: Member, run: Run) -> of_task.Judged:
    """What the evaluation of a run found and told of its cases. Raises SpeccError T658."""
    figures, again = _figures(run), f"`specc eval {run.folder}` writes them again"
    try:
        told, primary = cases.read(run.eval / cases.CASES), primary_of(figures)
    except (OSError, ValueError, csv.Error) as error:
        raise fault("T658", f"{run.eval / cases.CASES} or metrics.json cannot be read: {error}", again) from error
    for part, every in told.items():
        if name := mismatch(figures.get(part, {}), every):
            message = f"{run.eval / cases.CASES} is not of the same evaluation as metrics.json: `{name}` is another"
            raise fault("T658", message, again)
    return of_task.Judged(member, figures, told, primary)


def _written(result: SeriesSummary, page: str, draw: Callable[[FilePath], None]) -> SeriesSummary:
    """The summary, written into the folder of the series. Raises SpeccError T659."""
    try:
        replace(result.folder / "summary.json", json.dumps(result.figures, indent=2, allow_nan=False) + "\n")
        replace(result.folder / "summary.md", page)
        draw(result.folder / "summary.png")
    except OSError as error:
        message = f"cannot write {result.folder}: {error.strerror}"
        raise fault("T659", message, "make room, or mend its rights") from error
    return result
