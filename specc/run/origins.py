"""The images of a study as a run keeps them: what each holds, whose it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from specc.data import look_at
from specc.data.look import Look, shown
from specc.run.faults import fault
from specc.source import Sequence_
from specc.spec.names import PLACES
from specc.study import Study


@dataclass(frozen=True)
class Origins:
    """Files by their path below `root`, as the program names them: SHA-256 (of the table, too), and patient."""

    root: FilePath
    hashes: Mapping[str, str]
    patients: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of the table: column -> entry
    cases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # all files of a case, by the first of them

    def patient_of(self, file: str) -> str:
        """The patient of a file; where nothing tells, each file is its own."""
        return self.patients.get(file) or file

    def column(self, name: str) -> Callable[[str], str]:
        """The entry of each file in a column of the table. Raises SpeccError P877 where there is no such column."""
        columns = next((list(line) for line in self.lines.values()), [])
        if name not in columns:
            known = f"its columns are: {', '.join(columns)}" if columns else "only a table has columns"
            raise fault("P877", f"the study's table has no column `{name}`", known)
        return lambda file: self.lines.get(file, {}).get(name, "")


def names_file(study: Study) -> list[FilePath]:
    """The files of names that the spec points to, as `classes: {file: names.txt}`."""
    lists = [study.document.node(path) for path in PLACES]
    stand = {str(of.items[0].definition.file) for of in lists if isinstance(of, Sequence_) and of.items[0].definition}
    return [FilePath(file) for file in sorted(stand - {study.document.file})]


def origins(study: Study, root: FilePath, tell: Callable[[int, int], None] | None = None) -> Origins:
    """The images of a study whose relative paths start in `root`; the index in `.specc/` knows what did not change.

    Raises SpeccError T653 where the table or the folder is gone or cannot be read.
    """
    look, _ = look_at(study, tell, root)
    if look.table.problem is not None:
        cure = "put the data back, or name where the spec's paths start: `--data DIR`"
        raise fault("T653", f"the images of this run cannot be listed: {look.table.problem[1]}", cure)
    names = [shown(look.table, row) for row in look.table.rows]
    every = [shown(look.table, row) for row in look.files]
    hashes = {name: entry.sha256 if entry else "" for name, entry in zip(every, look.entries, strict=True)}
    people = look.patients()
    if not any(people):
        people = list(look.groups)
    hashes |= _beside(study, look, root)
    lines = {name: row.values for name, row in zip(names, look.table.rows, strict=True) if row.values}
    for path in names_file(study):
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    cases = {name: tuple(shown(look.table, file) for file in row.by_file()) for name, row in
             zip(names, look.table.rows, strict=True) if row.others}  # fmt: skip
    return Origins(root, hashes, dict(zip(names, people, strict=False)), lines, cases)


def _beside(study: Study, look: Look, root: FilePath) -> dict[str, str]:
    """SHA-256 of the table, and of the files that it names beside the images (masks, paired images)."""
    listing = [
        study.spec.data.manifest,
        *(getattr(study.spec.data, s.name) for s in study.task.sources if not s.folder),
    ]
    files = [FilePath(name).as_posix() for name in listing if name]
    beside = [column.name for column in study.task.columns if column.file]
    for word, column in look.table.words.items():
        if word.partition(".")[0] in beside:
            names = (row.values.get(column, "") for row in look.table.rows)
            files += [(FilePath(look.table.shown) / name).as_posix() for name in names if name]
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in dict.fromkeys(files)}
