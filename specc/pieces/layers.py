"""Layers and initial values that torch has no word for. A program holds those that its spec names."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class L2Norm(nn.Module):
    """Each pixel's channels to length 1, times a learned scale for each channel: (B, C, H, W) (ParseNet, eq. 1-3)."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x) * self.scale[:, None, None]


class GaussianNoise(nn.Module):
    """In training adds normal noise of mean 0; the numbers are torch's, which each step seeds anew."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        return x + self.std * torch.randn_like(x) if self.training else x


@torch.no_grad()
def bilinear_(weight: Tensor) -> None:
    """Each channel enlarges itself by bilinear interpolation: (C_in, C_out, k, k) (FCN, section 3.3)."""
    rows, columns = (1 - (torch.arange(k) - (k - 1) / 2).abs() / ((k + 1) // 2) for k in weight.shape[2:])
    weight.zero_()
    for channel in range(len(weight)):
        weight[channel, channel % weight.shape[1]] = torch.outer(rows, columns)
