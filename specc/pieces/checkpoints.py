"""Checkpoints: written whole or not at all, with their digest in their name; safetensors, never pickle."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from specc.pieces import runtime as rt

POSITION = ("stage", "epoch", "step", "seen", "total", "passes", "wait", "log", "best_epoch")  # where a run stands
CURE = "lower the learning rate; look at images and targets"


def pack(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """The tree as JSON, its tensors taken out into `tensors`."""
    if isinstance(tree, Tensor):
        tensors[name] = tree.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(tree, dict):
        return {"dict": [[key, pack(value, f"{name}.{key}", tensors)] for key, value in tree.items()]}
    return [pack(v, f"{name}.{i}", tensors) for i, v in enumerate(tree)] if isinstance(tree, list | tuple) else tree


def unpack(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of `pack`, but tuples have become lists."""
    if isinstance(tree, dict):
        return tensors[tree["tensor"]] if "tensor" in tree else {k: unpack(v, tensors) for k, v in tree["dict"]}
    return [unpack(value, tensors) for value in tree] if isinstance(tree, list) else tree


def check_finite(losses: list[Tensor], epoch: int, step: int) -> None:
    """Stop before a checkpoint could hold what is not a number; the last of the losses belongs to `step`."""
    if losses and not all(finite := torch.stack(losses).isfinite().tolist()):
        first = step - len(finite) + finite.index(False) + 1
        where = f"step {first} of epoch {epoch}" if first else f"the validation after epoch {epoch}"
        rt.fail("T601", f"the loss is not a number in {where}", CURE)
    losses.clear()


def check_weights(parts: Mapping[str, Any], epoch: int, step: int) -> None:
    """Stop before a checkpoint could hold a weight that is not a number: the loss of the next step would show it."""
    for name, part in parts.items():
        values = part.state_dict() if isinstance(part, torch.nn.Module) else {}
        if wrong := [key for key, value in values.items() if not value.isfinite().all()]:
            rt.fail("T601", f"{name}.{wrong[0]} is not a number after step {step} of epoch {epoch}", CURE)


def digest_of(data: bytes) -> str:
    """What the name of a checkpoint ends in."""
    return hashlib.sha256(data).hexdigest()[:16]


def save(folder: Path, kind: str, step: int, state: Mapping[str, Any]) -> None:
    """Write a checkpoint whole or not at all, its digest in its name; the last two of a kind stay."""
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(pack(dict(state), "", tensors))
    part, data = folder / f".{kind}.part", to_bytes(tensors, metadata={"tree": tree})
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, folder / f"{kind}-{step:09d}-{digest_of(data)}.safetensors")
    if os.name == "posix":
        os.fsync(handle := os.open(folder, os.O_RDONLY))
        os.close(handle)
    for old in sorted(folder.glob(f"{kind}-*.safetensors"))[:-2]:
        old.unlink()


def note(log: IO[bytes], at: dict[str, Any], scores: dict[str, Any], best: tuple[str, int], min_delta: float) -> bool:
    """Write the scores of an epoch into the log and where the run stands; whether it is the best one so far."""
    metric, sign = best
    check_finite([torch.tensor(float(scores[metric]))], at["passes"], 0)
    better = at["best"] is None or sign * scores[metric] > sign * at["best"] + min_delta
    log.write(json.dumps({**scores, "best": better}).encode() + b"\n")
    if better:
        at.update(best=scores[metric], best_epoch=at["passes"], wait=0)
    return better


def save_work(
    folder: Path, kind: str, parts: Mapping[str, Any], at: dict[str, Any], sums: Mapping[str, Tensor],
    pending: list[Tensor], log: IO[bytes],
) -> None:  # fmt: skip
    """Write where a run stands and all its parts, none of which may hold what is not a number; rank 0 writes."""
    check_finite(pending, at["passes"] + 1, at["step"])
    check_weights(parts, at["passes"] + 1, at["step"])
    if rt.RANK == 0:
        at["log"] = position(log)
        states = {name: part.state_dict() for name, part in parts.items()}
        save(folder, kind, at["total"], {"at": at, "sums": sums, "parts": states})
    rt.wait()  # another rank may go on from it


def load(folder: Path, kind: str) -> dict[str, Any] | None:
    """The newest checkpoint whose bytes match the digest in its name; damaged ones are renamed and passed over.

    None where there never was one; where all are damaged the program ends.
    """
    found = sorted(folder.glob(f"{kind}-*.safetensors"), reverse=True)
    for path in found:
        if not path.exists():  # another rank has put it aside
            continue
        if path.stem.endswith(digest_of(path.read_bytes())):
            with safe_open(path, "pt") as content:
                tree = json.loads(content.metadata()["tree"])
            return dict(unpack(tree, load_file(path)))
        rt.event("damaged", file=path.name)
        if rt.RANK == 0:
            path.rename(path.with_suffix(".damaged"))
    if found or any(folder.glob(f"{kind}-*.damaged")):
        rt.fail("T603", f"every checkpoint `{kind}` of this run is damaged", "train anew, into another run folder", 2)
    return None


def lay_out(optimizer: Any) -> None:
    """Lay moments out in memory as their weights are: torch's fused steps read both in the order of memory."""
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                state[name] = torch.empty_like(weight).copy_(value)


def restore(folder: Path, kind: str, parts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Put the newest checkpoint of a kind into the parts; what else it holds, None where there is none."""
    saved = load(folder, kind)
    if saved:
        for name, part in parts.items():
            part.load_state_dict(saved["parts"][name])
            if hasattr(part, "param_groups"):
                lay_out(part)
    return saved


def where(
    folder: Path, parts: Mapping[str, Any], resume: bool, device: torch.device
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Where a run stands, and the sums of its losses in this epoch; on `resume` the parts are what they were."""
    saved = restore(folder, "last", parts) if resume else None
    if not saved:
        return dict.fromkeys(POSITION, 0) | {"best": None}, {}
    return saved["at"], {name: value.to(device) for name, value in saved["sums"].items()}


def restore_best(folder: Path, parts: Mapping[str, Any]) -> None:
    """Put the best epoch into the parts; where it is lost the program ends: no other epoch stands in for it."""
    last, best = load(folder, "last"), restore(folder, "best", parts)
    if not last or not best or best["at"]["best_epoch"] != last["at"]["best_epoch"]:
        rt.fail("T603", f"{folder} has lost the best epoch", "train anew, into another run folder", 2)


def open_log(path: Path, end: int) -> IO[bytes]:
    """The log of a run, cut back to the byte where its checkpoint ends; ranks other than 0 keep none."""
    if rt.RANK > 0:
        return tempfile.TemporaryFile()
    log = path.open("ab")
    if log.tell() < end:
        rt.fail("T603", f"{path} has lost lines", "train anew, into another run folder", 2)
    log.truncate(end)
    return log


def position(log: IO[bytes]) -> int:
    """Where a log ends, once all of it is on the disk."""
    log.flush()
    os.fsync(log.fileno())
    return log.seek(0, os.SEEK_END)
