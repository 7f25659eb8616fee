"""The loss."""

import torch
from torch import Tensor
from torch.nn import functional as F


def ordinal_cross_entropy(logits: Tensor, grades: Tensor) -> Tensor:
    """-sum_k [t > k] log s(z_k) + [t <= k] log(1 - s(z_k)) (Cao et al. 2020, eq. 4): (B, K - 1), (B,) -> (B,)."""
    above = (grades[:, None] > torch.arange(logits.shape[1], device=logits.device)).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, above, reduction="none").sum(1)
