"""The images of a spec as the host sees them: where they lie, whose they are, what they hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specc.pieces import index as file_index
from specc.pieces import readers, tables
from specc.run.faults import fault


@dataclass(frozen=True)
class Origins:
    """`files` are paths below `root` as the program names them; `patients` names whose each is, where a table says."""

    root: FilePath
    files: tuple[str, ...]
    patients: Mapping[str, str] = field(default_factory=dict)
    dicom: bool = False
    table: str = ""

    def patient_of(self, file: str) -> str:
        """The patient of a file: by the table, by a DICOM header, else the file itself (each its own patient)."""
        if file in self.patients:
            return self.patients[file]
        if self.dicom:
            try:
                return readers.header(self.root / file).patient or file
            except (readers.ReadError, OSError):
                return file
        return file


def origins(resolved: Mapping[str, Any], folder: FilePath) -> Origins:
    """The images of a spec (as its lock resolves it) whose relative paths start in `folder`.

    Raises SpeccError T653 where the table or the folder is gone or cannot be read.
    """
    data = resolved["data"]
    dicom = resolved["input"]["format"] == "dicom"
    try:
        rows, place = _rows(data, resolved.get("output") or {}, folder)
    except (OSError, ValueError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        cure = "put the data back, or name where the spec's paths start: `--data DIR`"
        raise fault("T653", f"the images of this run cannot be listed: {reason}", cure) from error
    column = _group(data, (data.get("columns") or {}).get("patient"))
    names = [(place / row["file"]).as_posix() for row in rows]
    if isinstance(column, str) and rows and column in rows[0]:
        owners = tables.group_by_column(rows, column)
    elif column == "folder":
        owners = tables.group_by_folder(names)
    elif isinstance(column, Mapping):
        owners = tables.group_before(names, str(column["before"]))
    else:
        owners = []
    return Origins(folder, tuple(names), dict(zip(names, owners, strict=False)), dicom, data.get("manifest") or "")


def _group(data: Mapping[str, Any], patient: Any) -> Any:
    """What stays together in the split: `group` where it is given, else the column of patients."""
    group = (data.get("split") or {}).get("group") or patient
    columns = data.get("columns") or {}
    return columns.get(group, group) if isinstance(group, str) else group


def _rows(
    data: Mapping[str, Any], output: Mapping[str, Any], folder: FilePath
) -> tuple[list[dict[str, str]], FilePath]:
    """Rows with `file`, and the folder (below `folder`) that the files are relative to."""
    if data.get("manifest"):
        table = FilePath(data["manifest"])
        column = str((data.get("columns") or {}).get("image", "image"))
        rows = tables.read_manifest(folder / table)
        return [{**row, "file": row[column]} for row in rows], table.parent
    if data.get("folders"):
        place = FilePath(data["folders"])
        return tables.read_folders(folder / place, output.get("classes") or ()), place
    place = FilePath(data["images"])
    return tables.read_images(folder / place), place


def index(
    found: Origins,
    cache: FilePath,
    window: str = "none",
    frame: int | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, str]:
    """SHA-256 of every image, and of the table, by name; the cache (the program's) knows what it has seen unchanged."""
    files = [found.root / name for name in found.files]
    workers = min(8, os.cpu_count() or 1)
    entries = file_index.index(files, cache / "index.json", tell, window, frame, workers)
    hashes = {name: entry.sha256 for name, entry in zip(found.files, entries, strict=True)}
    if found.table:
        hashes[found.table] = hashlib.sha256((found.root / found.table).read_bytes()).hexdigest()
    return hashes
