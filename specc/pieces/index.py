"""The index of a data set: every file hashed and decoded once, shared by whatever comes after, checks and trainings."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from specc.pieces import readers

VERSION = 1  # of the file, and of what pixels mean: another one is read anew


@dataclass(frozen=True)
class Entry:
    """A file. `pixels` is the SHA-256 of its decoded values and `low`, `high` are their range."""

    path: str
    size: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    pixels: str = ""
    low: float = 0.0
    high: float = 0.0
    facts: readers.Facts | None = None
    error: tuple[str, str] | None = None  # code and reason, where it cannot be read


def index(
    paths: Iterable[str | Path],
    cache_file: str | Path,
    progress: Callable[[int, int], None] | None = None,
    window: str = "none",
    frame: int | None = None,
    workers: int = 2,
) -> list[Entry]:
    """Hash and decode every file but those that `cache_file` knows by path, size and time, and keep it up to date.

    A file of several frames is decoded only when `frame` says which one. Raises OSError if the index cannot be written.
    """
    names, store = [str(Path(path).absolute()) for path in paths], Path(cache_file)
    reading = [VERSION, window, frame]
    known: dict[str, Entry] = {}
    try:
        kept = json.loads(store.read_bytes())
        for row in kept["files"] if kept["reading"] == reading else ():
            error, facts = row["error"] and tuple(row["error"]), row["facts"] and readers.Facts(**row["facts"])
            known[row["path"]] = Entry(**{**row, "error": error, "facts": facts})
    except (OSError, ValueError, TypeError, LookupError):
        known = {}  # there is none, or it is of no use
    entries: list[Entry] = []
    with ThreadPoolExecutor(workers) as pool:
        for entry in pool.map(lambda name: examine(known.get(name, Entry(name)), window, frame), names):
            entries.append(entry)
            if progress:
                progress(len(entries), len(names))
    known.update((entry.path, entry) for entry in entries)
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=store.parent, delete=False, encoding="ascii") as part:
        json.dump({"reading": reading, "files": [asdict(entry) for entry in known.values()]}, part)
    Path(part.name).replace(store)
    return entries


def examine(known: Entry, window: str, frame: int | None) -> Entry:
    """The entry of a file; `known` itself if it was readable and has its size and time still."""
    entry = Entry(known.path)
    try:
        status = Path(known.path).stat()
        entry = replace(entry, size=status.st_size, mtime_ns=status.st_mtime_ns)
        if (entry.size, entry.mtime_ns) == (known.size, known.mtime_ns) and not known.error:
            return known
        data = readers.load(known.path)
        entry = replace(entry, sha256=sha256(data).hexdigest())
        entry = replace(entry, facts=readers.inspect(data)[0])
        if entry.facts and entry.facts.frames > 1 and frame is None:
            return entry
        pixels = readers.decode(data, window, frame)[0]
    except (OSError, ValueError):
        return replace(entry, error=("P801", "there is no such file"))
    except readers.ReadError as fault:
        return replace(entry, error=(fault.code, fault.reason))
    digest = sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    return replace(entry, pixels=digest, low=float(pixels.min()), high=float(pixels.max()))
