"""Pictures of restored images: baseline, answer and truth beside each other, with a detail of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from specc_superres.measure import Array

INK, MARK, FAINT = "#222222", "#D55E00", "#555555"  # Okabe and Ito's vermilion (2008)
PART = 4  # a detail is so many times less high and wide than the image


@dataclass(frozen=True)
class Trio:
    """A row: three images (C, H, W) in 0..1 with their names, and the figures of the first two."""

    title: str
    images: tuple[Array, Array, Array]
    names: tuple[str, str, str]
    figures: tuple[Mapping[str, float], Mapping[str, float]]


def chosen(values: Sequence[float]) -> list[tuple[str, int]]:
    """Which images are shown, by PSNR: the best, the middle one, the worst; fewer where there are fewer."""
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))
    places = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    once = {place: word for word, place in reversed(places.items())}
    return [(word, place) for word, place in places.items() if once[place] == word]


def detail(first: Array, truth: Array) -> tuple[int, int, int]:
    """Top, left and side of the square in which the baseline is furthest from the truth."""
    import numpy as np

    side = max(8, min(truth.shape[1:]) // PART)
    errors = np.square(first - truth).sum(0)
    sums = np.pad(errors.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(top), int(left), side


def draw(trios: Sequence[Trio], title: str, name: str, folder: FilePath) -> str:
    """Write the picture and return its name."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 0.8 + 5.4 * len(trios)), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    height = figure.get_size_inches()[1]
    figure.text(0.02, 1 - 0.3 / height, title, fontsize=12, fontweight="bold", color=INK, va="center", parse_math=False)
    below = "the marked detail below each image; PSNR in dB and SSIM against the truth, as the spec states them"
    figure.text(0.02, 1 - 0.55 / height, below, fontsize=8, color=FAINT, va="center")
    for number, trio in enumerate(trios):
        head = 1 - (0.95 + 5.4 * number) / height
        figure.text(0.02, head, trio.title, fontsize=9.5, color=INK, va="center", parse_math=False)
        top, left, side = detail(trio.images[0], trio.images[2])
        for column, (image, what) in enumerate(zip(trio.images, trio.names, strict=True)):
            x, wide = 0.02 + 0.325 * column, 0.31
            upper = figure.add_axes((x, head - 3.25 / height, wide, 2.85 / height))
            lower = figure.add_axes((x, head - 5.2 / height, wide, 1.88 / height))
            told = trio.figures[column] if column < 2 else None
            said = what if told is None else f"{what}: {told['psnr']:.2f} dB, {told['ssim']:.4f}"
            upper.set_title(said, fontsize=9, color=INK, loc="left", parse_math=False)
            _show(upper, image)
            _mark(upper, top, left, side)
            _show(lower, image[:, top : top + side, left : left + side])
    part = folder / f".{name}.part"
    figure.savefig(part, format="png", metadata={"Software": None})
    part.replace(folder / name)
    return name


def _show(axes: Axes, image: Array) -> None:
    """An image from black to white, without axes; few pixels as squares."""
    picture: Any = image.transpose(1, 2, 0) if len(image) == 3 else image[0]
    style = "antialiased" if max(image.shape[1:]) > 400 else "nearest"
    axes.imshow(picture.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation=style)
    axes.set_axis_off()


def _mark(axes: Axes, top: int, left: int, side: int) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=MARK, linewidth=1.2))
