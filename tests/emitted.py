"""A program in this process: its modules, small data in memory, its steps one by one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from programs import program, put
from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor], Tensor]  # outputs, targets of a step -> its loss
SAMPLES, VAL = 40, 8


@contextmanager
def modules(text: str, folder: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Import the files of a spec's program by their names; afterwards they are forgotten."""
    files = program(text)
    put(files, folder)
    names = {name.removesuffix(".py") for name in files if name.endswith(".py")}
    before = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(folder))
        for name in names & sys.modules.keys():
            del sys.modules[name]
        sys.modules |= before


class Run:
    """The work of a program on data in memory, in float64: what it does shows without rounding."""

    def __init__(self, get: Callable[[str], ModuleType], targets: Tensor, size: tuple[int, ...] = (1, 6, 6)) -> None:
        self.train, self.runtime, self.data = get("train"), get("runtime"), get("data")
        generator = torch.Generator().manual_seed(7)
        pixels = torch.rand(SAMPLES + VAL, *size, generator=generator, dtype=torch.float64)
        parts = {"train": range(SAMPLES), "val": range(SAMPLES, SAMPLES + VAL), "test": range(0)}
        self.images = get("pixels").Images(pixels, {"target": targets}, parts, [], [], None)
        self.config = self.train.Config()
        self.work = self.train.build(self.config, self.images, torch.device("cpu"))
        self.net: nn.Module = self.work.parts["network"]
        self.size = self.config.batch_size * getattr(self.config, "accumulate", 1)

    @property
    def optimizer(self) -> Any:
        """With what is around it."""
        return self.work.parts["optimizer"]

    def batches(self, stage: int, epoch: int) -> Iterator[Any]:
        """The steps of an epoch."""
        key = (self.config.seed, stage, epoch)
        epochs = self.work.stages[stage].epochs
        return iter(self.data.batches(key, epochs, SAMPLES, self.size, 0, torch.device("cpu")))

    def steps(self) -> Iterator[tuple[Any, float]]:
        """Train to the end: each step's batch and loss; after an epoch (None, 0) once it was judged."""
        for number, stage in enumerate(self.work.stages):
            stage.enter(True)
            for epoch in range(stage.epochs):
                for place, batch in enumerate(self.batches(number, epoch)):
                    self.runtime.reseed(*batch.key, place, 0)
                    (loss,) = stage.step(batch).values()
                    yield batch, loss.item()
                yield None, 0.0


@contextmanager
def double() -> Iterator[None]:
    """New tensors are float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
