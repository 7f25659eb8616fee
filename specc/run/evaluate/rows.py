"""Truth and answers, an image a row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path as FilePath
from typing import Any

from specc.pieces.findings import finding
from specc.run import metrics
from specc.run.faults import fault

MEAN = "mean of the findings"
AGAIN = "`specc export RUN` writes them again"
LARGEST = 1e30  # no quantity is; squares of larger ones cannot be added up


@dataclass(frozen=True, slots=True)
class Question:
    """What the model answers: `classes` in order with the index of the positive one, `targets` with their units, or
    `labels`: findings, each of which is a question of its own with the answers no and yes.
    """

    classes: tuple[str, ...] = ()
    positive: int = 1
    targets: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    by_patient: bool = False
    labels: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What each number of the model is called."""
        return self.classes or self.labels or self.targets

    @property
    def several(self) -> tuple[str, ...]:
        """The questions, where there are several: findings, or more than one target."""
        return self.labels or (self.targets if len(self.targets) > 1 else ())

    @property
    def first(self) -> tuple[str, int]:
        """The metric that a person asks for first, and whether more (1) or less (-1) of it is better."""
        return ("auc", 1) if self.labels else ("balanced_accuracy", 1) if self.classes else ("mae", -1)


FINDING = Question(("no", "yes"))


@dataclass(frozen=True, slots=True)
class Rows:
    """Files, patients, targets (class index, value, or None where not known) and the model's numbers (N, K)."""

    files: list[str]
    patients: list[str]
    targets: list[list[Any]]
    numbers: list[list[float]]
    answers: list[int]

    @classmethod
    def empty(cls) -> Rows:
        """None yet."""
        return cls([], [], [], [], [])

    def some(self, places: Sequence[int]) -> Rows:
        """The rows at these places."""
        part = Rows.empty()
        for k in places:
            part.add(self.files[k], self.patients[k], self.targets[k], self.numbers[k], self.answers[k])
        return part

    def add(self, file: str, patient: str, truth: list[Any], numbers: list[float], answer: int) -> None:
        """One more row."""
        self.files.append(file)
        self.patients.append(patient)
        self.targets.append(truth)
        self.numbers.append(numbers)
        self.answers.append(answer)

    def column(self, k: int) -> tuple[list[float], list[float]]:
        """Truth and answers of one target."""
        return [target[k] for target in self.targets], [numbers[k] for numbers in self.numbers]

    def said(self, numbers: list[list[float]], question: Question) -> Rows:
        """The same images with the numbers of somebody else."""
        answers = metrics.chosen(numbers, question.positive) if question.classes else self.answers
        return Rows(self.files, self.patients, self.targets, numbers, answers)


def read_predictions(
    file: FilePath, question: Question, patient_of: Callable[[str], str] | None = None
) -> dict[str, Rows]:
    """Rows by split: columns split, file, [patient], a target each, answer, then a number a class or target.

    Where a case has several files, the further ones (`file.CHANNEL`) stand after the first, by which it is named.
    Raises SpeccError T658 when the file is missing or is not one of this model's.
    """
    count, targets = len(question.names), max(1, len(question.targets or question.labels))
    splits: dict[str, Rows] = {}
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            names = next(reader)
            others = len(list(takewhile(lambda name: name.startswith("file."), names[2:])))
            del names[2 : 2 + others]
            named = "patient" in names[:3]
            first = 3 if named else 2
            for cells in reader:
                del cells[2 : 2 + others]
                cells[1] = FilePath(cells[1]).as_posix()
                rows = splits.setdefault(cells[0], Rows.empty())
                truth = [truth_of(cell, question) for cell in cells[first : first + targets]]
                numbers = [float(cell) for cell in cells[len(names) - count :]]
                if not is_known(truth, question):
                    continue  # an image without a target is answered, and nothing can be said of the answer
                who = cells[2] if named else cells[1]
                who = patient_of(who) if who == cells[1] and patient_of else who  # a file that names nobody
                answer = cells[first + targets]
                rows.add(cells[1], who, truth, numbers, question.classes.index(answer) if question.classes else 0)
    except (OSError, StopIteration, csv.Error, ValueError, IndexError) as error:
        reason = "the run was stopped before its export" if isinstance(error, FileNotFoundError) else "it is damaged"
        raise fault("T658", f"cannot read {file}: {reason}", AGAIN) from error
    return {name: rows for name, rows in splits.items() if rows.files}


def cases_of(file: FilePath) -> dict[str, tuple[str, ...]]:
    """All files of each case of predictions.csv by the first, where cases have several. Raises OSError."""
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        others = len(list(takewhile(lambda name: name.startswith("file."), next(reader, [])[2:])))
        cases = [tuple(FilePath(name).as_posix() for name in cells[1 : 2 + others]) for cells in reader if others]
    return {names[0]: names for names in cases}


def truth_of(cell: str, question: Question) -> Any:
    """Index of a class, 1 or 0 of a finding, or a value; None where the cell is blank.

    Raises ValueError, of a value also where it is not a number below `LARGEST` in size.
    """
    if not cell:
        return None
    if question.labels:
        truth = finding(cell)
        return None if truth < 0 else truth
    if question.classes:
        return question.classes.index(cell)
    value = float(cell)
    if not abs(value) < LARGEST:  # nor NaN
        raise ValueError(f"{cell} is not a number below {LARGEST:g}")
    return value


def is_known(truth: Sequence[Any], question: Question) -> bool:
    """Whether anything can be said of an answer: all of the truth is there, or one finding of several."""
    return any(one is not None for one in truth) if question.labels else None not in truth


def each_finding(rows: Rows, question: Question) -> list[tuple[str, Rows, list[int]]]:
    """Each finding as a question of two classes, on the images of which it is known, and their places in `rows`."""
    found = []
    for k, name in enumerate(question.labels):
        kept = [i for i, target in enumerate(rows.targets) if target[k] is not None]
        one = Rows.empty()
        for i in kept:
            p = rows.numbers[i][k]
            one.add(rows.files[i], rows.patients[i], [rows.targets[i][k]], [1 - p, p], int(p > 0.5))
        found.append((name, one, kept))
    return found


def joined(rows: Rows, question: Question) -> tuple[Rows, int]:
    """One row a patient with its mean numbers; and how many patients have images with different truths."""
    keys = [tuple(target) for target in rows.targets]
    found = metrics.per_patient(rows.patients, keys, rows.numbers)
    names = list(found.names)
    answers = metrics.chosen(found.numbers, question.positive) if question.classes and names else [0] * len(names)
    return Rows(names, names, [list(key) for key in found.targets], found.numbers, answers), found.mixed
