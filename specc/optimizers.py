"""The optimizers that come with specc: torch's own, with the field's words for their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from specc.plugin import Arguments, Optimizer

_Beta = Annotated[float, Field(ge=0, lt=1)]
Decayed = Literal["weights", "all"]
_DECAYED = "what weight decay is for: `weights` of conv and dense layers, or `all` learned numbers (torchvision's way)"
_L2 = "L2 in the gradient, on conv and dense weights only (not bias, not batchnorm)"


class Adam(Arguments):
    """Arguments of adam."""

    learning_rate: float = Field(default=1e-3, gt=0, description="size of a step")
    betas: tuple[_Beta, _Beta] = Field(default=(0.9, 0.999), description="memory of the mean and of the square")
    eps: float = Field(default=1e-8, gt=0, description="added to the root of the square")
    weight_decay: float = Field(default=0.0, ge=0, description=_L2)
    decay: Decayed = Field(default="weights", description=_DECAYED)


class SGD(Arguments):
    """Arguments of sgd."""

    learning_rate: float = Field(gt=0, description="size of a step")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="share of the last step that is kept")
    nesterov: bool = Field(default=False, description="look ahead along the momentum")
    weight_decay: float = Field(default=0.0, ge=0, description=_L2)
    decay: Decayed = Field(default="weights", description=_DECAYED)


class AdamW(Adam):
    """Arguments of adamw."""

    weight_decay: float = Field(
        default=0.01,
        ge=0,
        description="share of each weight, times the learning rate, that a step takes away: decoupled from the "
        "gradient; on conv and dense weights only",
    )


class RMSprop(Arguments):
    """Arguments of rmsprop."""

    learning_rate: float = Field(default=1e-2, gt=0, description="size of a step")
    alpha: _Beta = Field(default=0.9, description="memory of the square of the gradient")
    eps: float = Field(default=1e-8, gt=0, description="added to the root of the square")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="share of the last step that is kept")
    centered: bool = Field(default=False, description="take the mean of the gradient off its square")
    weight_decay: float = Field(default=0.0, ge=0, description=_L2)
    decay: Decayed = Field(default="weights", description=_DECAYED)


class Adagrad(Arguments):
    """Arguments of adagrad."""

    learning_rate: float = Field(default=1e-2, gt=0, description="size of a step")
    eps: float = Field(default=1e-10, gt=0, description="added to the root of the sum of squares")
    weight_decay: float = Field(default=0.0, ge=0, description=_L2)
    decay: Decayed = Field(default="weights", description=_DECAYED)


def _keywords(**fixed: Any) -> Callable[[Arguments], Mapping[str, Any]]:
    """torch's words for the arguments, then what is the same in every spec."""

    def keywords(arguments: Arguments) -> Mapping[str, Any]:
        given = arguments.model_dump(exclude={"decay"})
        return {"lr": given.pop("learning_rate"), **given, **fixed}

    return keywords


OPTIMIZERS = (
    Optimizer(
        "adam",
        "torch.optim.Adam",
        Adam,
        _keywords(fused=True),
        "m and v are running means of the gradient and its square; w = w - learning_rate * m' / (sqrt(v') + eps), "
        "where m' and v' are corrected for their start at 0.",
        "Kingma and Ba 2015, arXiv:1412.6980, Algorithm 1",
    ),
    Optimizer(
        "adamw",
        "torch.optim.AdamW",
        AdamW,
        _keywords(fused=True),
        "Adam whose weight decay stands beside the step instead of in the gradient: first "
        "w = w * (1 - learning_rate * weight_decay).",
        "Loshchilov and Hutter 2019, arXiv:1711.05101, Algorithm 2",
    ),
    Optimizer(
        "sgd",
        "torch.optim.SGD",
        SGD,
        _keywords(fused=True),
        "v = momentum * v + g; w = w - learning_rate * v (with Nesterov: g + momentum * v).",
        "Sutskever et al. 2013, ICML, section 2",
        moments=lambda arguments: int(arguments.momentum > 0),
    ),
    Optimizer(
        "rmsprop",
        "torch.optim.RMSprop",
        RMSprop,
        _keywords(),
        "v = alpha * v + (1 - alpha) * g^2; w = w - learning_rate * g / (sqrt(v) + eps).",
        "Tieleman and Hinton 2012, Neural Networks for Machine Learning, lecture 6.5",
        moments=lambda arguments: 1 + int(arguments.momentum > 0) + int(arguments.centered),
    ),
    Optimizer(
        "adagrad",
        "torch.optim.Adagrad",
        Adagrad,
        _keywords(fused=True),
        "s = s + g^2; w = w - learning_rate * g / (sqrt(s) + eps): steps become smaller where gradients were large.",
        "Duchi et al. 2011, JMLR 12:2121",
        moments=lambda arguments: 1,
    ),
)
