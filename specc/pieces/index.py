"""The index of a data set: every file hashed and decoded once, shared by whatever comes after, checks and trainings."""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from specc.pieces import cache, readers

VERSION = 2  # of the file, and of what pixels mean: another one is read anew
BUDGET = 2 << 30  # bytes of decoded pixels that are kept; what is beyond is decoded again where it is needed
SHORT = 1e-3  # seconds below which threads cost more than they bring
Array = np.ndarray[Any, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Entry:
    """A file. `pixels` is the SHA-256 of its decoded values, `low` and `high` their range, `kept` where they lie.

    That is a file beside the index, the first byte in it, and the type of number, which holds the values exactly.
    """

    path: str
    size: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    pixels: str = ""
    low: float = 0.0
    high: float = 0.0
    facts: readers.Facts | None = None
    error: tuple[str, str] | None = None  # code and reason, where it cannot be read
    kept: tuple[str, int, str] | None = None


class Store:
    """Decoded pixels, one after the other in a file of this run, as far as the budget goes and the disk takes them."""

    def __init__(self, folder: Path, budget: int) -> None:
        self.path, self.left, self.at = folder / f"pixels-{secrets.token_hex(8)}.bin", budget, 0
        self.file: IO[bytes] | None = None
        with suppress(OSError):
            self.file = self.path.open("wb", buffering=1 << 20) if budget > 0 else None
        if self.file is not None:
            cache.locked(self.file, alone=True)  # while no index names it, nobody takes it for one that is left over

    def keep(self, entry: Entry, values: Array | None) -> Entry:
        """The entry, with the place where its pixels lie if there was room."""
        if self.file is None or values is None or values.nbytes > self.left:
            return entry
        try:
            self.file.write(values.tobytes())
        except OSError:  # nothing depends on it, and what is written next needs the room
            self.left, self.at = 0, 0
            self.close()
            return entry
        place, self.at, self.left = self.at, self.at + values.nbytes, self.left - values.nbytes
        return replace(entry, kept=(self.path.name, place, values.dtype.str))

    def whole(self, entries: list[Entry]) -> list[Entry]:
        """The entries; without their places where not all of it lies on the disk now."""
        try:
            if self.file is not None:
                self.file.flush()
        except OSError:
            self.at = 0
        gone = "" if self.at else self.path.name
        return [replace(entry, kept=None) if entry.kept and entry.kept[0] == gone else entry for entry in entries]

    def close(self) -> None:
        """Let go of the file; one that is of no use is removed."""
        if self.file is not None:
            with suppress(OSError):  # what could not be written is written once more when a file is closed
                self.file.close()
            self.file = None
        if not self.at:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)


def index(
    paths: Iterable[str | Path],
    cache_file: str | Path,
    progress: Callable[[int, int], None] | None = None,
    window: str = "none",
    frame: int | None = None,
    workers: int = 2,
) -> list[Entry]:
    """Hash and decode every file but those that `cache_file` knows by path, size and time, and keep it up to date.

    A file of several frames is decoded only when `frame` says which one. Several processes may do so at once: what each
    finds is kept. An index that cannot be written is no fault; the next who asks reads the files anew.
    """
    folders: dict[str, str] = {}
    names, store = [place_of(str(path), folders) for path in paths], Path(cache_file)
    reading = [VERSION, window, frame]
    known = with_pixels(known_entries(store, reading), store.parent)
    before = [known.get(name, Entry(name)) for name in names]
    entries = [seen if seen.facts and unchanged(seen) else None for seen in before]
    new = [place for place, entry in enumerate(entries) if entry is None]
    if not new:
        if progress:
            progress(len(names), len(names))
        if strays(store.parent, known):
            with suppress(OSError), cache.in_turn(store.parent):
                sweep(store.parent, known_entries(store, reading))
        return before
    kept = Store(store.parent, room(store.parent, known))
    try:
        found = several(lambda place: examine(names[place], window, frame), new, workers)
        for done, (place, (entry, values)) in enumerate(zip(new, found, strict=True), len(names) - len(new) + 1):
            entries[place] = kept.keep(entry, values)
            if progress:
                progress(done, len(names))
        whole = kept.whole([entry for entry in entries if entry is not None])
        with suppress(OSError), cache.in_turn(store.parent):
            write_index(store, reading, whole)
    except BaseException:
        kept.at = 0  # no index names it
        raise
    finally:
        kept.close()
    return whole


def write_index(store: Path, reading: list[Any], found: list[Entry]) -> None:
    """Put entries beside those that are there by now, and remove pixels that no entry names. Raises OSError."""
    known = with_pixels(known_entries(store, reading), store.parent)
    known = {path: entry for path, entry in known.items() if os.path.exists(path)}
    known.update((entry.path, entry) for entry in found)
    rows = [vars(entry) | {"facts": entry.facts and vars(entry.facts)} for entry in known.values()]
    with cache.writing(store) as part:
        part.write(json.dumps({"reading": reading, "files": rows}).encode("ascii"))
    sweep(store.parent, known)


def strays(folder: Path, known: Mapping[str, Entry]) -> list[Path]:
    """Files of pixels that no entry names."""
    named = {entry.kept[0] for entry in known.values() if entry.kept}
    return [file for file in folder.glob("pixels-*.bin") if file.name not in named]


def sweep(folder: Path, known: Mapping[str, Entry]) -> None:
    """Remove pixels that no entry names, but not what another process uses, or writes: the next who asks does that."""
    for file in strays(folder, known):
        cache.remove(file)


def room(folder: Path, known: Mapping[str, Entry]) -> int:
    """Bytes of pixels that may be written: what the budget leaves beside those that stay, none where none can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        most = min(BUDGET, cache.limit(folder) // 4)
        cache.make_room(folder)
        stay = {entry.kept[0] for entry in known.values() if entry.kept and unchanged(entry)}
        there = sum((folder / name).stat().st_size for name in stay if (folder / name).exists())
        return min(most - there, shutil.disk_usage(folder).free // 2) if os.access(folder, os.W_OK) else 0
    except (OSError, ValueError):
        return 0


def with_pixels(known: dict[str, Entry], folder: Path) -> dict[str, Entry]:
    """Entries whose pixels are there as far as they were kept, in a file that is mostly of use.

    What was removed by hand is read and kept anew; so is the rest of a file of which more than half is of no use any
    more, so that it can go.
    """
    used: dict[str, int] = {}
    for entry in known.values():
        if entry.kept:
            used[entry.kept[0]] = used.get(entry.kept[0], 0) + size_of(entry) * unchanged(entry)
    good = set()
    for name, useful in used.items():
        with suppress(OSError):
            if 2 * useful >= (folder / name).stat().st_size:
                good.add(name)
    return {path: entry for path, entry in known.items() if not entry.kept or entry.kept[0] in good}


def place_of(path: str, folders: dict[str, str]) -> str:
    """A file's one name, links resolved; `folders` remembers those that were asked for."""
    head, tail = os.path.split(os.path.abspath(path))
    if head not in folders:
        folders[head] = os.path.realpath(head)
    name = os.path.join(folders[head], tail)
    return os.path.realpath(name) if os.path.islink(name) else name


def known_entries(store: Path, reading: list[Any]) -> dict[str, Entry]:
    """What an index holds, by path; nothing where it was read otherwise, is not there, or is of no use."""
    entries = {}
    try:
        held = json.loads(store.read_bytes())
        for row in held["files"] if held["reading"] == reading else ():
            facts, error, kept = row["facts"], row["error"], row["kept"]
            row |= {"facts": facts and readers.Facts(**facts), "error": error and tuple(error)}
            entries[row["path"]] = Entry(**row | {"kept": kept and (Path(kept[0]).name, int(kept[1]), str(kept[2]))})
    except (OSError, ValueError, TypeError, LookupError):
        return {}
    return entries


def unchanged(entry: Entry) -> bool:
    """Whether a file that could be read has its size and time still."""
    try:
        status = os.stat(entry.path)
    except OSError:
        return False
    return not entry.error and (entry.size, entry.mtime_ns) == (status.st_size, status.st_mtime_ns)


def several(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """What `work` makes of each item, in order; by threads where an item takes long enough to be worth it."""
    first, waiting, spent = 16, deque[Future[Result]](), list[float]()
    for item in items[:first]:
        began = time.perf_counter()
        result = work(item)
        spent.append(time.perf_counter() - began)
        yield result
    if workers < 2 or not spent or sorted(spent)[len(spent) // 2] < SHORT:  # the first item may load libraries
        yield from map(work, items[first:])
        return
    with ThreadPoolExecutor(workers) as pool:
        for item in items[first:]:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 4 * workers:  # results wait to be taken: not too many
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()


def examine(path: str, window: str, frame: int | None) -> tuple[Entry, Array | None]:
    """The entry of a file, and its pixels in the smallest type that holds them exactly."""
    told: dict[str, Any] = {"path": path}
    try:
        status = os.stat(path)
        told |= {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
        data = readers.load(path)
        told["sha256"] = sha256(data).hexdigest()
        header = readers.inspect(data)
        told["facts"] = header[0]
        if header[0].frames > 1 and frame is None:
            return Entry(**told), None
        pixels = readers.decode(data, window, frame, header)[0]
    except (OSError, ValueError):
        return Entry(**told, error=("P801", "there is no such file")), None
    except readers.ReadError as fault:
        return Entry(**told, error=(fault.code, fault.reason)), None
    low, high = float(pixels.min()), float(pixels.max())
    return Entry(**told, pixels=digest(pixels), low=low, high=high), narrow(pixels, low, high)


def digest(pixels: Array) -> str:
    """SHA-256 of an image's shape and float32 values."""
    made = sha256(repr(pixels.shape).encode())
    made.update(np.ascontiguousarray(pixels).data)
    return made.hexdigest()


def narrow(pixels: Array, low: float, high: float) -> Array:
    """The same values as 8 or 16 bit integers where those hold them."""
    for kind in (np.dtype("|u1"), np.dtype("<u2"), np.dtype("<i2")):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            whole = pixels.astype(kind)
            return whole if np.array_equal(whole, pixels) else pixels.astype("<f4")
    return pixels.astype("<f4")


def size_of(entry: Entry) -> int:
    """Bytes that its kept pixels take."""
    facts = entry.facts
    return np.dtype(entry.kept[2]).itemsize * facts.height * facts.width * facts.samples if entry.kept and facts else 0


def read(entry: Entry, folder: Path, window: str, frame: int | None) -> Array:
    """(height, width, samples) float32: what was kept of a file if it is that still, else decoded anew.

    `folder` is the index's. Raises readers.ReadError.
    """
    if entry.kept and entry.facts and entry.kept[2] in ("|u1", "<u2", "<i2", "<f4"):
        (name, at, kind), shape = entry.kept, (entry.facts.height, entry.facts.width, entry.facts.samples)
        with suppress(OSError, ValueError, MemoryError, OverflowError):
            values = np.fromfile(folder / name, kind, math.prod(shape), offset=at).reshape(shape).astype(np.float32)
            if digest(values) == entry.pixels:
                return values
    return readers.read(entry.path, window, frame)[0]
