"""What the index of a data set knows already, without the readers: a check that finds nothing new loads no numpy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path as FilePath
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from specc.pieces.index import Entry

VERSION = 2  # of specc.pieces.index; a test holds these three to what stands there
ENTRY = {"path", "size", "mtime_ns", "sha256", "pixels", "low", "high", "facts", "error", "kept"}
FACTS = {
    *("format", "height", "width", "samples", "bits", "signed", "floating", "photometric", "frames", "compression"),
    *("modality", "patient", "row_mm", "column_mm"),
}


def known(files: Iterable[FilePath], store: FilePath, window: str, frame: int | None) -> list[Entry] | None:
    """An entry a file, as the index keeps it; None where one of them is new or changed, or could not be read."""
    try:
        kept = json.loads(store.read_bytes())
        rows = {row["path"]: row for row in kept["files"]} if kept["reading"] == [VERSION, window, frame] else {}
        entries = [_same(rows.get(str(file.absolute())), file) for file in files]
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None
    return None if None in entries else cast("list[Entry]", entries)


def _same(row: dict[str, Any] | None, file: FilePath) -> SimpleNamespace | None:
    """The entry of a row whose file has its size and time still."""
    if row is None or row.keys() != ENTRY or row["error"] or not row["facts"] or row["facts"].keys() != FACTS:
        return None
    status = file.stat()
    if (row["size"], row["mtime_ns"]) != (status.st_size, status.st_mtime_ns):
        return None
    return SimpleNamespace(**{**row, "facts": SimpleNamespace(**row["facts"])})
