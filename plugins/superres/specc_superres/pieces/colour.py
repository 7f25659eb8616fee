"""Brightness and colour of RGB images: Y, Cb and Cr of ITU-R BT.601, in the range that the spec names.

`limited`: Y from 16/255 to 235/255 of the range, as in MATLAB's `rgb2ycbcr`, which most papers take for their figures.
`full`: Y from 0 to 1, as in JPEG and Pillow; of the same pictures PSNR is 20 log10(255/219) = 1.32 dB lower.
"""

import torch
from torch import Tensor

from specc_superres.pieces.resample import bicubic
from specc_superres.pieces.slots import FACTOR, OFFSET, TO_COLOURS, TO_PARTS, to_scale, to_shares


def from_symmetric(images: Tensor) -> Tensor:
    """From -1..1 to 0..1."""
    return (images + 1) / 2


def to_symmetric(shares: Tensor) -> Tensor:
    """From 0..1 to -1..1."""
    return shares * 2 - 1


def to_parts(images: Tensor) -> Tensor:
    """(B, 3, H, W) red, green, blue -> Y, Cb, Cr, on the scale of the spec."""
    rows, offset = (torch.tensor(numbers, device=images.device) for numbers in (TO_PARTS, OFFSET))
    return to_scale(torch.einsum("oc,bchw->bohw", rows, to_shares(images)) + offset[:, None, None])


def to_colours(parts: Tensor) -> Tensor:
    """(B, 3, H, W) Y, Cb, Cr -> red, green, blue."""
    rows, offset = (torch.tensor(numbers, device=parts.device) for numbers in (TO_COLOURS, OFFSET))
    return to_scale(torch.einsum("oc,bchw->bohw", rows, to_shares(parts) - offset[:, None, None]))


def brightness(images: Tensor) -> Tensor:
    """(B, 3, H, W) -> Y (B, 1, H, W), on the scale of the spec."""
    return to_parts(images)[:, :1]


def share_of_brightness(shares: Tensor) -> Tensor:
    """(B, 3, H, W) in 0..1 -> Y (B, 1, H, W)."""
    rows, offset = (torch.tensor(numbers[:1], device=shares.device) for numbers in (TO_PARTS, OFFSET))
    return torch.einsum("oc,bchw->bohw", rows, shares) + offset[:, None, None]


def recoloured(restored: Tensor, images: Tensor) -> Tensor:
    """Y (B, 1, fH, fW) of the network with the colours of the images (B, 3, H, W), enlarged by `bicubic`."""
    return to_colours(torch.cat([restored, bicubic(to_parts(images)[:, 1:], FACTOR)], 1))
