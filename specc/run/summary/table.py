"""The summary of a series as lines for a terminal, and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from specc.run.evaluate import FOREST, Question
from specc.run.evaluate.judge import TEST, VAL
from specc.run.evaluate.rivals import TRIVIAL
from specc.run.evaluate.table import counted, grid, interval, label, targets_of, value

RIVALS = (TRIVIAL, FOREST)
Grid = list[list[str]]


def table(summary: Mapping[str, Any], question: Question) -> list[str]:
    """One block a part: a row a metric, or with parts of the training patients a row for each of these."""
    lines: list[str] = []
    for part in (TEST, VAL):
        if part in summary:
            lines += [_head(summary, part, question)]
            lines += [line for rows in _blocks(summary, part, question) for line in grid(rows)]
            lines += [f"  note: {text}" for text in summary[part]["remarks"]]
            lines += [""]
    return [*lines, *words(summary)]


def markdown(summary: Mapping[str, Any], question: Question) -> str:
    """The same as a page, with each run's own value of the metric that is asked for first."""
    lines = [f"# {summary['series']}: {_kind(summary)}", ""]
    for part in (TEST, VAL):
        if part in summary:
            lines += [f"## {_head(summary, part, question)}", ""]
            for rows in (*_blocks(summary, part, question), *_runs(summary, part, question)):
                lines += [*_page(rows), ""]
            lines += [line for text in summary[part]["remarks"] for line in (f"Note: {text}.", "")]
    return "\n".join([*lines, *(f"{line}\n" for line in words(summary))])


def _kind(summary: Mapping[str, Any]) -> str:
    """`5 folds, seeds 42 and 43`."""
    seeds = summary["seeds"]
    parts = [counted(summary["folds"], "fold")] if summary["folds"] else []
    if summary["fractions"]:
        parts.insert(0, f"{_listed([f'{one:g}' for one in summary['fractions']])} % of the training patients")
    if len(seeds) > 1:
        parts.append(f"seeds {_listed(seeds)}")
    return "; ".join(parts)


def _listed(items: Sequence[object]) -> str:
    """`25, 50 and 100`."""
    return f"{', '.join(map(str, items[:-1]))} and {items[-1]}"


def _head(summary: Mapping[str, Any], part: str, question: Question) -> str:
    found, units = summary[part], sorted(set(filter(None, question.units)))
    unit = f"; in {units[0]}" if len(units) == 1 else ""
    return f"{found['role']}: {counted(found['images'], 'image')}, {counted(found['patients'], 'patient')}{unit}"


def words(summary: Mapping[str, Any]) -> list[str]:
    """What stands below the tables."""
    runs = summary["runs"]
    lines = []
    if "more_data" in summary:
        lines.append(f"more cases?  {summary['more_data']['text']}")
    if runs["not_finished"]:
        missing = ", ".join(runs["not_finished"])
        lines.append(f"not all: {runs['finished']} of {runs['planned']} runs are finished; missing: {missing}")
    return [*lines, f"models: {summary['models']}", f"({summary['intervals']})"]


def of(figures: Mapping[str, Any], target: str | None) -> Mapping[str, Any]:
    """The figures of one question."""
    found: Mapping[str, Any] = figures if target is None else figures.get(target, {})
    return found


def _blocks(summary: Mapping[str, Any], part: str, question: Question) -> list[Grid]:
    cells = summary[part]["cells"]
    if summary["fractions"]:
        return [_fractions(cells, target, question) for target in targets_of(question)]
    return [_metrics(summary, cells[0], target, part == VAL) for target in targets_of(question)]


def _metrics(summary: Mapping[str, Any], cell: Mapping[str, Any], target: str | None, pooled: bool) -> Grid:
    """A row a metric."""
    several = len(cell["runs"]) > 1
    what = "all folds together" if summary["folds"] and pooled else f"mean of {counted(len(cell['runs']), 'run')}"
    spread = ["sd of runs", "least", "most"] if several else []
    people = ["by patient"] if cell.get("by_patient") else []
    rivals = [name for name in RIVALS if name in cell["baseline"]]
    rows = [[target or "", what, *people, *spread, *rivals]]
    for metric, figure in of(cell["metrics"], target).items():
        row = [label(metric), interval(figure)]
        if people:
            row.append(interval(of(cell["by_patient"], target)[metric]))
        row += [value({"value": figure[key]}) for key in ("sd", "least", "most")] if several else []
        rows.append([*row, *(value({"value": of(cell["baseline"][name], target).get(metric)}) for name in rivals)])
    return rows


def shown(question: Question, metrics: Mapping[str, Any]) -> list[str]:
    """The two metrics that a curve over the training patients has."""
    wanted = ("balanced_accuracy", "auc") if question.classes or question.labels else ("mae", "r2")
    return [name for name in wanted if name in metrics]


def _fractions(cells: Sequence[Mapping[str, Any]], target: str | None, question: Question) -> Grid:
    """A row for each part of the training patients."""
    names = shown(question, of(cells[-1]["metrics"], target))
    rivals = [name for name in RIVALS if name in cells[-1]["baseline"]]
    several = max(len(cell["runs"]) for cell in cells) > 1
    heads = [[label(name), *(["sd of runs"] if several else [])] for name in names]
    rows = [[target or "training part", "patients", "images", *heads[0], *rivals, *chain(*heads[1:])]]
    for cell in cells:
        found, rival = (
            of(cell["metrics"], target),
            [of(cell["baseline"][name], target).get(names[0]) for name in rivals],
        )
        own = [[interval(found[name]), *([value({"value": found[name]["sd"]})] if several else [])] for name in names]
        row = [f"{cell['percent']:g} %", f"{cell['train_patients']}", f"{cell['train_images']}", *own[0]]
        rows.append([*row, *(value({"value": one}) for one in rival), *chain(*own[1:])])
    return rows


def _runs(summary: Mapping[str, Any], part: str, question: Question) -> list[Grid]:
    """Each run with its own figures."""
    target = targets_of(question)[0]
    cells = summary[part]["cells"]
    names = shown(question, of(cells[-1]["metrics"], target))
    rows = [["run", *(label(name) for name in names)]]
    for cell in cells:
        for place, run in enumerate(cell["runs"]):
            figures = of(cell["metrics"], target)
            rows.append([run, *(value({"value": figures[name]["runs"][place]}) for name in names)])
    return [rows] if len(rows) > 2 else []


def _page(rows: Grid) -> list[str]:
    heads, *rest = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *rest)]
