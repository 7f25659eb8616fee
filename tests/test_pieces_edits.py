"""Edits: sizes against torch and Pillow, placement to the pixel, windows, channels, scales; torch equal to ONNX."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import PIL.Image
import pytest
import torch
from pictures import pillow, write
from torch import Tensor, nn
from torch.nn import functional as F

from specc.pieces import edits, images, index, resize

Resize = Callable[[Tensor, int, int], Tensor]
SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (32, 32), (33, 31), (64, 48), (7, 300), (300, 7), (700, 900), (5, 1)]


def pictures(*shape: int) -> Tensor:
    """Uniform numbers, the same each time."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(7))


def interpolated(image: Tensor, height: int, width: int) -> Tensor:
    """What torch's own antialiased bilinear interpolation gives."""
    return F.interpolate(image.double(), (height, width), mode="bilinear", antialias=True).float()


def antialiased(image: Tensor, height: int, width: int) -> Tensor:
    """What Pillow gives for (1, C, H, W); torch itself errs where only the width becomes 1."""
    planes = [PIL.Image.fromarray(plane.numpy(), "F") for plane in image[0]]
    resized = [np.array(plane.resize((width, height), PIL.Image.Resampling.BILINEAR)) for plane in planes]
    return torch.from_numpy(np.stack(resized))[None]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("target", [(32, 32), (24, 40), (1, 1), (5, 2)], ids=str)
def test_stretch_is_antialiased_interpolation(size: tuple[int, int], target: tuple[int, int]) -> None:
    image = pictures(2, 3, *size)
    ours = resize.resize_stretch(image, *target)
    torch.testing.assert_close(ours, interpolated(image, *target), rtol=0, atol=2e-6)
    torch.testing.assert_close(ours[:1], antialiased(image, *target), rtol=0, atol=2e-6)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("target", [(32, 32), (24, 41), (33, 20)], ids=str)
def test_fit_places_the_whole_image_on_black(size: tuple[int, int], target: tuple[int, int]) -> None:
    """The longer side fills, the shorter is rounded; what is left is black, one more right and bottom if odd."""
    image = pictures(1, 2, *size) + 0.5
    ratio = max(size[0] / target[0], size[1] / target[1])
    height, width = (max(1, int(np.floor(side / ratio + 0.5))) for side in size)
    top, left = (target[0] - height) // 2, (target[1] - width) // 2
    expected = torch.zeros(1, 2, *target)
    expected[..., top : top + height, left : left + width] = antialiased(image, height, width)
    ours = resize.resize_fit(image, *target)
    torch.testing.assert_close(ours, expected, rtol=0, atol=4e-6)
    assert ((ours == 0) == (expected == 0)).all()
    assert height == target[0] or width == target[1]


def test_fit_by_hand() -> None:
    image = torch.ones(1, 1, 2, 3)
    fitted = resize.resize_fit(image, 6, 6)[0, 0]
    assert fitted.sum(1).tolist() == pytest.approx([0, 6, 6, 6, 6, 0])
    fitted = resize.resize_fit(image, 7, 6)[0, 0]
    assert fitted.sum(1).tolist() == pytest.approx([0, 6, 6, 6, 6, 0, 0])  # the odd row of black is at the bottom
    fitted = resize.resize_fit(image.mT, 6, 7)[0, 0]
    assert fitted.sum(0).tolist() == pytest.approx([0, 6, 6, 6, 6, 0, 0])  # and the odd column on the right
    assert resize.resize_fit(torch.ones(1, 1, 1, 10_000), 4, 4)[0, 0].sum(1).tolist() == pytest.approx([0, 4, 0, 0])


@pytest.mark.parametrize("size", [s for s in SIZES if s not in [(7, 300), (300, 7)]], ids=str)
@pytest.mark.parametrize("target", [(32, 32), (24, 41), (33, 20)], ids=str)
def test_crop_keeps_the_middle(size: tuple[int, int], target: tuple[int, int]) -> None:
    image = pictures(1, 1, *size)
    ratio = min(size[0] / target[0], size[1] / target[1])
    height, width = (int(np.floor(side / ratio + 0.5)) for side in size)
    top, left = (height - target[0]) // 2, (width - target[1]) // 2
    expected = antialiased(image, height, width)[..., top : top + target[0], left : left + target[1]]
    torch.testing.assert_close(resize.resize_crop(image, *target), expected, rtol=0, atol=4e-6)


@pytest.mark.parametrize("size", [(7, 300), (300, 7), (1, 2500)], ids=str)
def test_crop_of_long_images_is_full(size: tuple[int, int]) -> None:
    cropped = resize.resize_crop(torch.ones(1, 1, *size), 32, 32)
    torch.testing.assert_close(cropped, torch.ones(1, 1, 32, 32), rtol=0, atol=2e-6)


def test_an_image_of_the_right_size_stays_as_it_is() -> None:
    image = pictures(2, 3, 32, 24)
    for way in (resize.resize_fit, resize.resize_crop, resize.resize_stretch, resize.resize_none):
        assert torch.equal(way(image, 32, 24), image)


def test_without_resize_other_sizes_are_refused() -> None:
    for size in ((64, 64), (16, 64), (32, 31), (1, 1)):
        with pytest.raises(ValueError, match=f"{size[0]}x{size[1]} pixels, the network takes 32x32"):
            resize.resize_none(torch.zeros(1, 1, *size), 32, 32)


class Resized(nn.Module):
    """A way of resizing as a module."""

    def __init__(self, way: Resize) -> None:
        super().__init__()
        self.way = way

    def forward(self, pixels: Tensor) -> Tensor:
        return self.way(pixels, 24, 31)


@pytest.mark.parametrize("way", [resize.resize_fit, resize.resize_crop, resize.resize_stretch])
def test_torch_and_onnxruntime_agree_for_every_size(way: Resize) -> None:
    axes = {0: torch.export.Dim("b", min=1), 2: torch.export.Dim("h", min=1), 3: torch.export.Dim("w", min=1)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.onnx.export(
            Resized(way), (torch.zeros(2, 1, 61, 50),), dynamo=True, dynamic_shapes=(axes,), verbose=False
        )
    assert exported is not None
    session = onnxruntime.InferenceSession(exported.model_proto.SerializeToString())
    for size in [*SIZES, (1, 700), (900, 1), (61, 50), (24, 31), (23, 31)]:
        image = pictures(3, 1, *size)
        (theirs,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
        np.testing.assert_allclose(theirs, way(image, 24, 31).numpy(), rtol=0, atol=1e-6)


# ---------------------------------------------------------------------- window, channels, scale


def test_windows() -> None:
    pixels = torch.tensor([-1000.0, -160, 40, 240, 3000])
    assert edits.clip_window(pixels, -160, 240).tolist() == [0, 0, 0.5, 1, 1]
    assert edits.as_read(pixels, 0, 1) is pixels


def test_channels() -> None:
    colour = torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), torch.tensor([0.0, 0, 1])
    assert [(edits.to_mono(3) @ c).item() for c in colour] == pytest.approx([0.299, 0.587, 0.114])
    assert (edits.to_mono(3) @ torch.ones(3)).item() == pytest.approx(1)
    assert (edits.to_mono(1) @ torch.tensor([0.7])).tolist() == pytest.approx([0.7])
    assert (edits.to_rgb(1) @ torch.tensor([0.7])).tolist() == pytest.approx([0.7] * 3)
    assert torch.equal(edits.to_rgb(3), torch.eye(3))


@contextmanager
def bound(monkeypatch: pytest.MonkeyPatch, mono: bool = True, way: Resize = resize.resize_fit) -> Iterator[None]:
    """The slots of edits filled: 4x6 pixels."""
    for name, value in {
        "HEIGHT": 4,
        "WIDTH": 6,
        "mixing": edits.to_mono if mono else edits.to_rgb,
        "resize": way,
        "window": edits.clip_window,
        "edited": lambda images: images,
    }.items():
        monkeypatch.setattr(edits, name, value)
    yield


def test_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grey ramp from black to white, 4x3, fitted into 4x6: one column of black left, two right."""
    ramp = torch.arange(12.0).view(1, 1, 4, 3) / 11 * 200 - 100
    with bound(monkeypatch):
        unit = edits.UnitEdits(-100, 100, 1)(ramp)
        torch.testing.assert_close(unit[..., 1:4], (ramp + 100) / 200)
        assert unit[..., [0, 4, 5]].abs().max() == 0
        symmetric = edits.SymmetricEdits(-100, 100, 1)(ramp)
        torch.testing.assert_close(symmetric, unit * 2 - 1)
        assert symmetric[..., [0, 4, 5]].unique().tolist() == [-1]
        own = edits.ImageStandardizedEdits(-100, 100, 1)(torch.cat([ramp, ramp / 3]))
        torch.testing.assert_close(own.mean((1, 2, 3)), torch.zeros(2), atol=1e-6, rtol=0)
        torch.testing.assert_close(own.square().mean((1, 2, 3)), torch.ones(2))
        assert own[0, 0, 0, 0] == own[0].min()
        over = edits.UnitEdits(-50, 50, 1)(ramp)
        assert (over.min(), over.max()) == (0, 1)


def test_a_flat_image_becomes_zero_not_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    with bound(monkeypatch, way=resize.resize_stretch):
        module = edits.ImageStandardizedEdits(0, 255, 1)
        for value in (0.0, 1.0, 77.0, 254.9, 255.0, 400.0):
            assert module(torch.full((1, 1, 3, 5), value)).abs().max() == 0
        known = edits.StandardizedEdits(edits.UnitEdits(0, 255, 1), torch.tensor([0.3]), torch.tensor([0.0]))
        assert known(torch.full((1, 1, 3, 5), 76.5)).abs().max() < 1e-4


def test_an_image_of_nearly_one_grey_value_has_no_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rounding leaves of the mean is not made large."""
    grain = torch.randint(-5, 6, (1, 1, 60, 70), generator=torch.Generator().manual_seed(0))
    with bound(monkeypatch, way=lambda images, height, width: images):
        monkeypatch.setattr(edits, "edited", torch.sqrt)
        offsets = []
        for grey in range(60, 160, 10):
            own = edits.ImageStandardizedEdits(0, 255, 1)((grey + grain).float())
            assert own.double().square().mean().item() == pytest.approx(1, abs=1e-5)
            offsets.append(own.double().mean().abs().item())
        assert max(offsets) < 1e-6


def test_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = pictures(2, 3, 4, 6) * 255
    with bound(monkeypatch, mono=True):
        weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
        expected = (pixels / 255 * weights).sum(1, keepdim=True)
        torch.testing.assert_close(edits.UnitEdits(0, 255, 3)(pixels), expected)
    with bound(monkeypatch, mono=False):
        torch.testing.assert_close(edits.UnitEdits(0, 255, 3)(pixels), pixels / 255)
        torch.testing.assert_close(edits.UnitEdits(0, 255, 1)(pixels[:, :1]), (pixels[:, :1] / 255).expand(2, 3, 4, 6))


def test_standardize_knows_the_training_images_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 60 + 90 * (i > 3), (4, 6, 3)).astype(np.uint8) for i in range(6)]
    files = [write(tmp_path / f"{i}.png", pillow(PIL.Image.fromarray(a), "PNG")) for i, a in enumerate(arrays)]
    entries = index.index(files, tmp_path / "index.json")
    options = argparse.Namespace(cache=tmp_path, workers=2)
    values: dict[str, Any] = {"Edits": edits.UnitEdits, "SHAPE": (3, 4, 6), "READ_WINDOW": "none", "FRAME": None}
    for name, value in values.items():
        monkeypatch.setattr(images, name, value)
    with bound(monkeypatch, mono=False):
        edited, module = images.edit_standardized(entries, 4, (0.0, 255.0), options)
    known = np.stack(arrays[:4]).astype(np.float64).transpose(0, 3, 1, 2) / 255
    mean, deviation = known.mean((0, 2, 3)), known.std((0, 2, 3))
    everything = np.stack(arrays).transpose(0, 3, 1, 2) / 255
    expected = (everything - mean[:, None, None]) / deviation[:, None, None]
    np.testing.assert_allclose(edited, expected, atol=1e-5)
    buffers = dict(module.named_buffers())
    np.testing.assert_allclose(buffers["mean"].ravel(), mean, rtol=1e-6)
    np.testing.assert_allclose(buffers["deviation"].ravel(), deviation, rtol=1e-6)
