"""docs/augmentation.md and its picture: every change is there, as a program makes it of an image of the demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from front_end import UPDATE
from programs import ROOT, program, spec

from specc.augmentations import AUGMENTATIONS
from specc.pieces import runtime
from specc.run.canvas import INK, canvas, save

PAGE, PICTURE = ROOT / "docs/augmentation.md", ROOT / "docs/images/augmentation.png"
IMAGE = ROOT / "specc/demo/data/mr-t1t2/png/L01_s2_T2_z020.png"
EPOCHS, LEFT, TOP, GAP, SIDE = 5, 330, 84, 10, 160  # dots
SHOWN = {
    "rotate": "degrees: 15",
    "rotate90": "",
    "zoom": "range: [0.8, 1.25]",
    "shift": "fraction: 0.15",
    "shear": "degrees: 15",
    "flip": "axis: horizontal",
    "random_crop": "area: [0.4, 0.8]",
    "elastic": "sd: 8",
    "brightness": "range: [0.6, 1.6]",
    "contrast": "range: [0.5, 1.8]",
    "gamma": "range: [0.5, 2]",
    "noise": "sd: [0.02, 0.1]",
    "blur": "sd: [0.5, 3]",
    "cutout": "fraction: 0.35",
}


def changed(word: str, given: str, image: torch.Tensor) -> list[np.ndarray[Any, Any]]:
    """What a program with this change makes of the image in its first epochs."""
    names: dict[str, Any] = {}
    inputs = f"{{format: png, size: [{SIDE}, {SIDE}], channels: mono, scale: 0..1}}"
    exec(program(spec(input=inputs, augment=f"[{{{word}: {{{given}}}}}]"))["augment.py"], names)
    return [names["augment"](image, torch.zeros(1, dtype=torch.int64), (42, 0, n))[0, 0].numpy() for n in range(EPOCHS)]


def draw(file: Path) -> None:
    """One row a change: its name and arguments, the image, and what five epochs make of it."""
    image = torch.from_numpy(np.asarray(PIL.Image.open(IMAGE), np.float32) / 255)[None, None]
    wide, high = LEFT + (EPOCHS + 1) * (SIDE + GAP), TOP + len(SHOWN) * (SIDE + GAP)
    figure = canvas(wide / 150, high / 150, "")
    figure.set_layout_engine("none")

    def say(x: float, y: float, text: str, size: float, **style: Any) -> None:
        figure.text(x / wide, 1 - y / high, text, fontsize=size, color=INK, va="center", **style)

    for column, head in enumerate(["as read", *(f"epoch {n + 1}" for n in range(EPOCHS))]):
        say(LEFT + column * (SIDE + GAP), TOP - 24, head, 9, fontweight="bold")
    for row, (word, given) in enumerate(SHOWN.items()):
        y = TOP + row * (SIDE + GAP)
        say(GAP, y + SIDE / 2 - 14, word, 11, fontweight="bold")
        say(GAP, y + SIDE / 2 + 18, given, 9, family="monospace")
        for column, pixels in enumerate([image[0, 0].numpy(), *changed(word, given, image)]):
            place = (LEFT + column * (SIDE + GAP), y + SIDE)
            axes = figure.add_axes((place[0] / wide, 1 - place[1] / high, SIDE / wide, SIDE / high))
            axes.set_axis_off()
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    save(figure, file)
    PIL.Image.open(file).convert("L").quantize(64).save(file, optimize=True)


def test_the_picture_is_what_programs_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SPECC_UPDATE_CASES=1 draws it anew. Letters may look otherwise with another matplotlib; images may not."""
    monkeypatch.setitem(sys.modules, "runtime", runtime)
    draw(PICTURE if UPDATE else tmp_path / "now.png")
    now, kept = (PIL.Image.open(file).convert("L") for file in (PICTURE if UPDATE else tmp_path / "now.png", PICTURE))
    assert now.size == kept.size
    first, second = (np.asarray(page, np.float32)[TOP:, LEFT:] for page in (now, kept))
    assert abs(first - second).mean() < 0.5


def test_the_page_names_every_change() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert SHOWN.keys() == {word.name for word in AUGMENTATIONS if not word.mixes}
    for word in (record.name for record in AUGMENTATIONS):
        assert f"`{word}`" in text, word
    assert "images/augmentation.png" in text
    assert "augmentation.md" in (ROOT / "docs/index.md").read_text(encoding="utf-8")
