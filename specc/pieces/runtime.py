"""What every program shares: ranks, signals, random numbers, events, checkpoints. Nothing of a spec enters here."""

import ctypes
import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

RANK, RANKS = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
asked: list[int] = []  # the signals (SIGINT, SIGTERM) that came; the loop ends after the step in hand


class Batch(NamedTuple):
    """This rank's share of a step: ids (B,) and weights (B,) that sum to 1 over all ranks."""

    ids: Tensor
    weights: Tensor
    count: int  # images in the step, over all ranks
    key: tuple[int, ...]  # (seed, stage, epoch): what is random about a sample follows from it and the id


class Stage(NamedTuple):
    """`epochs` passes over the data with `step`, or one call of `fit` for what is not trained by gradients."""

    name: str
    epochs: int = 0
    step: Callable[[Batch], Mapping[str, Tensor]] | None = None
    enter: Callable[[], object] = tuple
    fit: Callable[[], object] = tuple


class Work(NamedTuple):
    """A task as the loop sees it; `parts` (with state_dict and load_state_dict) are all that a checkpoint holds."""

    parts: Mapping[str, Any]
    stages: tuple[Stage, ...]
    evaluate: Callable[[], dict[str, float]]
    best: tuple[str, int]  # (metric, +1 or -1); ("epoch", 1) keeps the last
    samples: int  # in an epoch; their ids count from 0
    chance: float = float("nan")  # loss of a network that knows nothing, where that is known


def event(kind: str, **values: object) -> None:
    """One JSON object a line on standard output, for people and for programs that follow the run."""
    if RANK == 0:
        print(json.dumps({"event": kind, **values}), flush=True)


def fail(code: str, message: str, cure: str, status: int = 3) -> NoReturn:
    """End the program with an exit status; the last good checkpoint stays."""
    event("error", code=code, message=message, help=cure)
    print(f"error[{code}]: {message}\n  = help: {cure}", file=sys.stderr)
    sys.exit(status)


def start() -> torch.device:
    """Choose the device, join the other ranks that torchrun started, listen for signals."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: asked.append(received))
    cuda = torch.cuda.is_available()
    if sys.platform == "linux" and not cuda and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 1 << 30)  # keep freed memory: each step asks for the same blocks again
        libc.mallopt(-1, (1 << 31) - 1)
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if RANKS > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    return device


def total(value: Tensor) -> Tensor:
    """The sum of `value` over the ranks, in place."""
    if RANKS > 1:
        dist.all_reduce(value)
    return value


def share_gradients(parameters: Iterable[Tensor]) -> None:
    """Sum the gradients over the ranks; the batch's weights already make that sum a mean."""
    if RANKS > 1:
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = total(torch.cat([g.reshape(-1) for g in gradients]))
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))


def share_buffers(net: torch.nn.Module) -> None:
    """Rank 0's running statistics count: they are what a checkpoint holds."""
    for buffer in net.buffers() if RANKS > 1 else ():
        dist.broadcast(buffer, 0)


def mix(x: Tensor) -> Tensor:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014) on int64; the masks make the shifts logical."""
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


def uniform(key: tuple[int, ...], ids: Tensor, draws: int) -> Tensor:
    """(B, draws) numbers in [0, 1) that depend on the key and each sample's id alone."""
    state = torch.zeros((), dtype=torch.int64, device=ids.device)
    for part in key:
        state = mix(state + part - 7046029254386353131)
    counter = torch.arange(1, draws + 1, device=ids.device) * -7046029254386353131
    return ((mix(mix(state + ids)[:, None] + counter) >> 40) & 0xFFFFFF).float() * 2.0**-24


def reseed(*key: int) -> None:
    """Initial values, dropout and noise depend on the key, never on history."""
    value = int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=8).digest(), "little") >> 1
    torch.default_generator.manual_seed(value)
    if torch.cuda.is_available():
        torch.cuda.manual_seed(value)


def pack(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """The tree as JSON, its tensors taken out into `tensors`. `unpack` is the inverse (tuples become lists)."""
    if isinstance(tree, Tensor):
        tensors[name] = tree.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(tree, dict):
        return {"dict": [[key, pack(value, f"{name}.{key}", tensors)] for key, value in tree.items()]}
    return [pack(v, f"{name}.{i}", tensors) for i, v in enumerate(tree)] if isinstance(tree, list | tuple) else tree


def unpack(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
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
        event("damaged", file=path.name)
        path.rename(path.with_suffix(".damaged"))
    return None
