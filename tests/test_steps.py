"""What a program does in 20 steps and more, held against a loop that is written out by hand, with torch's own parts.

Everything is float64, so that only a wrong rule can differ by 1e-9.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from emitted import SAMPLES, VAL, Run, double, modules
from programs import spec
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

INPUT = "{format: png, size: [6, 6], channels: mono, resize: fit, scale: 0..1}"
ONE = (
    "{layers: [{conv2d: {filters: 3, kernel: 3, activation: tanh}}, flatten, {dense: {units: 1, activation: sigmoid}}]}"
)
DEFAULT = {"input": INPUT, "model": ONE, "optimizer": "{sgd: {learning_rate: 0.1}}"}
TWO = (torch.arange(SAMPLES + VAL) % 3 == 0).long()  # unequal classes


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with double():
        yield


def bce(outputs: Tensor, targets: Tensor) -> Tensor:
    """Binary cross entropy by its definition."""
    p = 1 / (1 + torch.exp(-outputs[:, 0]))
    return -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()


class Reference:
    """The same training by hand: `loss(outputs, targets)` and an optimizer of torch's."""

    def __init__(self, run: Run, loss: Callable[[Tensor, Tensor], Tensor], make: Callable[[Any], Any]) -> None:
        self.net, self.loss, self.images = copy.deepcopy(run.net), loss, run.images
        self.optimizer = make(self.net.parameters())

    def step(self, batch: Any, clip: Callable[[Any], object] = lambda parameters: None) -> float:
        """One step on the samples of a batch; its loss."""
        self.net.train()
        self.optimizer.zero_grad()
        loss = self.loss(self.net(self.images.pixels[batch.ids]), self.images.targets["target"][batch.ids])
        loss.backward()
        clip(self.net.parameters())
        self.optimizer.step()
        return loss.item()


def equal(first: nn.Module, second: nn.Module) -> None:
    """Weights to 1e-9."""
    for name, value in first.state_dict().items():
        torch.testing.assert_close(value, second.state_dict()[name], rtol=0, atol=1e-9, msg=name)


def sgd(rate: float) -> Callable[[Any], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.SGD(parameters, rate)


# ------------------------------------------------------------------ schedules

EPOCHS, STEPS = 6, 5  # 40 images in batches of 8
WHOLE = EPOCHS * STEPS


def poly(power: float) -> Callable[[Any], Any]:
    return lambda o: lr_scheduler.PolynomialLR(o, WHOLE, power)


def with_warmup(o: Any) -> Any:
    first = lr_scheduler.LinearLR(o, 0.1, 1.0, 2 * STEPS)
    rest = lr_scheduler.CosineAnnealingLR(o, WHOLE - 2 * STEPS, eta_min=0.01 * 0.1)
    return lr_scheduler.SequentialLR(o, [first, rest], [2 * STEPS])


def straight(o: Any) -> Any:
    after = 3 * STEPS
    return lr_scheduler.LambdaLR(o, lambda k: 1 - 0.9 * max(0, k - after) / (WHOLE - after))


SCHEDULES: dict[str, tuple[Callable[[Any], Any], bool]] = {  # torch's scheduler, and whether it steps with every step
    "{step: {at: [2, 4], factor: 0.5}}": (lambda o: lr_scheduler.MultiStepLR(o, [2, 4], 0.5), False),
    "{step: {at: [1.4]}}": (lambda o: lr_scheduler.MultiStepLR(o, [7], 0.1), True),
    "{exponential: {factor: 0.7}}": (lambda o: lr_scheduler.ExponentialLR(o, 0.7), False),
    "{exponential: {factor: 0.5, least: 0.2}}": (lambda o: lr_scheduler.LambdaLR(o, lambda e: max(0.5**e, 0.2)), False),
    "cosine": (lambda o: lr_scheduler.CosineAnnealingLR(o, WHOLE), True),
    "{cosine: {warmup: 2, least: 0.01}}": (with_warmup, True),
    "{constant: {warmup: 3, warmup_from: 0.25}}": (lambda o: lr_scheduler.LinearLR(o, 0.25, 1.0, 3 * STEPS), True),
    "linear": (poly(1.0), True),
    "{linear: {after: 3, least: 0.1}}": (straight, True),
    "polynomial": (poly(0.9), True),
    "{polynomial: {power: 2}}": (poly(2.0), True),
    "one_cycle": (lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=WHOLE, cycle_momentum=False), True),
    "{one_cycle: {rise: 0.5, start: 0.1, end: 0.01}}": (
        lambda o: lr_scheduler.OneCycleLR(
            o, 0.1, total_steps=WHOLE, pct_start=0.5, div_factor=10, final_div_factor=10, cycle_momentum=False
        ),
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", SCHEDULES)
def test_schedules_are_those_of_torch(words: str, tmp_path: Path) -> None:
    make, each_step = SCHEDULES[words]
    text = spec(**DEFAULT, train=f"{{epochs: {EPOCHS}, batch_size: 8, schedule: {words}}}")
    with modules(text, tmp_path) as get:
        run = Run(get, TWO)
        reference = Reference(run, bce, sgd(0.1))
        scheduler, rates = make(reference.optimizer), list[float]()
        for batch, loss in run.steps():
            if batch is None:
                told = run.work.evaluate()
                assert told["learning_rate"] == pytest.approx(rates[-1], abs=1e-12)
                scheduler.step() if not each_step else None
                continue
            rates.append(reference.optimizer.param_groups[0]["lr"])
            assert run.optimizer.param_groups[0]["lr"] == pytest.approx(rates[-1], abs=1e-9)
            assert loss == pytest.approx(reference.step(batch), abs=1e-9)
            scheduler.step() if each_step else None
        assert len(rates) == WHOLE
        assert len(set(rates)) > 1
        equal(run.net, reference.net)


@pytest.mark.parametrize("watch", ["val_loss", "accuracy"])
def test_plateau_is_that_of_torch(watch: str, tmp_path: Path) -> None:
    words = "{plateau: {factor: 0.5, patience: 1, min_delta: 0.002, least: 0.1}}"
    stop = f"{{watch: {watch}, patience: 20}}"
    text = spec(**DEFAULT, train=f"{{epochs: 12, batch_size: 8, schedule: {words}, early_stop: {stop}}}")
    with modules(text, tmp_path) as get:
        run = Run(get, TWO)
        reference = Reference(run, bce, sgd(0.1))
        scheduler = lr_scheduler.ReduceLROnPlateau(
            reference.optimizer, "min" if watch == "val_loss" else "max", 0.5, 1, 0.002, "abs", min_lr=0.01
        )
        rates = []
        for batch, loss in run.steps():
            if batch is None:
                scheduler.step(run.work.evaluate()[watch])
                continue
            rates.append(reference.optimizer.param_groups[0]["lr"])
            assert run.optimizer.param_groups[0]["lr"] == pytest.approx(rates[-1], abs=1e-12)
            assert loss == pytest.approx(reference.step(batch), abs=1e-9)
        assert len(set(rates)) > 2
        equal(run.net, reference.net)


def test_layers_keep_their_own_share_of_a_scheduled_rate(tmp_path: Path) -> None:
    model = ONE.replace("kernel: 3,", "kernel: 3, lr_scale: 0.1,")
    parts = DEFAULT | {"model": model}
    with modules(spec(**parts, train="{epochs: 2, batch_size: 8, schedule: cosine}"), tmp_path) as get:
        run = Run(get, TWO)
        for batch, _ in run.steps():
            if batch is not None:
                small, large = sorted(group["lr"] for group in run.optimizer.param_groups)
                assert small == pytest.approx(0.1 * large)


# ------------------------------------------------------------------ losses

THREE = (torch.arange(SAMPLES + VAL) * 7 % 5 % 3).long()
PAIRS = torch.stack([torch.arange(SAMPLES + VAL) % 3 - 1, torch.arange(SAMPLES + VAL) % 2], 1)
PAIRS[PAIRS == -1] = -100
VALUES = torch.linspace(-1, 1, SAMPLES + VAL, dtype=torch.float64)[:, None] ** 2
SOFTMAX = ONE.replace("units: 1, activation: sigmoid", "units: 3, activation: softmax")
CLASSES = {"output": "{classes: [a, b, c]}", "model": SOFTMAX}
MANY = {
    "output": "{labels: [x, y]}", "model": ONE.replace("units: 1", "units: 2"),
    "data": "{manifest: t.csv, columns: {image: file, labels: {x: x, y: y}}, split: {column: split}}",
}  # fmt: skip
NUMBER = {
    "task": "regression", "output": "{target: age, unit: years}", "model": ONE.replace(", activation: sigmoid", ""),
    "data": "{manifest: t.csv, columns: {image: file, target: age}, split: {column: split}}",
}  # fmt: skip


def log_softmax(z: Tensor) -> Tensor:
    return z - torch.log(torch.exp(z).sum(1, keepdim=True))


def nll(z: Tensor, t: Tensor, weights: Tensor | None = None) -> Tensor:
    each = -log_softmax(z)[torch.arange(len(t)), t]
    w = torch.ones(len(t)) if weights is None else weights[t]
    return (w * each).sum() / w.sum()


def smooth(z: Tensor, t: Tensor, epsilon: float) -> Tensor:
    truth = F.one_hot(t, z.shape[1]) * (1 - epsilon) + epsilon / z.shape[1]
    return -(truth * log_softmax(z)).sum(1).mean()


def two(z: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(z), z], 1)


def focal(z: Tensor, t: Tensor, gamma: float) -> Tensor:
    p = log_softmax(z).exp()[torch.arange(len(t)), t]
    return -((1 - p) ** gamma * p.log()).mean()


def masked(z: Tensor, t: Tensor) -> Tensor:
    known = t >= 0
    return F.binary_cross_entropy(torch.sigmoid(z[known]), t[known].double())


def balance(t: Tensor, classes: int) -> Tensor:
    return SAMPLES / (classes * torch.bincount(t[:SAMPLES], minlength=classes))


def huber(y: Tensor, t: Tensor, delta: float) -> Tensor:
    e = (y - t).abs()
    return torch.where(e <= delta, e * e / 2, delta * (e - delta / 2)).mean()


LOSSES: dict[str, tuple[dict[str, str], Tensor, Callable[[Tensor, Tensor], Tensor]]] = {
    "binary_cross_entropy": ({}, TWO, bce),
    "{binary_cross_entropy: {class_weights: [1, 3]}}": ({}, TWO, lambda z, t: nll(two(z), t, torch.tensor([1.0, 3.0]))),
    "{binary_cross_entropy: {class_weights: balanced}}": ({}, TWO, lambda z, t: nll(two(z), t, balance(TWO, 2))),
    "{binary_cross_entropy: {label_smoothing: 0.1}}": ({}, TWO, lambda z, t: smooth(two(z), t, 0.1)),
    "{focal: {gamma: 2}}": ({}, TWO, lambda z, t: focal(two(z), t, 2.0)),
    "categorical_cross_entropy": (CLASSES, THREE, nll),
    "{categorical_cross_entropy: {class_weights: balanced}}": (
        CLASSES, THREE, lambda z, t: nll(z, t, balance(THREE, 3)),
    ),
    "{categorical_cross_entropy: {label_smoothing: 0.2}}": (CLASSES, THREE, lambda z, t: smooth(z, t, 0.2)),
    "{focal: {gamma: 1.5}}": (CLASSES, THREE, lambda z, t: focal(z, t, 1.5)),
    "[categorical_cross_entropy, {focal: {weight: 0.5}}]": (
        CLASSES, THREE, lambda z, t: nll(z, t) + 0.5 * focal(z, t, 2.0),
    ),
    "binary_cross_entropy ": (MANY, PAIRS, masked),
    "mean_squared_error": (NUMBER, VALUES, lambda y, t: ((y - t) ** 2).mean()),
    "mean_absolute_error": (NUMBER, VALUES, lambda y, t: (y - t).abs().mean()),
    "{huber: {delta: 0.5}}": (NUMBER, VALUES, lambda y, t: huber(y, t, 0.5)),
}  # fmt: skip
ALLOWED = "{focal_loss: test, class_weights: test, label_smoothing: test, mean_absolute_error: test, huber: test}"


def losing(words: str, train: str) -> tuple[str, Tensor, Callable[[Tensor, Tensor], Tensor]]:
    """A spec with a loss, its targets, the reference."""
    parts, targets, loss = LOSSES[words]
    slow = {"optimizer": "{sgd: {learning_rate: 0.01}}"}
    return spec(**(DEFAULT | parts | slow), loss=words.strip(), allow=allowed(words), train=train), targets, loss


def allowed(words: str) -> str:
    names = {
        "focal": "focal", "class_weights": "class_weights", "label_smoothing": "label_smoothing",
        "absolute": "mean_absolute_error", "huber": "huber",
    }  # fmt: skip
    return "{" + ", ".join(f"{name}: as published" for word, name in names.items() if word in words) + "}"


@pytest.mark.parametrize("words", LOSSES)
@pytest.mark.parametrize("train", ["batch_size: 8", "batch_size: 3, accumulate: 3"])
def test_losses_over_20_steps(words: str, train: str, tmp_path: Path) -> None:
    text, targets, loss = losing(words, f"{{epochs: 4, {train}}}")
    with modules(text, tmp_path) as get:
        run = Run(get, targets)
        reference = Reference(run, loss, sgd(0.01))
        taken = 0
        for batch, value in run.steps():
            if batch is not None:
                assert value == pytest.approx(reference.step(batch), abs=1e-9)
                taken += 1
        assert taken >= 20
        equal(run.net, reference.net)
        judged = reference.net(run.images.pixels[SAMPLES:])
        assert run.work.evaluate()["val_loss"] == pytest.approx(loss(judged, targets[SAMPLES:]).item(), abs=1e-9)


# ------------------------------------------------------------------ what is around a step


def test_gradients_are_clipped_by_norm(tmp_path: Path) -> None:
    with modules(spec(**DEFAULT, train="{epochs: 2, batch_size: 8, grad_clip: 0.05}"), tmp_path) as get:
        run = Run(get, TWO)
        reference = Reference(run, bce, sgd(0.1))

        def clip(parameters: Any) -> None:
            gradients = [p.grad for p in parameters]
            norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
            assert norm > 0.05, "nothing to clip"
            for gradient in gradients:
                gradient *= 0.05 / (norm + 1e-6)

        for batch, _ in run.steps():
            if batch is not None:
                reference.step(batch, clip)
        equal(run.net, reference.net)


def test_gradients_are_clipped_by_value(tmp_path: Path) -> None:
    words = "{epochs: 2, batch_size: 8, grad_clip: {by: value, most: 0.01}}"
    with modules(spec(**DEFAULT, train=words), tmp_path) as get:
        run = Run(get, TWO)
        reference = Reference(run, bce, sgd(0.1))
        for batch, _ in run.steps():
            if batch is not None:
                reference.step(batch, lambda parameters: [p.grad.clamp_(-0.01, 0.01) for p in parameters])
        equal(run.net, reference.net)


@pytest.mark.parametrize("decay", [0.9, 0.3])
def test_the_average_is_what_is_judged(decay: float, tmp_path: Path) -> None:
    model = ONE.replace("flatten", "batchnorm, flatten")
    with modules(
        spec(**(DEFAULT | {"model": model}), train=f"{{epochs: 4, batch_size: 8, ema: {decay}}}"), tmp_path
    ) as get:
        run = Run(get, TWO)
        reference = Reference(run, bce, sgd(0.1))
        average = copy.deepcopy(reference.net.state_dict())
        for t, (batch, _) in enumerate(itertools.takewhile(lambda step: step[0] is not None, run.steps()), 1):
            reference.step(batch)
            d = min(decay, (1 + t) / (10 + t))
            for name, value in reference.net.state_dict().items():
                average[name] = d * average[name] + (1 - d) * value if value.is_floating_point() else value.clone()
        kept = run.train.average_of(run.net, run.optimizer)
        for name, value in kept.state_dict().items():
            torch.testing.assert_close(value, average[name], rtol=0, atol=1e-9)
        equal(run.net, reference.net)
        judge = copy.deepcopy(reference.net)
        judge.load_state_dict(average)
        outputs = judge.eval()(run.images.pixels[SAMPLES:])
        assert run.work.evaluate()["val_loss"] == pytest.approx(bce(outputs, TWO[SAMPLES:]).item(), abs=1e-9)


def test_phases_begin_with_a_new_optimizer_and_freeze(tmp_path: Path) -> None:
    """Momentum of the first phase does not push in the second; frozen batch norm keeps its statistics."""
    model = (
        "{layers: [{conv2d: {id: stem, filters: 3, kernel: 3, activation: tanh}}, {batchnorm: {id: norm}}, flatten, "
        "{dense: {units: 1, activation: sigmoid}}]}"
    )
    phases = "[{epochs: 2}, {epochs: 2, freeze: [stem, norm], learning_rate: 0.02}, {epochs: 1, freeze: norm}]"
    parts = DEFAULT | {"model": model, "optimizer": "{sgd: {learning_rate: 0.1, momentum: 0.9}}"}
    with modules(spec(**parts, train=f"{{phases: {phases}, batch_size: 8}}"), tmp_path) as get:
        run = Run(get, TWO)
        net, stage = copy.deepcopy(run.net), -1
        optimizer: Any = None
        rates, frozen = (0.1, 0.02, 0.1), ((), ("stem", "norm"), ("norm",))
        for batch, loss in run.steps():
            if batch is None:
                run.work.evaluate()
                continue
            if batch.key[1] != stage:
                stage = batch.key[1]
                learning = [p for name, p in net.named_parameters() if name.split(".")[0] not in frozen[stage]]
                optimizer = torch.optim.SGD(learning, rates[stage], 0.9)
            net.train()
            for name in frozen[stage]:
                getattr(net, name).eval()
            value = bce(net(run.images.pixels[batch.ids]), TWO[batch.ids])
            assert value.item() == pytest.approx(loss, abs=1e-9)
            net.zero_grad()
            value.backward()
            optimizer.step()
        assert stage == 2
        equal(run.net, net)


def test_mixup_blends_images_and_losses(tmp_path: Path) -> None:
    parts = DEFAULT | {"augment": "[{mixup: {alpha: 0.4}}]"}
    with modules(spec(**parts, train="{epochs: 4, batch_size: 8}"), tmp_path) as get:
        run = Run(get, TWO)
        mixup = get("mixup")
        reference = Reference(run, bce, sgd(0.1))
        seen = []
        for batch, value in run.steps():
            if batch is None:
                continue
            u = run.runtime.uniform((*batch.key, 3), batch.ids, 2)
            mates, share = (u[:, 0].double() * SAMPLES).long(), mixup.larger_share(u[:, 1], 0.4).double()
            seen += share.tolist()
            pixels, reference.net = run.images.pixels, reference.net.train()
            outputs = reference.net(share[:, None, None, None] * pixels[batch.ids]
                                    + (1 - share)[:, None, None, None] * pixels[mates])  # fmt: skip
            p = torch.sigmoid(outputs[:, 0])
            truth = share * TWO[batch.ids] + (1 - share) * TWO[mates]  # of cross entropy, blended targets are the same
            loss = -(truth * p.log() + (1 - truth) * (1 - p).log()).mean()
            assert loss.item() == pytest.approx(value, abs=1e-7)
            reference.optimizer.zero_grad()
            loss.backward()
            reference.optimizer.step()
        assert 0.5 <= min(seen) < 0.75 < max(seen) <= 1
        for name, weight in run.net.state_dict().items():
            torch.testing.assert_close(weight, reference.net.state_dict()[name], rtol=0, atol=1e-7)


@pytest.mark.parametrize("parts", [{}, CLASSES, NUMBER], ids=["two", "three", "number"])
def test_a_batch_of_blends_is_learned_by_heart(
    parts: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--sanity` knows that blends leave something open, even to a network that is always right."""
    words = {"augment": "[mixup]", "optimizer": "{adam: {learning_rate: 0.05}}"}
    loss = {} if not parts else {"loss": "mean_squared_error" if "task" in parts else "categorical_cross_entropy"}
    text = spec(
        **(DEFAULT | parts | words | loss), train="{epochs: 1, batch_size: 8, schedule: {cosine: {warmup: 0.5}}}"
    )
    with modules(text, tmp_path) as get:
        run = Run(get, {0: TWO, 2: THREE}.get(len(parts), VALUES))
        assert (run.work.least > 0.1) == ("task" not in parts)
        get("metrics").sanity(run.work, next(run.batches(0, 0)))
        told = json.loads(capsys.readouterr().out)
        assert told["last_loss"] - run.work.least < 0.1 * (told["first_loss"] - run.work.least)


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 3.0])
def test_shares_of_mixup_follow_a_beta_distribution(alpha: float) -> None:
    from scipy.stats import beta

    from specc.pieces.mixup import larger_share

    even = (torch.arange(1000) + 0.5) / 1000
    share = larger_share(even, alpha)
    expected = torch.as_tensor(1 - beta(alpha, alpha).ppf(even.numpy() / 2))
    torch.testing.assert_close(share.double(), expected, rtol=0, atol=2e-4)
    assert float(share.min()) >= 0.5
    assert float(share.max()) <= 1.0


@pytest.mark.parametrize("precision", ["bf16", "float16"])
def test_16_bits_learn_much_the_same(precision: str, tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float32)
    text = spec(**DEFAULT, train=f"{{epochs: 4, batch_size: 8, precision: {precision}, ema: 0.5, grad_clip: 1}}")
    plain = spec(**DEFAULT, train="{epochs: 4, batch_size: 8, ema: 0.5, grad_clip: 1}")
    losses = []
    for number, words in enumerate((text, plain)):
        with modules(words, tmp_path / str(number)) as get:
            run = Run(get, TWO)
            run.images = run.images._replace(pixels=run.images.pixels.float())
            run.work = run.train.build(run.config, run.images, torch.device("cpu"))
            losses.append([loss for batch, loss in run.steps() if batch is not None])
            if number == 0:
                types: list[torch.dtype] = []
                nets = run.work.parts["network"], run.train.average_of(run.net, run.work.parts["optimizer"])
                for net in nets:
                    layer = next(iter(net.children()))
                    layer.register_forward_hook(lambda module, given, out, types=types: types.append(out.dtype))
                batch = next(run.batches(0, 0))
                run.work.stages[0].step(batch)
                assert types == [{"bf16": torch.bfloat16, "float16": torch.float16}[precision]]
                run.work.evaluate()
                assert types[-1] == torch.float32  # what is judged is what will be exported
                if precision == "float16":
                    state = run.work.parts["optimizer"].state_dict()
                    assert state["scaler"]["scale"] >= 1
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[0] != losses[1]


def test_mixup_of_a_quantity_asks_for_the_blend(tmp_path: Path) -> None:
    """Also of the absolute error, which is least at one of two answers where their losses are blended."""
    parts = (
        DEFAULT | NUMBER | {"augment": "[mixup]", "loss": "mean_absolute_error", "allow": "{mean_absolute_error: x}"}
    )
    with modules(spec(**parts, train="{epochs: 1, batch_size: 8}"), tmp_path) as get:
        run = Run(get, VALUES)
        net, mixup, pixels = copy.deepcopy(run.net), get("mixup"), run.images.pixels
        batch = next(run.batches(0, 0))
        u = run.runtime.uniform((*batch.key, 3), batch.ids, 2)
        mates, share = (u[:, 0].double() * SAMPLES).long(), mixup.larger_share(u[:, 1], 0.2).double()[:, None]
        outputs = net(share[:, :, None, None] * pixels[batch.ids] + (1 - share)[:, :, None, None] * pixels[mates])
        truth = share * VALUES[batch.ids] + (1 - share) * VALUES[mates]
        (loss,) = run.work.stages[0].step(batch).values()
        assert loss.item() == pytest.approx((outputs - truth).abs().mean().item(), abs=1e-7)


def test_a_plateau_begins_anew_with_a_phase(tmp_path: Path) -> None:
    train = "{phases: [{epochs: 4}, {epochs: 4}], batch_size: 8, schedule: {plateau: {patience: 0, min_delta: 10}}}"
    with modules(spec(**DEFAULT, train=train), tmp_path) as get:
        run, rates = Run(get, TWO), []
        for batch, _ in run.steps():
            if batch is None:
                rates.append(run.work.evaluate()["learning_rate"])
        assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001] * 2)


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize(("size", "most"), [(33, 16), (17, 16), (25, 5), (7, 5), (1, 4), (4, 1), (32, 32)])
def test_every_rank_has_as_many_parts(size: int, most: int, ranks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks add up what they have once a part: one with a part less would wait for ever."""
    from specc.pieces import images, updates
    from specc.pieces import runtime as rt

    monkeypatch.setattr(updates, "BATCH", most)
    monkeypatch.setattr(images, "shuffle", images.in_order)
    monkeypatch.setattr(images, "steps", images.all_steps)
    counts, seen = set(), []
    for rank in range(ranks):
        monkeypatch.setattr(rt, "RANK", rank)
        monkeypatch.setattr(rt, "RANKS", ranks)
        (step,) = images.batches((1, 0, 0), 1, size, size, 0, torch.device("cpu"))
        parts = list(updates.parts_of(step))
        counts.add(len(parts))
        assert all(1 <= len(part.ids) <= math.ceil(most / ranks) for part in parts)
        assert all(part.among is step.among for part in parts)
        for part in parts:
            seen += [i for i, weight in zip(part.ids.tolist(), part.weights.tolist(), strict=True) if weight]
    assert len(counts) == 1
    assert sorted(seen) == list(range(size))


def test_a_run_goes_on_where_no_scaler_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU with bf16 saves no scale; one without goes on with a fresh one."""
    from specc.pieces import precision

    net, device = nn.Linear(1, 1), torch.device("cpu")
    monkeypatch.setattr(precision, "HALF", precision.bfloat16)
    saved = precision.Scaling(torch.optim.SGD(net.parameters(), 0.1), device).state_dict()
    monkeypatch.setattr(precision, "HALF", precision.float16)
    other = precision.Scaling(torch.optim.SGD(net.parameters(), 0.1), device)
    other.load_state_dict(saved)
    assert other.scaler.get_scale() > 1


@pytest.mark.parametrize(("step", "steps", "epochs", "rate"), [(0, 1, 1, 1.0), (5, 5, 2, 1.0)])
def test_schedules_that_have_no_time(step: int, steps: int, epochs: int, rate: float) -> None:
    from specc.pieces import runtime as rt
    from specc.pieces import schedules

    time = rt.Time(step, steps, epochs)
    assert schedules.cosine(time, 2.0, 0.0) == rate
    assert schedules.polynomial(time, 3.0, 1.0, 0.0) == rate
    assert schedules.one_cycle(rt.Time(0, 1, 1), 0.3, 0.04, 4e-6) == 1.0
