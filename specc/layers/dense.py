"""dense, flatten."""

from __future__ import annotations

from pydantic import Field

from specc.plugin import Activation, Arguments, Builder, Count, Init, Layer


class Dense(Arguments):
    """Arguments of dense."""

    units: Count = Field(description="how many neurons; the length of the output")
    bias: bool = Field(default=True, description="add a learned number to each neuron")
    activation: Activation | None = Field(default=None, description="what follows: relu, tanh, ... (default: nothing)")
    init: Init | None = Field(default=None, description="how the weights start (default: the spec's `init`)")


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
        "flatten",
        Arguments,
        _flatten,
        "All values of an image as one vector, in the order channels, height, width. A vector stays as it is.",
        "flatten",
    ),
)
