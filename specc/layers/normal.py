"""batchnorm and its relatives, dropout, noise."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specc.plugin import Arguments, Builder, Count, Layer


class BatchNorm(Arguments):
    """Arguments of batchnorm."""

    eps: float = Field(default=1e-5, gt=0, le=1, description="added to the variance")
    momentum: float = Field(
        default=0.1, gt=0, le=1, description="share of the new batch in the running mean (torch's meaning)"
    )


_Eps = Annotated[float, Field(gt=0, le=1)]


class GroupNorm(Arguments):
    """Arguments of groupnorm."""

    groups: Count = Field(description="channels are normalised in so many groups (32 in the paper)")
    eps: _Eps = Field(default=1e-5, description="added to the variance")


class InstanceNorm(Arguments):
    """Arguments of instancenorm."""

    affine: bool = Field(default=False, description="then scale and shift each channel by learned numbers")
    eps: _Eps = Field(default=1e-5, description="added to the variance")


class LayerNorm(Arguments):
    """Arguments of layernorm."""

    eps: _Eps = Field(default=1e-5, description="added to the variance")


class L2Norm(Arguments):
    """Arguments of l2norm."""

    scale: float = Field(default=20.0, gt=0, description="what each channel's learned scale starts from")


class GaussianNoise(Arguments):
    """Arguments of gaussian_noise."""

    std: float = Field(gt=0, description="standard deviation of what is added in training; the mean is 0")


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


def _group(builder: Builder, arguments: GroupNorm, value: str) -> str:
    return builder.add("groupnorm", (value,), groups=arguments.groups, eps=arguments.eps)


def _instance(builder: Builder, arguments: InstanceNorm, value: str) -> str:
    return builder.add("instancenorm", (value,), affine=arguments.affine, eps=arguments.eps)


def _layer(builder: Builder, arguments: LayerNorm, value: str) -> str:
    if len(builder.shape(value)) == 3:
        return builder.add("groupnorm", (value,), groups=1, eps=arguments.eps)
    return builder.add("layernorm", (value,), eps=arguments.eps)


def _length(builder: Builder, arguments: L2Norm, value: str) -> str:
    return builder.add("l2norm", (value,), scale=arguments.scale)


def _noise(builder: Builder, arguments: GaussianNoise, value: str) -> str:
    return builder.add("gaussian_noise", (value,), std=arguments.std)


def _spatial_dropout(builder: Builder, arguments: Dropout, value: str) -> str:
    return builder.add("spatial_dropout", (value,), rate=arguments.rate)


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
        "groupnorm",
        GroupNorm,
        _group,
        "Normalises each image by itself, in groups of channels, then scales and shifts each channel by learned "
        "numbers. The same in training and prediction, whatever the batch. 2 parameters a channel.",
        "groupnorm: {groups: 2}",
        "Wu and He 2018, arXiv:1803.08494, eq. 7",
    ),
    Layer(
        "instancenorm",
        InstanceNorm,
        _instance,
        "Normalises each channel of each image by itself. No parameters, or 2 a channel with `affine: true`.",
        "instancenorm",
        "Ulyanov et al. 2016, arXiv:1607.08022, eq. 4",
    ),
    Layer(
        "layernorm",
        LayerNorm,
        _layer,
        "Normalises each sample over all of its values, then scales and shifts each channel (each number of a vector) "
        "by learned numbers. 2 parameters a channel.",
        "layernorm",
        "Ba et al. 2016, arXiv:1607.06450, eq. 3; for images Wu and He 2018, arXiv:1803.08494, eq. 5",
    ),
    Layer(
        "l2norm",
        L2Norm,
        _length,
        "Divides each pixel by the length of its vector of channels, then multiplies each channel by a learned scale. "
        "1 parameter a channel.",
        "l2norm: {scale: 20}",
        "Liu et al. 2016, arXiv:1506.04579, section 3.3; SSD: arXiv:1512.02325, section 3.1",
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
    Layer(
        "spatial_dropout",
        Dropout,
        _spatial_dropout,
        "In training each whole channel of an image becomes 0 with probability `rate` and the others grow by "
        "1/(1 - rate); at prediction it does nothing. Neighbouring pixels say the same, so that dropping single ones "
        "changes little.",
        "spatial_dropout: {rate: 0.1}",
        "Tompson et al. 2015, arXiv:1411.4280, section 3.2",
    ),
    Layer(
        "gaussian_noise",
        GaussianNoise,
        _noise,
        "In training adds normal noise to each value; at prediction it does nothing. The numbers follow from seed, "
        "epoch and step.",
        "gaussian_noise: {std: 0.1}",
        "Bishop 1995, Neural Computation 7:108",
    ),
)
