"""What is said of masks before training, and a training from the spec to masks of other images."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from specc_segmentation.examples import CLASSES, LABELS, TWO, VALID, draw
from specc_segmentation.task import TASK
from test_segmentation_answers import contract

import specc
from specc.api import outside
from specc.data import check_data
from specc.errors import Diagnostic, SpeccError
from specc.lower.front import front
from specc.registry import usual
from specc.source import parse


def told(folder: Path, text: str) -> dict[str, Diagnostic]:
    """What a check of spec and data says, by code; notes and warnings on the number of images are left out."""
    study, found = front(parse(text, str(folder / "case.yaml")), usual())
    assert study is not None, found
    every = [*found, *check_data(study)[0]]
    return {one.code: one for one in every if one.severity == "error"}


def change(file: Path, **cells: str) -> None:
    """Other entries in the first line of a table."""
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[0] |= cells
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of all examples; tests that change them work on a copy."""
    folder = tmp_path_factory.mktemp("drawn")
    draw(folder)
    return folder


@pytest.fixture
def data(drawn: Path, tmp_path: Path) -> Path:
    """A copy."""
    import shutil

    shutil.copytree(drawn, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("text", [TWO, CLASSES, LABELS, VALID])
def test_nothing_is_wrong_with_the_examples(drawn: Path, text: str) -> None:
    assert told(drawn, text) == {}


def test_a_mask_that_is_not_there(data: Path) -> None:
    change(data / "table.csv", mask="masks/nowhere.png")
    assert "D436" in told(data, TWO)


def test_a_mask_that_is_a_jpeg(data: Path) -> None:
    there = next((data / "table" / "masks").glob("*.png"))
    PIL.Image.open(there).save(data / "lossy.jpg")
    change(data / "table.csv", mask="lossy.jpg")
    found = told(data, TWO)["D444"]
    assert "JPEG" in found.label and "1 of 24 masks" in found.message


def test_a_mask_of_another_size(data: Path) -> None:
    PIL.Image.new("L", (9, 9)).save(data / "small.png")
    change(data / "table.csv", mask="small.png")
    assert "mask 9x9, image 20x24" in told(data, TWO)["D445"].label


def test_numbers_of_no_class(data: Path) -> None:
    found = told(data, TWO.replace(", values: [0, 255]", ""))["D446"]
    assert "24 masks" in found.message
    assert any("write `values: [0, 255]`" in note.text for note in found.notes)
    found = told(data, CLASSES.replace(", ignore: 7", ""))["D446"]
    assert any("0, 7, 100, 200" in note.text for note in found.notes)


def test_a_class_that_no_training_mask_shows(data: Path) -> None:
    text = CLASSES.replace("disc], values: [0, 100, 200]", "disc, ring], values: [0, 100, 200, 50]")
    found = told(data, text.replace("filters: 3,", "filters: 4,"))
    assert set(found) == {"D447"} and "`ring`" in found["D447"].message
    known = json.loads((data / "things.json").read_text())
    known["annotations"] = [one for one in known["annotations"] if one["category_id"] == 1]
    (data / "things.json").write_text(json.dumps(known))
    assert "`disc`" in told(data, LABELS)["D447"].message


def test_a_category_that_is_no_label(data: Path) -> None:
    text = LABELS.replace("labels: [square, disc]", "labels: [square]").replace("filters: 2,", "filters: 1,")
    assert "'disc' is none of ['square']" in told(data, text)["D444"].label


def test_labels_of_columns_may_be_blank(data: Path) -> None:
    text = TWO.replace("classes: [background, thing], values: [0, 255]", "labels: [thing, other]")
    text = text.replace("mask: mask", "mask: {thing: mask, other: more}").replace("filters: 1,", "filters: 2,")
    with (data / "table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (data / "table.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "more"])
        writer.writeheader()
        writer.writerows({**row, "more": row["mask"] if number % 2 else ""} for number, row in enumerate(rows))
    assert told(data, text) == {}


def test_tables_of_others_have_a_column_a_label(tmp_path: Path) -> None:
    """A model of labels asks a table from elsewhere for a mask of each label, one of classes for one mask; also where
    it was trained on COCO and its contract knows no columns. An empty entry says that nothing is known.
    """
    PIL.Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("file,mask,wet,dry\na.png,a.png,a.png,\n")
    labels = {"classes": None, "values": None, "labels": ["wet", "dry"]}
    for output, words, wanted in (
        ({}, {}, {"mask": "a.png"}),
        ({}, {"mask": "wet"}, {"mask": "a.png"}),
        (labels, {}, {"mask.wet": "a.png", "mask.dry": ""}),
        (labels, {"mask.wet": "dry", "mask.dry": "wet"}, {"mask.wet": "", "mask.dry": "a.png"}),
    ):
        promised = contract((8, 8), output=output).model_copy(update={"words": words})
        (item,) = outside.read_cases(tmp_path / "t.csv", TASK, promised, {}, {})
        assert item.words == wanted
    (tmp_path / "t.csv").write_text("file,wet\na.png,a.png\n")
    with pytest.raises(SpeccError, match="no column `dry`"):
        outside.read_cases(tmp_path / "t.csv", TASK, contract((8, 8), output=labels), {}, {})


@pytest.mark.slow
def test_from_the_spec_to_masks_of_other_images(data: Path) -> None:
    """Trained, exported with parity, judged; masks of other images in their own grid; the same figures again."""
    (data / "two.yaml").write_text(TWO)
    done: Any = specc.train(data / "two.yaml", runs=data / "runs")
    figures = json.loads((done.run / "eval" / "metrics.json").read_text())
    parity = json.loads((done.run / "parity.json").read_text())
    assert parity["passed"] and figures["val"]["cases"] == figures["test"]["cases"] == 6
    last = [json.loads(line) for line in (done.run / "metrics.jsonl").read_text().splitlines()]
    best = max(last, key=lambda line: -line["val_loss"])
    assert {"dice", "iou", "mean_iou", "dice_per_image", "pixel_accuracy"} <= set(best)
    images = sorted((data / "table" / "images").glob("*.png"))[-6:]
    said: Any = specc.predict(done.run / "model.onnx", images, output=data / "masks")
    for one, image in zip(said, images, strict=True):
        with PIL.Image.open(image) as picture, PIL.Image.open(one.files[0]) as mask:
            assert mask.size == picture.size and set(np.unique(np.asarray(mask))) <= {0, 255}
    draw(data / "other", first=100)
    again: Any = specc.evaluate(done.run / "model.onnx", data=data / "other" / "table.csv", output=data / "again")
    assert again.plain()["external"]["cases"] == 24
    assert (data / "again" / "external-overlays.png").exists()


def test_a_training_that_moves_nothing(data: Path) -> None:
    """The masks in the picture of what the network sees are the same in every epoch."""
    moving = "augment:\n  - flip: {axis: horizontal}\n"
    assert moving in TWO
    text = TWO.replace(moving, "")
    (data / "still.yaml").write_text(text)
    done: Any = specc.train(data / "still.yaml", runs=data / "runs")
    assert (done.run / "eval" / "what_the_network_sees.png").is_file() and done.exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("text", [CLASSES, VALID])
def test_images_of_any_size_where_nothing_is_resized(data: Path, text: str) -> None:
    """A graph for all even sizes, and one of a single size without padding: small, odd and large images are answered,
    and one of the size of training as the graph itself answers it.
    """
    import onnxruntime

    (data / "case.yaml").write_text(text)
    done: Any = specc.train(data / "case.yaml", runs=data / "runs")
    promised = json.loads((done.run / "contract.json").read_text())["input"]
    assert promised["tiled"] and promised.get("multiple") == (2 if text == CLASSES else None)
    images = [data / f"{height}x{width}.png" for height, width in ((24, 20), (7, 90), (61, 33))]
    dice = np.random.default_rng(0)
    for image in images:
        height, width = (int(side) for side in image.stem.split("x"))
        PIL.Image.fromarray(dice.integers(0, 255, (height, width)).astype(np.uint8)).save(image)
    said: Any = specc.predict(done.run / "model.onnx", images, output=data / "masks")
    for one, image in zip(said, images, strict=True):
        with PIL.Image.open(one.files[0]) as mask:
            assert f"{mask.height}x{mask.width}" == image.stem
            found = np.asarray(mask)
        assert set(np.unique(found)) <= {0, 100, 200}
        if text == CLASSES and image is images[0]:
            pixels = np.asarray(PIL.Image.open(image), np.float32)[None, None]
            session = onnxruntime.InferenceSession(done.run / "model.onnx")
            (mask_there,) = session.run(["mask"], {"pixels": pixels})
            assert (np.array([0, 100, 200])[mask_there[0]] == found).all()


@pytest.mark.slow
@pytest.mark.parametrize("text", [TWO, CLASSES, LABELS, VALID])
def test_what_chance_gives_and_one_batch_by_heart(data: Path, text: str) -> None:
    """`--sanity`: the first loss is near that of a network that knows nothing, and one batch is learned by heart."""
    (data / "case.yaml").write_text(text)
    command = [sys.executable, "-m", "specc", "train", "--sanity", "case.yaml"]
    done = subprocess.run(command, cwd=data, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a network that knows nothing has a loss of" in done.stdout
    assert "learned by heart" in done.stdout
