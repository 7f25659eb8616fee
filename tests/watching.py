"""What a spec must never cause: an ear on the interpreter's audit events, and a count of the work."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruff import find_ruff_bin

import specc

ANNOTATIONS = (b"ClassVar[str]",)
FORBIDDEN = (
    "exec", "os.system", "os.exec", "os.fork", "os.rename", "os.link", "os.symlink", "os.chmod", "os.truncate",
    "os.putenv", "pickle.find_class", "code.__new__", "webbrowser.open", "ftplib.connect", "smtplib.connect",
)  # fmt: skip
HOMES = (str(Path(specc.__file__).parent) + os.sep, sysconfig.get_path("stdlib") + os.sep, "<frozen ")


class Watch:
    """Listens to the interpreter's audit events: while it is on, what a spec must never cause is kept."""

    def __init__(self) -> None:
        self.on = ""
        self.seen: list[str] = []
        self.annotations = 0
        self.folder = ""  # the given one; programs are formatted, and images are read, with the one for temporary files
        sys.addaudithook(self.hear)

    def hear(self, event: str, given: tuple[Any, ...]) -> None:
        """One event."""
        if self.on and not self.allowed(event, given):
            self.seen.append(f"{event} {given!r}"[:300])

    def allowed(self, event: str, given: tuple[Any, ...]) -> bool:
        """Whether an event may happen in the stage that is watched."""
        if event == "open":
            path, mode, flags = given
            writes = (
                flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC) if isinstance(flags, int) else mode != "r"
            )
            return not writes or isinstance(path, int) or self.inside(path)
        if event in ("subprocess.Popen", "os.posix_spawn"):
            return self.on == "emit" and os.fspath(given[0]) == find_ruff_bin()
        if event in ("os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "os.rename"):
            return self.on in ("emit", "data") and self.inside(given[0])
        if event == "import":
            return given[0] in sys.modules or given[0].partition(".")[0] in ("specc", *sys.stdlib_module_names)
        if event == "compile":
            known = given[0] in ANNOTATIONS  # pydantic reads those of specc's own models
            self.annotations += known
            late = str(given[1]).startswith(HOMES)
            return known or late or self.on == "emit"  # the program is parsed; nothing of it is executed
        if event == "exec":
            file = given[0].co_filename
            self.annotations -= file == "<string>"
            return self.annotations >= 0 if file == "<string>" else file.startswith(HOMES)  # a module, imported late
        return event not in FORBIDDEN and not event.startswith(("socket.", "ctypes.", "urllib.", "shutil."))

    def inside(self, path: object) -> bool:
        """Whether a path is in the folder that may be written to."""
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        folders = {"emit": (tempfile.gettempdir(),), "data": (tempfile.gettempdir(), self.folder)}
        known = folders.get(self.on, (self.folder,))
        return any(os.path.realpath(text).startswith(os.path.realpath(one) + os.sep) for one in known if one)


WATCH = Watch()


@contextmanager
def watched(stage: str) -> Iterator[None]:
    """Nothing is executed, imported from elsewhere, started or written while this lasts."""
    WATCH.on, WATCH.seen, WATCH.annotations = stage, [], 0
    try:
        yield
    finally:
        WATCH.on = ""
    assert not WATCH.seen, WATCH.seen


@contextmanager
def counted(most: int) -> Iterator[None]:
    """At most so many calls of functions written in Python: work that does not depend on the computer."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
    assert calls <= most, f"{calls:,} calls"
