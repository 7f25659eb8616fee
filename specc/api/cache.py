"""What is kept of images beside the data, how much it is, and how to be rid of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specc.api.notebook import Shown
from specc.run import kept


@dataclass(frozen=True, repr=False)
class Cache(Shown):
    """The caches in a folder and below it; `freed` are the bytes that were removed just now."""

    places: tuple[kept.Place, ...]
    freed: int = 0

    @property
    def bytes(self) -> int:
        """Of all entries."""
        return sum(place.bytes for place in self.places)

    def lines(self) -> list[str]:
        """For a terminal: a data folder a block, an entry a line."""
        lines = [f"freed {kept.shown(self.freed)}"] if self.freed else []
        for place in self.places:
            if place.entries:
                lines.append(f"{place.data}: {kept.shown(place.bytes)} of at most {kept.shown(place.limit)}")
            for entry in reversed(place.entries):
                used = "in use" if entry.in_use else f"used {kept.age(entry.used)} ago".replace("now ago", "just now")
                study = f"of the study {entry.study}" if entry.study else "of any study on these data"
                study = study if entry.study or entry.file.suffix == ".bin" else "of a study that is not known"
                lines.append(f"  {kept.shown(entry.bytes):>10}  {entry.what:<14}  {used:<22}  {study}")
        return lines if self.bytes else [*lines, "nothing is kept"]

    def plain(self) -> dict[str, Any]:
        """As `cache --json` prints it."""
        return {
            "bytes": self.bytes,
            "freed": self.freed,
            "caches": [
                {
                    "data": place.data.as_posix(),
                    "bytes": place.bytes,
                    "limit": place.limit,
                    "entries": [
                        {
                            "file": entry.file.name,
                            "what": entry.what,
                            "study": entry.study or None,
                            "bytes": entry.bytes,
                            "used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.used)),
                            "in_use": entry.in_use,
                        }
                        for entry in place.entries
                    ],
                }
                for place in self.places
            ],
        }


def cache(data: FilePath | str = ".", *, clear: bool = False, limit: str | None = None) -> Cache:
    """What is kept in the `.specc` folders in and below `data`; no training needs any of it to be there.

    `clear` removes all that nobody uses just now. `limit` (such as `20GB`) is kept for the cache of `data` itself from
    now on; without one it is 20 GB, or what SPECC_CACHE_LIMIT says. Raises SpeccError T671, T672.
    """
    root = FilePath(data)
    freed = kept.set_limit(root, limit) if limit is not None else 0
    freed += kept.clear(kept.places(root)) if clear else 0
    return Cache(tuple(kept.places(root)), freed)
