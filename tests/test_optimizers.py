"""Every optimizer as it is printed, against its definition written out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from programs import spec, study_of
from torch import nn

from specc.emit import printed

Step = Callable[[float, float, int], float]  # (weight, gradient, step from 1) -> weight


def built(words: str, net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of a spec's `optimizer:`, by the printed function."""
    study = study_of(spec(optimizer=words))
    space: dict[str, Any] = {}
    (setting,) = printed.learning_rates(study)
    space["Config"] = type("Config", (), {setting.name: setting.value})
    exec(printed.optimizers(study), space)
    made: torch.optim.Optimizer = space["network_optimizer"](net)
    return made


def sgd(lr: float, momentum: float = 0.0, nesterov: bool = False, decay: float = 0.0) -> Step:
    v = 0.0

    def step(w: float, g: float, t: int) -> float:
        nonlocal v
        g += decay * w
        v = momentum * v + g
        return w - lr * (g + momentum * v if nesterov else v)

    return step


def adam(lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, decay: float = 0.0) -> Step:
    m = v = 0.0

    def step(w: float, g: float, t: int) -> float:
        nonlocal m, v
        g += decay * w
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
        return w - lr * (m / (1 - betas[0] ** t)) / (math.sqrt(v / (1 - betas[1] ** t)) + eps)

    return step


def adamw(lr: float, decay: float) -> Step:
    inner = adam(lr)
    return lambda w, g, t: inner(w, g, t) - lr * decay * w


def rmsprop(lr: float, alpha: float, eps: float = 1e-8, momentum: float = 0.0, centered: bool = False) -> Step:
    v = mean = b = 0.0

    def step(w: float, g: float, t: int) -> float:
        nonlocal v, mean, b
        v, mean = alpha * v + (1 - alpha) * g * g, alpha * mean + (1 - alpha) * g
        b = momentum * b + g / (math.sqrt(v - mean * mean if centered else v) + eps)
        return w - lr * b

    return step


def adagrad(lr: float, decay: float = 0.0) -> Step:
    s = 0.0

    def step(w: float, g: float, t: int) -> float:
        nonlocal s
        g += decay * w
        s += g * g
        return w - lr * g / (math.sqrt(s) + 1e-10)

    return step


CASES: list[tuple[str, Callable[[], Step], bool]] = [  # the spec's words, the definition, whether biases differ
    ("{sgd: {learning_rate: 0.1}}", lambda: sgd(0.1), False),
    ("{sgd: {learning_rate: 0.1, momentum: 0.9}}", lambda: sgd(0.1, 0.9), False),
    ("{sgd: {learning_rate: 0.1, momentum: 0.9, nesterov: true}}", lambda: sgd(0.1, 0.9, True), False),
    ("{sgd: {learning_rate: 0.1, weight_decay: 0.01}}", lambda: sgd(0.1, decay=0.01), True),
    ("adam", lambda: adam(1e-3), False),
    ("{adam: {learning_rate: 0.1, betas: [0.8, 0.99], eps: 1e-4}}", lambda: adam(0.1, (0.8, 0.99), 1e-4), False),
    ("{adam: {learning_rate: 0.1, weight_decay: 0.05}}", lambda: adam(0.1, decay=0.05), True),
    ("{adamw: {learning_rate: 0.1}}", lambda: adamw(0.1, 0.01), True),
    ("{rmsprop: {learning_rate: 0.01}}", lambda: rmsprop(0.01, 0.9), False),
    (
        "{rmsprop: {learning_rate: 0.01, alpha: 0.99, momentum: 0.5, centered: true, eps: 1e-3}}",
        lambda: rmsprop(0.01, 0.99, 1e-3, 0.5, True),
        False,
    ),
    ("{rmsprop: {learning_rate: 0.01, alpha: 0}}", lambda: rmsprop(0.01, 0.0), False),
    ("adagrad", lambda: adagrad(0.01), False),
    ("{adagrad: {learning_rate: 0.1, weight_decay: 0.01}}", lambda: adagrad(0.1, 0.01), True),
]


def gradients() -> Iterator[float]:
    """Twenty numbers of both signs and many sizes."""
    return (math.sin(3.7 * t) * 10 ** (t % 5 - 2) for t in range(20))


@pytest.mark.parametrize(("words", "definition", "differ"), CASES, ids=[case[0] for case in CASES])
def test_twenty_steps(words: str, definition: Callable[[], Step], differ: bool) -> None:
    """In double precision, to 1e-6; weight decay is for weights only, so biases then go another way."""
    net = nn.Linear(1, 1, dtype=torch.float64)
    with torch.no_grad():
        net.weight.fill_(1.5)
        net.bias.fill_(1.5)
    optimizer, step, w = built(words, net), definition(), 1.5
    for t, g in enumerate(gradients(), 1):
        net.weight.grad, net.bias.grad = torch.full((1, 1), g).double(), torch.full((1,), g).double()
        optimizer.step()
        w = step(w, g, t)
        assert net.weight.item() == pytest.approx(w, rel=1e-6, abs=1e-9), t
    assert (net.bias.item() != pytest.approx(w, rel=1e-6)) == differ


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        ("{sgd: {learning_rate: 0.1}}", [0.8, 0.64, 0.512]),
        ("{sgd: {learning_rate: 0.1, momentum: 0.9}}", [0.8, 0.46, 0.062]),
        ("{sgd: {learning_rate: 0.1, momentum: 0.9, nesterov: true}}", [0.62, 0.2224, -0.108352]),
        ("{sgd: {learning_rate: 0.1, weight_decay: 0.01}}", [0.799, 0.638401, 0.510082399]),
        ("{rmsprop: {learning_rate: 0.01}}", [0.9683772239, 0.9457880255, 0.9270530987]),
        ("{adagrad: {learning_rate: 0.1}}", [0.9, 0.8331035268, 0.7804561814]),
        ("{adam: {learning_rate: 0.1}}", [0.9000000005, 0.8004122287, 0.7015862729]),
        ("{adamw: {learning_rate: 0.1}}", [0.8990000005, 0.7985190272, 0.6989111832]),
    ],
)
def test_three_steps_down_a_parabola(words: str, ends: list[float]) -> None:
    """f(w) = w^2 from 1."""
    net = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        net.weight.fill_(1.0)
    optimizer, seen = built(words, net), []
    for _ in ends:
        net.weight.grad = 2 * net.weight.detach()
        optimizer.step()
        seen.append(net.weight.item())
    assert seen == pytest.approx(ends, abs=1e-9)


def test_every_optimizer_is_under_test() -> None:
    from specc.optimizers import OPTIMIZERS

    assert all(any(record.name in words for words, _, _ in CASES) for record in OPTIMIZERS)
