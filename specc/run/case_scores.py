"""What a task that judges its own kind of answers tells of single cases, so that several runs can be summed up."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from specc.run import metrics


@dataclass(frozen=True)
class CaseScores:
    """One case, and what figures are means of: by the figure's name, which is the names on the way to it, with spaces
    between, under `metrics` and `classes` (`scores`) or under `baseline` (`baselines`). A figure does not count a case
    of which it is None.
    """

    file: str
    patient: str
    scores: Mapping[str, float | None]
    baselines: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class PrimaryMetric:
    """The figure that says whether more cases would help: its name as in `CaseScores.scores`, 1 where more is better
    and -1 where less is, how much more is worth having, and the value that leaves nothing to gain (None: no value).
    """

    name: str
    sign: int = 1
    margin: float = metrics.MARGIN
    best: float | None = 1.0

    def fault(self) -> str:
        """What is wrong with its values; empty where nothing is."""
        numbers: tuple[tuple[str, Any], ...] = (("margin", self.margin), ("best", self.best))
        name: Any = self.name
        if not isinstance(name, str):
            return "`name` is no text"
        if self.sign not in (1, -1):
            return "`sign` is neither 1 nor -1"
        for word, value in numbers:
            if not (word == "best" and value is None) and not is_score(value):
                return f"`{word}` is no number"
        return ""


def is_score(value: Any) -> bool:
    """Whether a value is a number that means can be taken of."""
    return isinstance(value, int | float) and abs(value) <= 1e100  # nan is not


def primary_of(figures: Mapping[str, Any]) -> PrimaryMetric | None:
    """The primary metric that metrics.json names. Raises ValueError for what is none."""
    told = figures.get("primary_metric")
    if told is None:
        return None
    try:
        primary = PrimaryMetric(**told)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if primary.fault():
        raise ValueError(primary.fault())
    return primary


def leaves(figures: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, float | None]]:
    """Every figure by the names on the way to it: `("lung dice", 0.93)`."""
    if not isinstance(figures, Mapping):
        return
    if "value" in figures and not isinstance(figures["value"], Mapping):
        if figures["value"] is None or is_score(figures["value"]):
            yield " ".join(before), figures["value"]
        return
    for name, inner in figures.items():
        yield from leaves(inner, (*before, str(name)))


def figures_of(part: Any) -> dict[str, float | None]:
    """The figures of a part by name."""
    return _of(part, "metrics") | _of(part, "classes")


def baselines_of(part: Any) -> dict[str, float | None]:
    """The figures of its baselines."""
    return _of(part, "baseline")


def _of(part: Any, place: str) -> dict[str, float | None]:
    return dict(leaves(part.get(place))) if isinstance(part, Mapping) else {}


def mismatch(part: Any, cases: Sequence[CaseScores]) -> str:
    """The first figure of a part that is not the mean over its cases although they tell it; empty: there is none."""
    both = (
        (figures_of(part), [case.scores for case in cases]),
        (baselines_of(part), [case.baselines for case in cases]),
    )
    for figures, every in both:
        for name, told in figures.items():
            if not any(name in one for one in every):
                continue
            known = [value for one in every if (value := one.get(name)) is not None]
            mean = statistics.fmean(known) if known else None
            if (mean is None) != (told is None):
                return name
            if mean is not None and told is not None and not math.isclose(mean, told, rel_tol=1e-5, abs_tol=1e-9):
                return name
    return ""
