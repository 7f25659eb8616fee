"""How every picture looks, and how it is written: whole or not at all, without a word about this computer."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette (2008), readable with colour-blindness
BLUE, RED, GREEN, INK, FAINT, GRAY = "#0072B2", "#D55E00", "#009E73", "#222222", "#d9d9d9", "#888888"
PURPLE, ORANGE, SKY, YELLOW = "#CC79A7", "#E69F00", "#56B4E9", "#F0E442"
OTHERS = (PURPLE, GREEN, ORANGE, SKY, "#000000", YELLOW)
PLAIN: dict[str, Any] = {"parse_math": False}  # a `$` in a name is a `$`


def canvas(width: float, height: float, title: str, below: str = "") -> Figure:
    """A white figure of so many inches at 150 dots each, with a title and a gray line below it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    place: dict[str, Any] = {"ha": "left", "x": 0.01, **PLAIN}
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK, **place)
    if below:
        figure.supxlabel(below, fontsize=8.5, color="#555555", **place)
    return figure


def save(figure: Figure, file: FilePath) -> None:
    """As a PNG; the file is replaced whole."""
    part = file.with_name(f".{file.name}.part")
    figure.savefig(part, format="png", metadata={"Software": None})
    part.replace(file)


def style(axes: Axes, title: str, x: str, y: str = "") -> None:
    """Faint grid, two spines, a title at the left."""
    axes.set_title(title, fontsize=10, loc="left", color=INK, **PLAIN)
    axes.set_xlabel(x, color=INK, **PLAIN)
    if y:
        axes.set_ylabel(y, color=INK, **PLAIN)
    axes.grid(color=FAINT, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRAY)
    axes.tick_params(colors="#555555", labelsize=9)


def legend(axes: Axes, **more: Any) -> None:
    """Without a frame; nothing where nothing has a name."""
    if axes.get_legend_handles_labels()[0]:
        found = axes.legend(frameon=False, fontsize=9, labelcolor=INK, **more)
        for text in found.get_texts():
            text.set_parse_math(False)
