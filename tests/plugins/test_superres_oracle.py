"""PSNR and SSIM of the plugin superres held to those of scikit-image, on odd sizes, with and without a border."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from specc_superres import examples, measure
from specc_superres.pieces import quality

import specc

Array = np.ndarray[Any, Any]
SIZES = ((33, 21), (17, 40), (64, 47))
WANG = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}  # Wang et al. 2004: 11 x 11 pixels


def pair(height: int, width: int, channels: int, seed: int) -> tuple[Array, Array]:
    """A picture (C, H, W) in 0..1 with edges, ramps and flat parts, and one that is blurred and noisy."""
    dice, down, across = np.random.default_rng(seed), np.arange(height)[:, None], np.arange(width)
    waves = np.stack([np.sin(down / (3 + c)) * np.cos(across / (4 + c)) for c in range(channels)])
    truth = (0.5 + 0.4 * waves + 0.3 * ((down - 9) ** 2 + (across - 12) ** 2 < 40)).clip(0, 1)
    truth[:, -5:] = 1.0
    return (truth + np.roll(truth, 1, 2)) / 2 + dice.normal(0, 0.03, truth.shape), truth


def theirs(image: Array, truth: Array, border: int, top: float) -> tuple[float, float]:
    """PSNR and SSIM of scikit-image, for values from 0 to `top`."""
    inside = slice(border, -border or None)
    x, y = (one[:, inside, inside] for one in (image, truth))
    likeness = structural_similarity(x, y, channel_axis=0, data_range=top, **WANG)
    return float(peak_signal_noise_ratio(y, x, data_range=top)), float(likeness)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("border", [0, 2, 3])
def test_figures_are_those_of_scikit_image(size: tuple[int, int], channels: int, border: int) -> None:
    kinds = ((1.0, np.float64), (255.0, np.uint8), (65_535.0, np.uint16))
    for seed, (top, kind) in enumerate(kinds):
        image, truth = pair(*size, channels, seed)
        whole = kind is not np.float64
        stored = [(np.rint(one.clip(0, 1) * top) if whole else one.clip(0, 1)).astype(kind) for one in (image, truth)]
        wanted = theirs(stored[0], stored[1], border, top)
        x, y = (one.astype(np.float64) / top for one in stored)
        assert (measure.psnr(x, y, border), measure.ssim(x, y, border)) == pytest.approx(wanted, abs=1e-9)
        first, second = torch.tensor(x)[None], torch.tensor(y)[None]
        ours = (quality.psnr(first, second, border).item(), quality.ssim(first, second, border).item())
        assert ours == pytest.approx(wanted, abs=1e-9)


def test_other_windows_are_other_figures() -> None:
    image, truth = (one[0].clip(0, 1) for one in pair(33, 21, 1, 0))
    ours = measure.ssim(image[None], truth[None], 0)
    assert abs(ours - structural_similarity(image, truth, data_range=1.0)) > 1e-3  # 7 x 7, all alike
    wrong_range = structural_similarity(255 * image, 255 * truth, data_range=1.0, **WANG)
    assert abs(ours - wrong_range) > 1e-3


@pytest.mark.parametrize("size", SIZES)
def test_brightness_is_that_of_scikit_image(size: tuple[int, int]) -> None:
    image, truth = (one.clip(0, 1) for one in pair(*size, 3, 4))
    ours = [measure.brightness(one, "limited") for one in (image, truth)]
    known = [rgb2ycbcr(one, channel_axis=0)[:1] for one in (image, truth)]  # 16 to 235
    for mine, other in zip(ours, known, strict=True):
        assert np.abs(255 * mine - other).max() < 1e-9
    wanted = theirs(known[0], known[1], 2, 255.0)
    assert (measure.psnr(ours[0], ours[1], 2), measure.ssim(ours[0], ours[1], 2)) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("channels", ["luma", "rgb"])
def test_figures_of_a_run_are_those_of_its_predictions(tmp_path: Path, channels: str) -> None:
    """What `specc train` writes of an image is what scikit-image says of the TIFF that `specc predict` writes of it."""
    examples.draw_pairs(tmp_path)
    given = {"channels: luma, factor: 2, luma: full": f"channels: {channels}, factor: 2"}
    given |= {} if channels == "luma" else {"conv2d: {filters: 4,": "conv2d: {filters: 12,"}
    text = examples.PAIRS
    for old, new in given.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
    run = specc.train(tmp_path / "spec.yaml", runs=tmp_path / "runs").run
    with (run / "eval/cases.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "val"]
    said = specc.predict(run, [tmp_path / row["file"] for row in rows], output=tmp_path / "out", forms=("tiff",))
    assert len(rows) == 4
    for row, one in zip(rows, said, strict=True):
        restored = tifffile.imread(one.files[0]) / 255
        truth = np.asarray(PIL.Image.open(tmp_path / row["file"].replace("low", "high"))) / 255
        y = [rgb2ycbcr(image).transpose(2, 0, 1)[:1] for image in (restored, truth)]
        wanted = theirs(y[0], y[1], 2, 255.0)
        assert (float(row["psnr"]), float(row["ssim"])) == pytest.approx(wanted, abs=2e-4)
