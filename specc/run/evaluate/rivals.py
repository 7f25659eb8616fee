"""What the trivial answer and the intensity forest say to the same images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specc.run import baseline
from specc.run.evaluate.rows import Question, Rows, each_finding

TRIVIAL, FOREST = "trivial", "intensity forest"


@dataclass(frozen=True, slots=True)
class Images:
    """How the baseline reads images: the folder of the files, the window, and a frame number.

    `fixed` are windows in modality values, one for each channel that is a file of its own; `cases` names all files of
    a case by the first.
    """

    root: FilePath
    window: baseline.Window = "none"
    fixed: tuple[tuple[float, float] | None, ...] = (None,)
    frame: int | None = None
    cases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def files(self, file: str) -> tuple[FilePath, ...]:
        """All files of the case that a row names."""
        return tuple(self.root / name for name in self.cases.get(file, (file,)))

    def bars(self, rows: Rows) -> Any:
        """(N, 64) histograms of the images; 64 for each channel that is a file of its own."""
        import numpy as np

        cases = [self.files(file) for file in rows.files]
        each = [
            baseline.histograms([files[place] for files in cases], self.window, fixed, self.frame)
            for place, fixed in enumerate(self.fixed)
        ]
        return np.concatenate(each, axis=1)


@dataclass(frozen=True, slots=True)
class Rivals:
    """Whom the model is compared with: `train` are the images that they learn from, `bars` their histograms.

    Without `bars` there is no forest; without `train` the trivial answer comes from the images that are judged.
    """

    question: Question
    seed: int
    train: Rows | None = None
    bars: Any = None

    @property
    def source(self) -> str:
        """Where the trivial answer comes from."""
        return "the training images" if self.train is not None else "these images, as the training ones are not at hand"

    def answers(self, rows: Rows, images: Images) -> dict[str, Rows]:
        """What each of them says to these images."""
        trivial = _trivial(self.train or rows, self.question)
        result = {TRIVIAL: rows.said([trivial] * len(rows.files), self.question)}
        if self.train is not None and self.bars is not None:
            forest = _forest(self.bars, self.train, images.bars(rows), self.question, self.seed)
            result[FOREST] = rows.said(forest, self.question)
        return result


def _trivial(train: Rows, question: Question) -> list[float]:
    if question.labels:
        known = [[told[0] for told in one.targets] for _, one, _ in each_finding(train, question)]
        return [baseline.mean(truth) if truth else 0.5 for truth in known]
    if question.classes:
        return baseline.majority([target[0] for target in train.targets], len(question.classes))
    return [baseline.mean(train.column(k)[0]) for k in range(len(question.targets))]


def _forest(bars: Any, train: Rows, others: Any, question: Question, seed: int) -> list[list[float]]:
    if question.classes:
        return baseline.classify(bars, [target[0] for target in train.targets], others, len(question.classes), seed)
    if question.labels:
        return baseline.findings(bars, train.targets, others, seed)
    columns = [baseline.regress(bars, train.column(k)[0], others, seed) for k in range(len(question.targets))]
    return [list(row) for row in zip(*columns, strict=True)]
