"""How the learning rate changes while training goes on. Times are in epochs and may have fractions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from specc.plugin import Arguments, Piece, Schedule

_PIECES = "specc.pieces.schedules"


def _rising(value: tuple[float, ...]) -> tuple[float, ...]:
    if list(value) != sorted(set(value)):
        raise ValueError("the epochs must rise: each one later than the one before")
    return value


_Epochs = Annotated[float, Field(ge=0, le=1_048_576)]
_Share = Annotated[float, Field(ge=0, lt=1)]


class Warmed(Arguments):
    """Arguments of every schedule that may begin with a warm-up."""

    warmup: _Epochs = Field(default=0.0, description="epochs in which the rate first rises in a straight line; 0: none")
    warmup_from: _Share = Field(default=0.1, description="part of the learning rate with which a warm-up begins")


class Step(Warmed):
    """Arguments of step."""

    at: Annotated[
        tuple[Annotated[float, Field(gt=0, le=1_048_576)], ...], Field(min_length=1), AfterValidator(_rising)
    ] = Field(description="epochs after which the rate is multiplied by the factor")
    factor: float = Field(default=0.1, gt=0, lt=1, description="what the rate is multiplied by")


class Exponential(Warmed):
    """Arguments of exponential."""

    factor: float = Field(gt=0, lt=1, description="what the rate is multiplied by after each epoch")
    least: _Share = Field(default=0.0, description="part of the learning rate below which it does not fall")


class Cosine(Warmed):
    """Arguments of cosine."""

    after: _Epochs = Field(default=0.0, description="epochs with the full rate before it falls, a warm-up included")
    least: _Share = Field(default=0.0, description="part of the learning rate that is left at the end")


class Linear(Cosine):
    """Arguments of linear."""


class Polynomial(Cosine):
    """Arguments of polynomial."""

    power: float = Field(default=0.9, gt=0, le=10, description="1 is a straight line")


class OneCycle(Arguments):
    """Arguments of one_cycle."""

    rise: float = Field(default=0.3, gt=0, lt=1, description="part of all steps in which the rate rises")
    start: float = Field(default=0.04, gt=0, lt=1, description="part of the learning rate at the first step")
    end: float = Field(default=4e-6, gt=0, lt=1, description="part of the learning rate at the last step")


class Plateau(Warmed):
    """Arguments of plateau."""

    factor: float = Field(default=0.1, gt=0, lt=1, description="what the rate is multiplied by")
    patience: int = Field(default=10, ge=0, le=1_048_576, description="epochs without improvement that are borne")
    min_delta: float = Field(default=0.0, ge=0, description="a smaller improvement does not count")
    least: _Share = Field(default=0.0, description="part of the learning rate below which it does not fall")


def _composed(own: Callable[[Any], str]) -> Callable[[Any], tuple[str, tuple[str, ...]]]:
    """The warm-up, where there is one, times the schedule's own factor."""

    def compose(arguments: Any) -> tuple[str, tuple[str, ...]]:
        factors = [own(arguments)] if own(arguments) else []
        if getattr(arguments, "warmup", 0):
            factors.insert(0, f"warmup(time, {float(arguments.warmup)!r}, {float(arguments.warmup_from)!r})")
        return " * ".join(factors) or "1.0", tuple(factor.partition("(")[0] for factor in factors)

    return compose


def _falling(name: str, *rest: str) -> Callable[[Any], str]:
    def own(arguments: Any) -> str:
        begin = max(arguments.after, arguments.warmup)
        values = (begin, *(getattr(arguments, key) for key in rest))
        return f"{name}(time, {', '.join(repr(float(value)) for value in values)})"

    return own


def _plateau(arguments: Any) -> dict[str, Piece | str]:
    numbers = (float(arguments.factor), arguments.patience, float(arguments.min_delta), float(arguments.least))
    paced = Piece(_PIECES, "paced_by_plateau")
    return {"paced": paced, "told": Piece(_PIECES, "plateau"), "PLATEAU": repr(numbers)}


def _linear(arguments: Any) -> str:
    return f"polynomial(time, {float(max(arguments.after, arguments.warmup))!r}, 1.0, {float(arguments.least)!r})"


def _example(words: str) -> str:
    return f"train:\n  epochs: 20\n  batch_size: 32\n  schedule: {{{words}}}"


SCHEDULES = (
    Schedule(
        "constant",
        _PIECES,
        Warmed,
        _composed(lambda a: ""),
        "The same learning rate all the time, after a warm-up where there is one.",
        "Goyal et al. 2017, arXiv:1706.02677, section 2.2 (warm-up)",
        example=_example("constant: {warmup: 3}"),
    ),
    Schedule(
        "step",
        _PIECES,
        Step,
        _composed(lambda a: f"multistep(time, {tuple(float(at) for at in a.at)!r}, {float(a.factor)!r})"),
        "Multiplies the rate by a factor after the epochs that are named.",
        "He et al. 2015, arXiv:1512.03385, section 3.4",
        example=_example("step: {at: [10, 15], factor: 0.1}"),
    ),
    Schedule(
        "exponential",
        _PIECES,
        Exponential,
        _composed(lambda a: f"exponential(time, {float(a.factor)!r}, {float(a.least)!r})"),
        "Multiplies the rate by a factor after every epoch.",
        "torch.optim.lr_scheduler.ExponentialLR",
        example=_example("exponential: {factor: 0.9}"),
    ),
    Schedule(
        "cosine",
        _PIECES,
        Cosine,
        _composed(_falling("cosine", "least")),
        "Lets the rate fall along half a cosine wave, a little at every step, to reach its end with the last epoch.",
        "Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5",
        example=_example("cosine: {warmup: 2}"),
    ),
    Schedule(
        "linear",
        _PIECES,
        Linear,
        _composed(_linear),
        "Lets the rate fall in a straight line, a little at every step, to reach its end with the last epoch.",
        "torch.optim.lr_scheduler.PolynomialLR with power 1",
        example=_example("linear: {after: 10}"),
    ),
    Schedule(
        "polynomial",
        _PIECES,
        Polynomial,
        _composed(_falling("polynomial", "power", "least")),
        "Lets the rate fall as (1 - t)^power, where t is the part of the training that is done.",
        "Chen et al. 2017, arXiv:1606.00915, section 4.1 (poly)",
        example=_example("polynomial: {power: 0.9}"),
    ),
    Schedule(
        "one_cycle",
        _PIECES,
        OneCycle,
        _composed(lambda a: f"one_cycle(time, {float(a.rise)!r}, {float(a.start)!r}, {float(a.end)!r})"),
        "Lets the rate rise to the learning rate and fall far below it, each along half a cosine wave. The momentum "
        "stays as it is.",
        "Smith and Topin 2019, arXiv:1708.07120; torch.optim.lr_scheduler.OneCycleLR",
        example=_example("one_cycle: {rise: 0.3}"),
    ),
    Schedule(
        "plateau",
        _PIECES,
        Plateau,
        _composed(lambda a: ""),
        "Multiplies the rate by a factor when the metric that chooses the best epoch (`early_stop: watch`, else "
        "val_loss) has not improved for more than `patience` epochs.",
        "torch.optim.lr_scheduler.ReduceLROnPlateau (threshold_mode abs)",
        _plateau,
        example=_example("plateau: {factor: 0.5, patience: 5}"),
    ),
)
