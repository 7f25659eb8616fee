"""Which default box stands for which box of the truth, and how wrong a network is about it (Liu et al. 2016)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from specc.pieces.augment_fields import Boxes
from specc.pieces.pixels import Images
from specc.pieces.slots import HEIGHT, WIDTH
from specc_probe.pieces.boxes import corners_of, default_boxes, encoded, on_canvas, overlaps_of
from specc_probe.pieces.slots import MAPS

HALF = 0.5  # overlap from which a default box stands for a truth
NEGATIVES = 3  # default boxes without a truth that are learned from, for each that has one


def matched(overlaps: Tensor) -> Tensor:
    """Overlaps (B, T, D) of truths and default boxes -> (B, D) the truth that a default box stands for, -1 for none.

    First, once for each truth: of those that are free, the truth and the default box that overlap most. Then the boxes
    that are left take the truth that they overlap most, from HALF on (section 2.2; one by one as in the authors' code,
    so that no truth is lost where two have the same best box). Of equals the first.
    """
    batch, truths, boxes = overlaps.shape
    image, free = torch.arange(batch, device=overlaps.device), overlaps.clone()
    which = torch.full((batch, boxes), -1, device=overlaps.device)
    for _ in range(truths):
        best, place = free.flatten(1).max(1)
        truth, box = place // boxes, place % boxes
        which[image, box] = torch.where(best > 0, truth, which[image, box])
        free[image, truth] = 0
        free[image, :, box] = 0
    best, truth = overlaps.max(1)
    return torch.where((which < 0) & (best >= HALF), truth, which)


def wanted_of(corners: Tensor, labels: Tensor, offsets: Tensor, defaults: Tensor) -> tuple[Tensor, Tensor]:
    """Truths of a batch (M, 4) in shares of the canvas, classes (M,) and offsets (B + 1,) -> of each default box its
    class (B, D), 0 for nothing, and its offsets (B, D, 4).
    """
    counts = offsets.diff()
    owner = torch.arange(len(counts), device=labels.device).repeat_interleave(counts)
    within = torch.arange(len(owner), device=labels.device) - offsets[owner]
    shape = (len(counts), max(1, int(counts.max())))
    boxes, names = corners.new_zeros(*shape, 4), labels.new_zeros(shape)
    boxes[owner, within], names[owner, within] = corners, labels
    which = matched(overlaps_of(boxes, corners_of(defaults)))
    there, which = which >= 0, which.clamp(min=0)
    places = encoded(torch.gather(boxes, 1, which[..., None].expand(-1, -1, 4)), defaults)
    return torch.where(there, names.gather(1, which), 0), torch.where(there[..., None], places, 0)


class Truth(NamedTuple):
    """All boxes, one after another; those of image i stand from offsets[i] to offsets[i + 1]."""

    corners: Tensor  # (M, 4) in pixels of the canvas
    labels: Tensor  # (M,) from 1
    offsets: Tensor  # (N + 1,)
    defaults: Tensor  # (D, 4) the default boxes, in shares of the canvas

    def boxes(self, ids: Tensor) -> Boxes:
        """Those of some images; `places` are where they stand here."""
        counts = self.offsets[ids + 1] - self.offsets[ids]
        ends, owner = counts.cumsum(0), torch.arange(len(ids), device=ids.device).repeat_interleave(counts)
        places = torch.arange(len(owner), device=ids.device) + (self.offsets[ids] - ends + counts)[owner]
        return Boxes(self.corners[places], torch.cat([ends[:1] * 0, ends]), places)

    def wanted(self, boxes: Boxes) -> tuple[Tensor, Tensor]:
        """What the network is to say where some images have these boxes: classes (B, D), 0 for nothing, and offsets."""
        shares = boxes.values / boxes.values.new_tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])
        return wanted_of(shares, self.labels[boxes.places], boxes.offsets, self.defaults)


def truth_of_table(images: Images, device: torch.device) -> Truth:
    """The boxes of the table where the edited images show them; those whose middle is cut off are gone."""
    corners, labels, offsets = (images.targets[name] for name in ("corners", "labels", "offsets"))
    edges, kept = torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT], device=device), list[Tensor]()
    placed = torch.zeros_like(corners)
    for entry, first, last in zip(images.entries, offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        assert entry.facts is not None, "every image of a run could be read"
        size = torch.tensor([entry.facts.height, entry.facts.width], device=device).float()
        boxes = on_canvas(corners[first:last], size)
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        kept.append(((middles >= 0) & (middles < edges[:2])).all(1))
        placed[first:last] = torch.minimum(boxes.clamp(min=0), edges)
    there = torch.cat(kept)
    counts = torch.stack([image.sum() for image in kept])
    ends = torch.cat([counts[:1] * 0, counts.cumsum(0)])
    return Truth(placed[there], labels[there], ends, default_boxes(MAPS).float().to(device))


def box_loss(said: Tensor, labels: Tensor, places: Tensor) -> Tensor:
    """(B,) eq. 1 to 3 of each image, before the division by the number of matched boxes.

    `said` (B, D, 5 + classes) as `Heads` gives it, labels (B, D), places (B, D, 4). Of the boxes that stand for nothing
    the NEGATIVES times as many count of which the network is least sure, of equals the first.
    """
    there = labels > 0
    unsure = F.cross_entropy(said[..., 4:].transpose(1, 2), labels, reduction="none")
    order = unsure.detach().masked_fill(there, -1).argsort(dim=1, descending=True, stable=True)
    hard = (order.argsort(1) < NEGATIVES * there.sum(1, keepdim=True)) & ~there
    apart = F.smooth_l1_loss(said[..., :4], places, reduction="none").sum(2)
    return (unsure * (there | hard) + apart * there).sum(1)
