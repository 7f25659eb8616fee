"""gaussian: a code that is a normal distribution for each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from specc.plugin import Arguments, Builder, Count, Layer, Op, ShapeFault

Shape = tuple[int, ...]
BESIDE = "_log_variance"  # no id begins with a line


class Gaussian(Arguments):
    """Arguments of gaussian."""

    units: Count = Field(description="how many numbers the code has; each gets a mean and a variance")


def _gaussian(builder: Builder, arguments: Gaussian, value: str) -> str:
    both = builder.add("linear", (value,), units=2 * arguments.units, bias=True)
    return builder.add("gaussian_mean", (both,))


def _infer(attrs: Mapping[str, Any], shapes: tuple[Shape, ...]) -> Shape:
    if len(shapes[0]) != 1:
        raise ShapeFault("S303", "only a vector has a mean and a variance for each number", "gets an image")
    return (shapes[0][0] // 2,)


OPS = (
    Op(
        name="gaussian_mean",
        infer=_infer,
        call=lambda node, names: f"{names[0]}.chunk(2, 1)",
        doc="The means of normal distributions; their log variances beside them: (2n) to (n).",
        relevance="goes back to the means; the log variances have none",
        keeps=(),
        aside=lambda node: BESIDE,
    ),
)
LAYERS = (
    Layer(
        "gaussian",
        Gaussian,
        _gaussian,
        "A dense layer that gives a normal distribution: `units` means, which go on as its values, and as many log "
        "variances. It is the code of a variational autoencoder. Parameters: 2 * units * (inputs + 1).",
        "gaussian: {units: 16, id: code}",
        "Kingma and Welling 2014, arXiv:1312.6114, section 3 and appendix C.2",
    ),
)
