"""Edits that a spec may name: functions of images (B, C, H, W) in 0..1 with black 0, the same in training and in ONNX.

A pixel of the file is a pixel here: the spec's size comes after.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def invert(images: Tensor) -> Tensor:
    """1 - v."""
    return 1 - images


def power(images: Tensor, exponent: float) -> Tensor:
    """v to a power; what lies outside of 0..1 is cut off."""
    return images.clamp(0, 1) ** exponent


def smooth(images: Tensor, sd: float) -> Tensor:
    """Mean with Gaussian weights, down and then across; edges go on outside."""
    reach = math.ceil(3 * sd)
    steps = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-(steps**2) / (2 * sd * sd))
    weights = weights / weights.sum()
    height, width = images.shape[2:]
    planes = images.reshape(-1, 1, height, width)
    planes = F.conv2d(F.pad(planes, (0, 0, reach, reach), mode="replicate"), weights[None, None, :, None])
    planes = F.conv2d(F.pad(planes, (reach, reach, 0, 0), mode="replicate"), weights[None, None, None, :])
    return planes.reshape(images.shape)
