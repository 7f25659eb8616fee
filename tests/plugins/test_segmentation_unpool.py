"""Networks that put values back: two right choices may differ, and what else differs is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from specc_segmentation.pieces.parity import PutBack, choices, held_to
from torch import Tensor, nn
from torch.nn import functional as F

from specc.pieces.export import Certificate, to_onnx


class Back(nn.Module):
    """Pooled twice and put back twice; `tilt` is added to the image before, `wrong` is done to what comes out."""

    def __init__(self, tilt: float = 0.0, sign: float = 1.0, gain: float = 1.0) -> None:
        super().__init__()
        self.tilt, self.sign, self.gain = tilt, sign, gain

    def forward(self, x: Tensor) -> tuple[Tensor]:
        x = self.sign * (x + self.tilt * torch.arange(x.shape[2] * x.shape[3]).view(x.shape[2:]))
        x, first = F.max_pool2d(x, 2, return_indices=True)
        x = F.max_pool2d(x, 3, stride=1, padding=1)  # a pool of which only the values count
        x, second = F.max_pool2d(x, (2, 3), return_indices=True)
        x = F.max_unpool2d(x, second, [2, 3], output_size=(8, 9))
        return (self.gain * F.max_unpool2d(x, first, [2, 2], output_size=(16, 18)),)


def exported(module: nn.Module) -> bytes:
    return to_onnx(module.eval(), [torch.zeros(2, 3, 16, 18)], {"pixels": {0: "batch"}}, ["maps"], {})


def image(flat: bool) -> Tensor:
    values = np.random.default_rng(0).normal(0, 1, (1, 3, 16, 18)).astype(np.float32)
    return torch.from_numpy(np.ones_like(values) if flat else values)


@pytest.mark.parametrize("flat", [True, False])
def test_the_same_network_agrees(flat: bool) -> None:
    proof = PutBack(Back(), exported(Back()), ["maps"])
    proof.run("case", image(flat))
    assert proof.wrong == [] and proof.largest["maps"] == 0 and proof.cases == 1 and len(proof.places) == 2


def test_a_choice_that_only_rounding_decides_is_right() -> None:
    """onnxruntime takes the last pixel of each window, as the image rises by a ten-millionth from pixel to pixel;
    torch would take the first. Elsewhere such proofs do not help: the choices of torch are its own again.
    """
    model = exported(Back(tilt=1e-7))
    plain, proof = Certificate(Back(), model, ["maps"]), PutBack(Back(), model, ["maps"])
    plain.run("flat", image(flat=True))
    proof.run("flat", image(flat=True))
    assert plain.wrong == ["flat: maps differs by 1"]
    assert proof.wrong == [] and proof.largest["maps"] < 1e-4
    usual = F.max_pool2d
    with pytest.raises(ZeroDivisionError), held_to([]):
        raise ZeroDivisionError
    assert F.max_pool2d is usual


def test_what_is_not_the_largest_is_found() -> None:
    proof = PutBack(Back(), exported(Back(sign=-1.0)), ["maps"])
    proof.run("case", image(flat=False))
    assert any("not the largest of its window" in fault for fault in proof.wrong)


def test_what_else_differs_is_found() -> None:
    """The choices agree, and what comes out does not."""
    proof = PutBack(Back(), exported(Back(gain=1.01)), ["maps"])
    proof.run("case", image(flat=False))
    assert len(proof.wrong) == 1 and proof.wrong[0].startswith("case: maps differs by 0.0")


def test_places_outside_of_their_windows_are_found() -> None:
    x = image(flat=True)
    _, own = F.max_pool2d(x, 2, return_indices=True)
    for found, fault in (
        ([(own + 2).numpy()], "outside of its window"),
        ([(own + 2 * 18).numpy()], "outside of its window"),
        ([own.numpy()[:, :2]], "no such pool"),
        ([own.numpy()] * 2, "more pools"),
        ([], "no such pool"),
    ):
        with held_to(found) as wrong:
            F.max_pool2d(x, 2, return_indices=True)
        assert fault in wrong[0]
    with held_to([(own + 18 + 1).numpy()]) as wrong:  # the last of each window
        _, taken = F.max_pool2d(x, 2, return_indices=True)
    assert wrong == [] and torch.equal(taken, own + 19)


def test_pools_that_pad_and_pools_that_are_not_asked() -> None:
    import onnx

    class Padded(Back):
        def forward(self, x: Tensor) -> tuple[Tensor]:
            pooled, places = F.max_pool2d(x, 3, padding=1, return_indices=True)
            return (F.max_unpool2d(pooled, places, [3, 3], padding=[1, 1], output_size=(16, 18)) + F.max_pool2d(x, 1),)

    model = exported(Padded())
    proof: Any = PutBack(Padded(), model, ["maps"])
    for flat in (True, False):
        proof.run("case", image(flat))
    assert proof.wrong == [] and len(choices(onnx.load_model_from_string(model))) == 1
