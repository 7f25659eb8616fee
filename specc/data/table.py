"""The table of a spec's files, as the emitted program will read it, with what keeps it from being read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from specc.blame import at_fault, blamed, brought, owner_of
from specc.errors import Path, SpeccError
from specc.pieces import tables
from specc.plugin import Source
from specc.study import Study


@dataclass(frozen=True, slots=True)
class Row:
    """One image. `file` is relative to the table's root; `number` counts the lines of data from 1.

    `targets` holds what is to be answered where that is no class: word of the table -> entry. `others` are the further
    files of a case whose channels are files of their own, and `channel` says which of them `file` is.
    """

    number: int
    file: str
    label: str | None = None
    targets: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    channel: int = 0

    def by_file(self) -> tuple[Row, ...]:
        """This row for each file of the case."""
        return (self, *(replace(self, file=file, channel=place) for place, file in enumerate(self.others, 1)))


@dataclass(frozen=True)
class Table:
    """Rows, and how they came about.

    `root` is the folder that files must stay in, `shown` the same as the spec writes it, `path` the key of the spec
    that names the source, `words` our words -> columns, `folders` the class folders that are there. `problem` is
    (code of the rule that reports it, in words) where there are no rows because something is wrong.
    """

    path: Path
    root: FilePath = FilePath()
    shown: str = ""
    rows: tuple[Row, ...] = ()
    header: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] | None = None
    problem: tuple[str, str] | None = None


def read_table(study: Study, root: FilePath) -> Table:
    """The rows of a spec whose relative paths start in `root`."""
    data = study.spec.data
    given = [name for name in study.sources if getattr(data, name)]
    if len(given) != 1:
        names = " and ".join(f"`{name}`" for name in given)
        return Table(("data",), problem=("D404", f"{names} are two sources" if given else "no source is named"))
    path: Path = ("data", given[0])
    place = root / getattr(data, given[0])
    source = next((source for source in study.task.sources if source.name == given[0]), None)
    kind = "file" if given[0] == "manifest" or (source and not source.folder) else "folder"
    try:
        missing = not (place.is_file() if kind == "file" else place.is_dir())
    except (OSError, ValueError):
        missing = True
    if missing:
        return Table(path, problem=("D404", _not_there(place, kind)))
    shown = FilePath(getattr(data, given[0]))
    try:
        if source is not None:
            return _listed(study, source, path, place, shown if source.folder else shown.parent)
        if given[0] == "manifest":
            return _manifest(study, path, place, shown.parent.as_posix())
        if given[0] == "folders":
            return _folders(study, path, place, shown.as_posix())
        rows = tuple(Row(number, row["file"]) for number, row in enumerate(tables.read_images(place), 1))
        return Table(path, place, shown.as_posix(), rows)
    except ValueError as fault:
        return Table(path, problem=("D405", str(fault)))
    except OSError as fault:
        return Table(path, problem=("D404", fault.strerror or "it cannot be opened"))


def _not_there(place: FilePath, wanted: str) -> str:
    if place.exists():
        return f"it is not a {wanted}"
    import difflib

    near: list[str] = []
    if place.parent.is_dir():
        near = difflib.get_close_matches(place.name, [other.name for other in place.parent.iterdir()], 1)
    return f"there is no such {wanted}" + (f"; close to it: `{near[0]}`" if near else "")


def _listed(study: Study, source: Source, path: Path, place: FilePath, shown: FilePath) -> Table:
    """The images that a source of the task lists."""
    root, forms = place if source.folder else place.parent, _answered(study)
    words = {word: word for word in ("image", *source.words)}
    values = _read(study, source, place, path)
    rows = tuple(
        Row(number, row["file"], row.get("label"), {w: v for w, v in row.items() if w.partition(".")[0] in forms}, row)
        for number, row in enumerate(values, 1)
    )
    return Table(path, root, shown.as_posix(), rows, ("file", *source.words), words)


def _read(study: Study, source: Source, place: FilePath, path: Path) -> list[dict[str, str]]:
    """What a source lists. Raises SpeccError S119 where it fails or lists no such rows, ValueError as it does."""
    refused, at = list[ValueError](), study.span(*path)
    plugin = owner_of(study.registry, "tasks", study.task.name)
    read = brought(study.registry, source.piece, plugin, at, path)
    with blamed(study.registry, at, path):
        try:
            found = read(place)
        except ValueError as fault:
            refused.append(fault)
    if refused:
        raise refused[0]
    wanted = {"file", *source.words}
    for number, row in enumerate(found if isinstance(found, list) else [None], 1):
        right = isinstance(row, dict) and all(isinstance(text, str) for item in row.items() for text in item)
        if not right or wanted - row.keys():
            lacks = f"lacks `{sorted(wanted - row.keys())[0]}`" if right else "is no dict of texts"
            what = f"has a source `{source.name}` that lists no rows of texts: row {number} {lacks}"
            where = f"{source.piece.module}, in {source.piece.name}"
            raise SpeccError((at_fault(study.registry, plugin, what, where, at, path),))
    return list(found)


def _answered(study: Study) -> set[str]:
    """The words of the table that belong to a form of output and hold numbers: no label, no file."""
    return {column.name for column in study.task.columns if column.form and not column.file} - {"label"}


def channels(study: Study) -> int:
    """How many files a case has."""
    columns = (study.spec.data.columns or {}).get("image")
    return len(columns) if isinstance(columns, tuple) else 1


def wanted(study: Study) -> dict[str, str]:
    """Our words -> the manifest's columns, for all that the task and the spec ask for."""
    output, columns = getattr(study.spec, "output", None), dict(study.spec.data.columns or {})
    words = {"image": "image"}
    for column in study.task.columns:
        asked: Any = getattr(output, column.form, None) if column.form else column.required
        if asked and column.each:
            words |= {f"{column.name}.{name}": name for name in asked}
        elif asked:
            words[column.name] = column.name
    for word, column in columns.items():
        inner: dict[str, Any] = column if isinstance(column, dict) else {}
        if isinstance(column, tuple):
            words |= {f"{word}.{place}" if place else word: name for place, name in enumerate(column)}
            continue
        words |= {f"{word}.{name}": name_of for name, name_of in inner.items()} if inner else {word: str(column)}
    return words


def _manifest(study: Study, path: Path, place: FilePath, shown: str) -> Table:
    values = tables.read_manifest(place)
    words = wanted(study)
    header = tuple(values[0]) if values else ()
    split = study.spec.data.split
    told = {split.column, split.folds_column} - {None} if split else set()
    asked = set(words.values()) | told
    missing = sorted(asked - set(header)) if values else []
    if not values:
        return Table(path, problem=("D405", "it has column names and no line of data"))
    table = Table(path, place.parent, shown, (), header, words)
    if missing:
        return replace(table, problem=("D406", missing[0]))
    label = words.get("label")
    forms = _answered(study)
    names = {word: column for word, column in words.items() if word.partition(".")[0] in forms}
    further = [words[f"image.{place}"] for place in range(1, channels(study))]
    rows = (
        Row(
            number,
            row[words["image"]],
            row[label] if label else None,
            {word: row[column] for word, column in names.items()},
            row,
            tuple(row[column] for column in further),
        )
        for number, row in enumerate(values, 1)
    )
    return replace(table, rows=tuple(rows))


def _folders(study: Study, path: Path, place: FilePath, shown: str) -> Table:
    found = sorted(other.name for other in place.iterdir() if other.is_dir() and not other.name.startswith("."))
    classes = study.classes
    if not classes:
        files: list[tuple[str | None, str]] = [(None, row["file"]) for row in tables.read_images(place)]
    else:
        there = [name for name in classes if name in found]
        files = [(name, f"{name}/{row['file']}") for name in there for row in tables.read_images(place / name)]
    rows = tuple(Row(number, file, label) for number, (label, file) in enumerate(files, 1))
    return Table(path, place, shown, rows, folders=tuple(found))
