"""The optimizers that come with specc: torch's own, with the field's words for their settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from specc.plugin import Arguments, Optimizer

_Beta = Annotated[float, Field(ge=0, lt=1)]


class Adam(Arguments):
    """Arguments of adam."""

    learning_rate: float = Field(default=1e-3, gt=0, description="size of a step")
    betas: tuple[_Beta, _Beta] = Field(default=(0.9, 0.999), description="memory of the mean and of the square")
    eps: float = Field(default=1e-8, gt=0, description="added to the root of the square")
    weight_decay: float = Field(
        default=0.0, ge=0, description="L2 in the gradient, on conv and dense weights only (not bias, not batchnorm)"
    )


class SGD(Arguments):
    """Arguments of sgd."""

    learning_rate: float = Field(gt=0, description="size of a step")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="share of the last step that is kept")
    nesterov: bool = Field(default=False, description="look ahead along the momentum")
    weight_decay: float = Field(
        default=0.0, ge=0, description="L2 in the gradient, on conv and dense weights only (not bias, not batchnorm)"
    )


def _adam(arguments: Adam) -> Mapping[str, Any]:
    return {
        "lr": arguments.learning_rate,
        "betas": arguments.betas,
        "eps": arguments.eps,
        "weight_decay": arguments.weight_decay,
    }


def _sgd(arguments: SGD) -> Mapping[str, Any]:
    return {
        "lr": arguments.learning_rate,
        "momentum": arguments.momentum,
        "nesterov": arguments.nesterov,
        "weight_decay": arguments.weight_decay,
    }


OPTIMIZERS = (
    Optimizer(
        "adam",
        "torch.optim.Adam",
        Adam,
        _adam,
        "Steps scaled by running means of the gradient and its square, with bias correction.",
        "Kingma and Ba 2015, arXiv:1412.6980, Algorithm 1",
    ),
    Optimizer(
        "sgd",
        "torch.optim.SGD",
        SGD,
        _sgd,
        "v = momentum * v + g; w = w - learning_rate * v (with Nesterov: g + momentum * v).",
        "Sutskever et al. 2013, ICML, section 2",
        moments=lambda arguments: int(arguments.momentum > 0),
    ),
)
