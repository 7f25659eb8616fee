"""The spec's networks; each line of a forward pass ends in the shape that comes out."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Network(nn.Module):
    """image (B, 1, 32, 32) -> (B, 1) before sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense1 = nn.Linear(400, 120)
        self.dense2 = nn.Linear(120, 84)
        self.dense3 = nn.Linear(84, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.constant_(module.bias, 0.0)

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv1(image)  # (B, 6, 28, 28)
        x = F.max_pool2d(x, 2)  # (B, 6, 14, 14)
        x = F.relu(x)  # (B, 6, 14, 14)
        x = self.conv2(x)  # (B, 16, 10, 10)
        x = F.max_pool2d(x, 2)  # (B, 16, 5, 5)
        x = F.relu(x)  # (B, 16, 5, 5)
        x = torch.flatten(x, 1)  # (B, 400)
        x = self.dense1(x)  # (B, 120)
        x = torch.tanh(x)  # (B, 120)
        x = self.dense2(x)  # (B, 84)
        x = torch.tanh(x)  # (B, 84)
        x = self.dense3(x)  # (B, 1)
        return x
