"""Losses, one number a sample: whoever trains weighs the samples, so that a short last batch is no special case."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from specc.pieces import runtime as rt
from specc.pieces.slots import CLASSES_OUT

Loss = Callable[..., Tensor]


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-[t log p + (1 - t) log(1 - p)] with p = sigmoid(logits): (B, 1), classes (B,) with 1 = positive -> (B,)."""
    return F.binary_cross_entropy_with_logits(logits.squeeze(1), targets.to(logits.dtype), reduction="none")


def categorical_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-log p of the right class with p = softmax(logits): (B, K), classes (B,) -> (B,)."""
    return F.cross_entropy(logits, targets, reduction="none")


def findings_cross_entropy(logits: Tensor, targets: Tensor, among: Tensor) -> Tensor:
    """Binary cross entropy, mean over what is known: (B, L), findings (B, L) of 1, 0 and -100 = blank -> (B,).

    `among` are the findings of the whole step, of which these may be a part.
    """
    truth = targets.clamp(min=0).to(logits.dtype)
    return mean_of_known(F.binary_cross_entropy_with_logits(logits, truth, reduction="none"), targets, among)


def mean_squared_error(values: Tensor, targets: Tensor) -> Tensor:
    """(y - t)^2, mean over the outputs: (B, d), (B, d) -> (B,)."""
    return (values - targets.view_as(values)).square().mean(1)


def mean_absolute_error(values: Tensor, targets: Tensor) -> Tensor:
    """|y - t|, mean over the outputs: (B, d), (B, d) -> (B,)."""
    return (values - targets.view_as(values)).abs().mean(1)


def huber(values: Tensor, targets: Tensor, delta: float) -> Tensor:
    """e^2 / 2 up to |e| = delta, then delta (|e| - delta / 2), mean over the outputs: (B, d), (B, d) -> (B,)."""
    return F.huber_loss(values, targets.view_as(values), reduction="none", delta=delta).mean(1)


def focal(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """-(1 - p)^gamma log p of the right class (Lin et al. 2017, eq. 4): (B, K, ...), (B, ...) -> (B, ...)."""
    losses = F.cross_entropy(logits, targets, reduction="none")
    return (-torch.expm1(-losses)).clamp(min=1e-12) ** gamma * losses


def smoothed_cross_entropy(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Cross entropy with `smoothing` shared out evenly over all K classes: (B, K, ...), (B, ...) -> (B, ...)."""
    return F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)


def as_two(logits: Tensor) -> Tensor:
    """(B, 1) -> (B, 2): sigmoid(z) is the second number of softmax(0, z)."""
    return torch.cat([torch.zeros_like(logits), logits], 1)


def as_pairs(logits: Tensor) -> Tensor:
    """(B, L) -> (B, 2, L): for each finding no and yes, as two classes."""
    return torch.stack([torch.zeros_like(logits), logits], 1)


def mean_weight(weights: Tensor) -> Tensor:
    """Mean weight (B,) over the step, all ranks together: a mean of w l divided by it is sum(w l) / sum(w)."""
    total = rt.total(torch.stack([weights.sum(), weights.new_tensor(len(weights))]))
    return (total[0] / total[1]).clamp(min=1e-12)


def class_weighted(losses: Tensor, targets: Tensor, weights: Sequence[float] | Tensor, among: Tensor) -> Tensor:
    """Losses (B,) whose mean over a step is sum(w l) / sum(w), with the weight of each sample's class (B,).

    `among` are the targets of the whole step, of which these may be a part.
    """
    each = torch.as_tensor(weights, dtype=losses.dtype, device=losses.device)
    return losses * each[targets] / mean_weight(each[among])


def mean_of_known(losses: Tensor, targets: Tensor, among: Tensor) -> Tensor:
    """Losses (B, L) -> (B,) whose mean over a step is the mean over all findings in it that are not blank."""
    return (losses * (targets >= 0)).sum(1) / mean_weight((among >= 0).to(losses.dtype).sum(1))


def weighted_mean_of_known(losses: Tensor, targets: Tensor, weights: Tensor, among: Tensor) -> Tensor:
    """As `mean_of_known`, each finding's no and yes counting with its weight (2, L)."""
    known, every = (weights.to(losses.dtype).gather(0, of.clamp(min=0)) * (of >= 0) for of in (targets, among))
    return (losses * known).sum(1) / mean_weight(every.sum(1))


def balanced(loss: Loss, targets: Tensor) -> Loss:
    """The loss with class weights n / (classes * count), counted in the training targets (N,)."""
    counts = torch.bincount(targets, minlength=CLASSES_OUT)
    return partial(loss, class_weights=len(targets) / (CLASSES_OUT * counts.clamp(min=1)))


def balanced_findings(loss: Loss, targets: Tensor) -> Loss:
    """The loss with weights n / (2 * count) for no and yes of each finding, counted in the training targets (N, L)."""
    counts = torch.stack([(targets == 0).sum(0), (targets == 1).sum(0)])
    return partial(loss, class_weights=counts.sum(0) / (2 * counts.clamp(min=1)))
