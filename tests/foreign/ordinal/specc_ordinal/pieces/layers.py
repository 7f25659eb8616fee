"""The head's module."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Thresholds(nn.Module):
    """(B, 1) -> (B, count): the number less each threshold; each is above the one before (McCullagh 1980)."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.zeros(1))
        self.gaps = nn.Parameter(torch.zeros(count - 1))

    def forward(self, values: Tensor) -> Tensor:
        steps = torch.cat([self.first, F.softplus(self.gaps)])
        return values - steps.cumsum(0)
