"""What the words of losses mean for masks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from specc.ir import Answers
from specc.plugin import Arguments, Loss, Piece

_PIECES = "specc_segmentation.pieces.losses"
Weight = Annotated[float, Field(gt=0, le=1e6)]
ClassWeights = Literal["balanced"] | Annotated[tuple[Weight, ...], Field(min_length=1)] | None
_WEIGHTS_DOC = (
    "how much a pixel of each class counts: a list of numbers in the order of `classes`, or `balanced`, which is the "
    "median of the classes' frequencies divided by the frequency of the class, each counted in the training masks that "
    "contain it (of a label, yes against no)"
)


class Border(Arguments):
    """Weights for the gaps between things that touch."""

    w0: float = Field(default=10.0, gt=0, le=1e6, description="weight where two things meet")
    sigma: float = Field(
        default=5.0, gt=0, le=100, description="how fast it falls with the distances to both, in pixels"
    )


class CrossEntropy(Arguments):
    """Options of the cross entropies of pixels."""

    class_weights: ClassWeights = Field(default=None, description=_WEIGHTS_DOC)
    border: Border | None = Field(
        default=None,
        description="adds w0 exp(-(d1 + d2)^2 / (2 sigma^2)) to the weight of a pixel outside of things, with its "
        "distances to the two nearest: of the column `instances`, of a COCO file, or else of what hangs together in "
        "the mask",
    )


class Focal(CrossEntropy):
    """Options of the focal loss of pixels."""

    gamma: float = Field(
        default=2.0, ge=0, le=10, description="how little a pixel counts that is answered well already; 0: no less"
    )


class Dice(Arguments):
    """Options of soft Dice."""

    smooth: float = Field(default=1.0, gt=0, le=1e6, description="pixels that are added above and below the line")


class Tversky(Dice):
    """Options of Tversky's loss."""

    alpha: float = Field(default=0.3, gt=0, le=1, description="how much a pixel counts that is answered by mistake")
    beta: float = Field(default=0.7, gt=0, le=1, description="how much a pixel counts that is missed")


def _cross_entropy(arguments: Any, answers: Answers) -> tuple[str, tuple[str, ...]]:
    """The mean over the known pixels, weighed where that is asked for."""
    each = answers.kind == "classes"
    name = "class_losses" if each else "yes_no_losses"
    truth, used = ("targets[:, :1]", (name,)) if each else ("truth_of_each(outputs, targets)", (name, "truth_of_each"))
    text, weights = f"{name}(outputs, targets)", []
    if (gamma := getattr(arguments, "gamma", None)) is not None:
        text, used = f"less_if_easy({text}, gamma={float(gamma)!r})", (*used, "less_if_easy")
    elif arguments.class_weights is None and arguments.border is None:
        plain = "categorical_cross_entropy" if each else "binary_cross_entropy"
        return f"{plain}(outputs, targets)", (plain,)
    if arguments.class_weights is not None:
        weights.append(f"pixel_weights({truth}, {_table(arguments.class_weights, answers)})")
        used = (*used, "pixel_weights")
    if arguments.border is not None:
        weights = [*(weights or ["1"]), f"{float(arguments.border.w0)!r} * targets[:, -1:]"]
    if weights:
        text += f" * ({' + '.join(weights)})" if len(weights) > 1 else f" * {weights[0]}"
    return f"mean_of_known({text}, {truth})", (*used, "mean_of_known")


def _table(weights: Any, answers: Answers) -> str:
    """(C, classes) weights as text: counted ones have a name."""
    if weights == "balanced":
        return "class_weights"
    numbers = [float(weight) for weight in weights]
    return repr([[number] * 2 for number in numbers] if answers.kind == "findings" else [numbers])


def _dice(arguments: Any, answers: Answers) -> tuple[str, tuple[str, ...]]:
    each = "each_class" if answers.kind == "classes" else "each_label"
    return f"dice(outputs, targets, smooth={float(arguments.smooth)!r}, each={each})", ("dice", each)


def _tversky(arguments: Any, answers: Answers) -> tuple[str, tuple[str, ...]]:
    each = "each_class" if answers.kind == "classes" else "each_label"
    given = ", ".join(f"{name}={float(getattr(arguments, name))!r}" for name in ("alpha", "beta", "smooth"))
    return f"tversky(outputs, targets, {given}, each={each})", ("tversky", each)


BINARY = Loss(
    "binary_cross_entropy",
    Piece(_PIECES, "binary_cross_entropy"),
    ("sigmoid",),
    "-[t log p + (1 - t) log(1 - p)] of every pixel: the mean over those that are known, for each image.",
    "Ronneberger et al. 2015, arXiv:1505.04597, eq. 1 and 2 (`border`)",
    CrossEntropy,
    compose=_cross_entropy,
)
CATEGORICAL = Loss(
    "categorical_cross_entropy",
    Piece(_PIECES, "categorical_cross_entropy"),
    ("softmax",),
    "-log p of the right class of every pixel: the mean over those that are known, for each image.",
    "Long et al. 2015, arXiv:1411.4038; Badrinarayanan et al. 2017, arXiv:1511.00561 (`class_weights: balanced`)",
    CrossEntropy,
    compose=_cross_entropy,
)
FOCAL = Loss(
    "focal",
    Piece(_PIECES, "less_if_easy"),
    ("sigmoid", "softmax"),
    "-(1 - p)^gamma log p of every pixel: cross entropy in which pixels count less the better they are answered.",
    "Lin et al. 2017, arXiv:1708.02002, eq. 4",
    Focal,
    compose=_cross_entropy,
)
DICE = Loss(
    "dice",
    Piece(_PIECES, "dice"),
    ("sigmoid", "softmax"),
    "1 - Dice with probabilities instead of answers: how far answer and truth are from covering each other, whatever "
    "their size. The mean over the classes but the first (or over the labels) of each image.",
    "Milletari et al. 2016, arXiv:1606.04797",
    Dice,
    compose=_dice,
    spellings=("dice_loss", "diceloss", "soft_dice", "f1_loss"),
)
TVERSKY = Loss(
    "tversky",
    Piece(_PIECES, "tversky"),
    ("sigmoid", "softmax"),
    "As `dice`, with a weight of its own for what is answered by mistake (`alpha`) and for what is missed (`beta`).",
    "Salehi et al. 2017, arXiv:1706.05721, eq. 2",
    Tversky,
    compose=_tversky,
    spellings=("tversky_loss", "tverskyloss"),
)
OWN = (BINARY, CATEGORICAL, FOCAL)  # what words of the core mean in this task
NEW = (DICE, TVERSKY)
