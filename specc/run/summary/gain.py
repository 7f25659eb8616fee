"""Whether more cases would help, by what the last ones brought.

Held against each other are the two largest parts of the training patients, on the same validation images: the
difference of the figure that is asked for first, with an interval from a paired bootstrap. A draw takes the same
patients for both, and, where there are several seeds, the same seeds for both (Efron and Tibshirani 1993, chapter 8).
Seeds that are not finished at both sizes are left out.

    yes          the interval lies above nothing: the last cases made a difference that chance does not explain
    no           the interval lies below what would be worth having, or there is nothing left to gain
    cannot tell  it holds both, or there are too few patients for an interval, or no seed is finished at both sizes
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from specc.run import metrics
from specc.run.case_scores import PrimaryMetric
from specc.run.evaluate.table import counted, label
from specc.run.summary.figures import Pooled

FEW = 5  # patients, below which the bootstrap's intervals are too narrow to be believed
PERFECT = 1e-9

Word = Literal["yes", "no", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run was trained on."""

    percent: float
    images: int
    groups: int


@dataclass(frozen=True, slots=True)
class Gain:
    """The verdict, the difference of the metric from one size to the other (positive is better), and why."""

    word: Word
    metric: str
    question: str
    difference: metrics.Figure
    sizes: tuple[Size, Size]
    text: str
    margin: float

    def plain(self) -> dict[str, Any]:
        """As summary.json holds it."""
        before, after = ({"percent": s.percent, "images": s.images, "patients": s.groups} for s in self.sizes)
        return {
            "verdict": self.word,
            "metric": self.metric,
            **({"question": self.question} if self.question else {}),
            "from": before,
            "to": after,
            "better_by": self.difference.plain(),
            "worth_having": self.margin,
            "text": self.text,
        }


def judge(
    before: Pooled,
    after: Pooled,
    sizes: tuple[Size, Size],
    primary: PrimaryMetric,
    question: str,
    patients: int | None,
    seed: int,
) -> Gain:
    """Whether more cases would help, by the primary metric; `patients` are those that validate (None: it is not told by
    patient).
    """
    metric, margin = primary.name, primary.margin
    shared = before.values.keys() & after.values.keys()
    before, after = before.only(shared), after.only(shared)
    if before.value is None or after.value is None:
        few, many = (f"{size.percent:g}" for size in sizes)
        why = f"no seed is finished with {few} % and with {many} % of the training patients and has the {label(metric)}"
        return Gain("cannot tell", metric, question, metrics.Figure(None), sizes, f"cannot tell: {why}", margin)
    difference = _difference(before, after, primary.sign, seed)
    perfect = primary.best is not None and primary.sign * (primary.best - after.value) <= PERFECT
    word: Word = "cannot tell"
    if perfect:
        word = "no"
    elif difference.low is not None and difference.high is not None and (patients or 0) >= FEW:
        word = "yes" if difference.low > 0 else "no" if difference.high <= margin else "cannot tell"
    text = _text(word, primary, difference, sizes, patients, perfect)
    return Gain(word, metric, question, difference, sizes, text, margin)


def _difference(before: Pooled, after: Pooled, sign: int, seed: int) -> metrics.Figure:
    """After minus before of the same seeds, signed so that more is better, with its interval."""
    import numpy as np

    assert before.value is not None and after.value is not None
    value = sign * (after.value - before.value)
    seeds = sorted(before.draws.keys() & after.draws.keys())
    if not seeds:
        return metrics.Figure(value)
    each = sign * np.stack([after.draws[one] - before.draws[one] for one in seeds])  # (seeds, DRAWS)
    chosen = np.random.default_rng(seed).integers(0, len(seeds), each.shape)
    drawn = np.take_along_axis(each, chosen, axis=0).mean(0)
    return metrics.figures({"": value}, {"": [drawn]})[""]


def _text(
    word: Word,
    primary: PrimaryMetric,
    difference: metrics.Figure,
    sizes: tuple[Size, Size],
    patients: int | None,
    perfect: bool,
) -> str:
    name, (before, after) = label(primary.name), sizes
    value, low, high = difference.value or 0.0, difference.low, difference.high
    rose = (value >= 0) == (primary.sign > 0)
    if value < 0:
        value, low, high = -value, None if high is None else -high, None if low is None else -low
    digits = max(3, 1 - math.floor(math.log10(primary.margin))) if primary.margin > 0 else 3
    interval = "" if low is None or high is None else f" (95 %: {low:.{digits}f} to {high:.{digits}f})"
    people = f"from {before.groups} to {counted(after.groups, 'training patient')}"
    way = f"{people} the {name} {'rose' if rose else 'fell'} by {value:.{digits}f}{interval}"
    if perfect:
        return f"no: the {name} on these validation images leaves nothing to gain; other images may be harder"
    if word == "yes":
        times = after.groups / before.groups
        again = "twice" if abs(times - 2) < 0.1 else f"{times:.1f} times"
        return f"yes: {way}; with {again} as many again, expect about as much, or a little less"
    if word == "no":
        return f"no: {way}, so hardly more than {primary.margin:.3g} can be expected of as many again"
    if patients is None:
        return f"cannot tell: {way}; the figure is not told by case, so that there is no interval"
    if patients < FEW:
        few = f"only {counted(patients, 'patient')} validate{'s' if patients == 1 else ''}"
        return f"cannot tell: {few}; `split: {{folds: ...}}` lets every patient validate"
    cure = "more seeds (`train.repeats`) or more validation patients would narrow it"
    return f"cannot tell: {way}; {cure}"


def asked(
    figures: Mapping[str, Mapping[str, Pooled]], first: tuple[str, int], names: Sequence[str]
) -> tuple[str, str, int]:
    """Question, metric and sign that a verdict is about: the first question, its first metric."""
    question = next((name for name in names if name in figures), next(iter(figures), ""))
    return question, first[0], first[1]
