"""Losses, one number a sample: whoever trains weighs the samples, so that a short last batch is no special case."""

from torch import Tensor
from torch.nn import functional as F


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-[t log p + (1 - t) log(1 - p)] with p = sigmoid(logits): (B, 1), classes (B,) with 1 = positive -> (B,)."""
    return F.binary_cross_entropy_with_logits(logits.squeeze(1), targets.to(logits.dtype), reduction="none")


def categorical_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-log p of the right class with p = softmax(logits): (B, K), classes (B,) -> (B,)."""
    return F.cross_entropy(logits, targets, reduction="none")


def mean_squared_error(values: Tensor, targets: Tensor) -> Tensor:
    """(y - t)^2, mean over the outputs: (B, d), (B, d) -> (B,)."""
    return (values - targets.view_as(values)).square().mean(1)
