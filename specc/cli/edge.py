"""The outermost edge: every error becomes a message and an exit code here, and nowhere else."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Literal, ParamSpec, TextIO

import typer

if TYPE_CHECKING:
    from specc.errors import Diagnostic, SpeccError

P = ParamSpec("P")
Form = Literal["text", "json", "sarif", "github"]
INTERNAL, INTERRUPTED = 101, 130
EXITS = {
    0: "done",
    1: "diagnostics",
    2: "usage or files",
    3: "training failed",
    4: "unfit computer",
    5: "a gate failed (parity, contract)",
    INTERNAL: "internal error",
    INTERRUPTED: "interrupted, with the checkpoint kept",
}
PLACES = {errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG}


def say(text: str) -> None:
    """A result, on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """Progress or a remark, on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def then(text: str, machine: bool = False) -> None:
    """The last line of every command: what to do next; on standard error when a machine reads the results."""
    (tell if machine else say)(f"next: {text}")


def show(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str], form: Form = "text") -> None:
    """Diagnostics as text on standard error, or in a machine's form on standard output."""
    from specc.render import render

    if form == "text":
        text = render(tuple(diagnostics), texts, color=colour(sys.stderr))
        if text:
            tell(text)
    else:
        say(render(tuple(diagnostics), texts, form))


def colour(stream: TextIO) -> bool:
    """Whether to colour: on a terminal that can, unless NO_COLOR is set (no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


@contextlib.contextmanager
def counting(total: int, what: str, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """A counter on standard error: a live bar on a terminal, a line each 10 % elsewhere (for 100 and more)."""
    if quiet or not sys.stderr.isatty():
        step = max(1, total // 10)

        def line(done: int) -> None:
            if not quiet and total >= 100 and done % step == 0:
                tell(f"{done}/{total} {what}s")

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(f"{what}s"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command with every way in which it can end: SystemExit carries the exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from specc.errors import SpeccError

        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.BadParameter):
            raise
        except SpeccError as error:
            raise SystemExit(_report(error, machine=bool(kwargs.get("as_json")))) from None
        except KeyboardInterrupt:
            tell("interrupted")
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:  # the reader of our output went away, as `| head` does
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  (kept open until the end)
            raise SystemExit(0) from None
        except RecursionError as error:
            raise SystemExit(_internal(error)) from None
        except OSError as error:
            raise SystemExit(_system(error) if error.errno in PLACES else _internal(error)) from None
        except Exception as error:  # noqa: BLE001  (the outermost edge: whatever it is, the user gets one message)
            raise SystemExit(_internal(error)) from None

    return run


def _report(error: SpeccError, machine: bool) -> int:
    show(error.diagnostics, error.texts)
    codes = [diagnostic.code for diagnostic in error.diagnostics if diagnostic.severity == "error"]
    if codes:
        then(f"mend the above, or read `specc explain {codes[0]}`", machine)
    return error.exit_code


def _system(error: OSError) -> int:
    """A disk that is full, a folder that must not be written: not our fault, and not the spec's."""
    from specc.run.faults import fault

    where = f" {error.filename}" if error.filename else ""
    return _report(fault("T659", f"cannot write{where}: {error.strerror}", "make room, or name another place"), False)


def _internal(error: Exception) -> int:
    """One message, and the details in a file that can be sent along with a report. It may name files: it stays here."""
    import platform
    import time
    import traceback

    from specc import __version__

    lines = [
        f"specc {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {sys.argv[1:]!r}",
        "",
        *traceback.format_exception(error),
    ]
    file = FilePath(".specc") / f"internal-error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(lines), encoding="utf-8", errors="backslashreplace")
        where = f"the details are in {file}"
    except OSError:
        where = "the details could not be written to .specc/"
    tell(f"internal error: {type(error).__name__}; this is a fault of specc, not of your spec; {where}")
    tell("next: please report it with that file (look through it first: it may name your files)")
    return INTERNAL
