"""What answers hang on: explainers against networks whose answer is known, and from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import specc
from specc.api import explaining
from specc.api.reference import pages_of
from specc.deploy import asking
from specc.errors import SpeccError
from specc.registry import core

SPEC = """specc: 1
name: corner
task: classification
input: {format: png, size: [16, 16], channels: mono, resize: fit, scale: 0..1}
output: {classes: [dark, bright]}
data: {folders: images, split: {train: 50, val: 50, group: none}}
model: {layers: [flatten, dense: {units: 1, activation: sigmoid}]}
loss: binary_cross_entropy
optimizer: {adam: {learning_rate: 0.05}}
train: {epochs: 12, batch_size: 8}
"""


def corner(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """How bright the upper left quarter is."""
    return np.asarray(images[:, 0, :8, :8].mean((1, 2)))


@pytest.mark.parametrize("shape", [(16, 16), (16, 23)])
def test_occlusion_finds_what_the_answer_is_made_of(shape: tuple[int, int]) -> None:
    image = np.zeros((1, *shape), np.float32)
    image[0, 2:6, 2:6] = 1
    found = asking.occlusion(corner, image, size=0.25, steps=4)
    assert found.shape == shape
    assert found[2:6, 2:6].min() > 0.005
    assert np.abs(found[12:, 12:]).max() < 1e-9
    assert np.unravel_index(found.argmax(), shape)[0] in range(1, 7)


def test_occlusion_is_the_mean_over_the_patches_that_cover_a_pixel() -> None:
    image = np.arange(36, dtype=np.float32).reshape(1, 6, 6)
    found = asking.occlusion(lambda images: images[:, 0, 2, 3], image, size=0.5, steps=3)
    whole, gray = image[0, 2, 3], image.mean()
    hits = np.zeros((6, 6))
    falls = np.zeros((6, 6))
    for top in range(4):
        for left in range(4):
            inside = top <= 2 < top + 3 and left <= 3 < left + 3
            hits[top : top + 3, left : left + 3] += 1
            falls[top : top + 3, left : left + 3] += (whole - gray) * inside
    assert np.allclose(found, falls / hits, atol=1e-5)


@pytest.mark.parametrize("steps", [8, 1])
def test_every_patch_is_asked_about_however_many_there_are(steps: int) -> None:
    image = np.zeros((1, 24, 24), np.float32)
    image[0, ::2] = 1
    asked = list[int]()

    def ask(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        asked.append(len(images))
        return np.ones(len(images))

    asking.occlusion(ask, image, size=1 / 12, steps=steps)
    assert sum(asked) == 1 + (12 if steps == 1 else 23) ** 2


def test_rise_finds_what_the_answer_is_made_of_and_repeats() -> None:
    image = np.zeros((1, 16, 16), np.float32)
    image[0, 2:6, 2:6] = 1
    found = asking.rise(corner, image, masks=400, cells=4, share=0.5)
    assert found[2:6, 2:6].mean() > 3 * np.abs(found[10:, 10:]).mean()
    assert np.array_equal(found, asking.rise(corner, image, masks=400, cells=4, share=0.5))
    assert asking.rise(corner, image, masks=16, cells=7, share=1.0).max() == pytest.approx(0, abs=1e-6)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that learns whether the upper left quarter is bright, all else being noise."""
    folder, dice = tmp_path_factory.mktemp("corner"), np.random.default_rng(1)
    for label, light in (("dark", 30), ("bright", 220)):
        (folder / "images" / label).mkdir(parents=True)
        for number in range(24):
            pixels = dice.integers(0, 256, (16, 16))
            pixels[:8, :8] = light + dice.integers(0, 20, (8, 8))
            PIL.Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / label / f"{number}.png")
    (folder / "s.yaml").write_text(SPEC, encoding="utf-8")
    command(folder, "train", "s.yaml")
    return folder


def command(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "specc", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_the_picture_of_a_run(project: Path) -> None:
    done = command(project, "eval", "runs/corner/001", "--explain", "occlusion", "--explain", "rise: {masks: 50}")
    assert "explained-occlusion-val.png, explained-rise-val.png" in done.stdout
    for name in ("occlusion", "rise"):
        assert PIL.Image.open(project / f"runs/corner/001/eval/explained-{name}-val.png").size[0] == 1500
    figures = json.loads((project / "runs/corner/001/eval/metrics.json").read_text(encoding="utf-8"))
    assert "explained-rise-val.png" in figures["val"]["pictures"]


def test_the_map_of_a_trained_network_lies_where_it_looked(project: Path) -> None:
    from specc.deploy.seen import network_of

    halves = network_of(project / "runs/corner/001/model.onnx")
    assert halves is not None
    seen, answer = halves
    pixels = np.asarray(PIL.Image.open(project / "images/bright/0.png"), np.float32)[None, None]
    image = seen(pixels)[0]
    assert image.shape == (1, 16, 16)
    said = answer(image[None])
    whole = specc.predict(project / "runs/corner/001/model.onnx", [project / "images/bright/0.png"])[0]
    assert said[0].tolist() == pytest.approx(list(whole.probabilities.values()), abs=1e-6)
    found = asking.occlusion(lambda images: answer(images)[:, 1], image, size=0.3, steps=4)
    assert found[:8, :8].mean() > 4 * np.abs(found[8:, 8:]).mean()


@pytest.mark.parametrize(
    ("text", "code"), [("occlusionn", "S101"), ("rise: {masks: 3}", "S104"), ("rise: {cels: 3}", "S102")]
)
def test_what_is_wrong_is_told(text: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(SpeccError) as found:
        explaining.asked([text], tmp_path)
    assert found.value.diagnostics[0].code == code


def test_every_word_has_its_page() -> None:
    found = {page.word: page for page in pages_of(core()) if page.kind == "explainer"}
    assert found.keys() == core().explainers.keys() == {"occlusion", "rise"}
    assert all(page.text and page.source for page in found.values())
