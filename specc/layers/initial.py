"""How weights start: the words for `init:`."""

from __future__ import annotations

from pydantic import Field

from specc.plugin import Arguments, Init, Initializer, Piece


class Normal(Arguments):
    """Arguments of normal."""

    std: float = Field(gt=0, description="standard deviation; the mean is 0")


class Values(Arguments):
    """`init: {weights: ..., bias: ...}`: both said apart."""

    weights: Init | None = Field(default=None, description="how the weights start")
    bias: float = Field(default=0.0, description="the value of every bias")


INITIALIZERS = (
    Initializer(
        "glorot_uniform",
        "nn.init.xavier_uniform_",
        Arguments,
        lambda arguments: {},
        "Uniform within sqrt(6 / (inputs + outputs)): the default.",
        "Glorot and Bengio 2010, AISTATS, eq. 16",
    ),
    Initializer(
        "glorot_normal",
        "nn.init.xavier_normal_",
        Arguments,
        lambda arguments: {},
        "Normal with variance 2 / (inputs + outputs).",
        "Glorot and Bengio 2010, AISTATS, eq. 12",
    ),
    Initializer(
        "he_uniform",
        "nn.init.kaiming_uniform_",
        Arguments,
        lambda arguments: {"nonlinearity": "relu"},
        "Uniform within sqrt(6 / inputs), made for ReLU.",
        "He et al. 2015, arXiv:1502.01852, section 2.2",
    ),
    Initializer(
        "he_normal",
        "nn.init.kaiming_normal_",
        Arguments,
        lambda arguments: {"nonlinearity": "relu"},
        "Normal with variance 2 / inputs, made for ReLU.",
        "He et al. 2015, arXiv:1502.01852, eq. 10",
    ),
    Initializer(
        "normal",
        "nn.init.normal_",
        Normal,
        lambda arguments: {"std": arguments.std},
        "Normal with mean 0 and a standard deviation that the paper gives.",
    ),
    Initializer(
        "bilinear",
        "bilinear_",
        Arguments,
        lambda arguments: {},
        "For `upconv2d` only: each channel enlarges itself by bilinear interpolation, and gives nothing to the others. "
        "`lr_scale: 0` keeps it so.",
        "Long et al. 2015, arXiv:1411.4038, section 3.3",
        piece=Piece("specc.pieces.layers", "bilinear_"),
        ops=("upconv2d",),
    ),
    Initializer("zeros", "nn.init.zeros_", Arguments, lambda arguments: {}, "Zeros."),
    Initializer("values", "", Values, lambda arguments: {}, "Weights and biases apart: {weights: ..., bias: ...}."),
)
