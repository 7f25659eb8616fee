"""How near images are to the truth. Images are (B, C, H, W) in shares of the range, black 0 and white 1."""

import torch
from torch import Tensor
from torch.nn import functional as F

LEAST = 1e-10  # mean squared error that counts as none: 100 dB
WINDOW = 11  # pixels of a side, of the structural similarity
SIGMA = 1.5  # pixels


def within(images: Tensor, border: int) -> Tensor:
    """(B, C, H, W) less `border` pixels of each side."""
    height, width = images.shape[2:]
    return images[:, :, border : height - border, border : width - border]


def psnr(images: Tensor, truth: Tensor, border: int) -> Tensor:
    """(B,) peak signal-to-noise ratio in dB: 10 log10(1 / mean squared error), at most 100, without the border."""
    errors = within(images.double() - truth.double(), border)
    return -10 * errors.square().mean((1, 2, 3)).clamp(min=LEAST).log10()


def smooth(images: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, H - 10, W - 10): Gaussian mean of 11 x 11 pixels, sigma 1.5."""
    steps = torch.arange(WINDOW, device=images.device, dtype=images.dtype) - WINDOW // 2
    weights = (-(steps**2) / (2 * SIGMA**2)).exp()
    weights, channels = weights / weights.sum(), images.shape[1]
    down, across = (weights.view(shape).expand(channels, 1, -1, -1) for shape in ((1, 1, -1, 1), (1, 1, 1, -1)))
    return F.conv2d(F.conv2d(images, down, groups=channels), across, groups=channels)


def ssim(images: Tensor, truth: Tensor, border: int) -> Tensor:
    """(B,) structural similarity: mean over the windows that lie within the image, less the border, and over channels.

    Wang et al. 2004, IEEE Trans Image Process 13:600, eq. 13, with K1 0.01, K2 0.03 and their Gaussian window.
    """
    x, y = within(images.double(), border), within(truth.double(), border)
    first, second = smooth(x), smooth(y)
    variances = smooth(x * x) - first**2 + smooth(y * y) - second**2
    both = smooth(x * y) - first * second
    c1, c2 = 0.01**2, 0.03**2
    near = (2 * first * second + c1) * (2 * both + c2) / ((first**2 + second**2 + c1) * (variances + c2))
    return near.mean((1, 2, 3))
