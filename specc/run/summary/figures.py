"""Figures of several runs together, with one bootstrap over the patients for all of them.

Where each image is answered once in several runs (folds), their answers are put together first; where it is answered by
each run (seeds), the figure is the mean of the runs' figures. The interval is that of this figure over patients: each
draw of patients is the same for all runs. How much the runs differ among themselves stands beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from specc.run import metrics
from specc.run.evaluate import MEAN, Question, Rows
from specc.run.evaluate.rows import FINDING, each_finding, joined

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Drawn = tuple[metrics.Points, metrics.Draws]

ONE = ""  # the name of the only question


@dataclass(frozen=True, slots=True)
class Pooled:
    """One figure: its value and its values in every draw of patients (DRAWS,) by seed (no draws without an interval),
    and its value in every run."""

    values: Mapping[str, float]
    draws: Mapping[str, Floats] = field(default_factory=dict)
    runs: tuple[float | None, ...] = ()

    @property
    def value(self) -> float | None:
        """The mean over the seeds; None where the figure does not exist."""
        return statistics.fmean(self.values.values()) if self.values else None

    def only(self, seeds: Collection[str]) -> Pooled:
        """The same of some of the seeds."""
        values = {seed: value for seed, value in self.values.items() if seed in seeds}
        return Pooled(values, {seed: draws for seed, draws in self.draws.items() if seed in seeds}, self.runs)

    def mean_draws(self) -> Floats:
        """(DRAWS,) the mean over the seeds; empty without draws."""
        import numpy as np

        return np.mean(np.stack(list(self.draws.values())), axis=0) if self.draws else np.empty(0)

    def plain(self) -> dict[str, Any]:
        """Value, interval, and the spread over the runs, as summary.json holds it."""
        known = [value for value in self.runs if value is not None]
        figure = metrics.figures({"": self.value}, {"": [self.mean_draws()] if self.draws else []})[""]
        return {
            **figure.plain(),
            "sd": statistics.stdev(known) if len(known) > 1 else None,
            "least": min(known, default=None),
            "most": max(known, default=None),
            "runs": list(self.runs),
        }


Figures = dict[str, dict[str, Pooled]]  # question -> metric -> figure


def pooled(
    answered: Mapping[str, Rows],
    runs: Sequence[Rows],
    people: Sequence[str],
    question: Question,
    by_patient: bool,
    seed: int,
) -> Figures:
    """Figures of `answered` (by seed, each image once), and of each of the `runs` by itself.

    `people` are all patients that are drawn from. The figures are those of images, or with `by_patient` those of
    patients, with one answer for each.
    """
    places = {who: place for place, who in enumerate(people)}
    bootstrap = metrics.Bootstrap(people, seed)
    found = {seed: _drawn(rows, places, bootstrap, question, by_patient) for seed, rows in answered.items()}
    alone = [_drawn(rows, {}, None, question, by_patient) for rows in runs]
    result: Figures = {}
    for name in dict.fromkeys(name for one in found.values() for name in one):
        there = {seed: one[name] for seed, one in found.items() if name in one}
        own = [one[name][0] if name in one else {} for one in alone]
        names = next(iter(there.values()))[0]
        result[name] = {metric: _of_seeds(metric, there, [points.get(metric) for points in own]) for metric in names}
    return result


def _of_seeds(metric: str, several: Mapping[str, Drawn], runs: Sequence[float | None]) -> Pooled:
    import numpy as np

    values = {seed: value for seed, (points, _) in several.items() for value in (points[metric],) if value is not None}
    parts = {seed: several[seed][1][metric] for seed in values}
    draws = {seed: np.concatenate(own) for seed, own in parts.items() if own}
    return Pooled(values, draws, tuple(runs))


def _drawn(
    rows: Rows, places: Mapping[str, int], bootstrap: metrics.Bootstrap | None, question: Question, by_patient: bool
) -> dict[str, Drawn]:
    """Points and draws by question; without a bootstrap points alone."""
    import numpy as np

    result: dict[str, Drawn] = {}
    for name, one, asked in _questions(rows, question, by_patient):
        n = len(one.files)
        draw = (
            metrics.Bootstrap([""] * n, 0) if bootstrap is None else bootstrap.of([places[who] for who in one.patients])
        )
        truth, numbers = np.asarray([target[0] for target in one.targets]), np.asarray(one.numbers, dtype=np.float64)
        if asked.classes:
            result[name] = metrics.class_draws(truth, np.asarray(one.answers), numbers, draw, asked.positive, draw.seed)
        else:
            result[name] = metrics.value_draws(truth.astype(np.float64), numbers[:, 0], draw, draw.seed)
    if question.labels and result:
        result = {MEAN: metrics.mean_draws(list(result.values())), **result}
    return result


def _questions(rows: Rows, question: Question, by_patient: bool) -> list[tuple[str, Rows, Question]]:
    """Each question with its rows, one truth and one answer each; those that no image tells of are left out."""
    if question.labels:
        found = [(name, one, FINDING) for name, one, _ in each_finding(rows, question)]
    elif question.classes:
        found = [(ONE, rows, question)]
    else:
        names = question.several or (ONE,)
        found = [(name, _target(rows, k), question) for k, name in enumerate(names)]
    if by_patient:
        found = [(name, joined(one, asked)[0], asked) for name, one, asked in found]
    return [(name, one, asked) for name, one, asked in found if one.files]


def _target(rows: Rows, k: int) -> Rows:
    """One target of several."""
    truth, numbers = rows.column(k)
    return Rows(rows.files, rows.patients, [[t] for t in truth], [[v] for v in numbers], rows.answers)


def plain(figures: Figures) -> dict[str, Any]:
    """By metric, or by question and metric, as summary.json holds them."""
    by_name = {name: {metric: one.plain() for metric, one in of.items()} for name, of in figures.items()}
    return by_name.get(ONE, by_name)
