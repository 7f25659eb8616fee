"""Losses: one number a sample, equal to hand values and to float64 arithmetic, whatever else is in the batch."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax
from torch import Tensor

from specc.losses import LOSSES
from specc.pieces.losses import binary_cross_entropy, categorical_cross_entropy, mean_squared_error

Case = tuple[Callable[[Tensor, Tensor], Tensor], Tensor, Tensor]
CASES: list[Case] = [
    (binary_cross_entropy, torch.linspace(-4, 4, 7)[:, None], torch.tensor([0, 1, 1, 0, 1, 0, 0])),
    (categorical_cross_entropy, torch.linspace(-4, 4, 21).sin().view(7, 3), torch.tensor([0, 1, 2, 2, 1, 0, 1])),
    (mean_squared_error, torch.linspace(-4, 4, 14).view(7, 2), torch.linspace(3, -1, 14).view(7, 2)),
    (mean_squared_error, torch.linspace(-4, 4, 7)[:, None], torch.linspace(3, -1, 7)[:, None]),
]


def test_the_records_name_these_functions() -> None:
    names = [getattr(import_module(loss.piece.module), loss.piece.name).__name__ for loss in LOSSES]
    assert names == [loss.name for loss in LOSSES]


def test_hand_values() -> None:
    yes, no = torch.tensor([1]), torch.tensor([0])
    logit = torch.tensor([[0.8]]).logit()
    assert binary_cross_entropy(logit, yes).tolist() == pytest.approx([0.2231435513])
    assert binary_cross_entropy(logit, no).tolist() == pytest.approx([1.6094379124])  # -log 0.2
    assert binary_cross_entropy(torch.tensor([[100.0]]), no).tolist() == [100.0]
    assert binary_cross_entropy(torch.tensor([[-1e4]]), yes).tolist() == [1e4]
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    assert categorical_cross_entropy(logits, torch.tensor([2])).tolist() == pytest.approx([0.4076059644])
    assert categorical_cross_entropy(torch.tensor([[1e4, 0.0]]), yes).tolist() == [1e4]
    assert mean_squared_error(torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 4.0]])).tolist() == [2.5]


def test_against_float64() -> None:
    (_, z, t), (_, scores, classes), (_, y, truth), _ = CASES
    p = expit(z.double().numpy()[:, 0])
    expected = -np.log(np.where(t.numpy() == 1, p, 1 - p))
    np.testing.assert_allclose(binary_cross_entropy(z, t), expected, rtol=1e-6, atol=1e-6)
    expected = -log_softmax(scores.double().numpy(), 1)[np.arange(7), classes.numpy()]
    np.testing.assert_allclose(categorical_cross_entropy(scores, classes), expected, rtol=1e-6, atol=1e-6)
    expected = [np.mean((a - b) ** 2) for a, b in zip(y.double().numpy(), truth.double().numpy(), strict=True)]
    np.testing.assert_allclose(mean_squared_error(y, truth), expected, rtol=1e-6, atol=1e-6)


def test_binary_is_categorical_between_zero_and_the_logit() -> None:
    _, logits, targets = CASES[0]
    pairs = torch.cat([torch.zeros_like(logits), logits], 1)
    torch.testing.assert_close(binary_cross_entropy(logits, targets), categorical_cross_entropy(pairs, targets))


@pytest.mark.parametrize("case", CASES, ids=["binary", "categorical", "two numbers", "one number"])
def test_one_loss_a_sample_whatever_the_batch(case: Case) -> None:
    loss, logits, targets = case
    together = loss(logits, targets)
    assert together.shape == (7,)
    alone = torch.cat([loss(logits[i : i + 1], targets[i : i + 1]) for i in range(7)])
    torch.testing.assert_close(together, alone, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", CASES[:3], ids=["binary", "categorical", "numbers"])
@pytest.mark.parametrize("factor", [1.0, 1e4, -1e4])
def test_gradients_are_finite_and_stay_in_their_sample(case: Case, factor: float) -> None:
    loss, logits, targets = case
    logits = (logits * factor).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(logits, targets)[2], logits)
    assert gradient.isfinite().all()
    assert abs(factor) > 1 or gradient[2].abs().sum() > 0  # an answer that is right by far leaves none
    assert gradient[[0, 1, 3, 4, 5, 6]].abs().sum() == 0


def test_shapes_that_would_broadcast_do_not() -> None:
    values, numbers = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([1.0, 1.0, 1.0])
    assert mean_squared_error(values, numbers).tolist() == [0, 1, 9]
    for wrong in (torch.zeros(3, 2), torch.zeros(1), torch.zeros(1, 1)):
        with pytest.raises(RuntimeError):
            mean_squared_error(values, wrong)
    with pytest.raises(RuntimeError):
        mean_squared_error(torch.zeros(3, 2), torch.zeros(3, 1))
    for logits, classes in ((torch.zeros(3, 2), 3), (torch.zeros(3, 1), 1), (torch.zeros(1, 1), 3)):
        with pytest.raises(ValueError, match="size"):
            binary_cross_entropy(logits, torch.zeros(classes, dtype=torch.int64))
