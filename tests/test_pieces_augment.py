"""Changes of brightness: they agree with scipy and with values by hand, and depend on a sample's own `u` alone."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import Tensor

from specc.augmentations import AUGMENTATIONS
from specc.pieces import runtime as rt
from specc.pieces.augment import blur, brightness, contrast, cutout, gamma, noise, normal, sometimes
from specc.pieces.augment_places import bilinear, middles
from specc.plugin import Augmentation

ARGUMENTS: dict[str, dict[str, Any]] = {
    "rotate": {"degrees": 25},
    "rotate90": {},
    "zoom": {"range": (0.7, 1.4)},
    "shift": {"fraction": 0.3},
    "shear": {"degrees": 20},
    "flip": {"axis": "vertical"},
    "random_crop": {"pad": 2, "area": (0.4, 0.9), "aspect": (0.8, 1.25)},
    "elastic": {"sd": 1.0},
    "brightness": {"range": (0.5, 1.5)},
    "contrast": {"range": (0.5, 1.5)},
    "gamma": {"range": (0.5, 2.0)},
    "noise": {"sd": (0.1, 0.3)},
    "blur": {"sd": (0.5, 2)},
    "cutout": {"fraction": 0.5},
}
SHAPES = [(1, 9, 9), (3, 8, 13), (1, 30, 7)]
WORDS = [word for word in AUGMENTATIONS if not word.mixes]
EACH = pytest.mark.parametrize("word", WORDS, ids=lambda word: word.name)


def pictures(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(7))


def drawn(word: Augmentation, images: Tensor) -> Tensor:
    """Uniform numbers for a batch, as many as the word needs."""
    channels, height, width = images.shape[1:]
    return pictures(len(images), word.draws(word.arguments(**ARGUMENTS[word.name]), (channels, height, width)))


def apply(word: Augmentation, images: Tensor, u: Tensor) -> Tensor:
    """What a change makes of a batch."""
    piece, given = getattr(import_module(word.piece.module), word.piece.name), keywords(word)
    if not word.moves:
        changed = piece(images, u, **given)
    else:
        size = (images.shape[2], images.shape[3])
        changed = bilinear(images, piece(middles(images, size), u, size, **given), size)
    assert isinstance(changed, Tensor)
    return changed


def keywords(word: Augmentation) -> Mapping[str, Any]:
    return word.bind(word.arguments(**ARGUMENTS[word.name]))


def test_every_change_is_tested() -> None:
    assert {word.name for word in WORDS} == ARGUMENTS.keys()


@EACH
def test_records_fit_the_pieces(word: Augmentation) -> None:
    piece = getattr(import_module(word.piece.module), word.piece.name)
    first = ["points", "u", "size"] if word.moves else ["images", "u"]
    assert list(inspect.signature(piece).parameters) == [*first, *keywords(word)]
    assert "probability" in word.arguments.model_fields
    images = pictures(5, 2, 6, 8)
    changed = apply(word, images, drawn(word, images))
    assert changed.shape == (5, 2, 6, 8)
    assert changed.dtype == torch.float32


@EACH
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_batch_gives_what_one_at_a_time_gives(word: Augmentation, shape: tuple[int, ...]) -> None:
    images = pictures(6, *shape)
    u = drawn(word, images)
    together = apply(word, images, u)
    alone = torch.cat([apply(word, images[i : i + 1], u[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, alone, rtol=0, atol=2e-6)
    assert torch.equal(together, apply(word, images, u))
    assert not torch.equal(together, images)


@EACH
def test_black_images_stay_black_and_arguments_unchanged(word: Augmentation) -> None:
    images = pictures(4, 1, 6, 9)
    u = drawn(word, images)
    before = images.clone(), u.clone()
    apply(word, images, u)
    assert torch.equal(images, before[0])
    assert torch.equal(u, before[1])
    black = bool(apply(word, torch.zeros(4, 1, 6, 9), u).eq(0).all())
    assert black == (word.name != "noise")


@EACH
def test_everything_happens_on_the_device_of_the_images(word: Augmentation) -> None:
    images = torch.zeros(4, 1, 6, 9, device="meta")
    assert apply(word, images, drawn(word, images).to("meta")).device.type == "meta"


def test_sometimes_is_below_its_probability() -> None:
    before, changed = pictures(4, 2, 3, 5), pictures(4, 2, 3, 5) + 1
    u = torch.tensor([[0.9, 0.0], [0.9, 0.3 - 2**-24], [0.0, 0.3], [0.0, 1 - 2**-24]])
    assert torch.equal(sometimes(changed, before, u, 0.3), torch.cat([changed[:2], before[2:]]))
    assert torch.equal(sometimes(changed, before, u, 1.0), changed)
    u = rt.uniform((42, 0, 0), torch.arange(20_000), 1)
    share = sometimes(torch.ones(20_000, 1), torch.zeros(20_000, 1), u, 0.3).mean().item()
    assert share == pytest.approx(0.3, abs=5 * (0.3 * 0.7 / 20_000) ** 0.5)


def test_no_change_is_no_change_to_the_bit() -> None:
    image, half = pictures(2, 3, 37, 53), torch.full((2, 1), 0.5)
    assert torch.equal(brightness(image, half, 1.0, 1.0), image)
    assert torch.equal(contrast(image, half, 1.0, 1.0), image)
    assert torch.equal(gamma(image, half, 1.0, 1.0), image)
    assert torch.equal(blur(image, half, 1e-6, 0.05), image)
    assert torch.equal(noise(image, pictures(2, 1 + 3 * 37 * 53 + 1), 0.0, 0.0), image)


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


def test_gamma_by_hand() -> None:
    images = torch.tensor([[-1.0, 0.0], [1.0, 3.0]]).expand(2, 1, 2, 2)  # a quarter and a half of the way
    bent = gamma(images, torch.tensor([[0.0], [1.0]]), 0.5, 2.0)
    torch.testing.assert_close(bent[0, 0], torch.tensor([[-1.0, 1.0], [4 * 0.5**0.5 - 1, 3.0]]))
    torch.testing.assert_close(bent[1, 0], torch.tensor([[-1.0, -0.75], [0.0, 3.0]]))
    assert gamma(torch.full((1, 1, 2, 2), 0.4), torch.tensor([[0.0]]), 0.5, 2.0).eq(0.4).all()  # no range, no change


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("u", [0.0, 0.3, 1.0])
def test_blur_against_scipy(shape: tuple[int, ...], u: float) -> None:
    image, sd = pictures(*shape), 0.4 + u * 1.6
    filtered = [ndimage.gaussian_filter(c, sd, mode="nearest", radius=6) for c in image.double().numpy()]
    expected = torch.from_numpy(np.stack(filtered)).float()
    torch.testing.assert_close(blur(image[None], torch.tensor([[u]]), 0.4, 2.0)[0], expected, rtol=0, atol=2e-6)


def test_cutout_covers_squares_whose_middles_are_inside() -> None:
    images = torch.ones(2, 2, 10, 16)
    u = torch.tensor([[0.5, 0.0, 0.5, 1.0], [0.05, 0.05, 0.25, 0.25]])  # down, down, right, right
    cut = cutout(images, u, 0.4, 2)
    expected = torch.ones(2, 2, 10, 16)
    expected[0, :, 3:7, 6:10] = 0
    expected[0, :, 0:2, 14:16] = 0  # three quarters of it are outside
    expected[1, :, 0:2, 2:6] = 0
    assert torch.equal(cut, expected)


def test_noise_is_normal_and_each_pixel_has_its_own() -> None:
    """Its size is that of the arguments; neighbours, channels, samples and epochs know nothing of each other."""
    ids, zeros = torch.arange(40), torch.zeros(40, 2, 31, 33)
    numbers = 1 + 2 * 31 * 33
    first = noise(zeros, rt.uniform((42, 0, 0, 2, 0), ids, numbers), 0.1, 0.1)
    values = first.flatten().double().numpy() / 0.1
    assert stats.kstest(values, "norm").pvalue > 1e-4
    other = noise(zeros, rt.uniform((42, 0, 1, 2, 0), ids, numbers), 0.1, 0.1)
    pairs = [(first, other), (first[:, 0], first[:, 1]), (first[1:], first[:-1]), (first[..., 1:], first[..., :-1])]
    half = first.flatten(1)[:, :2046].chunk(2, 1)  # the two of a pair of Box and Muller
    for one, two in [*pairs, (first[:, :, 1:], first[:, :, :-1]), half]:
        assert abs(np.corrcoef(one.flatten(), two.flatten())[0, 1]) < 5 / one.numel() ** 0.5
    levels = noise(zeros, rt.uniform((42, 0, 0, 2, 0), ids, numbers), 0.1, 0.3).std((1, 2, 3))
    assert 0.09 < levels.min() < 0.15 and 0.25 < levels.max() < 0.31


def test_normal_numbers_are_finite_at_the_ends() -> None:
    u = torch.tensor([[0.0, 1 - 2**-24, 0.0, 1 - 2**-24]])
    assert normal(u).isfinite().all()
    assert normal(u).abs().max() < 6


@EACH
def test_random_numbers_that_are_used_are_all_used(word: Augmentation) -> None:
    """Each number changes the image: none is drawn in vain."""
    images = pictures(1, 1, 5, 7)
    u = drawn(word, images) * 0.6 + 0.2
    before = apply(word, images, u)
    for place in range(u.shape[1]):
        other = u.clone()
        other[0, place] = 0.9 if u[0, place] < 0.5 else 0.05
        assert not torch.equal(apply(word, images, other), before), place
