"""The loop that every program has: stages, early stop, checkpoints that an exact resume starts from."""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from specc.pieces import runtime as rt
from specc.pieces.images import batches, load_images
from specc.pieces.metrics import sanity
from specc.pieces.slots import Config, build, export_model, steps


def check(at: dict[str, Any], losses: list[Tensor]) -> None:
    """Stop before a checkpoint could hold what is not a number."""
    if losses and not all(finite := torch.stack(losses).isfinite().tolist()):
        where = f"{len(finite) - finite.index(False) - 1} losses before step {at['step']} of epoch {at['passes'] + 1}"
        rt.fail("T601", f"the loss is not a number, {where}", "lower the learning rate; look at the images")
    losses.clear()


def fit(work: rt.Work, config: Config, device: torch.device, run: Path, resume: bool, every: float) -> bool:
    """Run what is left of the stages; False when a signal asked to stop. Either way a checkpoint is there."""
    folder, ranks = run / "checkpoints", device if rt.RANKS > 1 else torch.device("cpu")
    at: dict[str, Any] = dict.fromkeys(("stage", "epoch", "step", "seen", "total", "passes", "wait", "log"), 0)
    at |= {"best": None, "best_epoch": 0}
    sums: dict[str, Tensor] = {}  # losses of this epoch, each times the images of its step
    pending: list[Tensor] = []  # losses that nobody looked at yet: a look waits for the device
    if resume and (saved := rt.load(folder, "last")):
        at, sums = saved["at"], {name: value.to(device) for name, value in saved["sums"].items()}
        for name, part in work.parts.items():
            part.load_state_dict(saved["parts"][name])
    log = (run / f"metrics{rt.RANK or ''}.jsonl").open("ab")
    log.truncate(at["log"])

    def checkpoint(kind: str) -> None:
        check(at, pending)
        if rt.RANK == 0:
            os.fsync(log.fileno())
            at["log"] = log.seek(0, os.SEEK_END)
            parts = {name: part.state_dict() for name, part in work.parts.items()}
            rt.save(folder, kind, at["total"], {"at": at, "sums": sums, "parts": parts})

    for index in range(at["stage"], len(work.stages)):
        stage = work.stages[index]
        stage.enter()
        while at["epoch"] < stage.epochs and at["wait"] < config.patience:
            began = saved_at = shown_at = time.monotonic()
            key = (config.seed, index, at["epoch"])
            for batch in batches(key, work.samples, config.batch_size, at["step"], device):
                rt.reseed(*key, at["step"], rt.RANK)
                losses = {name: rt.total(loss.detach()) for name, loss in stage.step(batch).items()}
                sums = {name: sums.get(name, 0) + loss * batch.count for name, loss in losses.items()}
                pending += losses.values()
                at.update(step=at["step"] + 1, seen=at["seen"] + batch.count, total=at["total"] + 1)
                now = time.monotonic()
                if now - shown_at > 0.25:
                    shown_at = now
                    rt.event("step", epoch=at["passes"] + 1, step=at["step"], loss=pending[-1].item())
                flags = torch.tensor([len(rt.asked), now - saved_at > every], dtype=torch.int32, device=ranks)
                stop, due = rt.total(flags).tolist()
                if stop or due:
                    checkpoint("last")
                    saved_at = now
                if stop:
                    return False
            check(at, pending)
            means = {f"train_{name}": value.item() / at["seen"] for name, value in sums.items()}
            sums = {}
            at.update(epoch=at["epoch"] + 1, passes=at["passes"] + 1, step=0, seen=0, wait=at["wait"] + 1)
            scores = {"epoch": at["passes"], "stage": stage.name, **means, **work.evaluate()}
            log.write(json.dumps(scores).encode() + b"\n")
            log.flush()
            metric, sign = work.best
            better = at["best"] is None or sign * scores[metric] > sign * at["best"] + config.min_delta
            if better:
                at.update(best=scores[metric], best_epoch=at["passes"], wait=0)
                checkpoint("best")
            checkpoint("last")
            rt.event("epoch", **scores, seconds=round(time.monotonic() - began, 3), best=better)
        stage.fit()
        at.update(stage=index + 1, epoch=0, wait=0)
        checkpoint("last")
    rt.event("trained", best_epoch=at["best_epoch"])
    return True


def main() -> int:
    """Train, then export. Exit status: 0 done, 2 files, 3 training failed, 5 no parity, 130 stopped."""
    parser = argparse.ArgumentParser(description="Train, then export to ONNX.")
    parser.add_argument("--data", type=Path, default=Path(), help="folder in which the paths of the data start")
    parser.add_argument("--run", type=Path, default=Path("run"), help="folder for checkpoints, curves and the model")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="folder for decoded images")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="threads that read files")
    parser.add_argument("--checkpoint-seconds", type=float, default=60.0, help="save at least this often")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--sanity", action="store_true", help="only learn one batch by heart")
    options, device, config = parser.parse_args(), rt.start(), Config()
    found = any((options.run / "checkpoints").glob("last-*.safetensors"))
    if found and not (options.resume or options.sanity):
        rt.fail("T602", f"{options.run} already holds a training", "go on with `--resume`, or name another `--run`", 2)
    if options.resume and not found and (options.run / "metrics.jsonl").exists():
        rt.fail("T603", f"{options.run} has lost its checkpoints", "train again, with another `--run`", 2)
    (options.run / "checkpoints").mkdir(parents=True, exist_ok=True)
    options.cache.mkdir(parents=True, exist_ok=True)
    try:
        images = load_images(options, device)
    except (OSError, ValueError) as fault:
        rt.fail("D404", f"the data cannot be used: {fault}", "`specc check` on the spec says where and why", 2)
    work = build(config, images, device)
    sizes = {part: len(places) for part, places in images.parts.items() if places}
    count, passes = steps(work.samples, config.batch_size), sum(stage.epochs for stage in work.stages)
    rt.event(
        "start",
        device=str(device),
        ranks=rt.RANKS,
        images=sizes,
        epochs=passes,
        steps=count,
    )
    if options.sanity:
        return 0 if sanity(work, next(batches((config.seed, 0, 0), work.samples, config.batch_size, 0, device))) else 3
    if not fit(work, config, device, options.run, options.resume, options.checkpoint_seconds):
        rt.event("stopped")
        return 130
    if rt.RANK == 0:
        best = rt.load(options.run / "checkpoints", "best")
        for name, part in work.parts.items() if best else ():
            part.load_state_dict(best["parts"][name])
        return 0 if export_model(work, images, options) else 5
    return 0
