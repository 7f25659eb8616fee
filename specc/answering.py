"""What a task with its own kind of answer does with an exported model: predict and judge, without torch.

A task whose answer is no class, finding or value (a mask, an image, a code) names an object of this form in
`Task.answering`; it is imported when a model is asked, and at no other time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Protocol

from specc.deploy.faults import Refusal as Refusal
from specc.deploy.faults import fault as fault
from specc.deploy.predict import Case as Case
from specc.deploy.predict import Ran as Ran
from specc.deploy.predict import run_cases as run_cases
from specc.deploy.session import Session as Session
from specc.run.case_scores import CaseScores as CaseScores
from specc.run.case_scores import PrimaryMetric as PrimaryMetric
from specc.run.metrics import Bootstrap, Figure


@dataclass(frozen=True)
class Asked:
    """What `predict` is asked. `cases` are the files of each case in the order of channels; `output` is what `-o` names
    (None: nothing is to be written), and `forms` are words of `--as`, out of the task's own.
    """

    session: Session
    cases: Sequence[Case]
    patients: Mapping[Any, str] | None = None
    output: FilePath | None = None
    forms: tuple[str, ...] = ()
    tell: Callable[[int], object] = lambda done: None


@dataclass(frozen=True)
class Said:
    """What is said of one case, or why nothing is (`refused`: code and reason).

    `row` are the columns of a table and the keys of JSON beside the file's name; `line` is what a terminal shows;
    `files` were written for it.
    """

    file: str
    row: Mapping[str, Any] = field(default_factory=dict)
    line: str = ""
    patient: str | None = None
    refused: tuple[str, str] | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FilePath, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As `predict --json` prints it."""
        row: dict[str, Any] = {"file": self.file} | ({"others": dict(self.others)} if self.others else {})
        if self.refused is not None:
            return {**row, "refused": {"code": self.refused[0], "reason": self.refused[1]}}
        row |= dict(self.row) | ({"files": [file.as_posix() for file in self.files]} if self.files else {})
        return row if self.patient is None else row | {"patient": self.patient}


def refused(ran: Ran) -> Said:
    """A case that the model did not answer."""
    return Said(str(ran.case[0]), patient=ran.patient, refused=ran.refused)


@dataclass(frozen=True)
class Item:
    """One case with what is known of it: `words` are the task's own (columns of files as paths from `root` on)."""

    root: FilePath
    file: str
    files: tuple[FilePath, ...]
    patient: str
    words: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True)
class Judging:
    """What is to be judged: cases by part (`val`, `test` of a run; `external`), and the folder that tables and pictures
    go into. `train` are the training cases of the model's own run, where they are at hand: baselines may learn from
    them. `by` names the column that `Item.group` is of; `run` is the folder of the model's own run.
    """

    session: Session
    parts: Mapping[str, Sequence[Item]]
    folder: FilePath
    seed: int = 42
    by: str | None = None
    run: FilePath | None = None
    train: Sequence[Item] = ()
    tell: Callable[[int, int], object] = lambda done, total: None


@dataclass(frozen=True)
class Judged:
    """`figures` are JSON, an entry for each part; `lines` a table for a terminal; `pictures` names in the folder.

    `cases` are those of each part that were judged, with what the figures are means of: they are written as cases.csv,
    and folds and seeds are summed up by them. `primary` names the figure that says whether more cases would help.
    """

    figures: Mapping[str, Any]
    lines: Sequence[str]
    pictures: Sequence[str] = ()
    cases: Mapping[str, Sequence[CaseScores]] = field(default_factory=dict)
    primary: PrimaryMetric | None = None


class Answering(Protocol):
    """What a task does with its model. `forms` are the words that `predict --as` knows, each with what it writes."""

    @property
    def forms(self) -> Mapping[str, str]:
        """Words of `--as`."""

    def predict(self, asked: Asked) -> Iterator[Said]:
        """Answers in the order of the cases; what is written for all of them together is written at the end.

        Raises SpeccError where `output` or a form cannot be served.
        """

    def judge(self, judging: Judging) -> Judged:
        """Figures, tables and pictures of cases with known truth. Raises SpeccError P879 where nothing can be said."""


def mean_interval(values: Iterable[float], patients: Sequence[str], seed: int) -> Figure:
    """The mean over cases, and its interval of 95 % from a bootstrap over patients (percentiles; none with one)."""
    import numpy as np

    from specc.run.metrics import case_means, figures

    numbers = np.asarray(list(values), np.float64)[:, None]
    means, draws = case_means(numbers, np.ones_like(numbers, bool), Bootstrap(patients, seed))
    return figures({"mean": float(means[0]) if len(numbers) else None}, {"mean": [draws[:, 0]]})["mean"]
