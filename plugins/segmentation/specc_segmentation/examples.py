"""Small whole specs with data that are drawn for them: what tests of the interface train."""

from __future__ import annotations

from pathlib import Path

from specc.plugin import Example, Piece

SPEC = """\
specc: 1
name: segmentation-example
task: segmentation
input: {format: png, size: [16, 16], channels: mono, resize: fit, scale: 0..1}
output: {classes: [background, thing], values: [0, 255]}
data:
  manifest: table.csv
  columns: {image: file, mask: mask, patient: patient}
  split: {column: part}
augment:
  - flip: {axis: horizontal}
model:
  layers:
    - conv2d: {filters: 6, kernel: 3, padding: same, activation: relu, id: fine}
    - maxpool: {size: 2}
    - conv2d: {filters: 6, kernel: 3, padding: same, activation: relu}
    - upsample
    - concat: {with: fine}
    - conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}
loss: [dice, {binary_cross_entropy: {weight: 0.5}}]
optimizer: {adam: {learning_rate: 0.01}}
train: {epochs: 2, batch_size: 8}
"""


def draw(folder: Path, count: int = 24) -> None:
    """Images of a bright square on noise, their masks, and a table of both."""
    import numpy as np
    from PIL import Image

    lines = ["file,mask,patient,part"]
    for number in range(count):
        dice = np.random.default_rng(number)
        height, width = (16, 16) if number % 3 else (20, 24)
        mask = np.zeros((height, width), np.uint8)
        top, left = dice.integers(1, height - 8), dice.integers(1, width - 8)
        mask[top : top + 6, left : left + 6] = 255
        pixels = np.clip(dice.normal(60, 15, mask.shape) + (mask > 0) * 120, 0, 255).astype(np.uint8)
        for kind, values in (("images", pixels), ("masks", mask)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(folder / kind / f"{number:02}.png")
        part = "train" if number < count // 2 else "val" if number < count * 3 // 4 else "test"
        lines.append(f"images/{number:02}.png,masks/{number:02}.png,p{number // 2},{part}")
    (folder / "table.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")


EXAMPLES = (Example(SPEC, Piece("specc_segmentation.examples", "draw")),)
