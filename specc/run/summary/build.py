"""From the runs of a series to one summary: what was planned, what is finished, figures by part, and a verdict."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specc.run import metrics
from specc.run.case_scores import PrimaryMetric
from specc.run.evaluate import FOREST, MEAN, Question, Rows
from specc.run.evaluate.judge import ROLES, TEST, VAL, of_answers, of_images
from specc.run.evaluate.rivals import TRIVIAL
from specc.run.evaluate.table import counted
from specc.run.folders import Run
from specc.run.series import Book, Member
from specc.run.summary import gain
from specc.run.summary.figures import ONE, Figures, Pooled, plain, pooled


@dataclass(frozen=True)
class Finished:
    """A finished run: its place in the series, the answers that it gave by split, and its own eval/metrics.json."""

    member: Member
    answers: Mapping[str, Rows]
    figures: Mapping[str, Any]


def read_figures(run: Run) -> dict[str, Any]:
    """What a run's own evaluation found."""
    found: dict[str, Any] = json.loads((run.eval / "metrics.json").read_text(encoding="utf-8"))
    return found


def build(title: str, book: Book, finished: Sequence[Finished], question: Question, seed: int) -> dict[str, Any]:
    """The summary as summary.json holds it. `seed` is that of the bootstrap."""
    result = head(title, book, [one.member for one in finished], how(book, seed))
    for part in (VAL, TEST):
        if any(part in one.answers for one in finished):
            result[part], figures = _part(part, book, finished, question, seed)
            if part == VAL and len(book.fractions) > 1 and len(figures) > 1:
                result["more_data"] = _gain(result[part], figures, book, finished, question, seed)
    return result | {"models": keep(book)}


def head(title: str, book: Book, finished: Sequence[Member], intervals: str) -> dict[str, Any]:
    """What a summary says of the series as a whole; `intervals` is how they are made."""
    names = {one.name for one in finished}
    return {
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
        "intervals": intervals,
    }


def how(book: Book, seed: int) -> str:
    """How the figures and intervals are made."""
    pieces = [f"{metrics.LEVEL:.0%} intervals: percentile bootstrap over patients, {metrics.DRAWS} draws, seed {seed}"]
    if book.folds:
        pieces.append("each validation image is answered by the run that did not train on it, all folds together")
    if len(book.seeds) > 1:
        pieces.append("the figure is the mean over the seeds, and so is the interval's; sd, least and most are of runs")
    return "; ".join(pieces)


def keep(book: Book) -> str:
    """Which model to use afterwards: none is chosen by its figures."""
    seeds = f"seed {book.seeds[0]}, fixed in the spec beforehand"
    if book.fractions:
        return f"every model is kept; for use take one with all training patients and {seeds}"
    if book.folds:
        return (
            "every model is kept and none is promoted: the figures are those of this way of training; for use, train "
            "once more with `{train: ..., val: ...}` in place of `folds`"
        )
    return f"every model is kept, and the best of them is not promoted: for use take that of {seeds}"


def _part(
    part: str, book: Book, finished: Sequence[Finished], question: Question, seed: int
) -> tuple[dict[str, Any], list[tuple[gain.Size, Figures]]]:
    """One part, with a cell for each part of the training patients (one cell where there is only one)."""
    there = [one for one in finished if part in one.answers]
    people = sorted({who for one in there for who in one.answers[part].patients})
    images = {file for one in there for file in one.answers[part].files}
    cells, kept = [], []
    for fraction in book.fractions or (None,):
        own = [one for one in there if one.member.fraction == fraction]
        if not own:
            continue
        size = gain.Size(
            100.0 if fraction is None else fraction,
            round(statistics.fmean(one.member.images for one in own)),
            round(statistics.fmean(one.member.groups for one in own)),
        )
        answered, runs = _answered(part, book, own), [one.answers[part] for one in own]
        figures = pooled(answered, runs, people, question, False, seed)
        cell = {
            "percent": size.percent,
            "train_images": size.images,
            "train_patients": size.groups,
            "runs": [one.member.name for one in own],
            "metrics": plain(figures),
            "baseline": _rivals(part, own),
        }
        if question.by_patient:
            cell["by_patient"] = plain(pooled(answered, runs, people, question, True, seed))
        cells.append(cell)
        kept.append((size, figures))
    told = of_images(next(iter(answered.values())), question)
    alike: dict[str, list[str]] = {}
    for one in there:
        for text in of_answers(one.answers[part], question):
            alike.setdefault(text, []).append(one.member.name)
    told += [f"{text} in {len(names)} of {counted(len(there), 'run')}: {_some(names)}" for text, names in alike.items()]
    result = {"role": ROLES[part], "images": len(images), "patients": len(people), "cells": cells}
    return {**result, "remarks": told}, kept


def _answered(part: str, book: Book, own: Sequence[Finished]) -> dict[str, Rows]:
    """Rows with each image once, by the seed or the run (see `together`)."""
    result = {}
    for seed, places in together(part, book, [one.member for one in own]).items():
        if len(places) == 1:
            result[seed] = own[places[0]].answers[part]
            continue
        result[seed] = rows = Rows.empty()
        for place in places:
            given = own[place].answers[part]
            for row in zip(given.files, given.patients, given.targets, given.numbers, given.answers, strict=True):
                rows.add(*row)
    return result


def together(part: str, book: Book, members: Sequence[Member]) -> dict[str, list[int]]:
    """Places of the runs whose cases are put together, so that each case is there once: by the seed those of all of its
    folds, of the seeds that have all of them where there is one; else each run by its seed, or by its name.
    """
    if part != VAL or not book.folds:
        return {one.name if book.folds else str(one.seed): [place] for place, one in enumerate(members)}
    seeds = {str(seed): [k for k, one in enumerate(members) if one.seed == seed] for seed in book.seeds}
    complete = {seed: places for seed, places in seeds.items() if len(places) == book.folds}
    return complete or {seed: places for seed, places in seeds.items() if places}


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _rivals(part: str, own: Sequence[Finished]) -> dict[str, Any]:
    """The mean over the runs of what the trivial answer and the forest get on the same images."""
    found = [one.figures[part]["baseline"] for one in own if part in one.figures]
    return {
        rival: _mean([one[rival] for one in found if rival in one])
        for rival in (TRIVIAL, FOREST)
        if any(rival in one for one in found)
    }


def _mean(figures: Sequence[Mapping[str, Any]]) -> Any:
    """Figures of one shape, `{..., "value": number}` at their ends, as the means of the numbers that there are."""
    if "value" in figures[0]:
        known = [one["value"] for one in figures if one["value"] is not None]
        return statistics.fmean(known) if known else None
    return {name: _mean([one[name] for one in figures if name in one]) for name in figures[0]}


def whole(book: Book, finished: Sequence[Member], percent: float) -> set[str]:
    """The seeds of which every run (every fold) with this part of the training patients is finished."""
    planned = Counter(str(one.seed) for one in book.some(percent))
    done = Counter(str(one.seed) for one in finished if one.fraction == percent)
    return {seed for seed, count in planned.items() if done[seed] == count}


def _gain(
    part: Mapping[str, Any],
    figures: Sequence[tuple[gain.Size, Figures]],
    book: Book,
    finished: Sequence[Finished],
    question: Question,
    seed: int,
) -> dict[str, Any]:
    (before, _), (after, more) = figures[-2:]
    asked = gain.asked(more, question.first, (MEAN, *question.targets, ONE))
    name, metric, sign = asked
    trivial = part["cells"][-1]["baseline"].get(TRIVIAL, {})
    error = (trivial.get(name, trivial) if name else trivial).get(metric)
    margin, best = (metrics.MARGIN, 1.0) if sign > 0 else (metrics.MARGIN * (error or 0.0), 0.0)
    members = [one.member for one in finished]
    first, second = (
        of.get(name, {}).get(metric, Pooled({})).only(whole(book, members, size.percent)) for size, of in figures[-2:]
    )
    primary = PrimaryMetric(metric, sign, margin, best)
    return gain.judge(first, second, (before, after), primary, name, part["patients"], seed).plain()
