"""What every program shares: ranks, signals, options, events, random numbers. Nothing of a spec enters here."""

import ctypes
import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor

RANK, RANKS = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
asked: list[int] = []  # the signals (SIGINT, SIGTERM) that came; the loop ends after the step in hand


class Time(NamedTuple):
    """When a step is: `step` were done before it in this stage of `epochs` epochs with `steps` steps each."""

    step: int
    steps: int
    epochs: int

    @property
    def epoch(self) -> float:
        """Epochs that are done, with a fraction."""
        return self.step / self.steps


class Batch(NamedTuple):
    """This rank's share of a step: ids (B,) and weights (B,) that sum to 1 over all ranks."""

    ids: Tensor
    weights: Tensor
    size: int  # images in the step, over all ranks
    key: tuple[int, ...]  # (seed, stage, epoch): what is random about a sample follows from it and the id
    time: Time
    among: Tensor  # ids of this rank's whole share of the step, of which the batch may be a part


Step = Callable[..., Mapping[str, Tensor]]  # (Batch) -> losses by name, this rank's share of each mean


class Stage(NamedTuple):
    """`epochs` passes with `step`, then `fit` for what gradients do not train, which goes on from the best epoch."""

    name: str
    epochs: int = 0
    step: Step = dict
    enter: Callable[[bool], object] = bool  # before its first step, and when a run goes on in it (False)
    fit: Callable[[], object] | None = None


class Work(NamedTuple):
    """A task as the loop sees it; `parts` (with state_dict and load_state_dict) are all that a checkpoint holds."""

    parts: Mapping[str, Any]
    stages: tuple[Stage, ...]
    evaluate: Callable[[], dict[str, float]]
    best: tuple[str, int]  # (metric, +1 or -1); ("epoch", 1) keeps the last
    samples: int  # in an epoch; their ids count from 0
    chance: float = float("nan")  # loss of a network that knows nothing, where that is known
    least: float = 0.0  # loss of one that is always right


def event(kind: str, **values: object) -> None:
    """One JSON object a line on standard output, for people and for programs that follow the run."""
    if RANK == 0:
        print(json.dumps({"event": kind, **values}), flush=True)


def fail(code: str, message: str, cure: str, status: int = 3) -> NoReturn:
    """End the program with an exit status; the last good checkpoint stays."""
    event("error", code=code, message=message, help=cure)
    print(f"error[{code}]: {message}\n  = help: {cure}", file=sys.stderr)
    sys.exit(status)


def run(main: Callable[[], int]) -> int:
    """The exit status of a program; what cannot be written ends it with a message."""
    try:
        return main()
    except OSError as fault:
        fail("T659", f"{fault.filename or 'the run'}: {fault.strerror or fault}", "make room, then `--resume`", 2)


def leave_if_asked(*progress: int) -> None:
    """End the program where a signal came and nothing is under way that a checkpoint would have to keep."""
    if asked:
        event("stopped")
        sys.exit(130)


def announce(work: Work, images: Mapping[str, int], device: torch.device, steps: int) -> None:
    """Say what is about to run."""
    nets = [part for part in work.parts.values() if isinstance(part, torch.nn.Module)]
    parameters, epochs = sum(p.numel() for net in nets for p in net.parameters()), sum(s.epochs for s in work.stages)
    event("start", device=str(device), ranks=RANKS, images=images, parameters=parameters, epochs=epochs, steps=steps)


def start() -> torch.device:
    """Choose the device, join the other ranks that torchrun started, listen for signals."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: asked.append(received))
    device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if (cuda := torch.cuda.is_available()) else "cpu")
    if sys.platform == "linux" and not cuda and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 1 << 30)  # keep freed memory: each step asks for the same blocks again
        libc.mallopt(-1, (1 << 31) - 1)
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


def wait() -> None:
    """Go on when every rank is here."""
    if RANKS > 1:
        dist.barrier()


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
