"""The summary of a series whose task judges its own kind of answers: the spread of its figures over the runs.

What such a task says of a part stands under `metrics` and `classes`, at any depth, as `{..., "value": number}`, and
that of each rival under `baseline`. A figure that is a mean over cases (`specc.answering.Scored`) has an interval over
patients, made as those of the core's tasks are: the cases of all folds together, the mean over seeds, the same draws
for all runs. One that is no such mean has the spread over the runs alone.
"""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.run import metrics
from specc.run.canvas import BLUE, INK, canvas, save, style
from specc.run.evaluate.judge import ROLES, TEST, VAL
from specc.run.evaluate.table import counted, grid, label
from specc.run.scored import Goal, Scored
from specc.run.series import Book, Member
from specc.run.summary import gain
from specc.run.summary.build import how, keep, together, whole
from specc.run.summary.figures import Pooled
from specc.run.summary.table import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 4  # figures that are drawn
ALONE = "a figure without an interval is no mean over cases: sd, least and most are of the runs"


@dataclass(frozen=True)
class Judged:
    """A finished run, its own eval/metrics.json, and its cases by part where the task tells of them."""

    member: Member
    figures: Mapping[str, Any]
    cases: Mapping[str, Sequence[Scored]] = field(default_factory=dict)


def build(title: str, book: Book, finished: Sequence[Judged], seed: int) -> dict[str, Any]:
    """The summary as summary.json holds it. `seed` is that of the bootstrap."""
    names = {one.member.name for one in finished}
    result: dict[str, Any] = {
        "format_version": 1,
        "series": title,
        "runs": {
            "planned": len(book.members),
            "finished": len(finished),
            "not_finished": [one.name for one in book.members if one.name not in names],
        },
        "seeds": list(book.seeds),
        "folds": book.folds,
        "fractions": list(book.fractions),
        "draws": metrics.DRAWS,
        "level": metrics.LEVEL,
        "intervals": f"{how(book, seed)}; {ALONE}" if any(one.cases for one in finished) else ALONE,
    }
    for part in (VAL, TEST):
        there = [one for one in finished if part in one.figures]
        if not there:
            continue
        cases = [case for one in there for case in one.cases.get(part, ())]
        people, images = sorted({case.patient for case in cases}), len({case.file for case in cases})
        found = [
            _cell([one for one in there if one.member.fraction == fraction], part, fraction, book, people, seed)
            for fraction in book.fractions or (None,)
            if any(one.member.fraction == fraction for one in there)
        ]
        counts = {"images": images, "patients": len(people)} if cases else {}
        result[part] = {"role": ROLES[part], **counts, "cells": [cell for cell, _ in found]}
        goal = there[-1].figures.get("goal")
        if part == VAL and len(found) > 1 and goal is not None:
            members = [one.member for one in finished]
            result["more_data"] = _gain(found, Goal(**goal), book, members, len(people), seed)
    return result | {"models": keep(book)}


Cell = tuple[dict[str, Any], dict[str, Pooled]]


def _cell(
    own: Sequence[Judged], part: str, fraction: float | None, book: Book, people: Sequence[str], seed: int
) -> Cell:
    """The runs with one part of the training patients, and their figures."""
    told = [dict(_told(one.figures[part], "metrics", "classes")) for one in own]
    rivals = [dict(_told(one.figures[part], "baseline")) for one in own]
    scored = [[(case.patient, case.scores) for case in one.cases.get(part, ())] for one in own]
    beside = [[(case.patient, case.rivals) for case in one.cases.get(part, ())] for one in own]
    share, draw = together(part, book, [one.member for one in own]), metrics.Bootstrap(people, seed)
    figures = {name: _pooled(name, told, scored, share, people, draw) for name in _names(told)}
    cell = {
        "percent": 100.0 if fraction is None else fraction,
        "train_images": round(statistics.fmean(one.member.images for one in own)),
        "train_patients": round(statistics.fmean(one.member.groups for one in own)),
        "runs": [one.member.name for one in own],
        "metrics": {name: figure.plain() for name, figure in figures.items()},
        "baseline": {name: _pooled(name, rivals, beside, share, people, draw).plain() for name in _names(rivals)},
    }
    return cell, figures


def _told(figures: Mapping[str, Any], *places: str) -> Iterator[tuple[str, float | None]]:
    for place in places:
        yield from leaves(figures.get(place, {}))


def _names(several: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every name that one of the runs has: a fold may lack a class."""
    return list(dict.fromkeys(name for one in several for name in one))


def leaves(figures: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, float | None]]:
    """Every figure by the names on the way to it: `("lung dice", 0.93)`."""
    if not isinstance(figures, Mapping):
        return
    if "value" in figures:
        yield " ".join(before), figures["value"]
        return
    for name, inner in figures.items():
        yield from leaves(inner, (*before, str(name)))


def _pooled(
    name: str,
    told: Sequence[Mapping[str, float | None]],
    scored: Sequence[Sequence[tuple[str, Mapping[str, float | None]]]],
    share: Mapping[str, Sequence[int]],
    people: Sequence[str],
    draw: metrics.Bootstrap,
) -> Pooled:
    """A figure of all runs: with draws of patients where each of them tells it case by case."""
    runs = tuple(one.get(name) for one in told)
    if not all(any(name in scores for _, scores in cases) for cases in scored):
        known = {str(place): value for place, value in enumerate(runs) if value is not None}
        return Pooled(known, {}, runs)
    places = {who: place for place, who in enumerate(people)}
    values: dict[str, float] = {}
    draws: dict[str, NDArray[np.float64]] = {}
    for key, several in share.items():
        cases = [(places[who], value) for k in several for who, of in scored[k] if (value := of.get(name)) is not None]
        if cases:
            values[key] = statistics.fmean(value for _, value in cases)
            drawn = _means([value for _, value in cases], draw.of([place for place, _ in cases]))
            draws |= {key: drawn} if len(drawn) else {}
    return Pooled(values, draws, runs)


def _means(values: Sequence[float], draw: metrics.Bootstrap) -> NDArray[np.float64]:
    """(DRAWS,) the mean over cases in every draw of patients, nan where none of theirs is drawn; or nothing."""
    import numpy as np

    sums = np.bincount(draw.members, values, draw.patients)
    counts = np.bincount(draw.members, minlength=draw.patients).astype(float)
    with np.errstate(invalid="ignore"):
        parts = [(weights @ sums) / (weights @ counts) for weights in draw.weights()]
    return np.concatenate(parts) if parts else np.empty(0)


def _gain(
    found: Sequence[Cell], goal: Goal, book: Book, members: Sequence[Member], patients: int, seed: int
) -> dict[str, Any]:
    """What the last cases brought."""
    sizes = [gain.Size(cell["percent"], cell["train_images"], cell["train_patients"]) for cell, _ in found[-2:]]
    before, after = (
        figures.get(goal.name, Pooled({})).only(whole(book, members, size.percent))
        for size, (_, figures) in zip(sizes, found[-2:], strict=True)
    )
    return gain.judge(before, after, (sizes[0], sizes[1]), goal, "", patients, seed).plain()


def table(summary: Mapping[str, Any]) -> list[str]:
    """One block a part and size of the training set: a row a figure, then those of the rivals."""
    lines: list[str] = []
    for part in (TEST, VAL):
        for cell in summary.get(part, {}).get("cells", ()):
            share = "" if cell["percent"] == 100 else f", {cell['percent']:g} % of the training patients"
            lines.append(f"{_head(summary[part])}; {counted(len(cell['runs']), 'run')}{share}")
            rows = [["", "mean", "95 %", "sd of runs", "least to most"]]
            rows += [_row(name, of) for name, of in cell["metrics"].items()]
            rows += [_row(f"{name} (baseline)", of) for name, of in cell["baseline"].items()]
            lines += [*grid(rows), ""]
    return [*lines, *words(summary)]


def _head(of: Mapping[str, Any]) -> str:
    if "images" not in of:
        return str(of["role"])
    return f"{of['role']}: {counted(of['images'], 'image')}, {counted(of['patients'], 'patient')}"


def _row(name: str, of: Mapping[str, Any]) -> list[str]:
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
    names = [name for name, of in cells[-1]["metrics"].items() if of["value"] is not None][:MOST]
    below = f"{summary[part]['role']}; a dot is a run, the line is the mean, the bar its 95 % interval over patients"
    width = 2.6 + 2.4 * max(1, len(names))
    more = summary.get("more_data", {}).get("text")
    title = f"Would more cases help? {more.replace('`', '')}" if more else summary["series"]
    figure = canvas(width, 3.6, "\n".join(textwrap.wrap(title, int(9.5 * width))), below)
    for axes, name in zip(figure.subplots(1, max(1, len(names)), squeeze=False)[0], names, strict=False):
        sizes = [cell["train_patients"] for cell in cells]
        told = [cell["metrics"][name] for cell in cells]
        for size, of in zip(sizes, told, strict=True):
            runs = [value for value in of["runs"] if value is not None]
            axes.plot([size] * len(runs), runs, "o", color=BLUE, alpha=0.6)
            if of["low"] is not None:
                axes.vlines(size, of["low"], of["high"], color=INK, lw=1.5)
        axes.plot(sizes, [of["value"] for of in told], "_-" if len(sizes) > 1 else "_", ms=24, mew=2, color=INK)
        style(axes, label(name), "patients in training" if len(sizes) > 1 else "")
        axes.set_xticks(sizes if len(sizes) > 1 else [])
    save(figure, file)
