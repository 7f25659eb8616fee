"""What an autoencoder learns: its image, perhaps from a disturbed one, perhaps with a code that is sparse or random.

All that is random follows from the key of the batch (seed, stage, epoch) and the id of each image.
"""

from typing import Any

import torch
from torch import Tensor

from specc.pieces import runtime as rt
from specc.pieces.augment import normal
from specc.pieces.losses import Loss
from specc_features.pieces.slots import BETA, BLACK, HOLES, NOISE, SPARSITY, TARGET, disturbed, sparse


def drawn(key: tuple[int, ...], ids: Tensor, count: int) -> Tensor:
    """(B, count) numbers of the standard normal distribution."""
    return normal(rt.uniform(key, ids, count + count % 2))[:, :count]


def with_noise(images: Tensor, batch: rt.Batch) -> Tensor:
    """Gaussian noise on every number of what goes in; the target stays clean (Vincent et al. 2010, section 3.5)."""
    return images + NOISE * drawn((*batch.key, 4), batch.ids, images[0].numel()).view_as(images)


def with_holes(images: Tensor, batch: rt.Batch) -> Tensor:
    """A share of the pixels is black, all channels of each; the target is whole (Vincent et al. 2008, section 2)."""
    u = rt.uniform((*batch.key, 4), batch.ids, images[0, 0].numel()).view_as(images[:, :1])
    return torch.where(u < HOLES, BLACK, images)


def plain_objective(net: Any, criterion: Loss, images: Tensor, batch: rt.Batch) -> Tensor:
    """(B,) how far what is made from the code is from the images (B, C, H, W)."""
    code = net.encode(disturbed(images, batch))
    return sparse(criterion(net.decode(code), images), code.float().flatten(1), batch)


def variational_objective(net: Any, criterion: Loss, images: Tensor, batch: rt.Batch) -> Tensor:
    """(B,) minus the bound of Kingma and Welling 2014, eq. 10 with one draw of the code, divided by the pixels.

    The loss is a mean over pixels and channels where the paper has a sum, and so the divergence is divided as well:
    BETA = 1 is the paper's own balance.
    """
    mean, log_variance = (part.float() for part in net.encode(disturbed(images, batch)))
    code = mean + (log_variance / 2).exp() * drawn((*batch.key, 5), batch.ids, mean.shape[1])
    losses = criterion(net.decode(code), images) + BETA * divergence(mean, log_variance) / images[0].numel()
    return sparse(losses, mean, batch)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """(B,) from N(mean, variance) to N(0, 1), the sum over a code (B, n): Kingma and Welling 2014, appendix B."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2


def mean_of(encoded: tuple[Tensor, Tensor]) -> Tensor:
    """(B, n): the code of a distribution is its mean."""
    return encoded[0]


def small_sums(losses: Tensor, code: Tensor, batch: rt.Batch) -> Tensor:
    """Losses (B,) with the mean absolute value of each code (B, n)."""
    return losses + SPARSITY * code.abs().mean(1)


def seldom_active(losses: Tensor, code: Tensor, batch: rt.Batch) -> Tensor:
    """Losses (B,) with the divergence from TARGET of how active each number of the code (B, n) is over the step.

    For numbers in 0..1: sum over j of KL(Bernoulli(TARGET), Bernoulli(mean of number j)) (Ng 2011, CS294A notes,
    section 3). Each image's own loss has the gradient of the whole step's, on any number of ranks.
    """
    sums = torch.cat([batch.weights @ code.detach(), batch.weights.sum()[None]])
    if code.requires_grad:  # in a step all ranks are here
        sums = rt.total(sums)
    active = (sums[:-1] / sums[-1]).clamp(1e-6, 1 - 1e-6)
    apart = TARGET * (TARGET / active).log() + (1 - TARGET) * ((1 - TARGET) / (1 - active)).log()
    slope = (1 - TARGET) / (1 - active) - TARGET / active
    return losses + SPARSITY * (apart.sum() + (code - code.detach()) @ slope)
