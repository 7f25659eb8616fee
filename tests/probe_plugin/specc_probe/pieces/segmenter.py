"""One network that answers for every pixel; masks move with their images, and what comes from outside is ignored."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from specc.pieces import export
from specc.pieces import runtime as rt
from specc.pieces.pixels import Images
from specc.pieces.slots import BEST, TRUTH, Config, Network, augment, moved_masks, network_optimizer
from specc_probe.pieces.deploy import Segmenter

IGNORE = 255


def mask_loss(outputs: Tensor, masks: Tensor) -> Tensor:
    """(B,) cross entropy, the mean over the pixels that are not ignored: outputs (B, 1, H, W), masks 0, 1, IGNORE."""
    known = masks != IGNORE
    losses = F.binary_cross_entropy_with_logits(outputs, masks.clamp(max=1).float(), reduction="none")
    return (losses * known).sum((1, 2, 3)) / known.sum((1, 2, 3)).clamp(min=1)


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = Network().to(device)
    optimizer, val, masks = network_optimizer(net), images.parts["val"], images.targets["masks"]

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        net.train()
        inputs = augment(images.pick(batch.ids), batch.ids, batch.key)
        truth = moved_masks(masks[batch.ids], batch.ids, batch.key, IGNORE)
        loss = mask_loss(net(inputs), truth) @ batch.weights
        optimizer.zero_grad()
        loss.backward()
        rt.share_gradients(net.parameters())
        optimizer.step()
        return {"loss": loss}

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        net.eval()
        rt.share_buffers(net)
        ids = torch.arange(val.start, val.stop, device=device)
        outputs, truth = net(images.pick(ids)), masks[ids]
        both, either = ((outputs > 0) & (truth == 1)).sum(), ((outputs > 0) | (truth == 1)).sum()
        return {"val_loss": mask_loss(outputs, truth).mean().item(), "overlap": (both / either.clamp(min=1)).item()}

    parts, stages = {"network": net, "optimizer": optimizer}, (rt.Stage("train", config.epochs, train_step),)
    return rt.Work(parts, stages, evaluate, BEST, len(images.parts["train"]))


def export_segmenter(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the network with its contract and certificate; whether torch and ONNX agree."""
    return export.export_images(Segmenter(images.edits, work.parts["network"].cpu()), ("mask",), images, TRUTH, options)
