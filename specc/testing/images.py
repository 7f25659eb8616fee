"""A small set of images for examples that bring none: images/*.png, 24x24 grey, and table.csv."""

from __future__ import annotations

import csv
import random
from pathlib import Path as FilePath

SIZE, COUNT = 24, 48
HEADER = ("file", "label", "value", "patient", "part")


def draw(folder: FilePath) -> None:
    """48 images of 24 patients with a bright square on a dark ground: large ones are `bright`, small ones `dark`.

    table.csv has the columns file, label, value (the side of the square in pixels), patient and part (train, val, test;
    no patient is in two).
    """
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    rows: list[tuple[str | int, ...]] = [HEADER]
    for number in range(COUNT):
        dice = random.Random(number)
        bright = number % 2
        side = dice.randint(11, 16) if bright else dice.randint(4, 8)
        left, top = dice.randint(0, SIZE - side), dice.randint(0, SIZE - side)
        pixels = bytearray(dice.randint(0, 60) for _ in range(SIZE * SIZE))
        for y in range(top, top + side):
            for x in range(left, left + side):
                pixels[y * SIZE + x] += 160
        name = f"images/{number:02}.png"
        Image.frombytes("L", (SIZE, SIZE), bytes(pixels)).save(folder / name)
        part = "train" if number < 32 else "val" if number < 40 else "test"
        rows.append((name, "bright" if bright else "dark", side, f"p{number // 2:02}", part))
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
