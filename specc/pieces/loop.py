"""The loop that every program has: stages, early stop, checkpoints that an exact resume starts from."""

import time
from pathlib import Path

import torch
from torch import Tensor

from specc.pieces import checkpoints, command
from specc.pieces import runtime as rt
from specc.pieces.images import batches, load_images
from specc.pieces.metrics import sanity
from specc.pieces.preview import save_samples
from specc.pieces.slots import STEP_SIZE, WORKERS, Config, build, export_model, steps


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
            for batch in batches(key, stage.epochs, work.samples, STEP_SIZE, at["step"], device):
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


def main() -> int:
    """Train, then export. Exit status: 0 done, 2 files, 3 training failed, 5 no parity, 130 stopped."""
    options, device, config = command.options(WORKERS), rt.start(), Config()
    images = load_images(options, device)
    work = build(config, images, device)
    rt.announce(work, images.sizes(), device, steps(work.samples, STEP_SIZE))
    if options.sanity:
        return 0 if sanity(work, next(batches((config.seed, 0, 0), 1, work.samples, STEP_SIZE, 0, device))) else 3
    save_samples(work, images, config.seed, options, device)
    if not fit(work, config, device, options.run, options.resume, options.checkpoint_seconds):
        rt.event("stopped")
        return 130
    checkpoints.restore_best(options.run / "checkpoints", work.parts)
    return 0 if rt.RANK or export_model(work, images, options) else 5
