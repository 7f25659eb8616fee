"""One network with outputs of several scales that learns where things are, and of which class: any number, or none."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from specc.pieces import export
from specc.pieces import runtime as rt
from specc.pieces.pixels import Images
from specc.pieces.slots import (
    BEST,
    HEIGHT,
    TRUTH,
    WIDTH,
    Config,
    Network,
    augment,
    average_of,
    averaging,
    awake,
    clipped,
    in_parts,
    mixed,
    moved_boxes,
    network_optimizer,
    paced,
    phased,
    scaled,
    scaling,
    told,
    unscaled,
)
from specc_probe.pieces.boxes import Heads, decoded, suppressed
from specc_probe.pieces.deploy import Detector
from specc_probe.pieces.found import Found, Known, mean_average_precision
from specc_probe.pieces.matching import Truth, box_loss, truth_of_table
from specc_probe.pieces.parity import EVERY, KEPT, BoxCertificate
from specc_probe.pieces.slots import CLASSES

VISIBLE = 0.25  # part of a box that must be left of it where its image is moved


def learn_boxes(net: nn.Module, optimizer: Any, images: Images, truth: Truth) -> rt.Step:
    """What a step does: the loss is divided by the boxes that are matched in the whole step, on all ranks."""
    heads = Heads(net)

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        awake(net).train()
        labels, places = truth.wanted(moved_boxes(truth.boxes(batch.ids), batch.ids, batch.key, VISIBLE))
        count = rt.total(((labels > 0) * (batch.weights > 0)[:, None]).sum()).clamp(min=1)

        def gradient(part: rt.Batch) -> Tensor:
            rows = (part.ids[:, None] == batch.ids).long().argmax(1)
            said = mixed(heads)(augment(images.pick(part.ids), part.ids, part.key))
            loss = (box_loss(said, labels[rows], places[rows]) * (part.weights > 0)).sum() / count
            scaled(loss, optimizer).backward()
            return loss.detach()

        optimizer.zero_grad()
        loss = in_parts(gradient)(batch)
        rt.share_gradients(net.parameters())
        clipped(unscaled(paced(optimizer, batch.time))).step()
        return {"loss": loss}

    return train_step


@torch.no_grad()
def judged(net: nn.Module, images: Images, truth: Truth, part: range) -> dict[str, float]:
    """The loss of a part of the data, and the mean average precision at an overlap of one half."""
    net.eval()
    rt.share_buffers(net)
    heads, device = Heads(net), truth.offsets.device
    found, known = list[Found](), list[Known]()
    loss, count, canvas = 0.0, 0, torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT], device=device)
    for ids in torch.arange(part.start, part.stop, device=device).split(64):
        said, (labels, places) = heads(images.pick(ids)), truth.wanted(truth.boxes(ids))
        loss, count = loss + box_loss(said, labels, places).sum().item(), count + int((labels > 0).sum())
        scores = said[..., 4:].softmax(2)[..., 1:].transpose(1, 2)
        *kept, counts = suppressed(decoded(said[..., :4], truth.defaults) * canvas, scores)
        for image, number, many in zip(range(len(ids)), ids.tolist(), counts.tolist(), strict=True):
            boxes, certain, classes = (each[image, :many].cpu().numpy() for each in kept)
            found.append((boxes, certain, classes))
            here = slice(int(truth.offsets[number]), int(truth.offsets[number + 1]))
            known.append((truth.corners[here].cpu().numpy(), truth.labels[here].cpu().numpy() - 1))
    return {"val_loss": loss / max(1, count), "map": mean_average_precision(found, known, len(CLASSES))}


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    optimizer = scaling(averaging(network_optimizer(net), net), device)
    truth = truth_of_table(images, device)

    def evaluate() -> dict[str, float]:
        return told(judged(average_of(net, optimizer), images, truth, images.parts["val"]), optimizer)

    step = learn_boxes(net, optimizer, images, truth)
    stages = phased((rt.Stage("train", config.epochs, step),), net, optimizer)
    parts = {"network": net, "optimizer": optimizer}
    return rt.Work(parts, stages, evaluate, BEST, len(images.parts["train"]))


def export_detector(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the detector with its contract and certificate; whether torch and ONNX agree."""
    net = average_of(work.parts["network"], work.parts["optimizer"]).cpu()
    outputs = (*KEPT, *EVERY)
    return export.export_images(Detector(images.edits, net), outputs, images, TRUTH, options, proof=BoxCertificate)
