"""Trains `t1-or-t2-resnet`: classification; parameters: network 19,513.

Compiled by specc 0.1.0 from the spec with SHA-256 0c207311ba001c6a.
    python train.py                           on one GPU, or on the CPU; `--resume` after an interruption
    torchrun --nproc-per-node 8 -- train.py   on eight; paths of the data start in `--data`, else here
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

import checkpoints
import command
import runtime as rt
from augment import augment
from data import all_steps, batches, load_images
from deploy import TwoClasses
from export import export_images
from metrics import Loss, binary_cross_entropy, outputs_of, sanity, two_class_scores
from model import Network
from pixels import Images
from preview import save_samples
from schedule import paced, told
from updates import Averaging, average_of


@dataclass(frozen=True)
class Config:
    """What the spec settles."""

    seed: int = 42  # every random number of the run follows from it
    epochs: int = 30  # passes over the training images, at most
    batch_size: int = 16  # images in a step, over all ranks
    patience: int = 30  # early stop is off
    min_delta: float = 0.0  # a smaller improvement does not count
    learning_rate: float = 0.002  # of adam


def network_optimizer(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), lr=Config.learning_rate, betas=(0.9, 0.999), eps=1e-08, fused=True)


def learn_whole(net: nn.Module, optimizer: Any, criterion: Loss, images: Images, targets: Tensor) -> rt.Step:
    """What a step does."""

    def train_step(batch: rt.Batch) -> dict[str, Tensor]:
        net.train()
        inputs = augment(images.pick(batch.ids), batch.ids, batch.key)
        loss = criterion(net(inputs), targets[batch.ids]) @ batch.weights
        optimizer.zero_grad()
        loss.backward()
        rt.share_gradients(net.parameters())
        paced(optimizer, batch.time).step()
        return {"loss": loss}

    return train_step


def build(config: Config, images: Images, device: torch.device) -> rt.Work:
    """Network, optimizer, and what to do in a step and after an epoch."""
    rt.reseed(config.seed)
    net = convert_conv2d_weight_memory_format(Network().to(device), torch.channels_last)
    train, val, targets = images.parts["train"], images.parts["val"], images.targets["target"]
    known, truth = targets[: len(train)], targets[val.start : val.stop]
    optimizer, criterion = Averaging(network_optimizer(net), net), binary_cross_entropy

    def evaluate() -> dict[str, float]:
        outputs = outputs_of(average_of(net, optimizer), images, "val", device, 1)
        loss = criterion(outputs, truth).mean().item()
        return told({"val_loss": loss, **two_class_scores(outputs, truth)}, optimizer)

    stages = (rt.Stage("train", config.epochs, learn_whole(net, optimizer, criterion, images, targets)),)
    chance = criterion(torch.zeros(len(train), 1, device=device), known).mean().item()
    parts = {"network": net, "optimizer": optimizer}
    return rt.Work(parts, stages, evaluate, ("val_loss", -1), len(train), chance, 0.0)


def fit(work: rt.Work, config: Config, device: torch.device, run: Path, resume: bool, every: float) -> bool:
    """Run what is left of the stages; False when a signal asked to stop. Either way a checkpoint is there."""
    folder, ranks = run / "checkpoints", device if rt.RANKS > 1 else torch.device("cpu")
    at, sums = checkpoints.where(folder, work.parts, resume, device)  # sums: losses times the images of their step
    pending: list[Tensor] = []  # losses that nobody looked at yet: a look waits for the device
    log = checkpoints.open_log(run / "metrics.jsonl", at["log"])

    def checkpoint(kind: str) -> None:
        checkpoints.save_work(folder, kind, work.parts, at, sums, pending, log)

    checkpoint("last")  # from here on a run without a checkpoint is one that has lost it
    for index, stage in list(enumerate(work.stages))[at["stage"] :]:
        stage.enter(not at["epoch"] and not at["step"])
        while at["epoch"] < stage.epochs and at["wait"] < config.patience:
            began = saved_at = shown_at = time.monotonic()
            key = (config.seed, index, at["epoch"])
            for batch in batches(key, stage.epochs, work.samples, config.batch_size, at["step"], device):
                rt.reseed(*key, at["step"], rt.RANK)
                losses = {name: rt.total(loss.detach()) for name, loss in stage.step(batch).items()}
                sums = {name: sums.get(name, 0) + loss * batch.size for name, loss in losses.items()}
                pending.append(torch.stack(tuple(losses.values())).sum())
                at.update(step=at["step"] + 1, seen=at["seen"] + batch.size, total=at["total"] + 1)
                if (now := time.monotonic()) - shown_at > 0.25:
                    shown_at = now
                    rt.event("step", epoch=at["passes"] + 1, step=at["step"], loss=pending[-1].item())
                stop, due = rt.total(torch.tensor([len(rt.asked), now - saved_at > every], device=ranks)).tolist()
                if stop or due:
                    checkpoint("last")
                    saved_at = now
                if stop:
                    return False
            checkpoints.check_finite(pending, at["passes"] + 1, at["step"])
            means, sums = {f"train_{name}": value.item() / at["seen"] for name, value in sums.items()}, {}
            at.update({name: at[name] + 1 for name in ("epoch", "passes", "wait", "total")}, step=0, seen=0)
            scores = {"epoch": at["passes"], "stage": stage.name, **means, **work.evaluate()}
            if better := checkpoints.note(log, at, scores, work.best, config.min_delta):
                checkpoint("best")
            checkpoint("last")
            rt.event("epoch", **scores, seconds=round(time.monotonic() - began, 3), best=better)
        at.update(stage=index + 1, epoch=0, wait=0, total=at["total"] + 1)
        if stage.fit:
            checkpoints.restore(folder, "best", work.parts)
            stage.fit()
            checkpoint("best")
        checkpoint("last")
    rt.event("trained", best_epoch=at["best_epoch"])
    return True


def export_answer(work: rt.Work, images: Images, options: Any) -> bool:
    """Write the model with its contract and certificate; whether torch and ONNX agree."""
    net = average_of(work.parts["network"], work.parts["optimizer"]).cpu()
    deploy = TwoClasses(images.edits, net, images.pixels[: len(images.parts["train"])].cpu())
    return export_images(deploy, ("answer", "probabilities", "ood_score", "accepted"), images, ("label",), options)


def main() -> int:
    """Train, then export. Exit status: 0 done, 2 files, 3 training failed, 5 no parity, 130 stopped."""
    options, device, config = command.options(None), rt.start(), Config()
    images = load_images(options, device)
    work = build(config, images, device)
    rt.announce(work, images.sizes(), device, all_steps(work.samples, config.batch_size))
    if options.sanity:
        return (
            0 if sanity(work, next(batches((config.seed, 0, 0), 1, work.samples, config.batch_size, 0, device))) else 3
        )
    save_samples(work, images, config.seed, options, device)
    if not fit(work, config, device, options.run, options.resume, options.checkpoint_seconds):
        rt.event("stopped")
        return 130
    checkpoints.restore_best(options.run / "checkpoints", work.parts)
    return 0 if rt.RANK or export_answer(work, images, options) else 5


if __name__ == "__main__":
    sys.exit(rt.run(main))
