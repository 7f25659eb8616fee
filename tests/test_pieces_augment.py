"""Augmentation: agrees with scipy and with values by hand; what a sample becomes depends on its own `u` alone."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from specc.augmentations import AUGMENTATIONS
from specc.pieces.augment import brightness, contrast, flip, rotate, shift, zoom
from specc.plugin import Augmentation

ARGUMENTS: dict[str, dict[str, Any]] = {
    "rotate": {"degrees": 25},
    "zoom": {"range": (0.7, 1.4)},
    "shift": {"fraction": 0.3},
    "flip": {"axis": "vertical"},
    "brightness": {"range": (0.5, 1.5)},
    "contrast": {"range": (0.5, 1.5)},
}
SHAPES = [(1, 9, 9), (3, 8, 13), (1, 30, 7)]
EACH = pytest.mark.parametrize("word", AUGMENTATIONS, ids=lambda word: word.name)


def pictures(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(7))


def apply(word: Augmentation, images: Tensor, u: Tensor) -> Tensor:
    changed = getattr(import_module(word.piece.module), word.piece.name)(images, u, **keywords(word))
    assert isinstance(changed, Tensor)
    return changed


def keywords(word: Augmentation) -> Mapping[str, Any]:
    return word.bind(word.arguments(**ARGUMENTS[word.name]))


def by_scipy(image: Tensor, matrix: Any, offset: Any = (0, 0)) -> Tensor:
    """The image read at centre + matrix (place - centre) + offset, in float64; `image` is (C, H, W)."""
    centre = (np.array(image.shape[1:]) - 1) / 2
    start = centre - np.array(matrix) @ centre + np.array(offset)
    framed = [np.pad(channel, 1) for channel in image.double().numpy()]  # scipy has no black between edge and outside
    start += 1 - np.array(matrix) @ np.ones(2)
    turned = [ndimage.affine_transform(channel, matrix, start, order=1)[1:-1, 1:-1] for channel in framed]
    return torch.from_numpy(np.stack(turned)).float()


@EACH
def test_records_fit_the_pieces(word: Augmentation) -> None:
    piece = getattr(import_module(word.piece.module), word.piece.name)
    assert list(inspect.signature(piece).parameters) == ["images", "u", *keywords(word)]
    wide = apply(word, pictures(5, 2, 6, 8), pictures(5, word.draws))
    assert wide.shape == (5, 2, 6, 8)
    assert wide.dtype == torch.float32


@EACH
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_batch_gives_what_one_at_a_time_gives(word: Augmentation, shape: tuple[int, ...]) -> None:
    images, u = pictures(6, *shape), pictures(6, word.draws)
    together = apply(word, images, u)
    alone = torch.cat([apply(word, images[i : i + 1], u[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
    assert torch.equal(together, apply(word, images, u))
    assert not torch.equal(together, images)


@EACH
def test_black_images_stay_black_and_arguments_unchanged(word: Augmentation) -> None:
    images, u = pictures(4, 1, 6, 9), pictures(4, word.draws)
    before = images.clone(), u.clone()
    apply(word, images, u)
    assert torch.equal(images, before[0])
    assert torch.equal(u, before[1])
    assert apply(word, torch.zeros(4, 1, 6, 9), u).abs().max() == 0


@EACH
def test_gradients_are_finite(word: Augmentation) -> None:
    images = pictures(4, 1, 6, 9).requires_grad_()
    (gradient,) = torch.autograd.grad(apply(word, images, pictures(4, word.draws)).sum(), images)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


@EACH
def test_everything_happens_on_the_device_of_the_images(word: Augmentation) -> None:
    u = torch.zeros(4, word.draws, device="meta")
    assert apply(word, torch.zeros(4, 1, 6, 9, device="meta"), u).device.type == "meta"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("u", [0.0, 0.2, 0.5, 0.9, 1 - 2**-24])
def test_geometry_against_scipy(shape: tuple[int, ...], u: float) -> None:
    image = pictures(*shape)
    angle = np.deg2rad((2 * u - 1) * 50)
    turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    torch.testing.assert_close(
        rotate(image[None], torch.tensor([[u]]), 50)[0], by_scipy(image, turn), rtol=0, atol=2e-5
    )
    factor = 0.6 + u * 0.9
    expected = by_scipy(image, np.eye(2) / factor)
    torch.testing.assert_close(zoom(image[None], torch.tensor([[u]]), 0.6, 1.5)[0], expected, rtol=0, atol=2e-5)
    down, right = (2 * u - 1) * 0.4 * shape[1], (1 - 2 * u) * 0.4 * shape[2]
    expected = by_scipy(image, np.eye(2), (-down, -right))
    moved = shift(image[None], torch.tensor([[u, 1 - u]]), 0.4)[0]
    torch.testing.assert_close(moved, expected, rtol=0, atol=2e-5)


def test_rotation_is_counter_clockwise() -> None:
    image = torch.arange(1.0, 10).view(1, 1, 3, 3)
    turned = rotate(image, torch.tensor([[1.0]]), 90)[0, 0]
    torch.testing.assert_close(turned, torch.tensor([[3.0, 6, 9], [2, 5, 8], [1, 4, 7]]), rtol=0, atol=1e-5)
    for size in (8, 9, 33):
        image = pictures(2, 3, size, size)
        for u, quarters in ((0.0, -2), (0.25, -1), (0.75, 1), (1.0, 2)):
            turned = rotate(image, torch.full((2, 1), u), 180)
            torch.testing.assert_close(turned, torch.rot90(image, quarters, (2, 3)), rtol=0, atol=5e-5)


def test_a_turned_wide_image_does_not_shear() -> None:
    image = torch.zeros(1, 1, 11, 31)
    image[..., 5, 12:19] = 1  # a line of seven pixels through the centre
    upright = rotate(image, torch.tensor([[1.0]]), 90)
    expected = torch.zeros(1, 1, 11, 31)
    expected[..., 2:9, 15] = 1
    torch.testing.assert_close(upright, expected, rtol=0, atol=1e-5)


def test_zoom_above_one_enlarges() -> None:
    image = torch.zeros(1, 1, 9, 15)
    image[..., 3:6, 6:9] = 1
    area = image.sum().item()
    assert zoom(image, torch.tensor([[0.5]]), 2.0, 2.0).sum().item() == pytest.approx(4 * area, rel=0.01)
    assert zoom(image, torch.tensor([[0.5]]), 1.1, 1.1).sum().item() > area
    small = zoom(torch.ones(1, 1, 9, 15), torch.tensor([[0.5]]), 0.5, 0.5)
    assert small[..., 0, :].abs().max() == 0
    assert small[..., 4, 7] == 1


def test_no_change_is_no_change_to_the_bit() -> None:
    image, half = pictures(2, 3, 37, 53), torch.full((2, 1), 0.5)
    assert torch.equal(rotate(image, half, 30), image)
    assert torch.equal(zoom(image, half, 1.0, 1.0), image)
    assert torch.equal(shift(image, half.expand(2, 2), 0.3), image)
    assert torch.equal(brightness(image, half, 1.0, 1.0), image)
    assert torch.equal(contrast(image, half, 1.0, 1.0), image)


def test_shift_goes_down_then_right_and_leaves_black() -> None:
    image = torch.arange(1.0, 17).view(1, 1, 4, 4)
    down = shift(image, torch.tensor([[1.0, 0.5]]), 0.25)[0, 0]
    expected = torch.tensor([[0.0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
    torch.testing.assert_close(down, expected, rtol=0, atol=1e-5)
    left = shift(image, torch.tensor([[0.5, 0.0]]), 0.25)[0, 0]
    expected = torch.tensor([[2.0, 3, 4, 0], [6, 7, 8, 0], [10, 11, 12, 0], [14, 15, 16, 0]])
    torch.testing.assert_close(left, expected, rtol=0, atol=1e-5)


def test_flip_happens_below_its_probability() -> None:
    images = pictures(4, 2, 3, 5)
    u = torch.tensor([[0.0], [0.3 - 2**-24], [0.3], [1 - 2**-24]])
    flipped = flip(images, u, "horizontal", 0.3)
    assert torch.equal(flipped, torch.cat([images[:2, :, :, [4, 3, 2, 1, 0]], images[2:]]))
    assert torch.equal(flip(images, u, "vertical", 1.0), images[:, :, [2, 1, 0]])


def test_brightness_and_contrast_by_hand() -> None:
    images = torch.tensor([[0.0, 0.2], [0.4, 0.6]]).expand(3, 1, 2, 2)
    u = torch.tensor([[0.0], [0.5], [1.0]])
    factors = torch.tensor([0.5, 1.0, 1.5])[:, None, None, None]
    torch.testing.assert_close(brightness(images, u, 0.5, 1.5), images * factors)
    assert brightness(images, u, 0.5, 1.5)[:, 0, 0, 0].tolist() == [0, 0, 0]
    stretched = contrast(images, u, 0.5, 1.5)
    torch.testing.assert_close(stretched[0, 0], torch.tensor([[0.15, 0.25], [0.35, 0.45]]))
    torch.testing.assert_close(stretched[2, 0], torch.tensor([[-0.15, 0.15], [0.45, 0.75]]))
    torch.testing.assert_close(
        contrast(pictures(3, 3, 4, 5), u, 0.5, 1.5).mean((1, 2, 3)), pictures(3, 3, 4, 5).mean((1, 2, 3))
    )
