"""Digits as files: 32 x 32 grey PNG of ten classes and a table (file, label, split), the same for a seed.

    python make_data.py FOLDER [--images 22000] [--seed 0] [--glyphs TABLE.csv]

Each image is a digit in Pillow's own font (or one of the images that a table with the columns file, label, split
names, for example of MNIST), turned, shifted and noisy, so that the task is neither trivial nor hopeless.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE, CLASSES, VALIDATION = 32, 10, 11  # pixels; digits; one image in so many is for validation
TABLE = "table.csv"
Glyphs = Sequence[Sequence[Image.Image]]  # for each digit, some pictures of it: grey, black background


def font_glyphs() -> Glyphs:
    """Every digit in several sizes of Pillow's default font, drawn in the middle of a square."""
    glyphs = []
    for digit in range(CLASSES):
        drawn = []
        for points in (18, 21, 24, 27):
            image = Image.new("L", (SIZE, SIZE))
            font = ImageFont.load_default(points)
            ImageDraw.Draw(image).text((SIZE / 2, SIZE / 2), str(digit), fill=255, font=font, anchor="mm")
            drawn.append(image)
        glyphs.append(drawn)
    return glyphs


def table_glyphs(table: Path) -> dict[str, Glyphs]:
    """The images of a table as glyphs, those of `train` and of `val` apart, black around those that are smaller."""
    found: dict[str, list[list[Image.Image]]] = {part: [[] for _ in range(CLASSES)] for part in ("train", "val")}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] not in found:
                continue
            with Image.open(table.parent / row["file"]) as source:
                image = Image.new("L", (SIZE, SIZE))
                image.paste(source.convert("L"), ((SIZE - source.width) // 2, (SIZE - source.height) // 2))
            found[row["split"]][int(row["label"])].append(image)
    return dict(found)


def vary(glyph: Image.Image, chance: np.random.Generator) -> Image.Image:
    """Turned by up to 20 degrees, shifted by up to 3 pixels, weaker, with noise."""
    shift = (int(chance.integers(-3, 4)), int(chance.integers(-3, 4)))
    turned = glyph.rotate(chance.uniform(-20, 20), Image.Resampling.BILINEAR, translate=shift)
    pixels = np.asarray(turned, np.float32) * chance.uniform(0.5, 1.0) + chance.normal(0, 35, (SIZE, SIZE))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def make(folder: Path, images: int = 22_000, seed: int = 0, glyphs: Path | None = None) -> Path:
    """Write the images and, last, the table; returns the table's path. One image in eleven is for validation."""
    chance = np.random.default_rng(seed)
    drawn = table_glyphs(glyphs) if glyphs else dict.fromkeys(("train", "val"), font_glyphs())
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for place in range(images):
        part = "val" if place % VALIDATION == 0 else "train"
        label = int(chance.integers(CLASSES))
        choice = drawn[part][label]
        name = f"images/{place:06d}.png"
        vary(choice[int(chance.integers(len(choice)))], chance).save(folder / name)
        rows.append((name, label, part))
    table = folder / TABLE
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "label", "split"), *rows])
    return table


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=22_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--glyphs", type=Path, metavar="TABLE.csv")
    options = parser.parse_args()
    print(make(options.folder, options.images, options.seed, options.glyphs))


if __name__ == "__main__":
    main()
