"""The losses that come with specc. Each gives one number a sample; training takes their mean over the batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from specc.ir import Answers
from specc.plugin import Arguments, Loss, Piece

_PIECES = "specc.pieces.losses"
_WEIGHTED = {"one": "class_weighted", "classes": "class_weighted", "findings": "weighted_mean_of_known"}
_LOGITS = {"one": "as_two", "findings": "as_pairs"}

Weight = Annotated[float, Field(gt=0, le=1e6)]
ClassWeights = Literal["balanced"] | Annotated[tuple[Weight, ...], Field(min_length=1)] | None
_WEIGHTS_DOC = (
    "how much an image of each class counts, in the order of the classes: a list of numbers, or `balanced`, which is "
    "images / (classes * images of the class) in the training split; the loss is the weighted mean over the batch"
)


class CrossEntropy(Arguments):
    """Options of the cross entropies."""

    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of certainty that is spread evenly over all classes, such as 0.1 (Szegedy et al. 2016)",
    )
    class_weights: ClassWeights = Field(default=None, description=_WEIGHTS_DOC)


class Focal(Arguments):
    """Options of the focal loss."""

    gamma: float = Field(
        default=2.0, ge=0, le=10, description="how little an image counts that is answered well already; 0: no less"
    )
    class_weights: ClassWeights = Field(default=None, description=_WEIGHTS_DOC)


class Huber(Arguments):
    """Options of Huber's loss."""

    delta: float = Field(
        default=1.0,
        gt=0,
        description="error above which it grows no faster than the error, in the target's unit (in standard deviations "
        "of the training split with `standardize: true`)",
    )


def _binary(arguments: Any, answers: Answers) -> tuple[str, tuple[str, ...]]:
    return _cross_entropy(arguments, replace(answers, kind="one") if answers.kind == "values" else answers)


def _categorical(arguments: Any, answers: Answers) -> tuple[str, tuple[str, ...]]:
    return _cross_entropy(arguments, replace(answers, kind="classes") if answers.kind == "values" else answers)


def _cross_entropy(arguments: Any, answers: Answers) -> tuple[str, tuple[str, ...]]:
    """The expression for the options that are set."""
    smoothing, weights = arguments.label_smoothing, arguments.class_weights
    plain = {"one": "binary_cross_entropy", "findings": "findings_cross_entropy"}
    if not smoothing and (weights is None or answers.kind == "one"):
        name = plain.get(answers.kind, "categorical_cross_entropy")
        among = ", among=among" if answers.kind == "findings" else ""
        return _weighed(f"{name}(outputs, targets{among})", (name,), arguments, answers, whole=True)
    logits, used = _logits(answers)
    name = "smoothed_cross_entropy" if smoothing else "categorical_cross_entropy"
    text = f"{name}({logits}, targets{f', smoothing={smoothing!r}' if smoothing else ''})"
    return _weighed(text, (*used, name), arguments, answers)


def _focal(arguments: Any, answers: Answers) -> tuple[str, tuple[str, ...]]:
    logits, used = _logits(answers)
    text = f"focal({logits}, targets, gamma={float(arguments.gamma)!r})"
    return _weighed(text, (*used, "focal"), arguments, answers)


def _logits(answers: Answers) -> tuple[str, tuple[str, ...]]:
    name = _LOGITS.get(answers.kind)
    return (f"{name}(outputs)", (name,)) if name else ("outputs", ())


def _weighed(
    text: str, used: tuple[str, ...], arguments: Any, answers: Answers, whole: bool = False
) -> tuple[str, tuple[str, ...]]:
    """The losses with class weights; those of findings become one a sample, unless they are (`whole`)."""
    if arguments.class_weights is not None:
        name = _WEIGHTED[answers.kind]
        weights = _literal(arguments.class_weights, answers)
        return f"{name}({text}, targets, {weights}, among=among)", (*used, name)
    if answers.kind == "findings" and not whole:
        return f"mean_of_known({text}, targets, among=among)", (*used, "mean_of_known")
    return text, used


def _literal(weights: Any, answers: Answers) -> str:
    if weights == "balanced":
        return "class_weights"
    numbers = [float(weight) for weight in weights]
    return repr(tuple(reversed(numbers) if answers.flipped else numbers))


LOSSES = (
    Loss(
        "binary_cross_entropy",
        Piece(_PIECES, "binary_cross_entropy"),
        ("sigmoid",),
        "-[t log p + (1 - t) log(1 - p)]: independent yes/no answers. Computed on logits as "
        "max(z, 0) - z t + log(1 + exp(-|z|)), which cannot overflow. With several findings per image it is the mean "
        "over all that are known; blank entries of the table do not count.",
        "Table 1; Goodfellow et al. 2016, Deep Learning, section 6.2.2.2",
        CrossEntropy,
        compose=_binary,
        spellings=(
            "bce", "bce_loss", "bceloss", "bce_with_logits", "bcewithlogits", "bcewithlogitsloss", "binarycrossentropy",
            "binary_crossentropy", "log_loss", "logloss", "logistic", "sigmoid_cross_entropy",
        ),
    ),
    Loss(
        "categorical_cross_entropy",
        Piece(_PIECES, "categorical_cross_entropy"),
        ("softmax",),
        "-log p of the right class: one answer out of several. Computed on logits through log-softmax, which cannot "
        "overflow.",
        "Table 1; Goodfellow et al. 2016, Deep Learning, section 6.2.2.3",
        CrossEntropy,
        compose=_categorical,
        spellings=(
            "cross_entropy", "crossentropy", "crossentropyloss", "cross_entropy_loss", "ce", "cce", "nll", "nll_loss",
            "categorical_crossentropy", "categoricalcrossentropy", "sparse_categorical_crossentropy",
            "sparsecategoricalcrossentropy", "softmax_cross_entropy",
        ),
    ),
    Loss(
        "mean_squared_error",
        Piece(_PIECES, "mean_squared_error"),
        ("none",),
        "(y - t)^2, mean over the outputs: for numbers. Large errors count more than proportionally.",
        "Table 1; Goodfellow et al. 2016, Deep Learning, section 6.2.2.1",
        spellings=("mse", "mse_loss", "mseloss", "meansquarederror", "l2", "l2_loss", "squared_error"),
    ),
    Loss(
        "mean_absolute_error",
        Piece(_PIECES, "mean_absolute_error"),
        ("none",),
        "|y - t|, mean over the outputs: for numbers. Few images that are far off count less than when squared.",
        "Willmott and Matsuura 2005, Clim Res 30:79",
        spellings=("mae", "mae_loss", "maeloss", "l1", "l1_loss", "l1loss", "meanabsoluteerror", "absolute_error"),
    ),
    Loss(
        "huber",
        Piece(_PIECES, "huber"),
        ("none",),
        "e^2 / 2 where the error e is at most `delta`, delta (|e| - delta / 2) beyond: for numbers, with few images "
        "that are far off. Mean over the outputs.",
        "Huber 1964, Ann Math Stat 35:73",
        Huber,
        lambda arguments: {"delta": float(arguments.delta)},
        spellings=("huber_loss", "huberloss", "smooth_l1", "smooth_l1_loss", "smoothl1loss", "smoothl1"),
    ),
    Loss(
        "focal",
        Piece(_PIECES, "focal"),
        ("sigmoid", "softmax"),
        "-(1 - p)^gamma log p of the right answer: cross entropy in which images count less the better they are "
        "answered, for classes of very unequal size. `gamma: 0` is cross entropy itself.",
        "Lin et al. 2017, arXiv:1708.02002, eq. 4 (`class_weights` are its alpha)",
        Focal,
        compose=_focal,
        spellings=(
            "focal_loss", "focalloss", "binary_focal", "binary_focal_loss", "binaryfocalcrossentropy",
            "binary_focal_crossentropy", "categorical_focal_crossentropy", "categoricalfocalcrossentropy",
            "sigmoid_focal_loss",
        ),
    ),
)  # fmt: skip
