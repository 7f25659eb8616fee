"""Data against spec: read the table, look into every file once, ask every rule."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from specc.blame import findings
from specc.data.known import known
from specc.data.look import LISTS, Look
from specc.data.rules import RULES
from specc.data.split import folds_of, groups, parts
from specc.data.summary import Summary, summarize
from specc.data.table import Row, Table, read_table
from specc.errors import Diagnostic, SpeccError
from specc.pieces import tables
from specc.study import Study

if TYPE_CHECKING:
    from specc.pieces.index import Entry

Progress = Callable[[int, int], None]


def check_data(
    study: Study, progress: Progress | None = None, root: FilePath | None = None
) -> tuple[list[Diagnostic], Summary]:
    """Everything that is wrong with a spec's data, and what they are.

    Relative paths start in `root` (default: the folder of the spec). The index of the files and the lists that messages
    name are kept in `.specc/` beside the spec; a folder that cannot be written is no fault.
    """
    try:
        look, skipped = look_at(study, progress, root or study.folder)
    except SpeccError as error:
        return list(error.diagnostics), Summary()
    diagnostics: list[Diagnostic] = []
    for rule in (*RULES, *study.task.checks):
        errors = {diagnostic.code for diagnostic in diagnostics if diagnostic.severity == "error"}
        if errors.isdisjoint(rule.after):
            at = study.span("task")
            diagnostics += findings(study.registry, rule.code, rule.check, look, at, ("task",))
    _write_lists(study.folder / LISTS, look)
    return diagnostics, summarize(look, skipped)


def look_at(study: Study, progress: Progress | None, root: FilePath) -> tuple[Look, int]:
    """The data of a spec as rules see them, and how many images were left out because the spec says so."""
    table = read_table(study, root)
    files = [file for row in table.rows for file in row.by_file()]
    look = Look(study, table, _index(study, table, files, progress), files)
    kept = [(row, of) for row, of in look.cases() if not any(_other_modality(study, entry) for entry in of)]
    skipped = len(table.rows) - len(kept)
    if skipped:
        look.table = replace(table, rows=tuple(row for row, _ in kept))
        look.files = [file for row, _ in kept for file in row.by_file()]
        look.entries = [entry for _, of in kept for entry in of]
    look.groups = groups(look)
    look.folds = folds_of(look)
    look.parts = parts(look)
    return look, skipped


def reader_window(study: Study) -> str:
    """The `window` that readers are asked for: only `auto` on DICOM is theirs, anything else is the model's part."""
    inputs = study.spec.input
    return "auto" if inputs.format == "dicom" and inputs.window in (None, "auto") else "none"


def _other_modality(study: Study, entry: Entry | None) -> bool:
    if study.spec.data.skip != "other_modality" or not study.spec.input.modality or entry is None:
        return False
    if entry.facts is None:
        return entry.error is not None and entry.error[0] == "P808"  # DICOM that holds no image
    return entry.facts.format == "dicom" and entry.facts.modality not in study.spec.input.modality


def _index(study: Study, table: Table, rows: list[Row], progress: Progress | None) -> list[Entry | None]:
    """One entry a file; None where there is no such file, or where it lies outside."""
    folders: dict[str, FilePath] = {}
    files = [_file(table, row, folders) for row in rows]
    there = list(dict.fromkeys(file for file in files if file is not None))
    window, frame, workers = reader_window(study), study.spec.input.frame, min(8, os.cpu_count() or 1)
    folder = study.folder / LISTS
    entries = known(there, folder / "index.json", window, frame)
    if entries is None:
        import tempfile

        from specc.pieces.index import index

        with tempfile.TemporaryDirectory() as spare:
            store = (folder if _writable(folder) else FilePath(spare)) / "index.json"
            entries = index(there, store, progress, window, frame, workers)
    by_file = dict(zip(there, entries, strict=True))
    return [None if file is None else by_file[file] for file in files]


def _writable(folder: FilePath) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _file(table: Table, row: Row, folders: dict[str, FilePath]) -> FilePath | None:
    try:
        file = tables.inside(table.root, row.file, folders)
        return file if file.exists() else None
    except (OSError, ValueError):
        return None


def _write_lists(folder: FilePath, look: Look) -> None:
    """One CSV a code; lists of an earlier check that no longer hold are removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("D4??.csv"):
            if old.stem not in look.lists:
                old.unlink()
        for code, files in look.lists.items():
            with (folder / f"{code}.csv").open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("file", "what"))
                writer.writerows((_harmless(name), what) for name, what in files)
    except OSError:
        return


def _harmless(name: str) -> str:
    """The same file for a program, and no formula for a spreadsheet."""
    return f"./{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
