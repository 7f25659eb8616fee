"""One network that learns to give its input back through a code: both halves are trained as one."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from specc.pieces import runtime as rt
from specc.pieces.losses import Loss
from specc.pieces.pixels import Images
from specc.pieces.slots import (
    BEST,
    Config,
    Network,
    augment,
    average_of,
    averaging,
    awake,
    clipped,
    in_parts,
    loss_of,
    mixed,
    network_optimizer,
    paced,
    phased,
    scaled,
    scaling,
    told,
    unscaled,
)
from specc_features.pieces.slots import PEAK, bounds, hidden, middle, objective, shown


def learn_codes(net: Any, optimizer: Any, criterion: Loss, images: Images) -> rt.Step:
    """What a step does: an augmented image is its own target."""

    def gradient(batch: rt.Batch) -> Tensor:
        def losses(clean: Tensor) -> Tensor:
            return objective(net, criterion, clean, batch)

        loss = mixed(losses)(augment(images.pick(batch.ids), batch.ids, batch.key)) @ batch.weights
        scaled(loss, optimizer).backward()
        return loss.detach()

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        awake(net).train()
        optimizer.zero_grad()
        loss = in_parts(gradient)(batch)
        rt.share_gradients(net.parameters())
        clipped(unscaled(paced(optimizer, batch.time))).step()
        return {"loss": loss}

    return train_step


@torch.no_grad()
def judged(net: Any, images: Images, peak: float, key: tuple[int, ...], device: torch.device) -> dict[str, float]:
    """The loss of the validation images as training computes it, always with the same noise; and the error of what the
    exported model gives back: mean squared error over pixels and channels, and the mean over images of its peak
    signal-to-noise ratio.
    """
    net.eval()
    rt.share_buffers(net)
    places = torch.arange(images.parts["val"].start, images.parts["val"].stop, device=device)
    sums = torch.zeros(3, dtype=torch.float64 if device.type != "mps" else torch.float32, device=device)
    for ids in places.split(256)[rt.RANK :: rt.RANKS]:
        clean, share = images.pick(ids), torch.full((len(ids),), 1 / len(ids), device=device)
        losses = objective(net, loss_of, clean, rt.Batch(ids, share, len(ids), key, rt.Time(0, 1, 1), ids))
        errors = (shown(net.decode(middle(net.encode(clean)))) - clean).square().flatten(1).mean(1)
        ratios = 10 * torch.log10(peak**2 / errors.clamp(min=1e-12))
        sums += torch.stack([losses.sum(), errors.sum(), ratios.sum()])
    loss, mse, psnr = (rt.total(sums) / len(places)).tolist()
    return {"val_loss": loss, "mse": mse, "psnr": psnr}


@torch.no_grad()
def plain_bounds(images: Tensor) -> tuple[float, float]:
    """The loss of images (B, C, H, W) for a network that puts out 0 everywhere, and for one that gives them back."""
    blank, whole = (loss_of(outputs, images).mean().item() for outputs in (torch.zeros_like(images), hidden(images)))
    return blank, whole


def no_bounds(images: Tensor) -> tuple[float, float]:
    """Noise, and a code that is held sparse or near a distribution, leave open how small the loss can be."""
    return math.nan, 0.0


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    optimizer = scaling(averaging(network_optimizer(net), net), device)
    known = images.pixels[: len(images.parts["train"])]
    peak = PEAK

    def evaluate() -> dict[str, float]:
        return told(judged(average_of(net, optimizer), images, peak, (config.seed, 0, 0), device), optimizer)

    stages = phased((rt.Stage("train", config.epochs, learn_codes(net, optimizer, loss_of, images)),), net, optimizer)
    parts, (chance, least) = {"network": net, "optimizer": optimizer}, bounds(known[:256].to(device))
    return rt.Work(parts, stages, evaluate, BEST, len(known), chance, least)
