"""What answers hang on: the surest right and wrong answers, each beside the parts of the image that carry it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.run.canvas import GRAY, INK, PLAIN, canvas, save
from specc.run.evaluate.rows import Question, Rows
from specc.run.evaluate.table import cut, tail

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Explained = tuple[NDArray[np.float32], NDArray[np.float32]]

MOST = 4  # right answers, and wrong ones


def chosen(rows: Rows, question: Question) -> list[tuple[int, int, str]]:
    """Rows to explain with the number that is explained and words: the surest right answers, then the surest wrong
    ones; of values the best and the worst.
    """
    found: list[tuple[bool, float, int, int, str]] = []
    for row in range(len(rows.files)):
        truth, numbers, answer = rows.targets[row], rows.numbers[row], rows.answers[row]
        if question.classes:
            right, said = answer == truth[0], f"{cut(question.classes[answer], 20)}, {numbers[answer]:.3f}"
            words = f"{'right' if right else f'wrong: {cut(question.classes[truth[0]], 20)}'}\nanswer {said}"
            found.append((right, -numbers[answer], row, answer, words))
        for k, name in enumerate(question.labels):
            if truth[k] is not None and numbers[k] > 0.5:
                right = truth[k] == 1
                words = f"{'right' if right else 'wrong'}\n{cut(name, 20)}, {numbers[k]:.3f}"
                found.append((right, -numbers[k], row, k, words))
        for k, name in enumerate(question.targets):
            error = abs(numbers[k] - truth[k])
            found.append((True, error, row, k, f"{cut(name, 16)} {truth[k]:.4g}\nanswer {numbers[k]:.4g}"))
    if question.targets:
        ordered = sorted(found, key=lambda one: (one[1], one[2]))
        picked = ordered[:MOST] + ordered[MOST:][-MOST:]
    else:
        ordered = sorted(found, key=lambda one: (one[1], one[2]))
        picked = [one for right in (True, False) for one in [each for each in ordered if each[0] is right][:MOST]]
    return [(row, column, words) for _, _, row, column, words in picked]


def draw(
    rows: Rows,
    question: Question,
    part: Mapping[str, Any],
    folder: FilePath,
    name: str,
    explain: Callable[[str, int], Explained | None],
) -> list[str]:
    """Write `explained-<name>.png`; nothing, and no old picture either, where there is nothing to show."""
    file, cases = folder / f"explained-{name}.png", chosen(rows, question)
    file.unlink(missing_ok=True)
    shown = [(row, words, found) for row, column, words in cases if (found := explain(rows.files[row], column))]
    if not shown:
        return []
    title = f"What the answers hang on ({name.partition('-')[0]})"
    below = f"red: the answer needs it; blue: it speaks against the answer; {part['role']}"
    down = -(-len(shown) // 2)
    figure = canvas(10, 0.9 + 3.1 * down, title, below)
    panels = figure.subplots(down, 4, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for place, (row, words, found) in enumerate(shown):
        _pair(list(panels[2 * place : 2 * place + 2]), words, tail(rows.files[row], 34), found)
    save(figure, file)
    return [file.name]


def _pair(panels: Sequence[Axes], words: str, file: str, found: Explained) -> None:
    """The image as the network sees it, and the map on top of it in gray."""
    import numpy as np

    image, parts = found
    low, high = float(image.min()), float(image.max())
    scaled = np.clip((image - low) / max(high - low, 1e-9), 0, 1)
    plain = np.moveaxis(scaled, 0, 2) if len(image) == 3 else scaled[0]
    panels[0].imshow(plain, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    panels[0].set_title(words, fontsize=8.5, loc="left", color=INK, **PLAIN)
    panels[0].text(0, -0.04, file, fontsize=7, color=GRAY, va="top", transform=panels[0].transAxes, **PLAIN)
    most = max(float(np.abs(parts).max()), 1e-9)
    panels[1].imshow(scaled.mean(0), cmap="gray", vmin=0, vmax=1.6, interpolation="nearest")
    panels[1].imshow(parts, cmap="seismic", vmin=-most, vmax=most, alpha=0.55)
    panels[1].set_title(f"\nup to {most:.2g}", fontsize=8.5, loc="left", color=INK, **PLAIN)
