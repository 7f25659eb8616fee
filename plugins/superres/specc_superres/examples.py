"""Small specs that the suite of plugins trains: pairs, grey and in colours, sizes made smaller, noise taken away."""

from __future__ import annotations

import csv
import random
from pathlib import Path as FilePath

from specc.plugin import Example, Piece

GREY = """\
specc: 1
name: grey-pairs
task: super_resolution
input: {format: png, size: [16, 12], channels: mono, scale: 0..1}
output: {factor: 2}
data:
  manifest: pairs.csv
  columns: {image: low, target: high, patient: patient}
  split: {column: part, group: patient}
model:
  layers:
    - conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}
    - conv2d: {filters: 4, kernel: 3, padding: same}
    - pixel_shuffle: {factor: 2}
loss: mean_squared_error
optimizer: {adam: {learning_rate: 0.003}}
train: {epochs: 2, batch_size: 8}
"""
PAIRS = """\
specc: 1
name: pairs
task: super_resolution
input: {format: png, size: [16, 12], channels: rgb, scale: 0..1}
output: {channels: luma, factor: 2, luma: full}
data:
  manifest: pairs.csv
  columns: {image: low, target: high, patient: patient}
  split: {column: part, group: patient}
patches: {size: 16, per_image: 2}
augment:
  - flip: {axis: horizontal}
  - shift: {fraction: 0.1}
model:
  layers:
    - conv2d: {filters: 8, kernel: 3, padding: same, activation: tanh}
    - conv2d: {filters: 4, kernel: 3, padding: same}
    - pixel_shuffle: {factor: 2}
loss: mean_absolute_error
optimizer: {adam: {learning_rate: 0.003}}
train: {epochs: 2, batch_size: 8}
"""
MADE = """\
specc: 1
name: made-smaller
task: super_resolution
input: {format: png, size: [24, 24], channels: mono, scale: -1..1}
output: {factor: 2, enlarge: bicubic}
data:
  manifest: table.csv
  columns: {image: file, patient: patient}
  split: {column: part, group: patient}
degrade: {blur: 0.6, kernel: area}
patches: {size: 15, per_image: 2}
model:
  layers:
    - conv2d: {filters: 8, kernel: 5, activation: relu}
    - conv2d: {filters: 1, kernel: 3, lr_scale: 0.5}
loss: {charbonnier: {epsilon: 0.01}}
optimizer: {adam: {learning_rate: 0.003}}
train: {epochs: 2, batch_size: 16, accumulate: 2, grad_clip: 5, ema: 0.9}
"""
CLEANED = """\
specc: 1
name: cleaned
task: super_resolution
input: {format: png, size: [24, 24], channels: mono, scale: 0..1}
output: {factor: 1}
data:
  manifest: table.csv
  columns: {image: file, patient: patient}
  split: {column: part, group: patient}
degrade: {noise: 0.1}
model:
  layers:
    - conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}
    - maxpool: {size: 2}
    - conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}
    - upsample: {factor: 2}
    - conv2d: {filters: 1, kernel: 3, padding: same}
    - add: {with: input}
loss: mean_squared_error
optimizer: {adam: {learning_rate: 0.003}}
train: {epochs: 2, batch_size: 16}
"""


def draw_pairs(folder: FilePath) -> None:
    """24 colour images of 12x16 pixels and what is to come out of them, twice as large: discs on a coloured ground.

    pairs.csv has the columns low, high, patient and part (train, val, test).
    """
    from PIL import Image, ImageDraw

    rows = [("low", "high", "patient", "part")]
    for number in range(24):
        dice = random.Random(number)
        large = Image.new("RGB", (96, 128), tuple(dice.randint(0, 120) for _ in range(3)))
        for _ in range(6):
            x, y, radius = dice.randint(0, 96), dice.randint(0, 128), dice.randint(6, 24)
            colour = tuple(dice.randint(60, 255) for _ in range(3))
            ImageDraw.Draw(large).ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        part = "train" if number < 16 else "val" if number < 20 else "test"
        rows.append((f"low/{number:02}.png", f"high/{number:02}.png", f"p{number // 2:02}", part))
        for name, size in zip(rows[-1], ((12, 16), (24, 32)), strict=False):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            large.resize(size, Image.Resampling.BICUBIC).save(folder / name)
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


_DRAWN = Piece("specc_superres.examples", "draw_pairs")
EXAMPLES = (Example(GREY, _DRAWN), Example(PAIRS, _DRAWN), Example(MADE), Example(CLEANED))
