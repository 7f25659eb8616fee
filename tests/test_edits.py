"""Words for `input: edits`: what they do, in the program, in the model, on their way from a spec."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import PIL.Image
import pytest
import torch
from scipy.ndimage import gaussian_filter

import specc
from specc.api.reference import pages
from specc.pieces import edit_words
from specc.registry import core

SPEC = """specc: 1
name: edited
task: classification
input: {format: png, size: [12, 12], channels: mono, resize: fit, scale: SCALE, edits: EDITS}
output: {classes: [dark, bright]}
data: {folders: images, split: {train: 50, val: 50, group: none}}
model: {layers: [flatten, dense: {units: 1, activation: sigmoid}]}
loss: binary_cross_entropy
optimizer: adam
train: {epochs: 1, batch_size: 4}
"""


def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((2, 3, 9, 7))).float()


def test_invert_and_power() -> None:
    assert torch.equal(edit_words.invert(images()), 1 - images())
    assert torch.allclose(edit_words.power(images(), 0.5), images().sqrt())
    assert torch.equal(
        edit_words.power(torch.tensor([[[[-1.0, 0.0, 1.0, 2.0]]]]), 0.3), torch.tensor([[[[0.0, 0, 1, 1]]]])
    )


@pytest.mark.parametrize("sd", [0.4, 1.0, 2.5])
def test_smooth_is_a_gaussian_filter(sd: float) -> None:
    said = edit_words.smooth(images(), sd).numpy()
    reach = int(np.ceil(3 * sd))
    for image, one in zip(images().numpy(), said, strict=True):
        for plane, found in zip(image, one, strict=True):
            wanted = gaussian_filter(plane.astype(np.float64), sd, mode="nearest", radius=reach)
            assert np.allclose(found, wanted, atol=1e-6)
    assert edit_words.smooth(torch.full((1, 1, 1, 1), 0.25), sd).item() == pytest.approx(0.25)


def project(folder: Path, edits: str, scale: str = "0..1") -> Path:
    dice = np.random.default_rng(1)
    for label, top in (("dark", 100), ("bright", 250)):
        (folder / "images" / label).mkdir(parents=True)
        for number in range(8):
            pixels = dice.integers(0, top, (10, 14 + number % 2)).astype(np.uint8)
            PIL.Image.fromarray(pixels).save(folder / "images" / label / f"{number}.png")
    spec = folder / "s.yaml"
    spec.write_text(SPEC.replace("EDITS", edits).replace("SCALE", scale), encoding="utf-8")
    return spec


@pytest.mark.parametrize("scale", ["0..1", "-1..1", "standardize", "standardize_image"])
def test_training_and_model_make_the_same_edits(tmp_path: Path, scale: str) -> None:
    spec = project(tmp_path, "[invert, power: {exponent: 0.7}, smooth: {sd: 0.8}]", scale)
    files = specc.compile(spec)
    assert "def edited(images: Tensor) -> Tensor:" in files["deploy.py"]
    assert json.loads(files["contract.json"])["input"]["edits"] == ["invert", "power", "smooth"]
    done = subprocess.run(
        [sys.executable, "-m", "specc", "train", "s.yaml", "--json"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = tmp_path / json.loads(done.stdout.splitlines()[-1])["run"]
    assert json.loads((run / "parity.json").read_text(encoding="utf-8"))["passed"]
    session = onnxruntime.InferenceSession(run / "model.onnx")
    assert session.run(None, {"pixels": np.zeros((1, 1, 5, 9), np.float32)})


def test_without_edits_the_program_has_none(tmp_path: Path) -> None:
    assert "edited" not in specc.compile(project(tmp_path, "[]"))["deploy.py"]


@pytest.mark.parametrize(
    ("edits", "code", "word"),
    [("[invrt]", "S101", "invert"), ("[power]", "S103", "exponent"), ("[smooth: {sd: 0}]", "S104", "sd")],
)
def test_what_is_wrong_is_told_at_its_place(tmp_path: Path, edits: str, code: str, word: str) -> None:
    found = specc.check(project(tmp_path, edits))
    assert [one.code for one in found.diagnostics] == [code], str(found)
    assert word in str(found)


def test_every_word_has_its_page(tmp_path: Path) -> None:
    for name in core().edits:
        (page,) = [page for page in pages(tmp_path) if page.word == name]
        assert page.kind == "edit"
        assert page.text
