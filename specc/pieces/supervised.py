"""One network that learns from images with known answers: classification and regression."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from specc.pieces import runtime as rt
from specc.pieces.answers import Rescaled
from specc.pieces.export import export_images
from specc.pieces.losses import Loss
from specc.pieces.metrics import outputs_of
from specc.pieces.pixels import Images
from specc.pieces.slots import (
    BEST,
    LEAST,
    OUTPUTS,
    TRUTH,
    WIDTH_OUT,
    Config,
    Deploy,
    Network,
    augment,
    average_of,
    averaging,
    awake,
    batch_loss,
    clipped,
    coded,
    in_parts,
    learn,
    loss_of,
    mixed,
    network_optimizer,
    over_step,
    paced,
    phased,
    scaled,
    scaling,
    scores,
    told,
    truth_of,
    unscaled,
    weighed,
)


def learn_whole(net: nn.Module, optimizer: Any, criterion: Loss, images: Images, targets: Tensor) -> rt.Step:
    """What a step does."""

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        awake(net).train()
        inputs = augment(images.pick(batch.ids), batch.ids, batch.key)
        loss = (
            over_step(criterion, targets[batch.among])(mixed(net)(inputs), truth_of(targets[batch.ids], batch))
            @ batch.weights
        )
        optimizer.zero_grad()
        scaled(loss, optimizer).backward()
        rt.share_gradients(net.parameters())
        clipped(unscaled(paced(optimizer, batch.time))).step()
        return {"loss": loss}

    return train_step


def learn_parts(net: nn.Module, optimizer: Any, criterion: Loss, images: Images, targets: Tensor) -> rt.Step:
    """What a step does: gradients first, then the optimizer."""

    def gradient(batch: rt.Batch) -> Tensor:
        loss = batch_loss(mixed(net), over_step(criterion, targets[batch.among]), images, targets, batch)
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


def plain_loss(
    net: Callable[[Tensor], Tensor], criterion: Loss, images: Images, targets: Tensor, batch: rt.Batch
) -> Tensor:
    """The loss of a batch: this rank's share of the mean."""
    inputs = augment(images.pick(batch.ids), batch.ids, batch.key)
    return criterion(net(inputs), truth_of(targets[batch.ids], batch)) @ batch.weights


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    train, val, targets = images.parts["train"], images.parts["val"], images.targets["target"]
    known, truth = targets[: len(train)], targets[val.start : val.stop]
    optimizer, criterion = scaling(averaging(network_optimizer(net), net), device), weighed(loss_of, known)

    def evaluate() -> dict[str, float]:
        outputs = outputs_of(average_of(net, optimizer), images, "val", device, WIDTH_OUT)
        loss = over_step(criterion, truth)(outputs, truth).mean().item()
        return told({"val_loss": loss, **scores(outputs, truth)}, optimizer)

    stages = phased(
        (rt.Stage("train", config.epochs, learn(net, optimizer, criterion, images, targets)),), net, optimizer
    )
    chance = over_step(criterion, known)(torch.zeros(len(train), WIDTH_OUT, device=device), known).mean().item()
    parts = {"network": net, "optimizer": optimizer}
    return rt.Work(parts, stages, evaluate, BEST, len(train), chance, LEAST)


def build_standardized(config: Config, images: Images, device: torch.device) -> rt.Work:
    """As usual, on targets of mean 0 and deviation 1; the network that is kept answers in their own units."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    train, val, targets = images.parts["train"], images.parts["val"], images.targets["target"]
    deviation, mean = torch.std_mean(targets[: len(train)], 0, correction=0)
    answer = Rescaled(net, mean, deviation.clamp(min=1e-12)).to(device)
    optimizer = scaling(averaging(network_optimizer(net), answer), device)
    standard = (targets - mean) / answer.deviation

    def evaluate() -> dict[str, float]:
        outputs = outputs_of(average_of(answer, optimizer), images, "val", device, WIDTH_OUT)
        loss = loss_of((outputs - mean) / answer.deviation, standard[val.start : val.stop]).mean().item()
        return told({"val_loss": loss, **scores(outputs, targets[val.start : val.stop])}, optimizer)

    stages = phased(
        (rt.Stage("train", config.epochs, learn(net, optimizer, loss_of, images, standard)),), net, optimizer
    )
    chance = loss_of(torch.zeros_like(standard[: len(train)]), standard[: len(train)]).mean().item()
    parts = {"network": answer, "optimizer": optimizer}
    return rt.Work(parts, stages, evaluate, BEST, len(train), chance, LEAST)


def export_answer(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the model with its contract and certificate; whether torch and ONNX agree."""
    net = average_of(work.parts["network"], work.parts["optimizer"]).cpu()
    deploy = coded(Deploy(images.edits, net, images.pixels[: len(images.parts["train"])].cpu()))
    return export_images(deploy, OUTPUTS, images, TRUTH, options)
