"""What the network really sees: written by the program with its own augmentation, drawn by specc."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from programs import events, make_data, program, put, spec, start, table
from safetensors import safe_open
from safetensors.torch import load_file

import specc
from specc.pieces import preview, runtime
from specc.run import montage
from specc.run.montage import Samples

AUGMENT = "[{rotate: {degrees: 20}}, {noise: {sd: 0.1}}, {flip: {axis: horizontal}}]"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small images with a table."""
    return make_data(tmp_path_factory.mktemp("data"))


def test_the_program_writes_what_training_uses(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of all classes in turn; the epochs are those of augment.py, with the keys of training."""
    train = put(program(spec(augment=AUGMENT, train="{epochs: 2, batch_size: 8, seed: 7}")), tmp_path)
    done = start(train, data)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "run/eval/samples.safetensors"
    assert [event["file"] for event in events(done.stdout) if event["event"] == "samples"] == [str(file)]
    tensors = load_file(file)
    assert tensors.keys() == {"edited", "epoch 1", "epoch 2"}
    assert all(images.shape == (8, 1, 16, 16) for images in tensors.values())
    with safe_open(file, "np") as content:
        rows = json.loads(content.metadata()["samples"])
    assert [row["label"] for row in rows] == ["dark", "light"] * 4
    files = [row["file"] for row in table(data / "png.csv") if row["split"] == "train"]
    ids = torch.tensor([files.index(row["file"]) for row in rows])
    assert len(set(ids.tolist())) == 8
    monkeypatch.setitem(sys.modules, "runtime", runtime)
    augment = runpy.run_path(str(tmp_path / "augment.py"))["augment"]
    for epoch in range(2):
        assert torch.equal(tensors[f"epoch {epoch + 1}"], augment(tensors["edited"], ids, (7, 0, epoch)))
    assert not torch.equal(tensors["epoch 1"], tensors["epoch 2"])
    file.unlink()
    assert "samples" not in [event["event"] for event in events(start(train, data, "--resume").stdout)]
    assert not file.exists()


def test_blends_are_shown_as_the_network_gets_them(data: Path, tmp_path: Path) -> None:
    """With mixup, too, the picture shows what training uses: each image is a sum of two."""
    train = put(program(spec(augment="[{mixup: {alpha: 1}}]")), tmp_path)
    assert start(train, data).returncode == 0
    tensors = {name: images.flatten(1) for name, images in load_file(tmp_path / "run/eval/samples.safetensors").items()}
    (cached,) = (tmp_path / "cache").glob("*.npy")
    known = torch.from_numpy(np.load(cached)).flatten(1)[:12]  # the training images
    for own, blend in zip(tensors["edited"], tensors["epoch 1"], strict=True):
        away, others = blend - own, known - own
        shares = (others @ away) / others.square().sum(1).clamp(min=1e-9)  # of each as the other image, at best
        errors = (shares[:, None] * others - away).abs().amax(1)
        assert errors.min() < 1e-5 and -1e-5 < shares[errors.argmin()] < 0.5 + 1e-5
    assert not torch.equal(tensors["edited"], tensors["epoch 1"])


def test_samples_differ_as_far_as_they_can() -> None:
    assert preview.spread([("a",), ("a",), ("b",), ("a",), ("c",)], 4) == [0, 2, 4, 1]
    assert preview.spread([("10",), ("9",), ("-3",), ("2.5",)], 2) == [2, 1]  # by size, from the least
    ages = [(str(age),) for age in range(100)]
    assert [int(ages[place][0]) for place in preview.spread(ages, 4)] == [0, 25, 50, 75]
    assert preview.spread([()] * 5, 3) == [0, 1, 2]
    assert preview.spread([("x", ""), ("", "1")], 8) == [1, 0]


def pixels(file: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A picture as it is."""
    return np.asarray(PIL.Image.open(file).convert("RGB"))


def waves(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Images with every value from 0 to 1."""
    return np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def test_the_picture_shows_every_pixel(tmp_path: Path) -> None:
    """Images are enlarged by a whole factor, edited and changed side by side, at the places of a grid."""
    edited = np.zeros((2, 1, 10, 23), np.float32)
    edited[0, 0, 4, 7], edited[1, 0, 9, 0] = 1.0, 0.5
    rows = ({"file": "a.png", "label": "$x$"}, {"file": "b.png", "label": "b"})
    file = tmp_path / "seen.png"
    montage.draw(Samples(edited, (1 - edited,), rows), "case", {"scale": "0..1", "channels": "mono"}, file)
    shown = pixels(file)
    height, width = montage.dots(np.zeros((10, 23, 3)))
    assert (height, width) == (100, 230)
    left, top, down = montage.NAMES, montage.HEAD, height + montage.WORDS + montage.GAP
    for row in range(2):
        for column, images in enumerate((edited, 1 - edited)):
            x = left + column * (width + montage.GAP)
            cell = shown[top + row * down : top + row * down + height, x : x + width]
            middles = cell[5::10, 5::10] / 255.0
            np.testing.assert_allclose(middles, np.repeat(images[row, 0][:, :, None], 3, 2), atol=0.01)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("channels", ["mono", "rgb", ["flair", "t1", "t2"]])
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (700, 900)])
def test_every_kind_of_image_is_drawn(tmp_path: Path, channels: object, size: tuple[int, int]) -> None:
    edited = waves(3, 1 if channels == "mono" else 3, *size) * 4 - 2
    rows = tuple({"file": f"{'long/' * 9}{n}.png", "targets.age": str(n), "labels.x": ""} for n in range(3))
    for epochs in ((), (edited, edited + 1)):
        montage.draw(Samples(edited, epochs, rows), "a $ name", {"scale": "standardize", "channels": channels},
                     tmp_path / "seen.png")  # fmt: skip
        assert pixels(tmp_path / "seen.png").std() > 10
    assert montage.told(rows[1], 26)[0] == "age 1, x ?"
    assert len(montage.told(rows[1], 26)[1]) == 26
    tile = montage.tile(edited[0], {"channels": channels}, (-2.0, 2.0))
    assert tile.shape == (size[0], size[1] * (3 if isinstance(channels, list) else 1), 3)


def test_masks_are_outlined(tmp_path: Path) -> None:
    """A square of class 2 in the second mask: its colour lies around it, in each channel; the unknown has no line."""
    masks = np.zeros((2, 2, 1, 30, 40), np.uint8)  # of the images as edited, of the first epoch: (n, K, h, w) each
    masks[0, 1, 0, 10:20, 10:20], masks[1, 1, 0, 10:20, 20:30], masks[:, 0, 0, 5:9] = 2, 2, montage.UNKNOWN
    images = np.zeros((2, 2, 30, 40), np.float32)
    rows = ({"file": "a.png"}, {"file": "b.png"})
    inputs, file = {"scale": "0..1", "channels": ["t1", "t2"]}, tmp_path / "seen.png"
    montage.draw(Samples(images, (images + 0.1,), rows, tuple(masks)), "case", inputs, file)
    shown = pixels(file).astype(int)
    height, width = montage.dots(np.zeros((30, 80, 3)))
    left, top = montage.NAMES, montage.HEAD + height + montage.WORDS + montage.GAP
    for column, edge in enumerate((10, 20)):
        x = left + column * (width + montage.GAP)
        cell = shown[top : top + height, x : x + width]
        coloured = np.argwhere(np.ptp(cell, 2) > 40) * (30 / height)
        for channel in (0, 40):
            box = coloured[(coloured[:, 1] >= channel) & (coloured[:, 1] < channel + 40)]
            np.testing.assert_allclose(
                [*box.min(0), *box.max(0)], [10, channel + edge, 20, channel + edge + 10], atol=1
            )
    first = shown[montage.HEAD : montage.HEAD + height, left:]
    assert np.ptp(first, 2).max() < 20  # no mask, no line
    one = np.ones((1, 1, 1, 1), np.uint8)
    montage.draw(Samples(one.astype(np.float32), (), rows[:1], (one,)), "case", {"channels": "mono"}, file)


def test_specc_draws_it_as_training_begins(data: Path, tmp_path: Path) -> None:
    """Before the first epoch ends; without augmentation the images as they are edited."""
    (data / "plain.yaml").write_text(spec(), encoding="utf-8")
    picture, early = "eval/what_the_network_sees.png", list[Path]()

    def listen(event: Mapping[str, Any]) -> None:
        if event["event"] == "epoch":
            early.extend((tmp_path / "runs").glob(f"*/*/{picture}"))

    done = specc.train(data / "plain.yaml", runs=tmp_path / "runs", listen=listen)
    assert early == [done.run / picture]
    assert pixels(done.run / picture).shape[1] >= 900
    assert any(str(done.run / picture) in line for line in done.lines())
    assert not (done.run / "eval/samples.safetensors").exists()
