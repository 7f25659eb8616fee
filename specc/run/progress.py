"""What a person sees while a program trains: a live bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

Event = Mapping[str, Any]
STEPS = 1_000_000  # of an epoch, where the program does not say: the bar then moves from epoch to epoch
NOT_METRICS = frozenset({"event", "stage", "epoch", "seconds", "best", "step", "total", "passes", "output_spread"})


def figures(event: Event) -> str:
    """`train_loss 0.4120  val_loss 0.3980  accuracy 0.9100`: the numbers of an epoch in their order."""
    pairs = ((name, value) for name, value in event.items() if name not in NOT_METRICS)
    return "  ".join(f"{name} {show(value)}" for name, value in pairs if not isinstance(value, str | dict | list))


def show(value: object) -> str:
    """A number with four digits that count; what is missing as a dash."""
    if isinstance(value, float):
        return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.3g}"
    return "-" if value is None else str(value)


def agreement(parity: Event) -> str:
    """`260 images, largest difference 1.7e-06` of a parity event, whose `largest` is one number or one an output."""
    largest = parity.get("largest", 0)
    worst = max(largest.values(), default=0) if isinstance(largest, dict) else largest
    return f"{parity.get('images', 0)} images, largest difference {float(worst):.1e}"


def line(event: Event, epochs: object) -> str:
    """One epoch in words: `epoch 3/20  train_loss 0.41  val_loss 0.40  12.1 s  best`."""
    seconds = event.get("seconds")
    tail = (f"  {seconds:.1f} s" if isinstance(seconds, int | float) else "") + ("  best" if event.get("best") else "")
    stage = str(event.get("stage", "train"))
    name = "epoch" if stage == "train" else f"{stage}: epoch"
    return f"{name} {str(event.get('epoch')).rjust(len(str(epochs)))}/{epochs}  {figures(event)}{tail}"


def opening(event: Event) -> str:
    """The first line: network, images and device."""
    images = event.get("images", {})
    parts = ", ".join(f"{count} {split}" for split, count in images.items()) if isinstance(images, dict) else images
    ranks = int(event.get("ranks", 1))
    device = f"{event.get('device')}" + (f" x {ranks}" if ranks > 1 else "")
    weights = f"{event['parameters']:,} parameters " if isinstance(event.get("parameters"), int) else ""
    return f"training {weights}on {device}: {parts} images"


class Lines:
    """Plain lines, one for the start and one for each epoch and milestone; silent when `quiet`."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self.stream, self.quiet, self.epochs = stream or sys.stderr, quiet, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def __call__(self, event: Event) -> None:
        """Tell what an event means."""
        if event["event"] == "start":
            self.epochs = int(event.get("epochs", 0))
        for text in spoken(event, self.epochs):
            self.say(text)

    def say(self, text: str) -> None:
        """One line to a person."""
        if not self.quiet:
            self.stream.write(text + "\n")
            self.stream.flush()


def spoken(event: Event, epochs: int) -> Iterable[str]:
    """The lines that an event is worth."""
    kind = event["event"]
    if kind == "member":
        yield f"run {event.get('number')} of {event.get('of')}: {event.get('name')}"
    elif kind == "start":
        yield opening(event)
    elif kind == "epoch":
        yield line(event, epochs)
    elif kind == "damaged":
        yield f"checkpoint {event.get('file')} is damaged and was passed over"
    elif kind == "resumed":
        yield f"resumed at epoch {event.get('epoch')}"
    elif kind == "trained":
        seconds = event.get("seconds")
        time = f" in {seconds:.1f} s" if isinstance(seconds, int | float) else ""
        yield f"trained{time}; the best epoch is {event.get('best_epoch')}"
    elif kind == "exported":
        yield f"exported {event.get('file')}"
    elif kind == "parity":
        verdict = "passed" if event.get("passed") else "FAILED"
        yield f"parity of torch and onnxruntime {verdict}: {agreement(event)}"
    elif kind == "stopped":
        yield "stopped; the checkpoint is kept"


class Live(Lines):
    """A live bar on standard error; finished epochs scroll above it."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[words]}"),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)  # and results stay on standard output
        self.bar: Bar = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self.task: TaskID = self.bar.add_task("starting", total=None, words="")
        self.steps, self.run = 1, ""

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bar.stop()

    def __call__(self, event: Event) -> None:
        """Move the bar; lines go above it."""
        super().__call__(event)
        kind = event["event"]
        if kind == "member":
            self.run = f"run {event.get('number')}/{event.get('of')} "
        elif kind == "start":
            self.steps = max(1, int(event.get("steps", STEPS)))
            self.bar.update(self.task, description=f"{self.run}training", total=self.epochs * self.steps, completed=0)
        elif kind == "data":
            done, total = event.get("done", 0), event.get("total")
            self.bar.update(
                self.task, description=f"{self.run}reading images", completed=done, total=total, words=f"{done}/{total}"
            )
        elif kind == "step":
            epoch, step = int(event.get("epoch", 1)), int(event.get("step", 0))
            words = f"epoch {epoch}/{self.epochs}  loss {show(event.get('loss'))}"
            done = (epoch - 1) * self.steps + min(step, self.steps)
            self.bar.update(self.task, completed=done, total=self.epochs * self.steps, words=words)
        elif kind == "epoch":
            self.bar.update(self.task, completed=int(event.get("epoch", 1)) * self.steps)
        elif kind == "trained":
            self.bar.update(self.task, description=f"{self.run}exporting", total=None, words="")

    def say(self, text: str) -> None:
        """A line above the bar, its text as it is."""
        self.bar.console.print(text, markup=False, highlight=False, soft_wrap=True)


def watcher(quiet: bool = False) -> Lines:
    """What fits standard error: a live bar on a terminal, else plain lines; nothing at all when `quiet`."""
    return Live() if not quiet and sys.stderr.isatty() else Lines(quiet=quiet)
