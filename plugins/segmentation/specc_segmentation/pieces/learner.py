"""One network that answers every pixel: masks move with their images, and metrics come from one table of pixels."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from specc.pieces import runtime as rt
from specc.pieces.export import export_images
from specc.pieces.losses import Loss
from specc.pieces.pixels import Images
from specc.pieces.slots import (
    BEST,
    OUTPUTS,
    TRUTH,
    Config,
    Deploy,
    Network,
    average_of,
    averaging,
    learn,
    loss_of,
    moved_masks,
    network_optimizer,
    over_step,
    phased,
    scaling,
    told,
    weighed,
)
from specc_segmentation.pieces.known import IGNORE
from specc_segmentation.pieces.masks import all_masks
from specc_segmentation.pieces.scores import confusion, mask_scores
from specc_segmentation.pieces.slots import CLASSES, CROP, MULTIPLE, Proof, answers_of, cropped

AT_ONCE = 16  # images that are answered together


def centre(masks: Tensor) -> Tensor:
    """(..., H, W) -> the part that the network answers."""
    top, left, height, width = CROP
    return masks[..., top : top + height, left : left + width]


def seen_masks(masks: Tensor, batch: rt.Batch) -> Tensor:
    """The masks of a batch, moved as its images are, as far as the network answers them."""
    return cropped(moved_masks(masks, batch.ids, batch.key, IGNORE))


def masks_for(images: Images, device: torch.device) -> Tensor:
    """(N, C, h, w) the masks of all images. A mask that is not as the spec says ends the program with a message."""
    try:
        return torch.from_numpy(all_masks(images.rows, str(images.root), 2)).to(device)
    except (OSError, ValueError) as fault:
        rt.fail("D404", f"the data cannot be used: {fault}", "`specc check` on the spec says where and why", 2)


def still_masks(masks: Tensor, batch: rt.Batch) -> Tensor:
    """The masks of a batch whose images stay in their places, as far as the network answers them."""
    return cropped(masks)


@torch.no_grad()
def judged(
    net: nn.Module, criterion: Loss, images: Images, masks: Tensor, part: str, device: torch.device
) -> dict[str, float]:
    """Loss and metrics of a part, batch by batch: no map is kept."""
    net.eval()
    rt.share_buffers(net)
    places = torch.arange(images.parts[part].start, images.parts[part].stop)
    tables: Tensor | None = None
    losses = torch.zeros(len(places), device=device)
    for ids in places.split(AT_ONCE)[rt.RANK :: rt.RANKS]:
        chosen = ids.to(device)
        outputs, truth = net(images.pick(chosen)), cropped(masks[chosen])
        found = confusion(answer := answers_of(outputs), truth[:, : answer.shape[1]])
        if tables is None:
            tables = found.new_zeros(len(places), *found.shape[1:])
        at = chosen - images.parts[part].start
        tables[at], losses[at] = found, over_step(criterion, truth)(outputs, truth)
    if tables is None:  # a rank for which no image was left
        channels = masks.shape[1] - int(masks.is_floating_point())
        tables = torch.zeros(len(places), channels, CLASSES, CLASSES, dtype=torch.float64, device=device)
    return {"val_loss": rt.total(losses).mean().item(), **mask_scores(rt.total(tables))}


@torch.no_grad()
def by_chance(net: nn.Module, criterion: Loss, images: Images, masks: Tensor) -> float:
    """The loss of a network that knows nothing: every logit is 0, on the first training images."""
    ids = torch.arange(min(AT_ONCE, len(images.parts["train"])), device=masks.device)
    truth = cropped(masks[ids])
    return over_step(criterion, truth)(torch.zeros_like(net.eval()(images.pick(ids))), truth).mean().item()


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    train, masks = images.parts["train"], masks_for(images, device)
    optimizer = scaling(averaging(network_optimizer(net), net), device)
    criterion = weighed(loss_of, masks[: len(train)])

    def evaluate() -> dict[str, float]:
        return told(judged(average_of(net, optimizer), criterion, images, masks, "val", device), optimizer)

    stages = phased(
        (rt.Stage("train", config.epochs, learn(net, optimizer, criterion, images, masks)),), net, optimizer
    )
    parts, chance = {"network": net, "optimizer": optimizer}, by_chance(net, criterion, images, masks)
    return rt.Work(parts, stages, evaluate, BEST, len(train), chance)


def export_masks(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the model with its contract and certificate; whether torch and ONNX agree."""
    net = average_of(work.parts["network"], work.parts["optimizer"]).cpu()
    deploy = Deploy(images.edits, net, images.pixels[: len(images.parts["train"])].cpu())
    return export_images(deploy, OUTPUTS, images, TRUTH, options, multiple=MULTIPLE, tiled=True, proof=Proof)
