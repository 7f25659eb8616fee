"""One network with two outputs that learns where things are; an image may have any number of them, or none."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from specc.pieces import export
from specc.pieces import runtime as rt
from specc.pieces.augment_fields import Boxes
from specc.pieces.pixels import Images
from specc.pieces.slots import BEST, HEIGHT, WIDTH, Config, Network, augment, moved_boxes, network_optimizer
from specc_probe.pieces.deploy import Detector, placed
from specc_probe.pieces.slots import BOXES, SCORES


def boxes_of(images: Images, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The boxes of a batch (M, 4), and the place in the batch of the image that each is in (M,)."""
    boxes, offsets = images.targets["boxes"], images.targets["offsets"]
    first, count = offsets[ids], offsets[ids + 1] - offsets[ids]
    owner = torch.arange(len(ids), device=ids.device).repeat_interleave(count)
    within = torch.arange(len(owner), device=ids.device) - (count.cumsum(0) - count)[owner]
    return boxes[first[owner] + within], owner


def moved(boxes: Tensor, owner: Tensor, batch: rt.Batch) -> tuple[Tensor, Tensor]:
    """The boxes of a batch and their owners, moved as the images are; those that leave the image are gone."""
    ends = torch.bincount(owner, minlength=len(batch.ids)).cumsum(0)
    size = torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT], device=boxes.device)
    corners = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1) * size
    places = torch.arange(len(boxes), device=boxes.device)
    values, offsets, places = moved_boxes(
        Boxes(corners, torch.cat([ends[:1] * 0, ends]), places), batch.ids, batch.key, 0.25
    )
    values = values / size
    owner = torch.arange(len(batch.ids), device=boxes.device).repeat_interleave(offsets.diff())
    return torch.cat([values[:, :2], values[:, 2:] - values[:, :2]], 1), owner


def cells_of(boxes: Tensor, owner: Tensor, rows: int, columns: int) -> Tensor:
    """(M,) the cell that the middle of each box lies in, counted through the batch."""
    size = torch.tensor([columns, rows], device=boxes.device)
    middle: Tensor = ((boxes[:, :2] + boxes[:, 2:] / 2) * size).long().clamp(min=0).minimum(size - 1)
    return (owner * rows + middle[:, 1]) * columns + middle[:, 0]


def detection_loss(outputs: tuple[Tensor, ...], boxes: Tensor, owner: Tensor) -> Tensor:
    """(B,) cross entropy of the scores, and the distance of the boxes in cells that have one (the later, if two)."""
    scores = outputs[SCORES].flatten(1)
    cells = cells_of(boxes, owner, *outputs[SCORES].shape[2:])
    which = torch.full((scores.numel(),), -1, device=scores.device)
    which = which.scatter_reduce(0, cells, torch.arange(len(boxes), device=scores.device), "amax").view_as(scores)
    there, truth = (which >= 0).to(scores.dtype), torch.cat([boxes, boxes.new_zeros(1, 4)])[which]
    sure = F.binary_cross_entropy_with_logits(scores, there, reduction="none").mean(1)
    return sure + ((placed(outputs[BOXES]) - truth).abs().sum(2) * there).mean(1)


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = Network().to(device)
    optimizer = network_optimizer(net)

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        net.train()
        outputs = net(augment(images.pick(batch.ids), batch.ids, batch.key))
        boxes, owner = moved(*boxes_of(images, batch.ids), batch)
        loss = (detection_loss(outputs, boxes, owner) * batch.weights).sum()
        optimizer.zero_grad()
        loss.backward()
        rt.share_gradients(net.parameters())
        optimizer.step()
        return {"loss": loss}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        net.eval()
        rt.share_buffers(net)
        losses, found = [], []
        for ids in torch.arange(images.parts["val"].start, images.parts["val"].stop, device=device).split(256):
            outputs, (boxes, owner) = net(images.pick(ids)), boxes_of(images, ids)
            losses.append(detection_loss(outputs, boxes, owner))
            found.append(outputs[SCORES].flatten()[cells_of(boxes, owner, *outputs[SCORES].shape[2:])] > 0)
        return {"val_loss": torch.cat(losses).mean().item(), "recall": torch.cat(found).double().mean().item()}

    parts, stages = {"network": net, "optimizer": optimizer}, (rt.Stage("train", config.epochs, train_step),)
    return rt.Work(parts, stages, evaluate, BEST, len(images.parts["train"]))


def export_detector(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the detector with its contract and certificate; whether torch and ONNX agree."""
    detector = Detector(images.edits, work.parts["network"].cpu())
    return export.export_images(detector, ("boxes", "scores"), images, (), options)
