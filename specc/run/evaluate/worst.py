"""The errors that the model was surest of, or the largest, as the network saw the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.run.canvas import GRAY, INK, PLAIN, canvas, save
from specc.run.evaluate.rows import Question, Rows
from specc.run.evaluate.table import counted, cut, tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 12
ACROSS = 4
Seen = Callable[[Sequence[str]], list["NDArray[np.float32] | None"]]  # files -> (channels, height, width) each


@dataclass(frozen=True, slots=True)
class Error:
    """One wrong answer: which row, how wrong (more is worse), truth and answer in words."""

    row: int
    size: float
    truth: str
    answer: str


def errors(rows: Rows, question: Question) -> list[Error]:
    """The worst first, of equal ones the first in the table; of values all, the largest error first.

    With several targets an error counts in deviations of its target's truth.
    """
    import numpy as np

    several = len(question.targets) > 1
    spread = [float(np.std(rows.column(k)[0])) or 1.0 if several else 1.0 for k in range(len(question.targets))]
    found = [error for row in range(len(rows.files)) for error in _of_row(rows, question, row, spread)]
    return sorted(found, key=lambda error: (-error.size, error.row))


def _of_row(rows: Rows, question: Question, row: int, spread: Sequence[float]) -> list[Error]:
    truth, numbers, answer = rows.targets[row], rows.numbers[row], rows.answers[row]
    found = []
    if question.classes:
        if answer != truth[0]:
            said = f"{cut(question.classes[answer], 20)}, {numbers[answer]:.3f}"
            found.append(Error(row, numbers[answer], cut(question.classes[truth[0]], 24), said))
        return found
    for k, name in enumerate(question.labels):
        if truth[k] is not None and truth[k] != int(numbers[k] > 0.5):
            words = ("no", "yes") if truth[k] == 0 else ("yes", "no")
            said = f"{words[1]}, {numbers[k]:.3f}"
            found.append(Error(row, abs(numbers[k] - truth[k]), f"{cut(name, 20)}: {words[0]}", said))
    for k, name in enumerate(question.targets):
        if truth[k] != numbers[k]:
            lead = f"{cut(name, 16)} " if len(question.targets) > 1 else ""
            size = abs(numbers[k] - truth[k]) / spread[k]
            found.append(Error(row, size, f"{lead}{truth[k]:.4g}", f"{numbers[k]:.4g}"))
    return found


def draw(rows: Rows, question: Question, part: Mapping[str, Any], folder: FilePath, name: str, seen: Seen) -> list[str]:
    """Write the worst errors as `worst<name>.png`; nothing, and no old picture either, where there is none."""
    file, found = folder / f"worst{name}.png", errors(rows, question)
    file.unlink(missing_ok=True)
    if not found:
        return []
    shown = found[:MOST]
    pictures = seen([rows.files[error.row] for error in shown])
    if all(picture is None for picture in pictures):
        return []
    title = "The largest error" if len(shown) == 1 else f"The {len(shown)} largest errors"
    if not question.targets:
        all_of = f"{counted(len(found), 'wrong answer')}{', the surest first' * (len(found) > 1)}"
        title = all_of if len(found) <= MOST else f"The {MOST} surest of {len(found)} wrong answers"
    down = -(-len(shown) // ACROSS)
    figure = canvas(10, 0.9 + 3.0 * down, title, f"as the network sees them; {part['role']}")
    panels = figure.subplots(down, ACROSS, squeeze=False).ravel()
    low, high = _range(pictures)
    for axes in panels:
        axes.axis("off")
    for axes, error, picture in zip(panels, shown, pictures, strict=False):
        words = f"truth {error.truth}\nanswer {error.answer}"
        axes.set_title(words, fontsize=8.5, loc="left", color=INK, **PLAIN)
        axes.text(
            0,
            -0.04,
            tail(rows.files[error.row], 36),
            fontsize=7,
            color=GRAY,
            va="top",
            transform=axes.transAxes,
            **PLAIN,
        )
        if picture is None:
            axes.text(
                0.5, 0.5, "the file cannot be read", ha="center", fontsize=8, color=GRAY, transform=axes.transAxes
            )
            continue
        axes.imshow(_shown(picture, low, high), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    save(figure, file)
    return [file.name]


def _range(pictures: Sequence[NDArray[np.float32] | None]) -> tuple[float, float]:
    """Black and white of the grays: 0 to 1 or -1 to 1 where the values lie so, else their own ends."""
    import numpy as np

    values = np.concatenate([picture.ravel() for picture in pictures if picture is not None])
    low, high = float(values.min()), float(values.max())
    for ends in ((0.0, 1.0), (-1.0, 1.0)):
        if ends[0] - 1e-6 <= low and high <= ends[1] + 1e-6:
            return ends
    return low, high if high > low else low + 1


def _shown(picture: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Gray (H, W) or colour (H, W, 3) in 0..1."""
    import numpy as np

    scaled = np.clip((picture - low) / (high - low), 0, 1)
    return np.moveaxis(scaled, 0, 2) if len(picture) == 3 else scaled[0]
