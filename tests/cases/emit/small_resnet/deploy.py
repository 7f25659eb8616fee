"""The module that leaves: from pixels as read to an answer."""

import torch
from torch import Tensor, nn


def axis_weights(places: Tensor, out: int, new: Tensor, first: Tensor) -> Tensor:
    """Weights (out, n) that lay n input pixels on `new` output pixels from place `first` on; zero outside of them."""
    scale = (places[-1] + 1) / new
    target = torch.arange(out, dtype=torch.float32) - first
    centre = (target + 0.5) * scale - 0.5
    weights = (1 - (places - centre[:, None]).abs() / scale.clamp(min=1)).clamp(min=0)
    inside = ((target >= 0) & (target < new)).float()[:, None]
    return inside * weights / weights.sum(1, keepdim=True).clamp(min=1e-12)


def resize_fit(images: Tensor, height: int, width: int) -> Tensor:
    """Whole image, proportions kept, centred on black; an odd pixel of border goes right and bottom."""
    rows, columns = torch.arange(images.shape[2]).float(), torch.arange(images.shape[3]).float()
    ratio = torch.maximum((rows[-1] + 1) / height, (columns[-1] + 1) / width)
    new_height, new_width = (((places[-1] + 1) / ratio + 0.5).floor().clamp(min=1) for places in (rows, columns))
    vertical = axis_weights(rows, height, new_height, ((height - new_height) / 2).floor())
    horizontal = axis_weights(columns, width, new_width, ((width - new_width) / 2).floor())
    return vertical @ images @ horizontal.T


def to_mono(samples: int) -> Tensor:
    """(1, samples): grey stays, colour becomes luma (ITU-R BT.601)."""
    return torch.tensor([[1.0]] if samples == 1 else [[0.299, 0.587, 0.114]])


def clip_window(pixels: Tensor, low: float, high: float) -> Tensor:
    """Modality values to 0..1 between the window's edges."""
    return ((pixels - low) / (high - low)).clamp(0, 1)


FLAT = 1 / 256  # a deviation below one step of 8 bits is rounding, which must not be made large


class ImageStandardizedEdits(nn.Module):
    """Window, channels, size; then every channel of an image by its own mean and deviation; a flat one becomes 0.

    The mean is taken off twice: what rounding left of it at first would be made large where the deviation is small.
    """

    def __init__(self, low: float, high: float, samples: int) -> None:
        super().__init__()
        self.values = (low, high, samples)
        self.register_buffer("mix", to_mono(samples))

    def forward(self, pixels: Tensor) -> Tensor:
        images = torch.einsum("oc,bchw->bohw", self.mix, clip_window(pixels, *self.values[:2]))
        images = resize_fit(images, 128, 128)
        for _ in range(2):
            images = images - images.mean(3, keepdim=True).mean(2, keepdim=True)  # short sums, small errors
        deviation = images.square().mean(3, keepdim=True).mean(2, keepdim=True).sqrt()
        return torch.where(deviation < FLAT, 0.0, images / deviation.clamp(min=FLAT))


def positive_second(probability: Tensor) -> Tensor:
    """(B, 1) -> (B, 2): the neuron speaks for the second class."""
    return torch.cat([1 - probability, probability], 1)


def brightness(images: Tensor) -> Tensor:
    """(B, 2): each image's mean, and the root of its mean square."""
    mean, square = (values.mean(3).mean(2).mean(1) for values in (images, images.square()))  # short sums, small errors
    return torch.stack([mean, square.sqrt()], 1)


def ood_score(images: Tensor, usual: Tensor) -> Tensor:
    """(B,) how far the brightness is from the training images', in their deviations; the larger of both numbers."""
    return ((brightness(images) - usual[0]).abs() / usual[1]).amax(1)


def typical(images: Tensor) -> Tensor:
    """(2, 2): mean and deviation of the training images' brightness."""
    numbers = torch.cat([brightness(chunk) for chunk in images.split(256)])
    return torch.stack([numbers.mean(0), numbers.std(0, correction=0).clamp(min=0.02)])


class TwoClasses(nn.Module):
    """Pixels as read (B, samples, H, W) -> class, probabilities (B, 2), ood_score, accepted."""

    usual: Tensor
    temperature: Tensor
    threshold: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module, training: Tensor) -> None:
        super().__init__()
        self.edits, self.net = edits, net
        self.register_buffer("usual", typical(training))
        self.register_buffer("temperature", torch.tensor(1.0))  # not calibrated
        self.register_buffer("threshold", torch.tensor(torch.inf))  # every image is let through

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images = self.edits(pixels)
        probabilities = positive_second(torch.sigmoid(self.net(images) / self.temperature))
        score = ood_score(images, self.usual)
        return probabilities.argmax(1), probabilities, score, score <= self.threshold
