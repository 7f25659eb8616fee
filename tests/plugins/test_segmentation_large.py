"""Large images in little memory, cases of which nothing is known, names that would meet."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from specc_segmentation import answering, grid, judging, pictures
from specc_segmentation.pieces import coco, scores
from specc_segmentation.pieces.known import IGNORE
from test_segmentation_answers import Mean, contract, grey, session, vars_of

from specc.answering import Asked, Item, Judging


def test_maps_of_large_images_take_little_more_than_themselves() -> None:
    """Many classes brought back to the grid of a large image: no second copy of all maps."""
    maps = np.random.default_rng(0).random((1, 20, 32, 32), np.float32)
    tracemalloc.start()
    full, answered = grid.undone(maps, (32, 32), (0, 0), "fit", (1000, 700))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert full.shape == (1, 20, 1000, 700) and answered.all()
    assert most < 1.4 * full.nbytes


def test_large_images_of_one_size_do_not_go_through_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc_segmentation.grid.WHOLE", 40 * 40)
    counts = []

    class Counted(Mean):
        def run(self, names: Any, feed: Any) -> Any:
            counts.append(len(feed["pixels"]))
            return super().run(names, feed)

    net = grid.InGrid(*vars_of(session(contract((32, 32), multiple=16, tiled=True), Counted(1, True))))
    few, many = grey(2, 1, 20, 20), grey(3, 1, 40, 40)
    assert net.run(few)["probabilities"].shape == (2, 2, 20, 20) and counts == [2]
    said = net.run(many)
    assert counts == [2, 1, 1, 1] and said["probabilities"].shape == (3, 2, 40, 40)
    for place in range(3):
        alone = net.run(many[place : place + 1])
        assert (alone["probabilities"][0] == said["probabilities"][place]).all()


def test_tiles_answer_as_one_pass_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that pools sees the same windows in a tile as in the whole image: away from the borders of tiles and
    image nothing differs.
    """
    monkeypatch.setattr("specc_segmentation.grid.WHOLE", 1000)
    monkeypatch.setattr("specc_segmentation.grid.TILE", 64)
    monkeypatch.setattr("specc_segmentation.grid.OVERLAP", 24)

    class Pooled(Mean):
        def run(self, names: Any, feed: Any) -> Any:
            pixels = feed["pixels"]
            parts = pixels.reshape(*pixels.shape[:2], pixels.shape[2] // 8, 8, pixels.shape[3] // 8, 8)
            return super().run(names, {"pixels": parts.mean((3, 5)).repeat(8, 2).repeat(8, 3)})

    runtime = Pooled(0, True)
    net = grid.InGrid(*vars_of(session(contract((64, 64), multiple=8, tiled=True), runtime)))
    pixels = np.random.default_rng(0).integers(0, 255, (1, 1, 150, 171)).astype(np.float32)
    said = net.run(pixels)["probabilities"]
    assert runtime.calls > 9
    (wanted,) = Pooled(0, True).run(["probabilities"], {"pixels": grid.mirrored(pixels, (0, 2), (0, 5))})
    assert np.abs(said - wanted[:, :, :150, :171]).max() < 1e-6


@pytest.mark.parametrize("size", [(30, 41), (512, 300), (1500, 900), (2000, 3001)])
def test_contours_lie_around_the_things(size: tuple[int, int]) -> None:
    """Cells of a large mask are few, and lie where its pixels do."""
    mask = np.zeros(size, bool)
    top, left = size[0] // 4, size[1] // 3
    mask[top : size[0] // 2, left : size[1] // 2] = True
    mask[-1, -1] = True  # one pixel is not lost
    x, y, fine = pictures.cells(mask)
    assert fine.shape == (len(y), len(x)) and fine.size < 1.1e6
    step = -(-max(size) // pictures.MOST)
    rows, columns = np.nonzero(fine[: len(y) * 3 // 4, : len(x) * 3 // 4])
    found = y[rows.min()], y[rows.max()], x[columns.min()], x[columns.max()]
    assert found == pytest.approx((top, size[0] // 2 - 1, left, size[1] // 2 - 1), abs=step)
    assert fine[-2, -2] == 1 and not fine[:, 0].any() and not fine[-1].any()


@pytest.mark.parametrize("classes", [2, 5, 40])
def test_all_classes_are_in_the_legend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
    """The legend lies inside the picture however many there are, and no answer has the colour of the truth."""
    names = [f"class {place}" for place in range(classes)]
    promised = contract((24, 24), output={"classes": names, "values": list(range(classes))})
    PIL.Image.fromarray(np.arange(576).reshape(24, 24).astype(np.uint8) % classes).save(tmp_path / "0.png")

    class Shown(Mean):
        def run(self, names: Any, feed: Any) -> Any:
            there = (feed["pixels"] == np.arange(classes).reshape(1, -1, 1, 1)).astype(np.float32)
            return [there if name == "probabilities" else np.zeros(len(there), np.float32) for name in names]

    figures: list[Any] = []
    monkeypatch.setattr(pictures, "_save", lambda figure, file: figures.append(figure))
    item = Item(tmp_path, "0.png", (tmp_path / "0.png",), "p", {"mask": "0.png"})
    told = judging.judge(Judging(session(promised, Shown(0, True)), {"val": [item]}, tmp_path))
    assert told.figures["val"]["metrics"]["dice_per_image"]["value"] == 1
    (legend,) = figures[0].legends
    figures[0].canvas.draw()
    box, whole = legend.get_window_extent(), figures[0].bbox
    assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1
    assert [text.get_text() for text in legend.get_texts()] == ["truth", *(f"answer: {name}" for name in names[1:])]
    colours = [line.get_color() for line in legend.get_lines()]
    assert colours[0] not in colours[1:] and len(set(colours[:7])) == min(7, classes)


def test_an_image_without_any_mask_has_no_figures(tmp_path: Path) -> None:
    """Of labels each entry may be empty: nothing is known of such an image, and it is not called right."""
    output = {"classes": None, "values": None, "labels": ["dark", "thing"]}
    promised = contract((24, 24), multiple=1, tiled=True, output=output)
    pixels = np.zeros((24, 24), np.uint8)
    pixels[4:12, 4:12] = 255
    PIL.Image.fromarray(pixels).save(tmp_path / "0.png")
    PIL.Image.fromarray(255 - pixels).save(tmp_path / "not.png")
    known = Item(tmp_path, "0.png", (tmp_path / "0.png",), "p0", {"mask.dark": "", "mask.thing": "not.png"})
    nothing = Item(tmp_path, "1.png", (tmp_path / "0.png",), "p1", {"mask.dark": "", "mask.thing": ""})
    told = judging.judge(Judging(session(promised, Mean(0, True)), {"val": [known, nothing]}, tmp_path, train=[known]))
    val = told.figures["val"]
    assert val["cases"] == 2 and val["metrics"]["dice_per_image"]["value"] == 0
    assert val["classes"]["dark"]["dice"]["cases"] == 0 and val["classes"]["thing"]["dice"]["cases"] == 1
    assert [case.scores["dice_per_image"] for case in told.cases["val"]] == [0, None]
    none = judging.judge(Judging(session(promised, Mean(0, True)), {"val": [nothing]}, tmp_path))
    assert none.figures["val"]["metrics"]["dice_per_image"]["value"] is None and none.pictures == []
    json.dumps(none.figures, allow_nan=False)


def test_the_mean_mask_is_that_of_the_masks_that_know(tmp_path: Path) -> None:
    output = {"classes": None, "values": None, "labels": ["dark", "thing"]}
    promised = contract((8, 8), multiple=1, tiled=True, output=output)
    PIL.Image.new("L", (8, 8), 1).save(tmp_path / "all.png")
    rows = [{"mask.dark": "", "mask.thing": "all.png"}, {"mask.dark": "all.png", "mask.thing": ""}]
    found = judging.mean_mask([Item(tmp_path, "0.png", (), "p", row) for row in rows], promised)
    assert found is not None and (found == 1).all()


def test_training_does_not_call_an_unknown_image_right() -> None:
    truth = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    truth[0, 0, 0, 0], truth[1] = 1, IGNORE
    told = scores.mask_scores(scores.confusion(torch.zeros(2, 1, 4, 4, dtype=torch.long), truth))
    assert told["dice_per_image"] == 0


def test_masks_of_names_that_would_meet_are_all_kept(tmp_path: Path) -> None:
    """Upper and lower case, a number that somebody has already, labels whose signs no file name has."""
    cases = []
    for name in ("a/1.png", "b/1.png", "c/1-2.png", "d/1.PNG", "e/X.png", "e/x.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        PIL.Image.new("L", (24, 24)).save(tmp_path / name, format="PNG")
        cases.append((tmp_path / name,))
    output = {"classes": None, "values": None, "labels": ["a b", "a_b", "A/b"]}
    promised = SimpleNamespace(plain=contract((24, 24), output=output).plain)
    writer = answering.Writer(tmp_path / "out", ("png", "rle"), promised)
    masks, likely = np.ones((3, 24, 24), np.uint8), {"probabilities": np.ones((3, 24, 24), np.float32)}
    written: list[Path] = []
    for case in cases:
        ran: Any = SimpleNamespace(case=case, outputs=likely, size=(24, 24))
        written += writer.write(ran, masks)
    writer.finish()
    names = [file.name.casefold() for file in written]
    assert len(set(names)) == len(names) == 18 and all(file.exists() for file in written)
    rows = coco.read_coco(tmp_path / "out" / "masks.json")  # beside the folders it names each of them
    assert [tmp_path / row["file"] for row in rows] == [case[0] for case in cases]


def test_the_same_name_in_one_folder_of_coco(tmp_path: Path) -> None:
    PIL.Image.new("L", (24, 24), 255).save(tmp_path / "1.png")
    one = session(contract((24, 24)), Mean(0, True))
    list(answering.ANSWERING.predict(Asked(one, [(tmp_path / "1.png",)], output=tmp_path / "out", forms=("rle",))))
    assert json.loads((tmp_path / "out" / "masks.json").read_text())["images"][0]["file_name"] == "1.png"
