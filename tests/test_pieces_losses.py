"""Losses: one number a sample, equal to hand values and to float64 arithmetic, whatever else is in the batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax
from torch import Tensor
from torch.nn import functional as F

from specc.losses import LOSSES
from specc.pieces import losses
from specc.pieces.losses import (
    as_pairs,
    as_two,
    balanced,
    balanced_findings,
    binary_cross_entropy,
    categorical_cross_entropy,
    class_weighted,
    findings_cross_entropy,
    focal,
    huber,
    mean_absolute_error,
    mean_of_known,
    mean_squared_error,
    smoothed_cross_entropy,
    weighted_mean_of_known,
)

Case = tuple[Callable[[Tensor, Tensor], Tensor], Tensor, Tensor]
CASES: list[Case] = [
    (binary_cross_entropy, torch.linspace(-4, 4, 7)[:, None], torch.tensor([0, 1, 1, 0, 1, 0, 0])),
    (categorical_cross_entropy, torch.linspace(-4, 4, 21).sin().view(7, 3), torch.tensor([0, 1, 2, 2, 1, 0, 1])),
    (mean_squared_error, torch.linspace(-4, 4, 14).view(7, 2), torch.linspace(3, -1, 14).view(7, 2)),
    (mean_squared_error, torch.linspace(-4, 4, 7)[:, None], torch.linspace(3, -1, 7)[:, None]),
    (mean_absolute_error, torch.linspace(-4, 4, 14).view(7, 2), torch.linspace(3, -1, 14).view(7, 2)),
    (partial(huber, delta=1.5), torch.linspace(-4, 4, 14).view(7, 2), torch.linspace(3, -1, 14).view(7, 2)),
    (partial(focal, gamma=2.0), torch.linspace(-4, 4, 21).sin().view(7, 3), torch.tensor([0, 1, 2, 2, 1, 0, 1])),
    (
        partial(smoothed_cross_entropy, smoothing=0.1),
        torch.linspace(-4, 4, 21).sin().view(7, 3),
        torch.tensor([0, 1, 2, 2, 1, 0, 1]),
    ),
]
NAMES = ["binary", "categorical", "two numbers", "one number", "absolute", "huber", "focal", "smoothed"]


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
    (_, z, t), (_, scores, classes), (_, y, truth), *_ = CASES
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


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_one_loss_a_sample_whatever_the_batch(case: Case) -> None:
    loss, logits, targets = case
    together = loss(logits, targets)
    assert together.shape == (7,)
    alone = torch.cat([loss(logits[i : i + 1], targets[i : i + 1]) for i in range(7)])
    torch.testing.assert_close(together, alone, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", [*CASES[:3], *CASES[4:]], ids=[*NAMES[:3], *NAMES[4:]])
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


SCORES, CLASSES = torch.linspace(-3, 5, 21).cos().view(7, 3) * 4, torch.tensor([0, 1, 2, 2, 1, 0, 1])
WEIGHTS = (0.5, 2.0, 4.0)
ZERO = torch.tensor([0])


def test_published_values_of_weights_and_robust_losses() -> None:
    logits, targets = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]), torch.tensor([2, 1])
    each = class_weighted(categorical_cross_entropy(logits, targets), targets, (1.0, 2.0, 4.0), targets)
    assert each.mean().item() == pytest.approx(0.7409392978)  # sum(w l) / sum(w), as torch takes the mean
    errors = torch.tensor([[0.5], [1.0], [2.0]])
    assert huber(errors, torch.zeros(3, 1), delta=1.0).tolist() == [0.125, 0.5, 1.5]
    assert mean_absolute_error(torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 4.0]])).tolist() == [1.5]
    easy = torch.tensor([[0.0, np.log(9)]], dtype=torch.float64)  # p = 0.9
    assert focal(easy, torch.tensor([1]), gamma=2).item() == pytest.approx(0.01 * -np.log(0.9))
    assert focal(easy, torch.tensor([0]), gamma=2).item() == pytest.approx(0.81 * -np.log(0.1))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_options_are_those_of_torch(smoothing: float) -> None:
    each = smoothed_cross_entropy(SCORES, CLASSES, smoothing)
    assert each.shape == (7,)
    torch.testing.assert_close(each.mean(), F.cross_entropy(SCORES, CLASSES, label_smoothing=smoothing))
    torch.testing.assert_close(
        class_weighted(categorical_cross_entropy(SCORES, CLASSES), CLASSES, WEIGHTS, CLASSES).mean(),
        F.cross_entropy(SCORES, CLASSES, torch.tensor(WEIGHTS)),
    )


def test_weights_and_smoothing_leave_the_right_answer_the_best() -> None:
    """A weight counts images, not shares of the smoothed target: else a rare class would win on every image."""
    logits = torch.zeros(1, 2, requires_grad=True)
    for _ in range(2000):
        loss = class_weighted(smoothed_cross_entropy(logits, ZERO, 0.1), ZERO, (1.0, 25.0), ZERO)
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        logits = (logits - 0.5 * gradient).detach().requires_grad_()
    assert logits.softmax(1)[0].tolist() == pytest.approx([0.95, 0.05], abs=1e-3)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal(gamma: float) -> None:
    p = SCORES.double().softmax(1).gather(1, CLASSES[:, None])[:, 0]
    torch.testing.assert_close(focal(SCORES.double(), CLASSES, gamma), -((1 - p) ** gamma) * p.log())
    torch.testing.assert_close(focal(SCORES, CLASSES, 0.0), categorical_cross_entropy(SCORES, CLASSES))
    sure = (torch.tensor([[1e4, 0.0]])).requires_grad_()
    (gradient,) = torch.autograd.grad(focal(sure, torch.tensor([0]), gamma).sum(), sure)
    assert gradient.isfinite().all()
    wrong = torch.tensor([[1e4, 0.0]])
    assert focal(wrong, torch.tensor([1]), gamma).tolist() == [1e4]


def test_one_neuron_is_two_classes_with_every_option() -> None:
    """What one sigmoid neuron learns is what two softmax neurons learn whose first logit is 0."""
    _, logits, targets = CASES[0]
    pairs = as_two(logits)
    assert pairs.shape == (7, 2) and pairs[:, 0].eq(0).all() and pairs[:, 1].equal(logits[:, 0])
    p = torch.sigmoid(logits[:, 0])
    right = torch.where(targets == 1, p, 1 - p)
    torch.testing.assert_close(focal(pairs, targets, 2.0), -((1 - right) ** 2) * right.log())
    soft = targets * 0.8 + 0.1
    expected = F.binary_cross_entropy_with_logits(logits[:, 0], soft, reduction="none")
    torch.testing.assert_close(smoothed_cross_entropy(pairs, targets, 0.2), expected)
    weighted = class_weighted(binary_cross_entropy(logits, targets), targets, (1.0, 3.0), targets).mean()
    torch.testing.assert_close(weighted, F.cross_entropy(pairs, targets, torch.tensor([1.0, 3.0])))


FINDINGS = torch.tensor([[1, 0, -100], [0, -100, -100], [1, 1, 0], [0, 0, 1]])
LOGITS = torch.linspace(-3, 4, 12).view(4, 3)


def test_a_blank_does_not_count() -> None:
    known = FINDINGS >= 0
    each = F.binary_cross_entropy_with_logits(LOGITS, FINDINGS.clamp(min=0).float(), reduction="none")
    told = findings_cross_entropy(LOGITS, FINDINGS, FINDINGS)
    assert told.shape == (4,)
    torch.testing.assert_close(told.mean(), each[known].mean())
    other = LOGITS.masked_fill(~known, 77.0)
    torch.testing.assert_close(findings_cross_entropy(other, FINDINGS, FINDINGS), told)
    logits = LOGITS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(told_sum(logits), logits)
    assert gradient[~known].eq(0).all() and gradient[known].ne(0).all()
    blank = torch.full_like(FINDINGS, -100)
    assert findings_cross_entropy(LOGITS, blank, blank).tolist() == [0, 0, 0, 0]
    full = FINDINGS.clamp(min=0)
    torch.testing.assert_close(
        findings_cross_entropy(LOGITS, full, full).mean(), F.binary_cross_entropy_with_logits(LOGITS, full.float())
    )


def told_sum(logits: Tensor) -> Tensor:
    """Of every loss on findings, what training sums."""
    weights = torch.tensor([[1.0, 2.0, 0.5], [3.0, 1.0, 2.0]])
    pairs = as_pairs(logits)
    return (
        findings_cross_entropy(logits, FINDINGS, FINDINGS).sum()
        + mean_of_known(focal(pairs, FINDINGS, 0.5), FINDINGS, FINDINGS).sum()
        + mean_of_known(smoothed_cross_entropy(pairs, FINDINGS, 0.1), FINDINGS, FINDINGS).sum()
        + weighted_mean_of_known(categorical_cross_entropy(pairs, FINDINGS), FINDINGS, weights, FINDINGS).sum()
    )


def test_findings_are_weighted_each_on_its_own() -> None:
    weights = torch.tensor([[1.0, 2.0, 0.5], [3.0, 1.0, 2.0]])
    each = categorical_cross_entropy(as_pairs(LOGITS), FINDINGS)
    total, count = 0.0, 0.0
    for row, column in (FINDINGS >= 0).nonzero().tolist():
        weight = weights[FINDINGS[row, column], column].item()
        total, count = total + weight * each[row, column].item(), count + weight
    told = weighted_mean_of_known(each, FINDINGS, weights, FINDINGS)
    assert told.mean().item() == pytest.approx(total / count)
    torch.testing.assert_close(
        mean_of_known(categorical_cross_entropy(as_pairs(LOGITS), FINDINGS), FINDINGS, FINDINGS),
        findings_cross_entropy(LOGITS, FINDINGS, FINDINGS),
    )


def test_balanced_weights_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "CLASSES_OUT", 3)

    def given(outputs: Tensor, targets: Tensor, class_weights: Tensor) -> Tensor:
        return class_weights

    some = torch.tensor([0] * 6 + [1] * 3 + [2])
    nothing = torch.zeros(())
    assert balanced(given, some)(nothing, nothing).tolist() == pytest.approx([10 / 18, 10 / 9, 10 / 3])
    counted = balanced_findings(given, FINDINGS)(nothing, nothing)
    torch.testing.assert_close(counted, torch.tensor([[4 / 4, 3 / 4, 2 / 2], [4 / 4, 3 / 2, 2 / 2]]))
