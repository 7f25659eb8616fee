"""The picture of what the network really sees: training images as edited, and as changed in the first epochs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.run.canvas import GREEN, INK, ORANGE, PLAIN, PURPLE, RED, SKY, YELLOW, canvas, save

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Array = np.ndarray[Any, Any]

PICTURE = "what_the_network_sees.png"
DOTS = 150  # in an inch
SMALL, LARGE = 230, 320  # dots of the longer side of an image, about: of few pixels, of more
GAP, WORDS, HEAD, NAMES = 14, 30, 150, 300  # dots: between images, below one, above all, left of the first
SCALES = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0)}
OUTLINES = (ORANGE, SKY, PURPLE, GREEN, RED, YELLOW)
UNKNOWN = 255  # in a mask: nothing is known there
LEGEND = "below each image: its smallest and largest value · mean ± standard deviation"


@dataclass(frozen=True)
class Samples:
    """Edited images (n, C, H, W), the same as each of the first epochs changes them, and what is known of each.

    `masks` (n, K, H, W), where there are any, belong to the edited images and then to those of each epoch: a whole
    number a pixel, 0 for the background.
    """

    edited: Array
    epochs: tuple[Array, ...]
    rows: tuple[Mapping[str, str], ...]
    masks: tuple[Array, ...] = ()


def read_samples(file: FilePath) -> Samples:
    """What a program has written; epochs that change nothing are left out."""
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import load_file

    tensors = load_file(file)
    with safe_open(file, "np") as content:
        rows = json.loads(content.metadata()["samples"])
    edited, count = tensors["edited"], sum(name.startswith("epoch ") for name in tensors)
    epochs = [tensors[f"epoch {number}"] for number in range(1, count + 1)]
    of_masks = ("masks", *(f"masks of epoch {number}" for number in range(1, count + 1)))
    masks = [tensors[name] for name in of_masks if name in tensors]
    changed = any(not np.array_equal(edited, epoch) for epoch in epochs)
    return Samples(edited, tuple(epochs) if changed else (), tuple(rows), tuple(masks if changed else masks[:1]))


def draw(samples: Samples, name: str, inputs: Mapping[str, Any], file: FilePath) -> None:
    """Write the picture as a PNG; the file is replaced whole. `inputs` is the spec's `input`."""
    shown = [samples.edited, *samples.epochs]
    scale = SCALES.get(str(inputs.get("scale")), (float(samples.edited.min()), float(samples.edited.max())))
    height, width = dots(tile(samples.edited[0], inputs, scale))
    columns = len(shown) if samples.epochs else min(4, len(samples.rows))
    rows = len(samples.rows) if samples.epochs else -(-len(samples.rows) // columns)
    left, below = (NAMES, WORDS) if samples.epochs else (GAP, 3 * WORDS)
    wide, high = left + columns * (width + GAP), HEAD + rows * (height + below + GAP)
    figure = canvas(max(wide, 900) / DOTS, high / DOTS, "")
    figure.set_layout_engine("none")
    page = _Page(figure, max(wide, 900), high)
    what = f"{name}: what the network sees of {len(samples.rows)} training images"
    page.say(GAP, 34, what, 12, weight="bold")
    after = ", then as the network gets them in the first epochs" if samples.epochs else ", and as it trains on them"
    page.say(GAP, 64, f"as read and edited{after}", 8, color="#555555")
    page.say(GAP, 88, LEGEND + ("; outlines: the masks" if samples.masks else ""), 8, color="#555555")
    for number, row in enumerate(samples.rows):
        if not samples.epochs:
            x, y = left + number % columns * (width + GAP), HEAD + number // columns * (height + below + GAP)
            axes = page.show(x, y, width, height, samples.edited[number], tile(samples.edited[number], inputs, scale))
            outline(axes, samples, 0, number, inputs)
            for line, text in enumerate(told(row, width // 11)):
                page.say(x, y + height + WORDS * (line + 1.6), text, 7.5, weight="normal" if line else "bold")
            continue
        y = HEAD + number * (height + below + GAP)
        for line, text in enumerate(told(row, 26)):
            page.say(GAP, y + height / 2 + 32 * line - 16, text, 8, weight="normal" if line else "bold")
        for column, images in enumerate(shown):
            x = left + column * (width + GAP)
            if not number:
                page.say(x, HEAD - 16, f"epoch {column}" if column else "as edited", 9, weight="bold")
            axes = page.show(x, y, width, height, images[number], tile(images[number], inputs, scale))
            outline(axes, samples, column, number, inputs)
    save(figure, file)


@dataclass(frozen=True)
class _Page:
    """A figure measured in dots from its upper left corner."""

    figure: Figure
    width: float
    height: float

    def say(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """A line of text; `y` is its baseline."""
        self.figure.text(
            x / self.width, 1 - y / self.height, text, fontsize=size, va="baseline", **{"color": INK, **style, **PLAIN}
        )

    def show(self, x: float, y: float, width: float, height: float, image: Array, pixels: Array) -> Axes:
        """An image dot by dot, as large as fits, and below it what its values are."""
        times = min(height / pixels.shape[0], width / pixels.shape[1])
        high, wide = times * pixels.shape[0], times * pixels.shape[1]
        place = (x / self.width, 1 - (y + high) / self.height, wide / self.width, high / self.height)
        axes = self.figure.add_axes(place)
        axes.set_axis_off()
        small = max(pixels.shape[:2]) <= LARGE
        axes.imshow(pixels, aspect="auto", interpolation="nearest" if small else "antialiased")
        values = f"{image.min():.2f} to {image.max():.2f} · {image.mean():.2f} ± {image.std():.2f}"
        self.say(x, y + height + 20, values, 6.5, color="#555555")
        return axes


def outline(axes: Axes, samples: Samples, column: int, number: int, inputs: Mapping[str, Any]) -> None:
    """Draw the outlines of an image's masks over it; over each channel where these lie beside each other."""
    import numpy as np

    if not samples.masks:
        return
    times = 1 if inputs.get("channels") == "rgb" else samples.edited.shape[1]
    colour = 0
    for mask in samples.masks[column][number]:
        for value in range(1, int(mask[mask < UNKNOWN].max(initial=0)) + 1):
            there = np.tile(mask == value, times)
            if min(there.shape) > 1 and there.any() and not there.all():
                axes.contour(there, levels=[0.5], colors=[OUTLINES[colour % len(OUTLINES)]], linewidths=0.6)
            colour += 1


def tile(image: Array, inputs: Mapping[str, Any], scale: tuple[float, float]) -> Array:
    """(C, H, W) -> (h, w, 3) from black (0) to white (1): colours, or channels beside each other."""
    import numpy as np

    black, white = scale
    shown = ((image.astype(np.float64) - black) / max(white - black, 1e-12)).clip(0, 1)
    if inputs.get("channels") == "rgb" and len(shown) == 3:
        return shown.transpose(1, 2, 0)
    return np.repeat(np.concatenate(list(shown), axis=1)[:, :, None], 3, axis=2)


def dots(pixels: Array) -> tuple[int, int]:
    """Height and width of an image that is easy to look at: of few pixels, each a square of whole dots."""
    height, width = pixels.shape[:2]
    longer = max(height, width)
    factor = max(1, round(SMALL / longer)) if longer <= LARGE else LARGE / longer
    return round(height * factor), round(width * factor)


def told(row: Mapping[str, str], most: int) -> Sequence[str]:
    """What a row of the table says of an image: its answers, then its file, each cut to `most` letters."""
    answers = [(word.partition(".")[2] or word, value) for word, value in row.items() if word != "file"]
    plain = [value if word in ("label", "") else f"{word} {value or '?'}" for word, value in answers]
    lines = [", ".join(plain)] if plain else []
    file = row.get("file", "")
    lines.append(file)
    return [text if len(text) <= most else f"{text[: most // 3]}…{text[-(most - most // 3 - 1) :]}" for text in lines]
