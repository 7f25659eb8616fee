"""Default boxes, what a network says of each of them, and which are kept (Liu et al. 2016, arXiv:1512.02325)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch._higher_order_ops import while_loop

from specc.pieces.slots import HEIGHT, WIDTH
from specc_probe.pieces.slots import BOXES, CANDIDATES, CLASSES, KEEP, LEAST_SCORE, OVERLAP, SCORES, placed

Map = tuple[int, int, float, float, float, float, tuple[float, ...]]  # see default_boxes
VARIANCES = (0.1, 0.2)  # what offsets of the middle and of the size are divided by, as in the authors' code


def default_boxes(maps: Sequence[Map]) -> Tensor:
    """(D, 4) middle x, y, width, height in shares of the canvas, for each cell of each map (section 2.2).

    A map is rows, columns, distance of rows, of columns, size of its boxes, size of the next map's, and ratios of width
    to height. A cell has a square of the size, one of the geometric mean of both sizes, and two boxes for each ratio r:
    r and 1 / r. Order: map, row, column, box. In float64.
    """
    boxes = []
    for rows, columns, down, right, size, following, ratios in maps:
        shapes = [(size, size), (math.sqrt(size * following),) * 2]
        for root in map(math.sqrt, ratios):
            shapes += [(size * root, size / root), (size / root, size * root)]
        y, x = torch.arange(rows).double().add(0.5) * down, torch.arange(columns).double().add(0.5) * right
        middles = torch.stack(torch.meshgrid(x, y, indexing="xy"), 2)[:, :, None]  # (rows, columns, 1, 2)
        sizes = torch.tensor(shapes, dtype=torch.float64).expand(rows, columns, -1, -1)
        boxes.append(torch.cat([middles.expand_as(sizes), sizes], 3).flatten(0, 2))
    return torch.cat(boxes)


class Heads(nn.Module):
    """Images -> (B, D, 5 + classes) of each default box: its offsets, then the scores of nothing and of each class.

    `net` gives, for each map, (B, boxes * 4, rows, columns) and (B, boxes * (1 + classes), rows, columns).
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        outputs, width = self.net(images), 1 + len(CLASSES)
        return torch.cat([joined(outputs, BOXES, 4), joined(outputs, SCORES, width)], 2)


def joined(outputs: Sequence[Tensor], places: Sequence[int], width: int) -> Tensor:
    """(B, D, width) in the order of the default boxes, out of the outputs (B, boxes * width, rows, columns)."""
    maps = [outputs[place].unflatten(1, (-1, width)).permute(0, 3, 4, 1, 2).flatten(1, 3) for place in places]
    return torch.cat(maps, 1)


def corners_of(boxes: Tensor) -> Tensor:
    """(..., 4) middle and size -> left, top, right, bottom."""
    middle, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([middle - half, middle + half], -1)


def encoded(corners: Tensor, defaults: Tensor) -> Tensor:
    """(..., 4) what a network is to say where a box lies: eq. 2, divided by VARIANCES."""
    middle, size = (corners[..., :2] + corners[..., 2:]) / 2, corners[..., 2:] - corners[..., :2]
    apart = (middle - defaults[..., :2]) / defaults[..., 2:] / VARIANCES[0]
    return torch.cat([apart, (size / defaults[..., 2:]).log() / VARIANCES[1]], -1)


def decoded(offsets: Tensor, defaults: Tensor) -> Tensor:
    """(..., 4) left, top, right, bottom: the inverse of `encoded`."""
    middle = defaults[..., :2] + offsets[..., :2] * VARIANCES[0] * defaults[..., 2:]
    return corners_of(torch.cat([middle, defaults[..., 2:] * (offsets[..., 2:] * VARIANCES[1]).exp()], -1))


def overlaps_of(one: Tensor, other: Tensor) -> Tensor:
    """(..., N, M) area of the intersection over area of the union, of corners (..., N, 4) and (..., M, 4); no +1."""
    low = torch.maximum(one[..., :, None, :2], other[..., None, :, :2])
    high = torch.minimum(one[..., :, None, 2:], other[..., None, :, 2:])
    both = (high - low).clamp(min=0).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (one, other)]
    either = areas[0][..., :, None] + areas[1][..., None, :] - both
    return both / either.clamp(min=1e-12)


def placed_none(size: Tensor) -> tuple[Tensor, Tensor]:
    """(2,) height and width as read -> what places are multiplied by, and where the first pixel lies on the canvas."""
    return torch.ones_like(size), torch.zeros_like(size)


def placed_fit(size: Tensor) -> tuple[Tensor, Tensor]:
    """As `resize_fit` lays an image on the canvas."""
    canvas = torch.tensor([HEIGHT, WIDTH], device=size.device).float()
    new = (size / (size / canvas).amax(0) + 0.5).floor().clamp(min=1)
    return new / size, ((canvas - new) / 2).floor()


def placed_crop(size: Tensor) -> tuple[Tensor, Tensor]:
    """As `resize_crop` lays an image on the canvas."""
    canvas = torch.tensor([HEIGHT, WIDTH], device=size.device).float()
    new = (size / (size / canvas).amin(0) + 0.5).floor()
    return new / size, -((new - canvas) / 2).floor()


def placed_stretch(size: Tensor) -> tuple[Tensor, Tensor]:
    """As `resize_stretch` lays an image on the canvas."""
    return torch.tensor([HEIGHT, WIDTH], device=size.device).float() / size, torch.zeros_like(size)


def on_canvas(boxes: Tensor, size: Tensor) -> Tensor:
    """(M, 4) corners in pixels of an image of a size (2,) height, width -> in pixels of the canvas."""
    factor, first = placed(size)
    return boxes * factor.flip(0).repeat(2) + first.flip(0).repeat(2)


def on_image(boxes: Tensor, size: Tensor) -> Tensor:
    """(..., 4) corners in pixels of the canvas -> in shares of the image, cut to it."""
    factor, first = placed(size)
    return ((boxes - first.flip(0).repeat(2)) / (factor * size).flip(0).repeat(2)).clamp(0, 1)


def size_of(images: Tensor) -> Tensor:
    """(2,) height and width of images, as numbers of the graph."""
    rows, columns = torch.arange(images.shape[2]).float(), torch.arange(images.shape[3]).float()
    return torch.stack([rows[-1] + 1, columns[-1] + 1])


def greedy(over: Tensor) -> Tensor:
    """(..., K) 1 for what is kept: nothing that is kept before lies `over` (..., K, K) it. Most certain first.

    A step that changes nothing has found the answer of the loop over all boxes: after n steps the first n are right.
    """

    def differs(kept: Tensor, before: Tensor) -> Tensor:
        return (kept != before).any()

    def step(kept: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - (over * kept[..., None, :]).amax(-1), kept.clone()

    kept = torch.ones_like(over[..., 0])
    before = kept - 1
    if torch.compiler.is_exporting():
        kept, before = while_loop(differs, step, (kept, before))
    else:
        while differs(kept, before):
            kept, before = step(kept, before)
    return kept


def ordered(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The last axis with the largest first, of equals the first, and where each stood. ONNX's TopK keeps that order."""
    if torch.compiler.is_exporting():
        best, places = scores.sort(dim=-1, descending=True)
    else:
        best, places = scores.sort(dim=-1, descending=True, stable=True)
    return best, places


def suppressed(boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Corners (B, D, 4), scores (B, C, D) -> boxes (B, KEEP, 4), scores, classes (B, KEEP), and how many count (B,).

    In each class: those above LEAST_SCORE, the CANDIDATES most certain, less those over which a more certain one lies
    by more than OVERLAP; of all classes the KEEP most certain. Where scores are equal, the first goes first (section
    2.2; non-maximum suppression as in ONNX). What follows the last is 0, and class -1.
    """
    certain, order = (part[..., :CANDIDATES] for part in ordered(scores))
    some = torch.gather(boxes[:, None].expand(-1, scores.shape[1], -1, -1), 2, order[..., None].expand(-1, -1, -1, 4))
    earlier = torch.ones(order.shape[2], order.shape[2], device=boxes.device).tril(-1)
    there = greedy((overlaps_of(some, some) > OVERLAP) * earlier) * (certain > LEAST_SCORE)
    best, places = ordered((certain * there).flatten(1))
    best, places = best[:, :KEEP], places[:, :KEEP]
    known = best > 0
    classes = torch.where(known, places // order.shape[2], -1)
    kept = torch.gather(some.flatten(1, 2), 1, places[..., None].expand(-1, -1, 4)) * known[..., None]
    return kept, best, classes, known.sum(1)
