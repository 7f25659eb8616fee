"""Small whole specs with data that are drawn for them: what tests of the interface train."""

from __future__ import annotations

import json
from pathlib import Path

from specc.plugin import Example, Piece

_HEAD = """\
specc: 1
name: segmentation-example
task: segmentation
"""
_FIT = "input: {format: png, size: [16, 16], channels: mono, resize: fit, scale: 0..1}\n"
_FREE = "input: {format: png, size: [24, 20], channels: mono, scale: 0..1}\n"
_TAIL = "optimizer: {adam: {learning_rate: 0.01}}\ntrain: {epochs: 2, batch_size: 8}\n"
_NET = """\
model:
  layers:
    - conv2d: {filters: 6, kernel: 3, padding: same, activation: relu, id: fine}
    - maxpool: {size: 2}
    - conv2d: {filters: 6, kernel: 3, padding: same, activation: relu}
    - upsample
    - concat: {with: fine}
    - conv2d: {filters: %s, kernel: 3, padding: same, activation: %s}
"""
TWO = f"""\
{_HEAD}{_FIT}output: {{classes: [background, thing], values: [0, 255]}}
data:
  manifest: table.csv
  columns: {{image: file, mask: mask, patient: patient}}
  split: {{column: part}}
augment:
  - flip: {{axis: horizontal}}
{_NET % (1, "sigmoid")}loss: [dice, {{binary_cross_entropy: {{weight: 0.5}}}}]
{_TAIL}"""
CLASSES = f"""\
{_HEAD}{_FREE}output: {{classes: [background, square, disc], values: [0, 100, 200], ignore: 7, spacing: [0.5, 0.25]}}
data:
  manifest: classes.csv
  columns: {{image: file, mask: mask, instances: things, patient: patient}}
  split: {{column: part}}
augment:
  - rotate: {{degrees: 15}}
{_NET % (3, "softmax")}loss:
  - tversky
  - categorical_cross_entropy: {{class_weights: balanced, border: {{w0: 5, sigma: 2}}}}
{_TAIL}"""
LABELS = f"""\
{_HEAD}{_FIT}output: {{labels: [square, disc]}}
data:
  coco: things.json
  split: {{train: 60, val: 20, test: 20, group: {{before: "_"}}}}
{_NET % (2, "sigmoid")}loss: {{focal: {{gamma: 1}}}}
{_TAIL}"""
VALID = f"""\
{_HEAD}{_FREE}output: {{classes: [background, square, disc], values: [0, 100, 200], ignore: 7, crop: center}}
data:
  manifest: classes.csv
  columns: {{image: file, mask: mask, patient: patient}}
  split: {{column: part}}
augment:
  - shift: {{fraction: 0.1}}
model:
  layers:
    - conv2d: {{filters: 8, kernel: 3, activation: relu, id: fine}}
    - maxpool: {{size: 2}}
    - conv2d: {{filters: 8, kernel: 3, activation: relu}}
    - upconv2d: {{filters: 8, kernel: 2, stride: 2, id: coarse}}
    - from: fine
    - crop: {{to: coarse, id: middle}}
    - from: coarse
    - concat: {{with: middle}}
    - conv2d: {{filters: 3, kernel: 3, activation: softmax}}
loss: categorical_cross_entropy
{_TAIL}"""


def draw(folder: Path, count: int = 24, first: int = 0) -> None:
    """Images of squares and discs on noise, their masks, instances and outlines, and tables of them.

    `first` chooses other ones. Those of `table.csv` have two sizes and one kind of thing, those of `classes.csv` 24x20
    pixels.
    """
    import numpy as np
    from PIL import Image

    tables = {"table": ["file,mask,patient,part"], "classes": ["file,mask,things,patient,part"]}
    known: dict[str, list[object]] = {"images": [], "annotations": []}
    known["categories"] = [{"id": 1, "name": "square"}, {"id": 2, "name": "disc"}]
    for number in range(count):
        dice = np.random.default_rng(first + number)
        part = "train" if number < count // 2 else "val" if number < count * 3 // 4 else "test"
        for table, size in (("table", (16, 16) if number % 3 else (20, 24)), ("classes", (24, 20))):
            y, x = np.mgrid[: size[0], : size[1]]
            places = [(dice.integers(5, size[0] - 5), dice.integers(5, size[1] - 5)) for _ in range(2)]
            square = (abs(y - places[0][0]) <= 3) & (abs(x - places[0][1]) <= 3)
            disc = np.hypot(y - places[1][0], x - places[1][1]) < 4
            bright = square * 120.0 + (disc * 60.0 if table == "classes" else 0)
            values = {"images": np.clip(dice.normal(60, 15, size) + bright, 0, 255)}
            values["masks"] = np.where(square, 255, 0)
            if table == "classes":
                values["masks"] = np.where(disc, 200, np.where(square, 100, 0))
                values["masks"][0, :3] = 7
                values["things"] = np.where(disc, 2, np.where(square, 1, 0))
            names = []
            for kind, pixels in values.items():
                names.append(f"{table}/{kind}/p{number // 2:02}_{number:02}.png")
                (folder / names[-1]).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / names[-1])
            tables[table].append(f"{','.join(names)},p{number // 2},{part}")
        known["images"].append({"id": number, "file_name": names[0], "height": 24, "width": 20})
        top, left = int(places[0][0]) - 3, int(places[0][1]) - 3
        corners = [left, top, left + 7, top, left + 7, top + 7, left, top + 7]
        known["annotations"].append({"image_id": number, "category_id": 1, "segmentation": [corners]})
        runs = np.concatenate([[False], disc.T.ravel(), [False]])
        ends = np.flatnonzero(np.diff(runs))
        counts = np.diff(np.concatenate([[0], ends, [disc.size]])).tolist()
        outline = {"size": [24, 20], "counts": counts}
        known["annotations"].append({"image_id": number, "category_id": 2, "segmentation": outline})
    for table, lines in tables.items():
        (folder / f"{table}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    (folder / "things.json").write_text(json.dumps(known), encoding="utf-8")


_DATA = Piece("specc_segmentation.examples", "draw")
EXAMPLES = tuple(Example(text, _DATA) for text in (TWO, CLASSES, LABELS, VALID))
