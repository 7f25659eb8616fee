"""COCO files of strangers: what is not there, what no file can hold, very many corners, things that touch."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from specc_segmentation.pieces import coco, masks


def written(folder: Path, **changes: Any) -> Path:
    """A file with one image and one thing; changes are by the names of lists, for their first entries."""
    known: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "a.png", "height": 20, "width": 30}],
        "categories": [{"id": 7, "name": "cell"}],
        "annotations": [{"image_id": 1, "category_id": 7, "segmentation": [[2, 2, 9, 2, 9, 9]]}],
    }
    for name, change in changes.items():
        known[name][0] |= change
    path = folder / "things.json"
    path.write_text(json.dumps(known), encoding="utf-8")
    return path


def test_null_is_no_patient_and_no_part(tmp_path: Path) -> None:
    """The word None would be one patient for all images."""
    (row,) = coco.read_coco(written(tmp_path, images={"patient": None, "split": None}))
    assert row["patient"] == row["part"] == ""
    (row,) = coco.read_coco(written(tmp_path, images={"patient": 12, "split": "val"}))
    assert (row["patient"], row["part"]) == ("12", "val")


def test_a_mark_at_the_beginning_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert coco.read_coco(path)[0]["file"] == "a.png"


@pytest.mark.parametrize(
    "changes",
    [
        {"images": {"file_name": "\ud800.png"}},
        {"images": {"patient": "\udfff"}},
        {"categories": {"name": "a\ud800"}},
    ],
)
def test_half_of_a_character(tmp_path: Path, changes: dict[str, Any]) -> None:
    """JSON can say it, no file and no terminal can hold it."""
    with pytest.raises(ValueError, match="half of a character") as caught:
        coco.read_coco(written(tmp_path, **changes))
    str(caught.value).encode()


def test_two_categories_of_one_number(tmp_path: Path) -> None:
    path = written(tmp_path)
    known = json.loads(path.read_text())
    known["categories"] *= 2
    path.write_text(json.dumps(known))
    with pytest.raises(ValueError, match="two entries of `categories` have one id"):
        coco.read_coco(path)


def test_a_box_without_an_outline_is_not_taken_for_background(tmp_path: Path) -> None:
    (row,) = coco.read_coco(written(tmp_path, annotations={"segmentation": []}))
    with pytest.raises(ValueError, match="this one is empty"):
        coco.drawn_shapes(json.loads(row["shapes"]), (20, 30), ("cell",), True)


@pytest.mark.parametrize("counts", [[1.5, 598.5], [float("nan"), 600], [True, False], ["600"], [[600]], [2**70], None])
def test_counts_that_are_no_whole_numbers(counts: Any) -> None:
    with pytest.raises(ValueError, match=r"whole numbers|do not add up"):
        coco.decode_runs(counts, (20, 30))
    assert coco.decode_runs(json.loads("[10.0, 590.0]"), (20, 30)).sum() == 590  # as some programs write them


def test_many_corners_in_one_row_take_little_memory() -> None:
    """A comb of 100,000 corners over 2,000 columns; each tooth is cut twice by the row."""
    teeth = np.empty((100_000, 2))
    teeth[:, 0], teeth[:, 1] = np.linspace(1, 1999, len(teeth)), np.tile([0.0, 4.0], len(teeth) // 2)
    tracemalloc.start()
    coco.inside_polygon(teeth.ravel().tolist(), (4, 2000))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 30e6


@pytest.mark.parametrize("seed", range(3))
def test_polygons_against_crossings_one_by_one(seed: int) -> None:
    dice = np.random.default_rng(seed)
    corners = dice.uniform(-3, 33, (9, 2))
    found = coco.inside_polygon(corners.ravel().tolist(), (30, 30))
    for row, column in dice.integers(0, 30, (200, 2)):
        x, y, crossings = column + 0.5, row + 0.5, 0
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
            if (y0 <= y) != (y1 <= y):
                crossings += x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x
        assert found[row, column] == bool(crossings % 2)


def test_things_of_coco_that_touch_have_a_border_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two annotations are two things, also where they hang together in the mask; a crowd is none."""
    monkeypatch.setattr(masks, "HEIGHT", 20)
    monkeypatch.setattr(masks, "WIDTH", 30)
    monkeypatch.setattr(masks, "SIGMA", 2.0)
    left, right, crowd = ([[x, 4, x + 8, 4, x + 8, 12, x, 12]] for x in (4, 12, 24))
    shapes = [["cell", 0, left], ["cell", 0, right], ["cell", 1, crowd]]
    row = {"shapes": json.dumps(shapes), "size": "20x30"}
    (mask,) = coco.drawn_shapes(shapes, (20, 30), ("cell",), True)
    numbers = coco.numbered_shapes(shapes, (20, 30))
    assert (numbers[5, 5], numbers[5, 13], numbers[5, 25]) == (1, 2, 0)
    found = masks.with_closeness(mask[None], row, "")
    assert found.shape == (2, 20, 30) and found[1] == pytest.approx(masks.closeness(numbers, 2.0))
    assert found[1, 3, 12] == pytest.approx(np.exp(-((1 + 2**0.5) ** 2) / 8))  # above the place where they meet
    assert found[1, 3, 4] < 0.01  # and at a corner
