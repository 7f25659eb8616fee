"""How results, errors and progress look in a notebook. Nothing here needs IPython unless a notebook runs."""

from __future__ import annotations

import base64
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from html import escape
from importlib import import_module
from pathlib import Path as FilePath
from typing import Any, Protocol

from specc.errors import SpeccError
from specc.render import render
from specc.run.progress import Event, Lines

PRE = "font-family:monospace;white-space:pre;overflow-x:auto;line-height:1.3;margin:0.4em 0"
WIDE = 760  # points that a picture takes at most


class Pretty(Protocol):
    """What IPython gives to `_repr_pretty_`."""

    def text(self, text: str) -> None:
        """Write text."""


class Shown(ABC):
    """A result that a notebook shows as its lines and pictures, and IPython on a terminal as its lines."""

    @abstractmethod
    def lines(self) -> list[str]:
        """The result in words, as the command prints it."""

    def shown(self) -> Iterable[FilePath]:
        """The files of its pictures (PNG)."""
        return ()

    def _repr_html_(self) -> str:
        return "\n".join([pre(self.lines()), *(picture(file) for file in self.shown() if file.is_file())])

    def _repr_pretty_(self, printer: Pretty, cycle: bool) -> None:
        printer.text("\n".join(self.lines()))


def pre(lines: Iterable[str]) -> str:
    """Lines as HTML, aligned as they are."""
    return f'<div style="{PRE}">{escape(chr(10).join(lines))}</div>'


def picture(file: FilePath) -> str:
    """A PNG as HTML that holds it whole: the notebook can be sent on without the run."""
    data = base64.b64encode(file.read_bytes()).decode("ascii")
    return f'<img alt="{escape(file.stem)}" style="max-width:{WIDE}px;width:100%" src="data:image/png;base64,{data}">'


def folded(title: str, text: str) -> str:
    """A heading that opens to text."""
    return f"<details><summary>{escape(title)}</summary>{pre(text.splitlines())}</details>"


def told(error: SpeccError) -> str:
    """An error as the command line shows it, with colours unless NO_COLOR is set."""
    return render(error.diagnostics, error.texts, color=not os.environ.get("NO_COLOR")) or str(error)


def running() -> bool:
    """Whether this is a notebook: an IPython shell with a kernel."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


class Cells(Lines):
    """Progress below a cell: a line for each epoch, and one above them that moves while images or steps go by."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self.display: Any = import_module("IPython.display").display
        self.bar: Any = None  # made when there is something to show

    def __call__(self, event: Event) -> None:
        """Tell what an event means."""
        super().__call__(event)
        words = moving(event, self.epochs)
        if words is None:
            return
        data = {"text/html": words, "text/plain": ""}
        if self.bar is None:
            self.bar = self.display(data, raw=True, display_id=True)
        else:
            self.bar.update(data, raw=True)


def moving(event: Mapping[str, Any], epochs: int) -> str | None:
    """The line that moves, as HTML; empty when there is nothing more to wait for, None where it stays as it is."""
    kind = event["event"]
    if kind == "data" and event.get("total"):
        done, total = int(event.get("done", 0)), int(event["total"])
        return f'<progress value="{done}" max="{total}"></progress> reading images {done}/{total}'
    if kind == "step":
        epoch, words = int(event.get("epoch", 1)), f"epoch {event.get('epoch')}/{epochs}, step {event.get('step')}"
        return f'<progress value="{epoch - 1}" max="{max(epochs, 1)}"></progress> {escape(words)}'
    if kind in ("trained", "stopped", "error"):
        return ""
    return None
