"""One network that learns from images with known answers: classification and regression."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format

from specc.pieces import runtime as rt
from specc.pieces.answers import Rescaled
from specc.pieces.export import export_images
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
    loss_of,
    network_optimizer,
    scores,
    weighed,
)


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    train, val, targets = images.parts["train"], images.parts["val"], images.targets["target"]
    optimizer, criterion = network_optimizer(net), weighed(loss_of, targets[: len(train)])

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        net.train()
        inputs = augment(images.pick(batch.ids), batch.ids, batch.key)
        loss = criterion(net(inputs), targets[batch.ids]) @ batch.weights
        optimizer.zero_grad()
        loss.backward()
        rt.share_gradients(net.parameters())
        optimizer.step()
        return {"loss": loss}

    def evaluate() -> dict[str, float]:
        outputs, truth = outputs_of(net, images, "val", device, WIDTH_OUT), targets[val.start : val.stop]
        return {"val_loss": criterion(outputs, truth).mean().item(), **scores(outputs, truth)}

    parts, stages = {"network": net, "optimizer": optimizer}, (rt.Stage("train", config.epochs, train_step),)
    knows_nothing = criterion(torch.zeros(len(train), WIDTH_OUT, device=device), targets[: len(train)]).mean().item()
    return rt.Work(parts, stages, evaluate, BEST, len(train), knows_nothing, LEAST)


def build_standardized(config: Config, images: Images, device: torch.device) -> rt.Work:
    """As usual, on targets of mean 0 and deviation 1; the network that is kept answers in their own units."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    optimizer = network_optimizer(net)
    train, val, targets = images.parts["train"], images.parts["val"], images.targets["target"]
    deviation, mean = torch.std_mean(targets[: len(train)], 0, correction=0)
    answer = Rescaled(net, mean, deviation.clamp(min=1e-12)).to(device)
    standard = (targets - mean) / answer.deviation

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        net.train()
        inputs = augment(images.pick(batch.ids), batch.ids, batch.key)
        loss = loss_of(net(inputs), standard[batch.ids]) @ batch.weights
        optimizer.zero_grad()
        loss.backward()
        rt.share_gradients(net.parameters())
        optimizer.step()
        return {"loss": loss}

    def evaluate() -> dict[str, float]:
        outputs, truth = outputs_of(answer, images, "val", device, WIDTH_OUT), targets[val.start : val.stop]
        loss = loss_of((outputs - mean) / answer.deviation, standard[val.start : val.stop]).mean()
        return {"val_loss": loss.item(), **scores(outputs, truth)}

    knows_nothing = loss_of(torch.zeros_like(standard[: len(train)]), standard[: len(train)]).mean().item()
    parts, stages = {"network": answer, "optimizer": optimizer}, (rt.Stage("train", config.epochs, train_step),)
    return rt.Work(parts, stages, evaluate, BEST, len(train), knows_nothing)


def export_answer(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the model with its contract and certificate; whether torch and ONNX agree."""
    deploy = Deploy(images.edits, work.parts["network"].cpu(), images.pixels[: len(images.parts["train"])].cpu())
    return export_images(deploy, OUTPUTS, images, TRUTH, options)
