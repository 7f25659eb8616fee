"""The folder of a cache: bounded, and safe where several processes use it at once, are killed, or the disk is full.

What a process uses it holds by a shared lock on the file, which the system lets go when the process ends, however it
ends. Where room is wanted, what was used longest ago goes first, and never what somebody holds. Only edited images
(`*.npy`), decoded pixels (`*.bin`) and what was being written (`*.part`) are counted and removed.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: a file that is open cannot be removed there, which is all that is wanted
    HAS_LOCKS = False
else:
    HAS_LOCKS = True

SETTING = "SPECC_CACHE_LIMIT"  # of the environment; else the file `limit` in the folder, else:
LIMIT = 20 * 10**9  # bytes of all entries of a folder
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}
KINDS = ("*.npy", "*.bin")
held: dict[str, IO[bytes]] = {}  # what this process uses until it ends


def size_from(text: str) -> int:
    """Bytes from `20 GB`, `500MB`, `1.5GiB` or a plain number. Raises ValueError."""
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?i?B|)\s*", text, re.ASCII | re.IGNORECASE)
    if found is None:
        raise ValueError(f"`{text}` is no size; write one as 20GB or 500MB")
    return int(float(found[1]) * UNITS[found[2].upper()])


def limit(folder: Path) -> int:
    """Bytes that the entries of a folder may take. Raises ValueError where what is set is no size."""
    told = os.environ.get(SETTING, "")
    if not told.strip():
        with suppress(OSError, UnicodeDecodeError):
            told = (folder / "limit").read_text(encoding="ascii")
    return size_from(told) if told.strip() else LIMIT


def locked(file: IO[bytes] | int, alone: bool) -> bool:
    """Lock an open file or folder, for this process alone or with others; False where somebody else is in the way."""
    if HAS_LOCKS:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return not alone
    return True


def is_there(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is still what the path names."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def hold(path: Path) -> bool:
    """Use an entry: nobody removes it as long as this process lives. False where there is none."""
    known = held.get(str(path))
    if known is not None and is_there(known, path):
        return True
    try:
        file = path.open("rb")
    except OSError:
        return False
    if not locked(file, alone=False) or not is_there(file, path):
        file.close()
        return False
    if known is not None:
        known.close()
    held[str(path)] = file
    with suppress(OSError):
        os.utime(path)
    return True


def in_use(path: Path) -> bool:
    """Whether a process holds an entry, or is writing it."""
    try:
        with path.open("rb") as file:
            return not locked(file, alone=True)
    except OSError:
        return False


def remove(path: Path) -> bool:
    """Remove an entry that nobody uses; whether it is gone."""
    try:
        with path.open("rb") as file:
            if not locked(file, alone=True):
                return False
            if HAS_LOCKS:
                path.unlink(missing_ok=True)
        if not HAS_LOCKS:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def writing(target: Path) -> Iterator[IO[bytes]]:
    """A file that is there whole under its name at the end, or not at all. Whoever wrote it goes on using it.

    What a fault leaves is removed at once; what a kill leaves, by the next who makes room.
    """
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    store = part.open("xb")
    try:
        locked(store, alone=True)
        yield store
        store.flush()
        os.fsync(store.fileno())
        if not HAS_LOCKS:
            store.close()
        os.replace(part, target)
    except BaseException:
        with suppress(OSError):  # what could not be written is written once more when a file is closed
            store.close()
        part.unlink(missing_ok=True)
        raise
    if HAS_LOCKS and target.suffix in (".npy", ".bin"):
        locked(store, alone=False)
        held[str(target)] = store
    else:
        store.close()


@contextmanager
def in_turn(folder: Path, seconds: float = 10.0) -> Iterator[None]:
    """For what only one process at a time should do to a folder; one who hangs there is not waited for long."""
    turn = os.open(folder, os.O_RDONLY) if HAS_LOCKS else None
    until = time.monotonic() + seconds
    while turn is not None and not locked(turn, alone=True) and time.monotonic() < until:
        time.sleep(0.02)
    try:
        yield
    finally:
        if turn is not None:
            os.close(turn)


def entries(folder: Path) -> list[tuple[Path, int, float]]:
    """Every entry with its bytes and when it was used last (seconds since 1970), longest ago first."""
    found = []
    for path in (path for kind in KINDS for path in folder.glob(kind)):
        with suppress(OSError):
            status = path.stat()
            found.append((path, status.st_size, status.st_mtime))
    return sorted(found, key=lambda entry: entry[2])


def make_room(folder: Path, wanted: int = 0) -> int:
    """Remove what killed processes left half-written, then what was used longest ago until `wanted` bytes more are
    within the limit and fit on the disk. The bytes that were freed. Raises ValueError where the limit is no size.
    """
    before = sum(size for _, size, _ in entries(folder))
    for part in folder.glob("*.part"):
        remove(part)
    kept, most = entries(folder), limit(folder)
    total = sum(size for _, size, _ in kept)
    with suppress(OSError):
        most = min(most, total + shutil.disk_usage(folder).free)
    for path, size, _ in kept:
        if total + wanted <= most:
            break
        if remove(path):
            total -= size
    return before - total
