"""The summary of a series whose task judges its own kind of answers: the spread of its figures over the runs.

What such a task says of a part stands under `metrics` and `classes`, at any depth, as `{..., "value": number}`, and
that of each baseline under `baseline`. A figure that is a mean over cases (`specc.answering.CaseScores`) has an
interval over patients, made as those of the core's tasks are: the cases of all folds together, the mean over seeds, the
same draws for all runs. One that is no such mean has the spread over the runs alone.
"""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.run import metrics
from specc.run.canvas import BLUE, INK, canvas, save, style
from specc.run.case_scores import CaseScores, PrimaryMetric, baselines_of, figures_of
from specc.run.evaluate.judge import ROLES, TEST, VAL
from specc.run.evaluate.table import counted, grid, label
from specc.run.series import Book, Member
from specc.run.summary import gain
from specc.run.summary.build import head, how, keep, together, whole
from specc.run.summary.figures import Pooled
from specc.run.summary.table import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST = 4  # figures that are drawn
ALONE = "a figure without an interval is no mean over cases: sd, least and most are of the runs"


@dataclass(frozen=True)
class Judged:
    """A finished run, its own eval/metrics.json, its cases by part and its primary metric where the task tells them."""

    member: Member
    figures: Mapping[str, Any]
    cases: Mapping[str, Sequence[CaseScores]] = field(default_factory=dict)
    primary: PrimaryMetric | None = None


@dataclass(frozen=True)
class _Cell:
    """The runs with one part of the training patients: their figures, and how many patients tell each of them."""

    runs: Sequence[Judged]
    percent: float
    figures: Mapping[str, Pooled]
    baselines: Mapping[str, Pooled]
    patients: Mapping[str, int]

    @property
    def size(self) -> gain.Size:
        """How much these runs were trained on."""
        images = statistics.fmean(one.member.images for one in self.runs)
        return gain.Size(self.percent, round(images), round(statistics.fmean(one.member.groups for one in self.runs)))

    def plain(self) -> dict[str, Any]:
        """As summary.json holds it."""
        return {
            "percent": self.percent,
            "train_images": self.size.images,
            "train_patients": self.size.groups,
            "runs": [one.member.name for one in self.runs],
            "metrics": {name: figure.plain() for name, figure in self.figures.items()},
            "baseline": {name: figure.plain() for name, figure in self.baselines.items()},
        }


def build(title: str, book: Book, finished: Sequence[Judged], seed: int) -> dict[str, Any]:
    """The summary as summary.json holds it. `seed` is that of the bootstrap."""
    how_made = f"{how(book, seed)}; {ALONE}" if any(one.cases for one in finished) else ALONE
    result = head(title, book, [one.member for one in finished], how_made)
    for part in (VAL, TEST):
        there = [one for one in finished if part in one.figures]
        if not there:
            continue
        people = sorted({case.patient for one in there for case in one.cases.get(part, ())})
        draw = metrics.Bootstrap(people, seed)
        cells = [
            _cell([one for one in there if one.member.fraction == fraction], part, book, draw, people)
            for fraction in book.fractions or (None,)
            if any(one.member.fraction == fraction for one in there)
        ]
        result[part] = {"role": ROLES[part], **_counts(there, part), "cells": [cell.plain() for cell in cells]}
        if part == VAL and len(cells) > 1 and (primary := _primary(cells[-1].runs)):
            result["more_data"] = _gain(cells[-2], cells[-1], primary, book, [one.member for one in there], seed)
    return result | {"models": keep(book)}


def _counts(there: Sequence[Judged], part: str) -> dict[str, Any]:
    """How many cases and patients there are, where all runs tell; else which of them do not."""
    silent = [one.member.name for one in there if not one.cases.get(part)]
    if len(silent) == len(there):
        return {}
    if silent:
        which = ", ".join(silent[:3]) + (", ..." if len(silent) > 3 else "")
        return {"remarks": [f"no intervals: {which} tell of no cases; `specc eval` on each of these runs mends it"]}
    cases = [case for one in there for case in one.cases[part]]
    return {"images": len({case.file for case in cases}), "patients": len({case.patient for case in cases})}


def _cell(own: Sequence[Judged], part: str, book: Book, draw: metrics.Bootstrap, people: Sequence[str]) -> _Cell:
    """The runs with one part of the training patients, and their figures."""
    told, baselines = [figures_of(one.figures[part]) for one in own], [baselines_of(one.figures[part]) for one in own]
    share = together(part, book, [one.member for one in own])
    scored = [[(case.patient, case.scores) for case in one.cases.get(part, ())] for one in own]
    beside = [[(case.patient, case.baselines) for case in one.cases.get(part, ())] for one in own]
    places = {who: place for place, who in enumerate(people)}
    figures, patients = _pooled(told, scored, share, places, draw)
    fraction = own[0].member.fraction
    others, _ = _pooled(baselines, beside, share, places, draw)
    return _Cell(own, 100.0 if fraction is None else fraction, figures, others, patients)


Scores = Sequence[tuple[str, Mapping[str, float | None]]]  # of each case, whose it is and its scores


def _pooled(
    told: Sequence[Mapping[str, float | None]],
    scored: Sequence[Scores],
    share: Mapping[str, Sequence[int]],
    places: Mapping[str, int],
    draw: metrics.Bootstrap,
) -> tuple[dict[str, Pooled], dict[str, int]]:
    """Figures of all runs, with draws of patients where each run that has a figure tells it case by case; and of how
    many patients each of these is.
    """
    names = list(dict.fromkeys(name for one in told for name in one))
    by_case = [
        name
        for name in names
        if all(
            any(name in scores for _, scores in cases)
            for one, cases in zip(told, scored, strict=True)
            if one.get(name) is not None
        )
    ]
    values: dict[str, dict[str, float]] = {name: {} for name in names}
    draws: dict[str, dict[str, Floats]] = {name: {} for name in names}
    patients: dict[str, int] = dict.fromkeys(by_case, 0)
    for key, several in share.items():
        cases = [case for k in several for case in scored[k]]
        for name, (mean, drawn, count) in _of_cases(by_case, cases, places, draw).items():
            values[name][key] = mean
            patients[name] = max(patients[name], count)
            if len(drawn):
                draws[name][key] = drawn
        for name in names:
            known = [value for k in several if (value := told[k].get(name)) is not None]
            if name not in patients and known:
                values[name][key] = statistics.fmean(known)
    runs = {name: tuple(one.get(name) for one in told) for name in names}
    return {name: Pooled(values[name], draws[name], runs[name]) for name in names}, patients


def _of_cases(
    names: Sequence[str], cases: Scores, places: Mapping[str, int], draw: metrics.Bootstrap
) -> dict[str, tuple[float, Floats, int]]:
    """Of each figure that there is the mean over cases, that mean in every draw of patients (none where only one
    patient has the figure), and the number of its patients.
    """
    import numpy as np

    if not names or not cases:
        return {}
    scores = [[of.get(name) for name in names] for _, of in cases]
    known = np.array([[score is not None for score in row] for row in scores])
    numbers = np.array([[score or 0.0 for score in row] for row in scores])
    own = draw.of([places[who] for who, _ in cases])
    means, drawn = metrics.case_means(numbers, known, own)
    patients = [len(np.unique(own.members[column])) for column in known.T]
    return {
        name: (float(means[k]), drawn[:, k] if patients[k] > 1 else drawn[:0, k], patients[k])
        for k, name in enumerate(names)
        if patients[k]
    }


def _primary(runs: Sequence[Judged]) -> PrimaryMetric | None:
    """The primary metric of the runs, with the mean of their margins; None where they have none, or not the same."""
    primaries = [one.primary for one in runs if one.primary is not None]
    if len({(primary.name, primary.sign, primary.best) for primary in primaries}) != 1:
        return None
    return replace(primaries[0], margin=statistics.fmean(primary.margin for primary in primaries))


def _gain(
    before: _Cell, after: _Cell, primary: PrimaryMetric, book: Book, members: Sequence[Member], seed: int
) -> dict[str, Any]:
    """What the last cases brought."""
    first, second = (
        cell.figures.get(primary.name, Pooled({})).only(whole(book, members, cell.percent)) for cell in (before, after)
    )
    return gain.judge(
        first, second, (before.size, after.size), primary, "", after.patients.get(primary.name), seed
    ).plain()


def table(summary: Mapping[str, Any]) -> list[str]:
    """One block a part and size of the training set: a row a figure, then those of the baselines."""
    lines: list[str] = []
    for part in (TEST, VAL):
        for cell in summary.get(part, {}).get("cells", ()):
            share = f", {cell['percent']:g} % of the training patients" if summary["fractions"] else ""
            lines.append(f"{_head(summary[part])}; {counted(len(cell['runs']), 'run')}{share}")
            several = len(cell["runs"]) > 1
            rows = [["", "mean", "95 %", "sd of runs", "least to most"] if several else ["", "mean", "95 %"]]
            rows += [_row(name, of) for name, of in cell["metrics"].items()]
            rows += [_row(f"{name} (baseline)", of) for name, of in cell["baseline"].items()]
            lines += grid([row[: len(rows[0])] for row in rows])
            lines += [f"  note: {text}" for text in summary[part].get("remarks", ())]
            lines.append("")
    return [*lines, *words(summary)]


def _head(of: Mapping[str, Any]) -> str:
    if "images" not in of:
        return str(of["role"])
    return f"{of['role']}: {counted(of['images'], 'image')}, {counted(of['patients'], 'patient')}"


def _row(title: str, of: Mapping[str, Any]) -> list[str]:
    name = "".join(c if c.isprintable() and c != "`" else "?" for c in title)
    value, sd, low, high = (of[key] for key in ("value", "sd", "low", "high"))
    if value is None:
        return [name, "-", "", "", ""]
    span = "" if low is None or high is None else f"{low:.4g} to {high:.4g}"
    runs = "" if of["least"] is None else f"{of['least']:.4g} to {of['most']:.4g}"
    return [name, f"{value:.4g}", span, "" if sd is None else f"{sd:.2g}", runs]


def markdown(summary: Mapping[str, Any]) -> str:
    """The same as a page."""
    return f"# {summary['series']}\n\n```\n" + "\n".join(table(summary)) + "\n```\n"


def draw(summary: Mapping[str, Any], file: FilePath) -> None:
    """A panel a figure: each run, and the mean with its interval; with parts of the training patients, over their
    number.
    """
    part = VAL if VAL in summary else TEST
    cells = summary[part]["cells"]
    last = cells[-1]["metrics"]
    names = [name for name, of in last.items() if of["value"] is not None]
    names = sorted(names, key=lambda name: last[name]["low"] is None)[:MOST]  # first those with an interval
    below = f"{summary[part]['role']}; a dot is a run, the line is the mean, the bar its 95 % interval over patients"
    width = 2.6 + 2.4 * max(1, len(names))
    more = summary.get("more_data", {}).get("text")
    title = f"Would more cases help? {more.replace('`', '')}" if more else summary["series"]
    figure = canvas(width, 3.6, "\n".join(textwrap.wrap(title, int(9.5 * width))), below)
    for axes, name in zip(figure.subplots(1, max(1, len(names)), squeeze=False)[0], names, strict=False):
        sizes = [cell["train_patients"] for cell in cells]
        told = [cell["metrics"].get(name, {"value": None, "low": None, "runs": []}) for cell in cells]
        for size, of in zip(sizes, told, strict=True):
            runs = [value for value in of["runs"] if value is not None]
            axes.plot([size] * len(runs), runs, "o", color=BLUE, alpha=0.6)
            if of["low"] is not None:
                axes.vlines(size, of["low"], of["high"], color=INK, lw=1.5)
        means = [math.nan if of["value"] is None else of["value"] for of in told]
        axes.plot(sizes, means, "_-" if len(sizes) > 1 else "_", ms=24, mew=2, color=INK)
        style(axes, label(name), "patients in training" if len(sizes) > 1 else "")
        axes.set_xticks(sizes if len(sizes) > 1 else [])
        if len(sizes) > 1:
            axes.set_xlim(0, max(sizes) * 1.08)
    save(figure, file)
