"""dense, maxout, embedding, flatten."""

from __future__ import annotations

from pydantic import Field

from specc.layers.common import Following, RateScale, Start
from specc.plugin import Arguments, Builder, Count, Layer


class Dense(Arguments):
    """Arguments of dense."""

    units: Count = Field(description="how many neurons; the length of the output")
    bias: bool = Field(default=True, description="add a learned number to each neuron")
    activation: Following = None
    init: Start = None
    lr_scale: RateScale = 1.0


class Maxout(Arguments):
    """Arguments of maxout."""

    units: Count = Field(description="how many neurons; the length of the output")
    pieces: Count = Field(description="how many affine maps each neuron takes the largest of")
    bias: bool = Field(default=True, description="add a learned number to each affine map")
    init: Start = None
    lr_scale: RateScale = 1.0


class Embedding(Arguments):
    """Arguments of embedding."""

    classes: Count = Field(description="how many class numbers there are, from 0 on")
    units: Count = Field(description="length of each class's vector")


def _maxout(builder: Builder, arguments: Maxout, value: str) -> str:
    return builder.add("maxout", (value,), units=arguments.units, pieces=arguments.pieces, bias=arguments.bias)


def _embedding(builder: Builder, arguments: Embedding, value: str) -> str:
    return builder.add("embedding", (value,), classes=arguments.classes, units=arguments.units)


def _dense(builder: Builder, arguments: Dense, value: str) -> str:
    dense = builder.add("linear", (value,), units=arguments.units, bias=arguments.bias)
    return builder.activate(dense, arguments.activation)


def _flatten(builder: Builder, arguments: Arguments, value: str) -> str:
    return value if len(builder.shape(value)) == 1 else builder.add("flatten", (value,))


LAYERS = (
    Layer(
        "dense",
        Dense,
        _dense,
        "Fully connected (affine) layer, y = W x + b. Needs a vector: `flatten` or `global_avgpool` comes before it. "
        "Parameters: inputs * units, and `units` for the bias.",
        "dense: {units: 84, activation: tanh}",
        "LeCun et al. 1998, Proc. IEEE 86:2278, section II.B",
    ),
    Layer(
        "maxout",
        Maxout,
        _maxout,
        "Each neuron is the largest of `pieces` affine maps of its own. Needs a vector. Its pieces lie side by "
        "side. Parameters: `pieces` times those of a dense layer.",
        "maxout: {units: 240, pieces: 5}",
        "Goodfellow et al. 2013, arXiv:1302.4389, section 3",
    ),
    Layer(
        "embedding",
        Embedding,
        _embedding,
        "A learned vector for each class: takes a class number (0, 1, ...), as a conditional network gets it, and "
        "gives `units` numbers. They start from a normal distribution of deviation 1. Parameters: classes * units.",
        "embedding: {classes: 10, units: 50}",
        "Bengio et al. 2003, JMLR 3:1137, section 2",
    ),
    Layer(
        "flatten",
        Arguments,
        _flatten,
        "All values of an image as one vector, in the order channels, height, width. A vector stays as it is.",
        "flatten",
    ),
)
