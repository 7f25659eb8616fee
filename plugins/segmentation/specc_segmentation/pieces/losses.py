"""Losses of masks, one number a sample: what is not known does not count, and a sample of which nothing is, has none.

`outputs` are logits (B, K, h, w). `targets` are (B, C, h, w): for classes C = 1 with the place of each pixel's class;
for two classes on one logit, and for labels, C = K with 1 or 0; IGNORE where nothing is known. A channel more at the
end says how close two things are to each pixel (`masks.closeness`).
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from specc.pieces.losses import Loss
from specc_segmentation.pieces.known import IGNORE
from specc_segmentation.pieces.slots import CLASSES

Each = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def binary_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """-[t log p + (1 - t) log(1 - p)] with p = sigmoid(outputs), mean over the known pixels: -> (B,)."""
    return mean_of_known(yes_no_losses(outputs, targets), truth_of_each(outputs, targets))


def categorical_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """-log p of the right class with p = softmax(outputs), mean over the known pixels: -> (B,)."""
    return mean_of_known(class_losses(outputs, targets), targets[:, :1])


def truth_of_each(outputs: Tensor, targets: Tensor) -> Tensor:
    """(B, K, h, w): for each logit 1, 0 or IGNORE."""
    return targets[:, : outputs.shape[1]]


def yes_no_losses(outputs: Tensor, targets: Tensor) -> Tensor:
    """Binary cross entropy of every logit (B, K, h, w); 0 where nothing is known."""
    truth = truth_of_each(outputs, targets)
    losses = F.binary_cross_entropy_with_logits(outputs, (truth == 1).to(outputs.dtype), reduction="none")
    return losses * (truth != IGNORE)


def class_losses(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of every pixel (B, 1, h, w); 0 where nothing is known."""
    return F.cross_entropy(outputs, targets[:, 0].long(), ignore_index=IGNORE, reduction="none")[:, None]


def mean_of_known(losses: Tensor, truth: Tensor) -> Tensor:
    """(B, C, h, w) -> (B,): the mean over the pixels that are known."""
    return losses.sum((1, 2, 3)) / (truth != IGNORE).sum((1, 2, 3)).clamp(min=1)


def less_if_easy(losses: Tensor, gamma: float) -> Tensor:
    """(1 - p)^gamma times the cross entropies -log p (Lin et al. 2017, eq. 4)."""
    return (-torch.expm1(-losses)).clamp(min=1e-12) ** gamma * losses


def pixel_weights(truth: Tensor, weights: Sequence[Sequence[float]] | Tensor) -> Tensor:
    """(B, C, h, w): the weight of each pixel's class out of (C, classes); 0 where nothing is known."""
    table = torch.as_tensor(weights, dtype=torch.float32, device=truth.device)
    places = torch.arange(len(table), device=truth.device).view(1, -1, 1, 1)
    known = truth != IGNORE
    return table[places, torch.where(known, truth, 0).long()] * known


def overlap(probabilities: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities and truth (B, K, h, w) of 1, 0 and IGNORE -> pixels right, too much, missed (B, K)."""
    known = truth != IGNORE
    there, said = (truth == 1).to(probabilities.dtype), probabilities * known
    right = (said * there).sum((2, 3))
    return right, said.sum((2, 3)) - right, there.sum((2, 3)) - right


def each_class(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax probabilities and truth (B, K - 1, h, w) of all classes but the first, which is the background."""
    truth, places = targets[:, :1].long(), torch.arange(1, outputs.shape[1], device=targets.device)
    there = torch.where(truth == IGNORE, IGNORE, (truth == places.view(1, -1, 1, 1)).long())
    return outputs.softmax(1)[:, 1:], there


def each_label(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Sigmoid probabilities and truth (B, K, h, w) of the second of two classes, or of all labels."""
    return outputs.sigmoid(), truth_of_each(outputs, targets)


def dice(outputs: Tensor, targets: Tensor, smooth: float, each: Each) -> Tensor:
    """1 - (2 right + s) / (answered + there + s), mean over the classes of each sample: -> (B,).

    Nothing there and nothing answered is a loss of 0, as `smooth` (pixels) is added to both. (Milletari et al. 2016,
    arXiv:1606.04797, with sums instead of sums of squares.)
    """
    right, extra, missed = overlap(*each(outputs, targets))
    return (1 - (2 * right + smooth) / (2 * right + extra + missed + smooth)).mean(1)


def tversky(outputs: Tensor, targets: Tensor, alpha: float, beta: float, smooth: float, each: Each) -> Tensor:
    """1 - (right + s) / (right + alpha * too much + beta * missed + s), mean over the classes of each sample: -> (B,).

    (Salehi et al. 2017, arXiv:1706.05721, eq. 2.) alpha = beta = 1/2 is Dice.
    """
    right, extra, missed = overlap(*each(outputs, targets))
    return (1 - (right + smooth) / (right + alpha * extra + beta * missed + smooth)).mean(1)


def median_frequency(loss: Loss, masks: Tensor) -> Loss:
    """The loss with a weight for each class, counted in the training masks (N, C, h, w): `balancing` for each channel
    that is answered; the one of border weights does not count.
    """
    channels = 1 if CLASSES > 2 else masks.shape[1] - int(masks.is_floating_point())
    return partial(loss, class_weights=torch.stack([balancing(masks[:, place]) for place in range(channels)]))


def balancing(masks: Tensor) -> Tensor:
    """(CLASSES,) median(f) / f with f = pixels of the class / known pixels of the images that contain it.

    (Eigen and Fergus 2015, arXiv:1411.4734, section 6.2; Badrinarayanan et al. 2017.) 1 for a class that never occurs.
    """
    counts = torch.stack([(masks == place).sum((1, 2)) for place in range(CLASSES)], 1).double()  # (N, classes)
    known = (masks != IGNORE).sum((1, 2)).double()
    frequency = counts.sum(0) / ((counts > 0) * known[:, None]).sum(0).clamp(min=1)
    there = frequency > 0
    middle = frequency[there].quantile(0.5) if there.any() else torch.ones(())
    return torch.where(there, middle / frequency.clamp(min=1e-12), 1.0).float()
