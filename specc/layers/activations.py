"""Activations: layers of their own, or `activation:` of another layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field

from specc.plugin import Arguments, Builder, Layer


class LeakyReLU(Arguments):
    """Arguments of leaky_relu."""

    slope: float = Field(default=0.01, ge=0, le=1, description="factor of negative values")


class PReLU(Arguments):
    """Arguments of prelu."""

    shared: bool = Field(default=False, description="one slope for all channels instead of one each")


class ELU(Arguments):
    """Arguments of elu."""

    alpha: float = Field(default=1.0, gt=0, description="minus the limit of very negative values")


def _lower(op: str) -> Callable[[Builder, Any, str], str]:
    def lower(builder: Builder, arguments: Arguments, value: str) -> str:
        return builder.add(op, (value,), **arguments.model_dump(include=set(_OPTIONS.get(op, ()))))

    return lower


_OPTIONS = {"leaky_relu": ("slope",), "elu": ("alpha",), "prelu": ("shared",)}


def _activation(name: str, doc: str, source: str = "", arguments: type[Arguments] = Arguments) -> Layer:
    return Layer(name, arguments, _lower(name), doc, name, source, activation=True)


LAYERS = (
    _activation("relu", "max(0, x).", "Nair and Hinton 2010, ICML"),
    _activation(
        "leaky_relu", "x where positive, else `slope` * x.", "Maas et al. 2013, ICML workshop", arguments=LeakyReLU
    ),
    _activation(
        "elu", "x where positive, else `alpha` * (exp(x) - 1).", "Clevert et al. 2016, arXiv:1511.07289", arguments=ELU
    ),
    _activation(
        "prelu",
        "x where positive, else a learned slope * x; each channel has a slope of its own, which starts at 0.25.",
        "He et al. 2015, arXiv:1502.01852, section 2.1",
        PReLU,
    ),
    _activation("gelu", "x times the normal distribution function.", "Hendrycks and Gimpel 2016, arXiv:1606.08415"),
    _activation("silu", "x * sigmoid(x), also called swish.", "Elfwing et al. 2018, arXiv:1702.03118"),
    _activation("tanh", "Hyperbolic tangent: between -1 and 1.", "LeCun et al. 1998, Proc. IEEE 86:2278"),
    _activation(
        "scaled_tanh",
        "1.7159 * tanh(2x / 3): 1 at 1, -1 at -1, and curved most near there; LeNet-5's.",
        "LeCun et al. 1998, Proc. IEEE 86:2278, appendix A",
    ),
    _activation("sigmoid", "1 / (1 + exp(-x)): each value becomes a probability of its own, between 0 and 1."),
    _activation(
        "softmax", "exp(x) divided by its sum over the neurons (the channels of an image): probabilities that sum to 1."
    ),
)
