"""What is kept of decoded and edited images beside the data, and its limit. No training needs any of it to be there."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from specc.pieces import cache
from specc.run.faults import fault

FOLDER = ".specc"
DEEP = 5  # levels below a folder that are looked through
WHAT = {".npy": "edited images", ".bin": "decoded pixels"}


@dataclass(frozen=True)
class Kept:
    """One entry: its file, for which study (edited images only), bytes, when it was used last, whether it is now."""

    file: FilePath
    what: str
    study: str
    bytes: int
    used: float
    in_use: bool


@dataclass(frozen=True)
class Place:
    """The cache beside one data folder."""

    data: FilePath
    entries: tuple[Kept, ...]
    limit: int

    @property
    def bytes(self) -> int:
        """Of all entries."""
        return sum(entry.bytes for entry in self.entries)


def places(root: FilePath) -> list[Place]:
    """The caches in a folder and below it. Raises SpeccError T671, T672."""
    if not root.is_dir():
        raise fault("T672", f"there is no folder {root}", "name the folder of the data: `specc cache --data DIR`")
    found = []
    for folder in _folders(root):
        kept = []
        for path, size, used in cache.entries(folder):
            name = path.name.split(".")[0] if re.fullmatch(r"[\w-]+\.[0-9a-f]{24}\.npy", path.name, re.ASCII) else ""
            kept.append(Kept(path, WHAT[path.suffix], name, size, used, cache.in_use(path)))
        found.append(Place(folder.parent, tuple(kept), limit_of(folder)))
    return found


def limit_of(folder: FilePath) -> int:
    """Bytes that a cache may take. Raises SpeccError T671."""
    try:
        return cache.limit(folder)
    except ValueError as error:
        cure = f"set {cache.SETTING} to a size such as 20GB, or unset it; a folder's own: `specc cache --limit 20GB`"
        raise fault("T671", f"the limit of the cache is not usable: {error}", cure) from None


def _folders(root: FilePath) -> Iterator[FilePath]:
    for place, names, _ in os.walk(root):
        below = len(FilePath(place).relative_to(root).parts)
        if FOLDER in names:
            yield FilePath(place) / FOLDER
        names[:] = sorted(name for name in names if not name.startswith(".") and below < DEEP)


def clear(found: list[Place]) -> int:
    """Remove every entry that nobody uses, and what killed processes left. The bytes that were freed."""
    freed = 0
    for place in found:
        for part in (place.data / FOLDER).glob("*.part"):
            cache.remove(part)
        freed += sum(entry.bytes for entry in place.entries if cache.remove(entry.file))
    return freed


def set_limit(root: FilePath, text: str) -> int:
    """Keep the cache of one data folder within a size from now on, and now. The bytes that were freed.

    Raises SpeccError T671, T672.
    """
    try:
        cache.size_from(text)
    except ValueError as error:
        raise fault("T671", str(error), "as in `specc cache --limit 20GB`") from None
    if not root.is_dir():
        raise fault("T672", f"there is no folder {root}", "name the folder of the data: `specc cache --data DIR`")
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "limit").write_text(f"{text.strip()}\n", encoding="ascii")
    limit_of(folder)
    return cache.make_room(folder)


def shown(size: float) -> str:
    """`412 MB`: three digits and a unit."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            break
        size /= 1000
    return f"{size:.3g} {unit}" if size < 999.5 else f"{size:,.0f} {unit}"


def age(used: float) -> str:
    """`now`, `5 minutes`, `3 days`."""
    seconds = max(0.0, time.time() - used)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "now"
