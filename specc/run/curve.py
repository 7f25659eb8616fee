"""The picture of a learning curve: losses on the left, metrics on the right, the verdict as its title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.run.canvas import BLUE, GRAY, GREEN, OTHERS, RED, canvas, legend, save, style
from specc.run.verdict import Curve, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAIN, VAL, MARK = BLUE, RED, GREEN
STEPS = 8  # rates that differ: with more of them the rate falls smoothly, and ends near 0
MOST = 4  # metrics that are drawn


def draw(curve: Curve, verdict: Verdict, name: str, file: FilePath, watch: str = "val_loss") -> None:
    """Write the curve as a PNG of 1500 x 675 pixels (one panel: 975 x 675). The file is replaced whole.

    `watch` is the metric that chose the epoch whose weights are kept. Learning rates that change get a strip below the
    losses.
    """
    others = {_label(name): values for name, values in curve.metrics.items() if name.endswith("loss")}
    metrics = dict([item for item in curve.metrics.items() if not item[0].endswith("loss")][:MOST])
    figure = canvas(10 if metrics else 6.5, 4.5, f"{name}: {verdict.word} – {verdict.reason}")
    rows = ["loss", "rate"] if curve.rate else ["loss"]
    shape: list[Any] = [[row, "metric"] if metrics else [row] for row in rows]
    panels = figure.subplot_mosaic(shape, height_ratios=[4, 1][: len(rows)])
    losses = {"training": (curve.train, TRAIN), "validation": (curve.val, VAL)}
    losses |= {label: (values, colour) for (label, values), colour in zip(others.items(), OTHERS, strict=False)}
    _panel(panels["loss"], curve, losses, "loss")
    _marks(panels["loss"], curve, verdict, watch, losses=True)
    if curve.rate:
        _rate(panels["rate"], curve)
        panels["rate"].set_xlim(panels["loss"].get_xlim())
    if metrics:
        colours = (VAL, *OTHERS)
        drawn = {name: (values, colours[i]) for i, (name, values) in enumerate(_distinct(metrics).items())}
        measured = any(value is not None for value in curve.val)
        _panel(panels["metric"], curve, drawn, "metric on the validation images" if measured else "metric")
        _marks(panels["metric"], curve, verdict, watch, losses=False)
        if all(0 <= x <= 1 for values, _ in drawn.values() for x in values if x is not None):
            panels["metric"].set_ylim(-0.02, 1.02)
    for axes in panels.values():
        legend(axes)
    save(figure, file)


def _panel(axes: Axes, curve: Curve, rows: Mapping[str, tuple[Sequence[float | None], str]], title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    few = len(curve.epochs) <= 40
    for label, (values, colour) in rows.items():
        points = [(x, y) for x, y in zip(curve.epochs, values, strict=True) if y is not None]
        if points:
            width = 2.0 if label != "training" else 1.8
            mark = "o" if few else None
            axes.plot(*zip(*points, strict=True), color=colour, label=label, lw=width, marker=mark, ms=3.2)
    style(axes, title, "epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.03)


def _marks(axes: Axes, curve: Curve, verdict: Verdict, watch: str, losses: bool) -> None:
    """The epoch that is kept, the least validation loss where that is another one, and where the verdict holds."""
    if not curve.epochs:
        return
    kept = verdict.best if curve.kept is None else curve.kept
    epoch = curve.epochs[kept]
    words = f"best epoch ({epoch})" if watch == "val_loss" else f"kept: epoch {epoch}, by {_label(watch)}"
    axes.axvline(epoch, color=MARK, lw=1.2, ls=(0, (4, 3)), zorder=1.5, label=words)
    if losses and kept != verdict.best:
        least = curve.epochs[verdict.best]
        axes.axvline(least, color=GRAY, lw=1.0, ls=(0, (1, 2)), zorder=1.4, label=f"least validation loss ({least})")
    if verdict.word in ("overfitting", "overfitting risk", "dead") and verdict.since < len(curve.epochs):
        colour = GRAY if verdict.word == "dead" else VAL
        axes.axvspan(
            curve.epochs[verdict.since] - 0.5, curve.epochs[-1] + 0.5, color=colour, alpha=0.07, lw=0, zorder=0
        )


def _rate(axes: Axes, curve: Curve) -> None:
    """The learning rate of each epoch, on a logarithmic axis where a few steps span more than one power of ten."""
    from matplotlib.ticker import MaxNLocator

    points = [(x, y) for x, y in zip(curve.epochs, curve.rate, strict=True) if y is not None]
    axes.plot(*zip(*points, strict=True), color=GRAY, lw=1.6, drawstyle="steps-mid")
    values = [y for _, y in points if y > 0]
    if len(set(values)) <= STEPS and values and max(values) > 10 * min(values):
        axes.set_yscale("log")
    style(axes, "learning rate", "epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.tick_params(labelsize=8)
    axes.margins(x=0.03, y=0.2)


def _distinct(metrics: Mapping[str, Sequence[float | None]]) -> dict[str, Sequence[float | None]]:
    """Curves by label; those that run one under the other share a line and its label."""
    labels: dict[tuple[float | None, ...], str] = {}
    for name, values in metrics.items():
        drawn = tuple(None if value is None else round(value, 6) for value in values)
        labels[drawn] = ", ".join(filter(None, (labels.get(drawn), _label(name))))
    return {label: values for values, label in labels.items()}


def _label(name: str) -> str:
    words = name.removeprefix("val_").split("_")
    return " ".join(word.upper() if word in ("auc", "mae", "rmse", "mse", "r2") else word for word in words)
