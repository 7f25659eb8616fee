"""The summary of a series whose task judges its own kind of answers: the spread of its figures over the runs.

What such a task says of a part stands under `metrics`, at any depth, as `{..., "value": number}`, and that of each
rival under `baseline`. Runs are not pooled case by case, so that there is no interval over patients here: that of each
run stands in its own eval/metrics.json.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specc.run.canvas import BLUE, INK, canvas, save, style
from specc.run.evaluate.judge import ROLES, TEST, VAL
from specc.run.evaluate.table import counted, grid
from specc.run.series import Book, Member
from specc.run.summary.build import keep

MOST = 4  # figures that are drawn


@dataclass(frozen=True)
class Judged:
    """A finished run and its own eval/metrics.json."""

    member: Member
    figures: Mapping[str, Any]


def build(title: str, book: Book, finished: Sequence[Judged]) -> dict[str, Any]:
    """The summary as summary.json holds it."""
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
        "intervals": "sd, least and most are of the runs; the interval of each run over patients stands in its eval/",
    }
    for part in (VAL, TEST):
        there = [one for one in finished if part in one.figures]
        cells = [
            _cell([one for one in there if one.member.fraction == fraction], part, fraction)
            for fraction in book.fractions or (None,)
            if any(one.member.fraction == fraction for one in there)
        ]
        if cells:
            result[part] = {"role": ROLES[part], "cells": cells}
    return result | {"models": keep(book)}


def _cell(own: Sequence[Judged], part: str, fraction: float | None) -> dict[str, Any]:
    """The runs with one part of the training patients."""
    metrics = [dict(leaves(one.figures[part].get("metrics", {}))) for one in own]
    rivals = [dict(leaves(one.figures[part].get("baseline", {}))) for one in own]
    return {
        "percent": 100.0 if fraction is None else fraction,
        "train_images": round(statistics.fmean(one.member.images for one in own)),
        "runs": [one.member.name for one in own],
        "metrics": {name: _spread([of.get(name) for of in metrics]) for name in metrics[0]},
        "baseline": {name: _spread([of.get(name) for of in rivals]) for name in rivals[0]},
    }


def leaves(figures: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, float | None]]:
    """Every figure by the names on the way to it: `("lung dice", 0.93)`."""
    if not isinstance(figures, Mapping):
        return
    if "value" in figures:
        yield " ".join(before), figures["value"]
        return
    for name, inner in figures.items():
        yield from leaves(inner, (*before, str(name)))


def _spread(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {
        "value": statistics.fmean(known) if known else None,
        "sd": statistics.stdev(known) if len(known) > 1 else None,
        "least": min(known, default=None),
        "most": max(known, default=None),
        "runs": list(values),
    }


def table(summary: Mapping[str, Any]) -> list[str]:
    """One block a part and size of the training set: a row a figure, then those of the rivals."""
    lines: list[str] = []
    for part in (TEST, VAL):
        for cell in summary.get(part, {}).get("cells", ()):
            share = "" if cell["percent"] == 100 else f", {cell['percent']:g} % of the training patients"
            lines.append(f"{summary[part]['role']}, {counted(len(cell['runs']), 'run')}{share}")
            rows = [["", "mean", "sd", "least to most"]]
            rows += [_row(name, of) for name, of in cell["metrics"].items()]
            rows += [_row(f"{name} (baseline)", of) for name, of in cell["baseline"].items()]
            lines += [*grid(rows), ""]
    runs = summary["runs"]
    if runs["not_finished"]:
        missing = ", ".join(runs["not_finished"])
        lines.append(f"not all: {runs['finished']} of {runs['planned']} runs are finished; missing: {missing}")
    return [*lines, f"models: {summary['models']}", f"({summary['intervals']})"]


def _row(name: str, of: Mapping[str, Any]) -> list[str]:
    value, sd, least, most = (of[key] for key in ("value", "sd", "least", "most"))
    if value is None:
        return [name, "-", "", ""]
    return [name, f"{value:.4g}", "" if sd is None else f"{sd:.2g}", f"{least:.4g} to {most:.4g}"]


def markdown(summary: Mapping[str, Any]) -> str:
    """The same as a page."""
    return f"# {summary['series']}\n\n```\n" + "\n".join(table(summary)) + "\n```\n"


def draw(summary: Mapping[str, Any], file: FilePath) -> None:
    """A panel a figure: each run, and the mean; with parts of the training patients, over their size."""
    part = VAL if VAL in summary else TEST
    cells = summary[part]["cells"]
    names = [name for name, of in cells[-1]["metrics"].items() if of["value"] is not None][:MOST]
    below = f"{summary[part]['role']}; a dot is a run, the line is the mean"
    figure = canvas(2.6 + 2.4 * max(1, len(names)), 3.6, summary["series"], below)
    for axes, name in zip(figure.subplots(1, max(1, len(names)), squeeze=False)[0], names, strict=False):
        sizes = [cell["percent"] for cell in cells]
        for cell in cells:
            runs = [value for value in cell["metrics"][name]["runs"] if value is not None]
            axes.plot([cell["percent"]] * len(runs), runs, "o", color=BLUE, alpha=0.6)
        means = [cell["metrics"][name]["value"] for cell in cells]
        axes.plot(sizes, means, "_-" if len(sizes) > 1 else "_", ms=24, mew=2, color=INK)
        style(axes, name, "% of the training patients" if len(sizes) > 1 else "")
        axes.set_xticks(sizes if len(sizes) > 1 else [])
    save(figure, file)
