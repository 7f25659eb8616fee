"""batchnorm, dropout."""

from __future__ import annotations

from pydantic import Field

from specc.plugin import Arguments, Builder, Layer


class BatchNorm(Arguments):
    """Arguments of batchnorm."""

    eps: float = Field(default=1e-5, gt=0, le=1, description="added to the variance")
    momentum: float = Field(
        default=0.1, gt=0, le=1, description="share of the new batch in the running mean (torch's meaning)"
    )


class Dropout(Arguments):
    """Arguments of dropout."""

    rate: float = Field(ge=0, le=1, description="probability that a value becomes 0 in training")


def _batchnorm(builder: Builder, arguments: BatchNorm, value: str) -> str:
    op = "batchnorm2d" if len(builder.shape(value)) == 3 else "batchnorm1d"
    return builder.add(op, (value,), eps=arguments.eps, momentum=arguments.momentum)


def _dropout(builder: Builder, arguments: Dropout, value: str) -> str:
    return builder.add("dropout", (value,), rate=arguments.rate)


LAYERS = (
    Layer(
        "batchnorm",
        BatchNorm,
        _batchnorm,
        "Normalises each channel over the batch, then scales and shifts it by learned numbers; at prediction by the "
        "running mean and variance of training. 2 parameters a channel.",
        "batchnorm",
        "Ioffe and Szegedy 2015, arXiv:1502.03167, Algorithm 1",
    ),
    Layer(
        "dropout",
        Dropout,
        _dropout,
        "In training each value becomes 0 with probability `rate` and the others grow by 1/(1 - rate); at prediction "
        "it does nothing.",
        "dropout: {rate: 0.5}",
        "Srivastava et al. 2014, JMLR 15:1929",
    ),
)
