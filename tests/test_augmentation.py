"""Augmentation as programs have it: the emitted augment.py by itself, changed by nothing but key and id."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from programs import program, spec
from torch import Tensor

from specc.pieces import runtime
from specc.pieces.augment_places import middles

KEY = (42, 0, 3)
ALL = """
  - rotate: {degrees: 15, probability: 0.7}
  - zoom: {range: [0.8, 1.2]}
  - flip: {axis: horizontal}
  - elastic: {sd: 0.7, grid: [4, 3]}
  - noise: {sd: [0.01, 0.1]}
  - blur: {sd: 0.7, probability: 0.5}
  - random_crop: {pad: 2, area: [0.6, 1]}
  - shear: {degrees: 9}
  - rotate90
  - shift: {fraction: 0.1}
  - brightness: {range: [0.8, 1.2]}
  - contrast: {range: [0.8, 1.2]}
  - gamma: {range: [0.7, 1.5]}
  - cutout: {fraction: 0.3, holes: 2}"""
Augment = Callable[[Tensor, Tensor, tuple[int, ...]], Tensor]


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mapping[str, Any]]:
    """What augment.py of a program defines."""
    monkeypatch.setitem(sys.modules, "runtime", runtime)

    def load(augment: str, scale: str = "0..1", size: str = "[16, 20]", channels: str = "mono") -> Mapping[str, Any]:
        inputs = f"{{format: png, size: {size}, channels: {channels}, resize: fit, scale: {scale}}}"
        names: dict[str, Any] = {"text": program(spec(input=inputs, augment=augment))["augment.py"]}
        exec(names["text"], names)
        return names

    return load


Emitted = Callable[..., Mapping[str, Any]]


def pictures(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("scale", ["0..1", "-1..1", "standardize", "standardize_image"])
def test_a_sample_changes_alike_whatever_is_beside_it(emitted: Emitted, scale: str) -> None:
    """The same for any batch, order, share of a rank and history of torch's own generator."""
    augment, images, ids = emitted(ALL, scale)["augment"], pictures(12, 1, 16, 20) * 2 - 1, torch.arange(100, 112)
    whole = augment(images, ids, KEY)
    assert torch.equal(whole, augment(images, ids, KEY))
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(augment(images[order], ids[order], KEY), whole[order], rtol=0, atol=2e-6)
    shares = torch.empty_like(whole)
    for rank in range(3):
        torch.rand(5)
        shares[rank::3] = augment(images[rank::3], ids[rank::3], KEY)
    torch.testing.assert_close(shares, whole, rtol=0, atol=2e-6)
    same = images[:1].expand(12, -1, -1, -1)
    others = [augment(same, ids, key) for key in (KEY, (42, 0, 4), (42, 1, 3), (43, 0, 3))]
    assert len({tuple(image.flatten().tolist()) for batch in others for image in batch}) == 48


def test_only_what_is_chosen_is_in_the_program(emitted: Emitted) -> None:
    names = emitted("[{rotate: {degrees: 9}}, {brightness: {range: [0.9, 1.1]}}]")
    functions = {name for name, value in names.items() if callable(value) and value.__class__.__name__ == "function"}
    assert functions == {"augment", "look", "rotate", "turned", "between", "brightness", "bilinear", "middles"}
    assert emitted("[{brightness: {range: [0.9, 1.1]}}]").keys() >= {"augment", "between"}
    assert "look" not in emitted("[{brightness: {range: [0.9, 1.1]}}]")
    assert "augment.py" not in program(spec())


def test_changes_of_place_are_read_once_and_in_order(emitted: Emitted) -> None:
    """First enlarged about the middle, then moved: a point of the image goes where the list says."""
    zoom, shift = "{zoom: {range: [2, 2]}}", "{random_crop: {pad: 3}}"
    ids, image = torch.arange(20), torch.zeros(20, 1, 16, 20)
    image[:, :, 8:10, 10:12] = 1  # middle of the square: one pixel right of and below the canvas's own
    moved = {text: emitted(f"[{text}]") for text in (f"{zoom}, {shift}", f"{shift}, {zoom}")}
    for text, names in moved.items():
        changed = names["augment"](image, ids, KEY)
        place = 1 if text.startswith("{zoom") else 0
        u = runtime.uniform((*KEY, 2, place), ids, 6)
        right, down = ((u[:, at] * 7).floor() - 3 for at in (4, 5))
        grown = 1 if place else 2  # a move before the enlargement is enlarged with it
        rows, columns = torch.arange(16.0) - 7.5, torch.arange(20.0) - 9.5
        mass = changed.sum((1, 2, 3))
        x, y = ((changed[:, 0] * at).sum((1, 2)) / mass for at in (columns, rows[:, None]))
        seen = mass > 0.99 * 16
        assert seen.sum() > 4
        torch.testing.assert_close(x[seen], (2 - grown * right)[seen], rtol=0, atol=1e-4)
        torch.testing.assert_close(y[seen], (2 - grown * down)[seen], rtol=0, atol=1e-4)
    assert [names["text"].count("= bilinear(") for names in moved.values()] == [1, 1]


def test_what_stands_between_parts_the_changes_of_place(emitted: Emitted) -> None:
    """Two readings then; `look` is both of them."""
    names = emitted("[{zoom: {range: [2, 2]}}, {noise: {sd: 0.1}}, {random_crop: {pad: 3}}, {rotate: {degrees: 9}}]")
    assert names["text"].count("= bilinear(") == 2
    ids, points = torch.arange(4), middles(torch.zeros(4, 1, 16, 20), (16, 20))
    both = names["look_1"](names["look_2"](points, ids, KEY), ids, KEY)
    assert "look" not in names  # nothing but images moves in this program
    one = emitted("[{zoom: {range: [2, 2]}}, {random_crop: {pad: 3}}, {rotate: {degrees: 9}}]")["look"]
    assert one(points, ids, KEY).shape == both.shape == (4, 320, 2)


@pytest.mark.parametrize(("scale", "black"), [("0..1", 0.0), ("-1..1", -1.0)])
def test_what_comes_from_outside_is_black(emitted: Emitted, scale: str, black: float) -> None:
    augment = emitted("[{zoom: {range: [0.5, 0.5]}}]", scale)["augment"]
    small = augment(torch.full((2, 1, 16, 20), 0.7), torch.arange(2), KEY)
    assert small[:, :, 0].unique().tolist() == [black]
    assert small[:, :, 8, 10].tolist() == [[pytest.approx(0.7)]] * 2


def test_probability_is_the_share_that_changes(emitted: Emitted) -> None:
    image = pictures(1, 1, 16, 20).expand(4000, -1, -1, -1)
    for change, probability in (("flip: {axis: vertical}", 0.5), ("noise: {sd: 0.1, probability: 0.2}", 0.2)):
        changed = emitted(f"[{{{change}}}]")["augment"](image, torch.arange(4000), KEY)
        share = (changed != image).flatten(1).any(1).float().mean().item()
        assert share == pytest.approx(probability, abs=5 * (probability * (1 - probability) / 4000) ** 0.5)
    always = emitted("[{flip: {axis: vertical, probability: 1}}]")["augment"]
    assert torch.equal(always(image, torch.arange(4000), KEY), image.flip(2))


def test_changes_know_nothing_of_each_other(emitted: Emitted) -> None:
    """The same change at two places of the list has two numbers: turned by one angle and then by another."""
    look = emitted("[{rotate: {degrees: 45}}, {rotate: {degrees: 45}}]")["look"]
    x, y = look(torch.tensor([[[1.0, 0.0]]]).expand(4000, -1, -1), torch.arange(4000), KEY)[:, 0].unbind(1)
    angles = torch.rad2deg(torch.atan2(y, x))
    assert angles.std().item() == pytest.approx(90 / 12**0.5 * 2**0.5, rel=0.05)  # of two that are independent
    assert abs(angles.mean().item()) < 2.5
