"""Start a training program, follow its events, pass signals on, and turn its end into an exit code or an error."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from types import FrameType
from typing import IO, Any

from specc.errors import SpeccError
from specc.run.faults import STATUS, fault
from specc.run.folders import Run

Event = Mapping[str, Any]
GRACE = 60.0  # seconds from the first signal until the program is killed
TAIL = 6  # lines of the log that an error shows
LONGEST = 1 << 20  # characters of one line that are looked at


@dataclass
class Outcome:
    """How a program ended: its exit code (130 when it was stopped) and the last event of each kind."""

    exit_code: int = 0
    last: dict[str, Event] = field(default_factory=dict)
    epochs: list[Event] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        """Whether a signal ended it, with the checkpoint kept."""
        return self.exit_code == 130


def command(
    run: Run,
    data: FilePath,
    cache: FilePath,
    *,
    resume: bool = False,
    sanity: bool = False,
    ranks: int = 1,
    workers: int | None = None,
) -> list[str]:
    """The command line of the run's own code, under torchrun when there are several ranks."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks), "--"]
    torchrun = torchrun if ranks > 1 else []  # without `--` it would take `--run` for the start of an option of its own
    arguments = [*torchrun, str(run.code / "train.py"), "--data", str(data), "--run", str(run.folder)]
    arguments += ["--cache", str(cache), *(["--resume"] if resume else []), *(["--sanity"] if sanity else [])]
    arguments += ["--workers", str(workers)] if workers is not None else []
    return [sys.executable, *arguments]


def follow(
    arguments: Sequence[str],
    log: FilePath,
    listen: Callable[[Event], object] = lambda event: None,
    grace: float = GRACE,
) -> Outcome:
    """Run a program to its end and hand each of its events to `listen`.

    What it writes besides goes to `log`. Raises SpeccError with the code that the program gives, else T650 or T656.
    """
    outcome = Outcome()
    with log.open("ab") as file:
        start = file.tell()
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file, env=_environment(), **_apart()
        )
        with _passing_on(process, grace) as asked:
            assert process.stdout is not None
            for line in iter(lambda: process.stdout.readline(LONGEST), b""):  # type: ignore[union-attr]
                event = _event(line)
                if event is None:
                    file.write(line)
                    file.flush()
                    continue
                _note(outcome, event)
                listen(event)
            status = process.wait()
            process.stdout.close()
    outcome.exit_code = _judge(status, outcome, bool(asked), log, start)
    return outcome


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}


def _apart() -> dict[str, Any]:
    """A group of its own, so that Ctrl-C reaches the program once, through us."""
    if os.name == "nt":
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}


def _event(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _note(outcome: Outcome, event: dict[str, Any]) -> None:
    outcome.last[event["event"]] = event
    if event["event"] == "epoch":
        outcome.epochs.append(event)


@contextlib.contextmanager
def _passing_on(process: subprocess.Popen[bytes], grace: float) -> Iterator[list[int]]:
    """SIGINT and SIGTERM go to the program, which saves and ends; if it does not within `grace`, it is killed."""
    asked: list[int] = []
    timers: list[threading.Timer] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if not timers:
            timers.append(threading.Timer(grace, _kill, (process,)))
            timers[0].daemon = True
            timers[0].start()
        _send(process, number)

    if threading.current_thread() is not threading.main_thread():  # a notebook's worker cannot set handlers
        yield asked
        return
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for timer in timers:
            timer.cancel()
        if process.poll() is None:  # the listener failed: nothing may go on unseen
            _kill(process)
            process.wait()


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    if os.name == "nt":
        number = getattr(signal, "CTRL_BREAK_EVENT", number)
    with contextlib.suppress(ProcessLookupError, OSError):
        process.send_signal(number)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _judge(status: int, outcome: Outcome, asked: bool, log: FilePath, start: int) -> int:
    """The exit code of a program that ended well or was stopped. Raises SpeccError for any other end."""
    if "error" in outcome.last:
        raise _told(outcome.last["error"], status)
    if "stopped" in outcome.last or status == 130 or (asked and status in (-signal.SIGINT, -signal.SIGTERM)):
        return 130
    if status == 0:
        return 0
    if outcome.last.get("sanity", {}).get("passed") is False:
        raise _insane(outcome.last["sanity"])
    with log.open("rb") as file:
        file.seek(start)
        lines = _tail(file)
    raise _untold(status, lines, log, asked)


def _told(event: Event, status: int) -> SpeccError:
    code = str(event.get("code", "T650"))
    exit_code = status if status in (1, 2, 3, 4, 5) and status != 1 else STATUS.get(code[:1], 3)
    return fault(code, str(event.get("message", "the program failed")), str(event.get("help", "")), exit_code=exit_code)


def _insane(event: Event) -> SpeccError:
    """One batch, many steps: what a network that can learn at all does not fail."""
    first, expected, end = (float(event.get(name, "nan")) for name in ("first_loss", "expected", "last_loss"))
    message = f"one batch could not be learned by heart: its loss went from {first:.4g} to {end:.4g}"
    cures = ["try a learning rate ten times higher, then ten times lower", "look at the labels of the images"]
    if abs(first - expected) > max(0.5 * expected, 0.2):
        message = f"the first loss is {first:.4g}, and a network that knows nothing has {expected:.4g}"
        cures = ["look at the initial values (`init`), at `input: scale`, and at the range of the targets"]
    return fault("T604", message, *cures, exit_code=3)


def _untold(status: int, lines: list[str], log: FilePath, asked: bool) -> SpeccError:
    where = (*lines, f"the whole of it: {log}")
    if status in (-9, 137) and asked:
        cure = "`--resume RUN` goes on from the last checkpoint"
        return fault("T650", "the program did not stop in time and was killed", cure, where=where[-1:], exit_code=3)
    memory = any("out of memory" in line.lower() or line.startswith("MemoryError") for line in lines)
    if memory or status in (-9, 137):
        cures = ("lower `train: batch_size`, or use a smaller `input: size`", "then `--resume RUN`, or train anew")
        return fault("T656", "the program ran out of memory", *cures, where=where, exit_code=3)
    full = next((text for text in ("No space left on device", "Read-only file system", "Permission denied")
                 if any(text in line for line in lines)), "")  # fmt: skip
    if full:
        cures = ("make room, or choose another place with `--runs DIR`", "`specc train --resume RUN` then goes on")
        return fault("T659", f"the program could not write: {full}", *cures, where=where, exit_code=2)
    if any(line.startswith("ModuleNotFoundError: No module named") for line in lines):
        missing = next(line for line in lines if line.startswith("ModuleNotFoundError")).split("'")[1]
        cure = f"install it: `pip install {missing}`"
        return fault("E501", f"the program needs the package {missing}, which is not installed", cure, exit_code=4)
    how = f"was ended by signal {-status}" if status < 0 else f"ended with exit code {status} and gave no reason"
    cure = "`specc train --resume RUN` goes on from the last checkpoint, if the cause is gone"
    return fault("T650", f"the training program {how}", cure, where=where, exit_code=3)


def _tail(file: IO[bytes]) -> list[str]:
    """The last lines that say something; the frames of a traceback do not."""
    kept: deque[str] = deque(maxlen=TAIL)
    for raw in file:
        line = raw.decode("utf-8", "replace").rstrip()
        if line and not line.startswith(("Traceback (most", " ", "\t")):
            kept.append("".join(c if c.isprintable() else " " for c in line)[:300])
    return list(kept)
