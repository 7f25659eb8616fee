"""The picture of a summary: figures over the number of training patients, or every run beside the mean."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.run.canvas import BLUE, GRAY, GREEN, INK, RED, canvas, legend, save, style
from specc.run.evaluate import FOREST, Question
from specc.run.evaluate.judge import TEST, VAL
from specc.run.evaluate.rivals import TRIVIAL
from specc.run.evaluate.table import cut, label, targets_of
from specc.run.summary.table import of, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {VAL: RED, TEST: BLUE}
NAMES = {VAL: "validation", TEST: "test"}
MARKS = {TRIVIAL: ("x", GRAY), FOREST: ("D", GREEN)}
MOST = 5  # metrics or questions in one panel


def draw(summary: Mapping[str, Any], question: Question, file: FilePath) -> None:
    """Write the picture as a PNG of at most 1500 pixels in width. The file is replaced whole."""
    figure = _curve(summary, question) if summary["fractions"] else _dots(summary, question)
    save(figure, file)


def _curve(summary: Mapping[str, Any], question: Question) -> Figure:
    """The two main metrics over the number of training patients, with intervals."""
    target = targets_of(question)[0]
    names = shown(question, of(summary[VAL]["cells"][-1]["metrics"], target))
    more = summary.get("more_data", {}).get("text", "cannot tell")
    figure = canvas(
        10, 4.9, "\n".join(textwrap.wrap(f"Would more cases help? {more.replace('`', '')}", 98)), _below(summary)
    )
    for axes, name in zip(
        figure.subplots(1, len(names), squeeze=False, sharey=names[-1] == "auc")[0], names, strict=True
    ):
        for part in (VAL, TEST):
            if part in summary:
                _line(axes, summary[part]["cells"], target, name, part)
        _rival_lines(axes, summary[VAL]["cells"], target, name)
        unit = dict(zip(question.targets, question.units, strict=False)).get(
            target or "".join(question.targets[:1]), ""
        )
        style(axes, label(name) + (f" ({unit})" if unit and name != "r2" else ""), "patients in training")
        ticks = sorted({cell["train_patients"] for cell in summary[VAL]["cells"]})
        axes.set_xticks(ticks)
        axes.set_xlim(0, max(ticks) * 1.08)
        if name not in ("mae", "r2"):
            axes.set_ylim(min(axes.get_ylim()[0], 0.45), 1.02)
        elif name == "mae":
            axes.set_ylim(0, None)
    legend(axes, loc="best")
    return figure


def _line(axes: Axes, cells: list[Mapping[str, Any]], target: str | None, name: str, part: str) -> None:
    points = [(cell["train_patients"], of(cell["metrics"], target)[name]) for cell in cells]
    points = [(x, figure) for x, figure in points if figure["value"] is not None]
    shift = 0.0 if part == VAL else 0.012 * max(x for x, _ in points)  # so that intervals do not hide one another
    for x, figure in points:
        dots = [value for value in figure["runs"] if value is not None]
        if len(dots) > 1:
            axes.plot([x + shift] * len(dots), dots, ls="", marker="o", ms=4, color=COLOURS[part], alpha=0.5, mew=0)
        if figure["low"] is not None:
            axes.plot([x + shift] * 2, [figure["low"], figure["high"]], color=COLOURS[part], lw=1.6, alpha=0.8)
    values = [figure["value"] for _, figure in points]
    axes.plot([x + shift for x, _ in points], values, color=COLOURS[part], marker="o", ms=6, lw=1.8, label=NAMES[part])


def _rival_lines(axes: Axes, cells: list[Mapping[str, Any]], target: str | None, name: str) -> None:
    for rival, (mark, colour) in MARKS.items():
        points = [(c["train_patients"], of(c["baseline"].get(rival, {}), target).get(name)) for c in cells]
        known = [(x, y) for x, y in points if y is not None]
        if known:
            xs, ys = zip(*known, strict=True)
            axes.plot(xs, ys, color=colour, marker=mark, ms=5, lw=1, ls=(0, (4, 3)), label=rival)


def _dots(summary: Mapping[str, Any], question: Question) -> Figure:
    """Every run as a dot, the figure of all with its interval; one panel for each scale."""
    parts = [part for part in (VAL, TEST) if part in summary]
    panels = _panels(summary[parts[0]]["cells"][0], question)
    tallest = max(len(rows) for _, rows in panels)
    height = 1.6 + (0.36 if len(parts) > 1 else 0.3) * max(3, tallest) + 0.3
    figure = canvas(10, height, _title(summary), _below(summary))
    for axes, (title, rows) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for place, (target, metric, _) in enumerate(rows):
            for k, part in enumerate(parts):
                at = place + (k - (len(parts) - 1) / 2) * 0.36
                _dot(axes, summary[part]["cells"][0], target, metric, at, part, place == 0)
            axes.axhline(place + 0.5, color="#eeeeee", lw=0.8, zorder=0)
        style(axes, title, "")
        axes.set_yticks(range(len(rows)), [name for *_, name in rows])
        for text in axes.get_yticklabels():
            text.set_parse_math(False)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        if all(metric not in ("mae", "rmse", "bias", "r2") for _, metric, _ in rows):
            axes.set_xlim(min(axes.get_xlim()[0], 0.45), 1.01)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", frameon=False, fontsize=9, labelcolor=INK)
    return figure


def _panels(cell: Mapping[str, Any], question: Question) -> list[tuple[str, list[tuple[str | None, str, str]]]]:
    """Titles, and rows of (question, metric, name), each panel with a scale of its own."""
    if question.labels:
        names = targets_of(question)[:MOST]
        return [
            (label(metric), [(name, metric, cut(str(name), 24)) for name in names])
            for metric in ("auc", "balanced_accuracy")
        ]
    if question.classes:
        return [("", [(None, metric, label(metric)) for metric in list(cell["metrics"])[:MOST]])]
    units = dict(zip(question.targets, question.units, strict=False))
    panels = []
    for target in targets_of(question)[:3]:
        name = target or question.targets[0]
        title = f"{cut(name, 30)}{f' ({units[name]})' if units.get(name) else ''}"
        panels.append((title, [(target, metric, label(metric)) for metric in ("mae", "rmse", "bias")]))
    target = targets_of(question)[0]
    return (
        [*panels, ("R2", [(name, "r2", cut(name or "R2", 24)) for name in targets_of(question)[:3]])]
        if target is None or len(panels) < 3
        else panels
    )


def _dot(
    axes: Axes, cell: Mapping[str, Any], target: str | None, metric: str, at: float, part: str, named: bool
) -> None:
    figure = of(cell["metrics"], target).get(metric)
    if figure is None or figure["value"] is None:
        return
    colour = COLOURS[part]
    dots = [value for value in figure["runs"] if value is not None]
    for rival, (mark, tint) in MARKS.items():
        found = of(cell["baseline"].get(rival, {}), target).get(metric)
        if found is not None:
            axes.plot(
                [found], [at], ls="", marker=mark, ms=4.5, color=tint, label=rival if named and part == VAL else None
            )
    axes.plot(dots, [at] * len(dots), ls="", marker="o", ms=5, color=colour, alpha=0.55, mec="white", mew=0.5, zorder=3,
              label=f"{NAMES[part]}: each run" if named else None)  # fmt: skip
    if figure["low"] is not None:
        axes.plot([figure["low"], figure["high"]], [at, at], color=colour, lw=2, solid_capstyle="butt")
    axes.plot([figure["value"]], [at], ls="", marker="|", ms=13, mew=2.4, color=colour,
              label=f"{NAMES[part]}: all, 95 %" if named else None)  # fmt: skip


def _title(summary: Mapping[str, Any]) -> str:
    name, seeds = summary["series"], summary["seeds"]
    kinds = ([f"{summary['folds']} folds"] if summary["folds"] else []) + (
        [f"{len(seeds)} seeds"] if len(seeds) > 1 else []
    )
    return f"{name}: {' x '.join(kinds)}"


def _below(summary: Mapping[str, Any]) -> str:
    note = "validation images chose the epoch; bars: 95 % intervals over patients; dots: single runs"
    missing = len(summary["runs"]["not_finished"])
    return note + (f"; {missing} of {summary['runs']['planned']} runs are missing" if missing else "")
