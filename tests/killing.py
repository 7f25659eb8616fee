"""What tests of faults need: a small study, its program as a process that can be hurt, what must hold after that."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from safetensors.numpy import load as read_tensors

from specc.api.program import compile as compile_spec

SPEC = """
specc: 1
name: small
task: classification
input: {format: png, size: [16, 16], channels: mono, scale: 0..1}
output: {classes: [dark, light]}
data:
  manifest: table.csv
  columns: {image: file, label: label, patient: patient}
  split: {column: split}
augment:
  - rotate: {degrees: 10}
  - flip: {axis: horizontal}
%s
model:
  layers:
    - conv2d: {id: first, filters: 4, kernel: 3, activation: relu}
    - conv2d: {filters: 6, kernel: 3}
%s
    - maxpool: {size: 2}
    - flatten
    - dense: {units: 1, activation: sigmoid}
loss: binary_cross_entropy
optimizer: %s
train: {%s}
"""
NOISY = "    - batchnorm\n    - relu\n    - dropout: {rate: 0.2}"
PLAIN = "    - relu"
SGD = "{sgd: {learning_rate: 0.02, momentum: 0.9}}"
ADAM = "{adam: {learning_rate: 0.003}}"
USUAL = "epochs: %d, batch_size: 15"
RICH = (  # all that a training keeps from one step to the next; to be told the epochs of both phases
    "phases: [{epochs: %d, learning_rate: 0.01}, {epochs: %d, freeze: first}], batch_size: 5, accumulate: 3, "
    "schedule: {cosine: {warmup: 2}}, grad_clip: 1, ema: 0.9, precision: float16"
)
PLATEAU = "epochs: %d, batch_size: 15, schedule: {plateau: {factor: 0.5, patience: 0}}, ema: 0.8"

# Runs a program that is hurt at the n-th time it comes to a place: python hurt.py PLACE COUNT HOW RANK train.py ...
HURT = r"""
import errno, functools, os, pathlib, runpy, sys

place, count, how, rank = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
del sys.argv[:5]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
import torch
import checkpoints, export, metrics, pixels
import runtime as rt

OWNERS = {
    "share_gradients": rt,   # in a step: gradients are there, weights are as before
    "share_buffers": rt,     # at the start of a validation
    "outputs_of": metrics,   # the whole of a validation
    "position": checkpoints, # the log goes to the disk, then its checkpoint
    "save": checkpoints,
    "replace": os,           # the checkpoint is written and gets its name
    "fsync": os,
    "unlink": pathlib.Path,  # old checkpoints go
    "restore": checkpoints,
    "pixels_of": pixels,     # an image is decoded
    "write_atomic": export,
}
name, _, after = place.partition(" ")
inner, came = getattr(OWNERS[name], name), 0


def strike(values):
    if how in ("kill", "cut"):
        if how == "cut":
            os.truncate(values[0], os.path.getsize(values[0]) // 2)
        os.kill(os.getpid(), 9)
    elif how in ("2", "15"):
        os.kill(os.getpid(), int(how))
    elif how == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "the disk")
    elif how == "gradients":
        for weight in values[0]:
            weight.grad.fill_(torch.nan)


@functools.wraps(inner)
def hurt(*values, **named):
    global came
    came += 1
    now = came == count and os.environ.get("RANK", "0") == rank
    values = tuple(list(value) if hasattr(value, "__next__") else value for value in values)
    if now and not after:
        strike(values)
    result = inner(*values, **named)
    if now and after:
        strike(values)
    return result * torch.nan if now and how == "outputs" else result


setattr(OWNERS[name], name, hurt)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class Study:
    """A compiled program with data, and where its runs are kept."""

    folder: Path

    @property
    def train(self) -> Path:
        """The program."""
        return self.folder / "code" / "train.py"

    def run(self, name: str) -> Path:
        """A run's folder."""
        return self.folder / name


def make_study(folder: Path, optimizer: str, layers: str = NOISY, train: str = USUAL % 12, mixing: str = "") -> Study:
    """120 pictures of 16 x 16, dark or light, with a table, and the program that learns them."""
    (folder / "images").mkdir(parents=True)
    dice, rows = np.random.default_rng(0), ["file,label,patient,split"]
    for number in range(120):
        light = number % 2
        pixels = dice.normal(100 + 15 * light, 40, (16, 16)).clip(0, 255).astype(np.uint8)
        PIL.Image.fromarray(pixels).save(folder / "images" / f"{number:03}.png")
        part = "train" if number < 80 else "val" if number < 110 else "test"
        rows.append(f"images/{number:03}.png,{('dark', 'light')[light]},p{number},{part}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "spec.yaml").write_text(SPEC % (mixing, layers, optimizer, train), encoding="utf-8")
    (folder / "code").mkdir()
    for name, text in compile_spec(folder / "spec.yaml").items():
        (folder / "code" / name).write_text(text, encoding="utf-8")
    (folder / "hurt.py").write_text(HURT, encoding="utf-8")
    return Study(folder)


@dataclass
class Hurt:
    """What happens to a program: `how`, at the n-th time that it comes to `place`, on one rank."""

    place: str
    count: int = 1
    how: str = "kill"
    rank: int = 0


def descendants(first: int) -> list[int]:
    """A process and all that came from it; torchrun gives every rank a session of its own."""
    if Path("/proc/self/stat").exists():
        stats = []
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                stats.append((int(file.parent.name), int(file.read_text().rpartition(")")[2].split()[1])))
    else:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        stats = [(int(line.split()[0]), int(line.split()[1])) for line in listed.splitlines()]
    found = [first]
    for process in found:
        found += [child for child, parent in stats if parent == process]
    return found


class Running:
    """A program that runs, in a process group of its own; its events can be waited for."""

    def __init__(
        self,
        study: Study,
        run: Path,
        *options: str,
        ranks: int = 1,
        hurt: Hurt | None = None,
        cache: Path | None = None,
        **environment: Any,
    ) -> None:
        many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks), "--"]
        torchrun = many if ranks > 1 else []
        first = [str(study.folder / "hurt.py"), hurt.place, str(hurt.count), hurt.how, str(hurt.rank)] if hurt else []
        arguments = ["--data", str(study.folder), "--run", str(run), "--cache", str(cache or study.folder / "cache")]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.process = subprocess.Popen(
            [sys.executable, *torchrun, *first, str(study.train), *arguments, *options],
            env={**clean, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **environment,
        )
        self.events: list[dict[str, Any]] = []
        self.errors = ""

    def until(self, kind: str, count: int = 1) -> bool:
        """Read events up to the n-th of a kind; False when the program ends before."""
        assert self.process.stdout is not None
        while sum(event["event"] == kind for event in self.events) < count:
            line = self.process.stdout.readline()
            if not line:
                return False
            if line.startswith("{"):
                self.events.append(json.loads(line))
        return True

    def signal(self, number: int) -> None:
        """Send a signal to every process, as a terminal does, and a failing power supply."""
        for process in descendants(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """SIGKILL to every process."""
        self.signal(signal.SIGKILL)
        self.end()

    def end(self, seconds: float = 60) -> int:
        """The exit status; what the program said is in `events` and `errors`. Nothing of it may live on."""
        output, self.errors = self.process.communicate(timeout=seconds)
        self.events += [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        return self.process.returncode

    def told(self, kind: str) -> dict[str, Any]:
        """The last event of a kind; empty where there is none."""
        return next((event for event in reversed(self.events) if event["event"] == kind), {})


def finish(study: Study, run: Path, *options: str, ranks: int = 1, cache: Path | None = None) -> Running:
    """Run to the end of the training, without the export."""
    running = Running(study, run, *options, ranks=ranks, cache=cache)
    if running.until("trained"):
        running.kill()
    else:
        status = running.end()
        raise AssertionError(f"ended with {status}: {running.errors[-2000:]}")
    return running


def published(run: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted((run / "checkpoints").glob("*-*.safetensors"))


def unreadable(run: Path) -> list[str]:
    """Published checkpoints that are not what their name says, or cannot be read."""
    wrong = []
    for path in published(run):
        data = path.read_bytes()
        if not path.stem.endswith(hashlib.sha256(data).hexdigest()[:16]):
            wrong.append(path.name)
            continue
        size = int.from_bytes(data[:8], "little")
        tree = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["tree"])
        if not read_tensors(data) or [key for key, _ in tree["dict"]] != ["at", "sums", "parts"]:
            wrong.append(path.name)
    return wrong


def outcome(run: Path) -> dict[str, bytes]:
    """What a finished training is: its last and its best checkpoint, with their names, and its log."""
    newest = [sorted((run / "checkpoints").glob(f"{kind}-*.safetensors"))[-1] for kind in ("last", "best")]
    return {path.name: path.read_bytes() for path in (*newest, run / "metrics.jsonl")}


def differences(run: Path, whole: Mapping[str, bytes]) -> list[str]:
    """How a finished run differs from one that nothing happened to: not in one bit, if all is well."""
    found = outcome(run)
    lines = [f"only one has {name}" for name in sorted(found.keys() ^ whole.keys())]
    return lines + [f"{name} differs" for name in sorted(found.keys() & whole.keys()) if found[name] != whole[name]]
