"""What masks look like: contours of truth and answer on the best and the worst cases, and the spread of Dice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specc.answering import run_cases
from specc_segmentation.answering import counted, each, masks_of
from specc_segmentation.pieces.known import IGNORE
from specc_segmentation.surfaces import around

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from specc_segmentation.grid import InGrid
    from specc_segmentation.judging import Case

INK, FAINT, GRAY = "#222222", "#d9d9d9", "#888888"
TRUTH = "#009E73"
COLOURS = ("#E69F00", "#56B4E9", "#CC79A7", "#F0E442", "#D55E00", "#0072B2")  # Okabe and Ito 2008, less that of truth
COLUMNS = 3  # of each kind: the best, usual ones, the worst
FEW = 8  # classes that have room for figures beside their points
MOST = 512  # pixels of a side that are drawn: a panel has fewer dots


def of_part(folder: Path, part: str, cases: Sequence[Case], session: InGrid) -> list[str]:
    """Writes the pictures of a part; their names. A case of which nothing is known is in none."""
    cases = [case for case in cases if case.known]
    if not cases:
        return []
    names = [f"{part}-overlays.png", f"{part}-dice.png"]
    overlays(folder / names[0], part, cases, session)
    spread(folder / names[1], part, cases, session.contract)
    return names


def chosen(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """The best, usual and worst cases by Dice, each once; of equals the first in the table."""
    order = sorted(cases, key=lambda case: -case.dice)
    count = min(COLUMNS, max(1, len(order) // 3))
    best, rest = order[:count], order[count:]
    worst, rest = rest[::-1][:count], rest[: max(0, len(rest) - count)]
    start = max(0, (len(rest) - count) // 2)
    rows = {"best": best, "middle": rest[start : start + count], "worst": worst}
    return {name: row for name, row in rows.items() if row}


def overlays(file: Path, part: str, cases: Sequence[Case], session: InGrid) -> None:
    """Contours on images: full lines the answer, broken lines the truth."""
    from matplotlib.lines import Line2D

    from specc_segmentation.judging import truth_of

    rows, contract = chosen(cases), session.contract
    columns = max(map(len, rows.values()))
    lines = [Line2D([], [], color=TRUTH, ls="--", lw=1.2, label="truth")]
    lines += [
        Line2D([], [], color=COLOURS[place % len(COLOURS)], lw=1.2, label=f"answer: {_short(name)}")
        for place, name in enumerate(counted(contract))
    ]
    width = max(4.2, 2.6 * columns + 0.4)
    beside = max(1, min(4, int(width / (0.5 + 0.065 * max(len(str(line.get_label())) for line in lines)))))
    height = 2.75 * len(rows) + 0.7 + 0.2 * -(-len(lines) // beside)
    figure = _figure(width, height, f"{part}: the best, the middle and the worst by Dice")
    panels: Any = figure.subplots(len(rows), columns, squeeze=False)
    for axes_row, (name, row) in zip(panels, rows.items(), strict=True):
        for place, axes in enumerate(axes_row):
            axes.set_axis_off()
            if place >= len(row):
                continue
            case = row[place]
            (ran,) = run_cases(session, [case.item.files])
            assert ran.outputs is not None and ran.pixels is not None, "it was answered before"
            truth = truth_of(case.item, contract, ran.size)
            _image(axes, ran.pixels[:1] if contract.input.stack else ran.pixels)
            there = each(np.where(truth == IGNORE, 0, truth).astype(np.uint8), contract)
            _contours(axes, there, each(masks_of(ran.outputs, contract), contract))
            title = f"{name}: Dice {case.dice:.3f}\n{_short(case.item.file)}"
            axes.set_title(title, fontsize=8, loc="left", color=INK, parse_math=False)
    legend = figure.legend(handles=lines, loc="outside lower left", ncols=beside, frameon=False, fontsize=8)
    for text in legend.get_texts():
        text.set_parse_math(False)
    _save(figure, file)


def _image(axes: Axes, pixels: NDArray[np.float32]) -> None:
    """The image (samples, H, W) between its 1st and 99th percentile."""
    height, width = pixels.shape[1:]
    step = -(-max(height, width) // MOST)
    few = pixels[:, ::step, ::step]
    shown = np.moveaxis(few, 0, -1) if len(few) == 3 else few[0]
    low, high = np.percentile(shown, (1, 99))
    grey = np.clip((shown - low) / max(float(high - low), 1e-12), 0, 1)
    edges = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=edges)


def _contours(axes: Axes, truth: Mapping[str, Any], answers: Mapping[str, Any]) -> None:
    """Lines only: what `Axes.contour` draws keeps all cells of all classes until the figure is done."""
    from contourpy import LineType, contour_generator
    from matplotlib.collections import LineCollection

    for place, (name, there) in enumerate(answers.items()):
        for mask, colour, style in ((there, COLOURS[place % len(COLOURS)], "-"), (truth[name], TRUTH, "--")):
            if mask.any():
                x, y, fine = cells(mask)
                found: Any = contour_generator(x, y, fine, line_type=LineType.Separate).lines(0.5)
                axes.add_collection(LineCollection(found, colors=[colour], linewidths=0.9, linestyles=[style]))


def cells(mask: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.uint8]]:
    """x, y and values whose contour is that of what is there in a mask (H, W): each pixel is several cells, so that its
    corners are seen. Of a large mask blocks of pixels are taken together, as much as a panel cannot show: what is small
    is kept.
    """
    step, (rows, columns) = -(-max(mask.shape) // MOST), around(mask)
    first = rows.start // step * step, columns.start // step * step
    mask = mask[first[0] : rows.stop, first[1] : columns.stop]
    if step > 1:
        rest = [(0, -side % step) for side in mask.shape]
        blocks = np.pad(mask, rest).reshape(-(-mask.shape[0] // step), step, -1, step)
        mask = np.asarray(blocks.any((1, 3)))
    each_pixel = min(4, max(1, 2 * MOST // max(mask.shape)))
    fine = np.pad(mask.repeat(each_pixel, 0).repeat(each_pixel, 1), 1).astype(np.uint8)
    y, x = (
        start + (np.arange(length) - 0.5) * step / each_pixel - 0.5
        for start, length in zip(first, fine.shape, strict=True)
    )
    return x, y, fine


def _short(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else "?" for sign in text)
    return shown if len(shown) <= 34 else f"...{shown[-31:]}"


def spread(file: Path, part: str, cases: Sequence[Case], contract: Any) -> None:
    """Each case a point, each class a column: Dice, with its mean."""
    names = counted(contract)
    few = len(names) <= FEW
    figure = _figure(max(4.5, (1.6 if few else 0.4) * len(names) + 2.5), 4 if few else 6, f"{part}: Dice of each case")
    axes = figure.subplots()
    for place, name in enumerate(names):
        values = np.sort([v for case in cases if (v := case.values[name]["dice"]) is not None])
        if not len(values):
            continue
        bins = np.clip((values * 40).astype(int), 0, 39)
        seen = np.array([np.sum(bins[:at] == one) for at, one in enumerate(bins)])
        most = np.bincount(bins).max()
        beside = (seen - (np.bincount(bins)[bins] - 1) / 2) * min(0.06, 0.8 / most)
        axes.plot(place + beside, values, "o", ms=4, color=COLOURS[place % len(COLOURS)], mec="none", alpha=0.8)
        mean = float(values.mean())
        axes.hlines(mean, place - 0.35, place + 0.35, color=INK, lw=1.2)
        if few:
            axes.annotate(f"mean {mean:.3f}", (place + 0.37, mean), fontsize=8, color=INK, va="center")
    labels = axes.set_xticks(range(len(names)), [_short(name) for name in names], rotation=0 if few else 90)
    for label in labels:
        label.label1.set_parse_math(False)
    axes.set(ylim=(-0.02, 1.02), xlim=(-0.6, len(names) - 0.2), ylabel="Dice")
    axes.grid(axis="y", color=FAINT, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRAY)
    _save(figure, file)


def _figure(width: float, height: float, title: str) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11, fontweight="bold", color=INK, ha="left", x=0.01, parse_math=False)
    return figure


def _save(figure: Figure, file: Path) -> None:
    """As a PNG; the file is replaced whole."""
    part = file.with_name(f".{file.name}.part")
    figure.savefig(part, format="png", metadata={"Software": None})
    part.replace(file)
