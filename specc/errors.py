"""Places in a text, what is wrong there, and how to mend it. Nothing else in specc speaks to a user of faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Severity = Literal["error", "warning", "note"]
NoteKind = Literal["rule", "why", "where", "trace", "help", "note", "more"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one file. Lines and columns count from 1, columns in characters; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that belongs to the same fault, with a few words under it."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A way to mend the fault. Only a `safe` one, which cannot change what the spec means, is applied by `--fix`."""

    text: str
    edits: tuple[Edit, ...] = ()
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A line below the picture: `= why: ...`."""

    kind: NoteKind
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One cause, one message. `label` stands under the caret; `path` is the place in the spec's own structure."""

    code: str
    message: str
    span: Span | None = None
    path: Path = ()
    label: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[Note, ...] = ()
    fixes: tuple[Fix, ...] = ()
    severity: Severity = "error"


@dataclass
class SpeccError(Exception):
    """Carries every diagnostic of a failed stage to the command line, with the exit code that it deserves.

    IPython shows it as `drawn` says, without the frames of a traceback; whoever can draw diagnostics puts that there.
    """

    diagnostics: tuple[Diagnostic, ...]
    exit_code: int = 1
    texts: dict[str, str] = field(default_factory=dict)
    drawn: ClassVar[Callable[[SpeccError], str]] = str

    def __str__(self) -> str:
        return "\n".join(f"{d.severity}[{d.code}]: {d.message}" for d in self.diagnostics)

    def _render_traceback_(self) -> list[str]:
        return type(self).drawn(self).splitlines()


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them forbids going on (warnings do not)."""
    return any(d.severity == "error" for d in diagnostics)
