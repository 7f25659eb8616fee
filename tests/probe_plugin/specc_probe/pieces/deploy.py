"""The modules that leave the programs, and what they are made of."""

import torch
from torch import Tensor, nn

from specc.pieces.slots import HEIGHT, WIDTH
from specc_probe.pieces.boxes import Heads, decoded, default_boxes, on_image, size_of, suppressed
from specc_probe.pieces.slots import MAPS


class Maker(nn.Module):
    """Random numbers (B, latent) -> images (B, C, H, W), on the scale of the spec's input."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, latent: Tensor) -> tuple[Tensor]:
        return (self.generator(latent),)


class Translator(nn.Module):
    """Pixels as read (B, samples, H, W) -> both translations (B, C, h, w), 0 black and 1 white.

    The networks take and give -1 to 1.
    """

    def __init__(self, edits: nn.Module, a_to_b: nn.Module, b_to_a: nn.Module) -> None:
        super().__init__()
        self.edits, self.a_to_b, self.b_to_a = edits, a_to_b, b_to_a

    def forward(self, read: Tensor) -> tuple[Tensor, Tensor]:
        images = self.edits(read)
        return (self.a_to_b(images) + 1) / 2, (self.b_to_a(images) + 1) / 2


class Detector(nn.Module):
    """Pixels as read (B, samples, H, W) -> boxes (B, KEEP, 4) in pixels of the image, scores, classes (B, KEEP), count
    (B,); then what these were chosen from: where each default box lies (B, D, 4), in shares of the image, and how
    certain each class is (B, classes, D).
    """

    defaults: Tensor
    canvas: Tensor

    def __init__(self, edits: nn.Module, net: nn.Module) -> None:
        super().__init__()
        self.edits, self.heads = edits, Heads(net)
        self.register_buffer("defaults", default_boxes(MAPS).float())
        self.register_buffer("canvas", torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT]).float())

    def every(self, read: Tensor) -> tuple[Tensor, Tensor]:
        """Where each default box lies, and how certain each class is."""
        said = self.heads(self.edits(read))
        boxes = on_image(decoded(said[..., :4], self.defaults) * self.canvas, size_of(read))
        return boxes, said[..., 4:].softmax(2)[..., 1:].transpose(1, 2)

    def kept(self, read: Tensor, boxes: Tensor, scores: Tensor) -> tuple[Tensor, ...]:
        """What is chosen from them."""
        boxes, *others = suppressed(boxes, scores)
        return (boxes * size_of(read).flip(0).repeat(2), *others)

    def forward(self, read: Tensor) -> tuple[Tensor, ...]:
        boxes, scores = self.every(read)
        return (*self.kept(read, boxes, scores), boxes, scores)


class Segmenter(nn.Module):
    """Pixels as read (B, samples, H, W) -> for each pixel of the edited image (B, 1, h, w) how sure it is a thing."""

    def __init__(self, edits: nn.Module, net: nn.Module) -> None:
        super().__init__()
        self.edits, self.net = edits, net

    def forward(self, read: Tensor) -> tuple[Tensor]:
        return (self.net(self.edits(read)).sigmoid(),)


class Output(nn.Module):
    """One of a network's outputs."""

    def __init__(self, net: nn.Module, which: int) -> None:
        super().__init__()
        self.net, self.which = net, which

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.net(images)[self.which]
        return output
