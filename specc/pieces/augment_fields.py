"""What moves with the images: paired images, masks and boxes. `ids` and `key` are those of the images; what is random
follows from them, so that each field is moved alike, wherever and whenever.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from specc.pieces.augment_places import bilinear, middles, nearest
from specc.pieces.slots import HEIGHT, WIDTH, look

STEPS = 6  # of Newton's method; one is enough where lines stay lines


class Boxes(NamedTuple):
    """The boxes of a batch, image after image."""

    values: Tensor  # (M, 4) left, top, right, bottom in pixels of the canvas: its own is (0, 0, width, height)
    offsets: Tensor  # (B + 1,): the boxes of image b are values[offsets[b] : offsets[b + 1]]
    places: Tensor  # (M,) where each box stood before any was dropped: labels[places] are those of what is left


def moved_images(images: Tensor, ids: Tensor, key: tuple[int, ...], black: float) -> Tensor:
    """(B, C, h, w) paired with the images, perhaps of another resolution; what comes from outside is `black`."""
    size = (HEIGHT, WIDTH)
    return bilinear(images - black, look(middles(images, size), ids, key), size) + black


def moved_masks(masks: Tensor, ids: Tensor, key: tuple[int, ...], ignore: float) -> Tensor:
    """(B, C, h, w) of whole numbers: none is invented; what comes from outside is `ignore`."""
    size = (HEIGHT, WIDTH)
    return nearest(masks, look(middles(masks, size), ids, key), size, ignore)


def moved_boxes(boxes: Boxes, ids: Tensor, key: tuple[int, ...], visible: float) -> Boxes:
    """The boxes around what was in each box, cut to the canvas.

    A box is dropped where its middle lies outside of the canvas, or less than `visible` of its area is within.
    """
    counts, canvas = boxes.offsets.diff(), boxes.values.new_tensor([WIDTH, HEIGHT])
    owners = torch.arange(len(counts), device=ids.device).repeat_interleave(counts)
    part = torch.tensor([0.0, 0.5, 1.0], device=ids.device)
    parts = torch.stack(torch.meshgrid(part, part, indexing="xy"), 2).view(1, 9, 2)  # the middle is the fifth
    low, high = boxes.values[:, None, :2], boxes.values[:, None, 2:]
    points = came_from(low + (high - low) * parts - canvas / 2, ids[owners], key) + canvas / 2
    first, last = points.amin(1), points.amax(1)
    cut_first, cut_last, middle = (torch.minimum(at.clamp(min=0), canvas) for at in (first, last, points[:, 4]))
    seen = (cut_last - cut_first).prod(1)
    kept = (middle == points[:, 4]).all(1) & (seen > 0) & (seen >= visible * (last - first).prod(1))
    offsets = torch.cat([boxes.offsets[:1] * 0, torch.bincount(owners[kept], minlength=len(counts)).cumsum(0)])
    return Boxes(torch.cat([cut_first, cut_last], 1)[kept], offsets, boxes.places[kept])


def came_from(points: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """(M, N, 2) points of the images as they were -> where they are in the changed ones: `look` turned round."""
    found, right, down = points, points.new_tensor([1.0, 0.0]), points.new_tensor([0.0, 1.0])
    for _ in range(STEPS):
        here, by_x, by_y = look(torch.cat([found, found + right, found + down], 1), ids, key).chunk(3, 1)
        (a, c), (b, d), (e, f) = (at.unbind(2) for at in (by_x - here, by_y - here, points - here))
        area = a * d - b * c
        area = torch.where(area.abs() < 1e-3, 1e-3, area)  # a fold: no step is endless
        found = found + torch.stack([(d * e - b * f) / area, (a * f - c * e) / area], 2)
    return found
