"""batchnorm, local_response_norm, dropout."""

from __future__ import annotations

from pydantic import Field

from specc.plugin import Arguments, Builder, Count, Layer


class BatchNorm(Arguments):
    """Arguments of batchnorm."""

    eps: float = Field(default=1e-5, gt=0, le=1, description="added to the variance")
    momentum: float = Field(
        default=0.1, gt=0, le=1, description="share of the new batch in the running mean (torch's meaning)"
    )


class LocalResponseNorm(Arguments):
    """Arguments of local_response_norm."""

    size: Count = Field(description="how many neighbouring channels are summed")
    alpha: float = Field(default=1e-4, gt=0, description="factor of the mean square (the sum divided by `size`)")
    beta: float = Field(default=0.75, gt=0, description="exponent")
    k: float = Field(default=1.0, gt=0, description="added to the scaled mean square")


class Dropout(Arguments):
    """Arguments of dropout."""

    rate: float = Field(ge=0, le=1, description="probability that a value becomes 0 in training")


def _batchnorm(builder: Builder, arguments: BatchNorm, value: str) -> str:
    op = "batchnorm2d" if len(builder.shape(value)) == 3 else "batchnorm1d"
    return builder.add(op, (value,), eps=arguments.eps, momentum=arguments.momentum)


def _response(builder: Builder, arguments: LocalResponseNorm, value: str) -> str:
    return builder.add(
        "local_response_norm",
        (value,),
        size=arguments.size,
        alpha=arguments.alpha,
        beta=arguments.beta,
        k=arguments.k,
    )


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
        "local_response_norm",
        LocalResponseNorm,
        _response,
        "Divides each value by (k + alpha / size * sum of squares over `size` neighbouring channels) ** beta. Alpha is "
        "divided by `size`, as in torch, Caffe and ONNX; a paper that sums without dividing (AlexNet's 1e-4 with 5 "
        "channels) needs alpha * size here: `{size: 5, alpha: 5e-4, beta: 0.75, k: 2}`.",
        "local_response_norm: {size: 5, alpha: 1e-4, beta: 0.75, k: 2}",
        "Krizhevsky et al. 2012, NeurIPS 25, section 3.3",
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
