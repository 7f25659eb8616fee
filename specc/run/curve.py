"""The picture of a learning curve: losses on the left, metrics on the right, the verdict as its title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from specc.run.canvas import BLUE, GREEN, OTHERS, RED, canvas, legend, save, style
from specc.run.verdict import Curve, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAIN, VAL, MARK = BLUE, RED, GREEN
MOST = 4  # metrics that are drawn


def draw(curve: Curve, verdict: Verdict, name: str, file: FilePath) -> None:
    """Write the curve as a PNG of 1500 x 675 pixels (one panel: 975 x 675). The file is replaced whole."""
    others = {_label(name): values for name, values in curve.metrics.items() if name.endswith("loss")}
    metrics = dict([item for item in curve.metrics.items() if not item[0].endswith("loss")][:MOST])
    figure = canvas(10 if metrics else 6.5, 4.5, f"{name}: {verdict.word} – {verdict.reason}")
    panels = figure.subplots(1, 2 if metrics else 1, squeeze=False)[0]
    losses = {"training": (curve.train, TRAIN), "validation": (curve.val, VAL)}
    losses |= {label: (values, colour) for (label, values), colour in zip(others.items(), OTHERS, strict=False)}
    _panel(panels[0], curve, verdict, losses, "loss")
    if metrics:
        colours = (VAL, *OTHERS)
        rows = {name: (values, colours[i]) for i, (name, values) in enumerate(_distinct(metrics).items())}
        measured = any(value is not None for value in curve.val)
        _panel(panels[1], curve, verdict, rows, "metric on the validation images" if measured else "metric")
        if all(0 <= x <= 1 for values, _ in rows.values() for x in values if x is not None):
            panels[1].set_ylim(-0.02, 1.02)
    save(figure, file)


def _panel(
    axes: Axes, curve: Curve, verdict: Verdict, rows: Mapping[str, tuple[Sequence[float | None], str]], title: str
) -> None:
    from matplotlib.ticker import MaxNLocator

    few = len(curve.epochs) <= 40
    for label, (values, colour) in rows.items():
        points = [(x, y) for x, y in zip(curve.epochs, values, strict=True) if y is not None]
        if not points:
            continue
        width = 2.0 if label != "training" else 1.8
        axes.plot(*zip(*points, strict=True), color=colour, label=label, lw=width, marker="o" if few else None, ms=3.2)
    if curve.epochs:
        best = curve.epochs[verdict.best]
        axes.axvline(best, color=MARK, lw=1.2, ls=(0, (4, 3)), zorder=1.5, label=f"best epoch ({best})")
        if verdict.word in ("overfitting", "overfitting risk") and verdict.since < len(curve.epochs):
            axes.axvspan(
                curve.epochs[verdict.since] - 0.5, curve.epochs[-1] + 0.5, color=VAL, alpha=0.07, lw=0, zorder=0
            )
    style(axes, title, "epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.03)
    legend(axes)


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
