"""Checkpoints: written whole or not at all, with their digest in their name; safetensors, never pickle."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from specc.pieces import runtime as rt


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


def save(folder: Path, kind: str, step: int, state: Mapping[str, Any]) -> None:
    """Write a checkpoint whole or not at all, its digest in its name; the last two of a kind stay."""
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(pack(dict(state), "", tensors))
    part = folder / f".{kind}.part"
    save_file(tensors, part, metadata={"tree": tree})
    with part.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        os.fsync(file.fileno())
    os.replace(part, folder / f"{kind}-{step:09d}-{digest}.safetensors")
    if os.name == "posix":
        os.fsync(handle := os.open(folder, os.O_RDONLY))
        os.close(handle)
    for old in sorted(folder.glob(f"{kind}-*.safetensors"))[:-2]:
        old.unlink()


def load(folder: Path, kind: str) -> dict[str, Any] | None:
    """The newest checkpoint whose bytes match the digest in its name; damaged ones are renamed and passed over."""
    for path in sorted(folder.glob(f"{kind}-*.safetensors"), reverse=True):
        if path.stem.endswith(hashlib.sha256(path.read_bytes()).hexdigest()[:16]):
            with safe_open(path, "pt") as content:
                tree = json.loads(content.metadata()["tree"])
            return dict(unpack(tree, load_file(path)))
        rt.event("damaged", file=path.name)
        path.rename(path.with_suffix(".damaged"))
    if any(folder.glob(f"{kind}-*.damaged")):
        rt.fail("T603", f"every checkpoint `{kind}` of this run is damaged", "train anew, into another run folder", 2)
    return None


def lay_out(optimizer: torch.optim.Optimizer) -> None:
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
            if isinstance(part, torch.optim.Optimizer):
                lay_out(part)
    return saved
