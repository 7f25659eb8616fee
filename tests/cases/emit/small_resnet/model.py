"""The spec's networks; each line of a forward pass ends in the shape that comes out."""

import torch.nn.functional as F
from torch import Tensor, nn


class Network(nn.Module):
    """image (B, 1, 128, 128) -> (B, 1) before sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.batchnorm2 = nn.BatchNorm2d(8)
        self.conv3 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.batchnorm3 = nn.BatchNorm2d(8)
        self.conv4 = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)
        self.batchnorm4 = nn.BatchNorm2d(16)
        self.conv5 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.batchnorm5 = nn.BatchNorm2d(16)
        self.conv6 = nn.Conv2d(8, 16, 1, bias=False)
        self.batchnorm6 = nn.BatchNorm2d(16)
        self.conv7 = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
        self.batchnorm7 = nn.BatchNorm2d(32)
        self.conv8 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.batchnorm8 = nn.BatchNorm2d(32)
        self.conv9 = nn.Conv2d(16, 32, 1, bias=False)
        self.batchnorm9 = nn.BatchNorm2d(32)
        self.dense1 = nn.Linear(32, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.constant_(module.bias, 0.0)

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv1(image)  # (B, 8, 64, 64)
        x = self.batchnorm1(x)  # (B, 8, 64, 64)
        relu1 = F.relu(x)  # (B, 8, 64, 64)
        x = self.conv2(relu1)  # (B, 8, 64, 64)
        x = self.batchnorm2(x)  # (B, 8, 64, 64)
        x = F.relu(x)  # (B, 8, 64, 64)
        x = self.conv3(x)  # (B, 8, 64, 64)
        x = self.batchnorm3(x)  # (B, 8, 64, 64)
        x = relu1 + x  # (B, 8, 64, 64)
        relu3 = F.relu(x)  # (B, 8, 64, 64)
        x = self.conv4(relu3)  # (B, 16, 32, 32)
        x = self.batchnorm4(x)  # (B, 16, 32, 32)
        x = F.relu(x)  # (B, 16, 32, 32)
        x = self.conv5(x)  # (B, 16, 32, 32)
        batchnorm5 = self.batchnorm5(x)  # (B, 16, 32, 32)
        x = self.conv6(relu3[:, :, ::2, ::2])  # (B, 16, 32, 32)
        x = self.batchnorm6(x)  # (B, 16, 32, 32)
        x = x + batchnorm5  # (B, 16, 32, 32)
        relu5 = F.relu(x)  # (B, 16, 32, 32)
        x = self.conv7(relu5)  # (B, 32, 16, 16)
        x = self.batchnorm7(x)  # (B, 32, 16, 16)
        x = F.relu(x)  # (B, 32, 16, 16)
        x = self.conv8(x)  # (B, 32, 16, 16)
        batchnorm8 = self.batchnorm8(x)  # (B, 32, 16, 16)
        x = self.conv9(relu5[:, :, ::2, ::2])  # (B, 32, 16, 16)
        x = self.batchnorm9(x)  # (B, 32, 16, 16)
        x = x + batchnorm8  # (B, 32, 16, 16)
        x = F.relu(x)  # (B, 32, 16, 16)
        x = x.mean((2, 3))  # (B, 32)
        x = self.dense1(x)  # (B, 1)
        return x
