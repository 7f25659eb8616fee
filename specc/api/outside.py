"""Cases from elsewhere for a model whose task gives answers of its own kind: a table, a folder, a task's source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path as FilePath

from specc.answering import Item
from specc.deploy.contract import Contract
from specc.deploy.faults import fault
from specc.deploy.files import file_columns
from specc.deploy.labelled import Faults, column_of, no_column, one_case_only
from specc.pieces import tables
from specc.plugin import Source, Task


def words_of(task: Task, contract: Contract) -> tuple[str, ...]:
    """Our words for what is known of a case, as the model's study had them, or as its task needs them: of columns of
    one name those whose form the model has, and of such that stand for each name, one for each.
    """
    formed = {column.name for column in task.columns if contract.plain.get(column.form)}
    needed = list[str]()
    for column in task.columns:
        told = contract.plain.get(column.form)
        if column.each:
            needed += [f"{column.name}.{name}" for name in told or ()]
        elif column.required and (told or column.name not in formed):
            needed.append(column.name)
    return tuple(word for word in dict.fromkeys((*contract.words, *needed)) if word not in ("image", "patient"))


def read_cases(
    place: FilePath,
    task: Task,
    contract: Contract,
    columns: Mapping[str, str],
    usual: Mapping[str, str],
    by: str | None = None,
) -> tuple[Item, ...]:
    """The cases of a table (CSV), of a file or folder that a source of the task reads, or of a folder of images.

    `columns` says which column of the table is `image`, `mask`, ..., `usual` what they are called in the model's own
    study. Raises SpeccError P861, P872, P873, P875, P877.
    """
    source = next((source for source in task.sources if source.folder == place.is_dir()), None)
    if place.is_dir() or (source is not None and place.suffix.casefold() != ".csv"):
        if columns or by is not None:
            what = "--columns" if columns else "--by"
            raise fault("P875", f"{place} is no CSV table, and `{what}` is about its columns", "name a CSV table")
        return _listed(place, task, contract, source)
    try:
        rows = tables.read_manifest(place)
    except OSError as error:
        raise fault("P872", f"cannot read {place}: {error.strerror}", "name a CSV table") from error
    except ValueError as error:
        raise fault("P872", f"cannot read {place}: {error}", "save it as CSV in UTF-8") from error
    if not rows:
        raise fault("P872", f"{place} holds column names and no line of data", "add a line for each image")
    header = tuple(rows[0])
    if by is not None and by not in header:
        raise no_column(place, "P877", by, f"`--by {by}`", header)
    return _rows(place, rows, task, contract, columns, {**contract.words, **usual}, by)


def _rows(
    place: FilePath,
    rows: Sequence[Mapping[str, str]],
    task: Task,
    contract: Contract,
    columns: Mapping[str, str],
    usual: Mapping[str, str],
    by: str | None,
) -> tuple[Item, ...]:
    """The lines of a table."""
    header, stack = tuple(rows[0]), contract.input.stack
    likely = dict(zip(stack, zip(contract.input.columns or stack, stack, strict=True), strict=True))
    images = file_columns(place, header, likely) if stack else (column_of(place, "image", header, columns, usual),)
    kinds = {column.name: column for column in task.columns}
    named = {}
    for word in words_of(task, contract):
        kind = kinds.get(word.partition(".")[0])
        there = usual.get(word, word) in header or word in columns
        if kind is None or kind.required or there:
            named[word] = column_of(place, word, header, columns, usual)
    who = columns.get("patient") or next((n for n in (usual.get("patient", "patient"), "patient") if n in header), None)
    if who is not None and who not in header:
        raise no_column(place, "P873", who, f"`--columns patient={who}`", header)
    faults, items, folders = Faults(place), list[Item](), dict[str, FilePath]()
    for number, row in enumerate(rows, 1):
        try:
            files = tuple(tables.inside(place.parent, row[name], folders) for name in images)
        except ValueError as error:
            faults.add("P872", f"the file name {error}", number, images[0], "images lie below the table's folder")
            continue
        words = {word: row[column] for word, column in named.items()}
        for word, entry in words.items():
            kind = kinds.get(word.partition(".")[0])
            if kind is None or not kind.file or (not entry and kind.blank):
                continue
            try:
                found = tables.inside(place.parent, entry, folders).is_file()
            except ValueError:
                found = False
            if not found:
                faults.add("P872", f"`{word}` names no file that is there", number, named[word], "copy it there")
        patient = row[who] if who else ""
        items.append(Item(place.parent, row[images[0]], files, patient, words, row[by] if by else ""))
    faults.tell()
    return tuple(replace(item, patient=item.patient or item.file) for item in items)


def _listed(place: FilePath, task: Task, contract: Contract, source: Source | None) -> tuple[Item, ...]:
    """What a source lists, or the images of a folder where nothing need be known of them."""
    if contract.input.stack:
        raise one_case_only(contract.input.stack, place)
    root, rows = place if place.is_dir() else place.parent, list[dict[str, str]]()
    try:
        if source is not None:
            rows = getattr(import_module(source.piece.module), source.piece.name)(place)
        elif any(column.required and column.name != "image" for column in task.columns):
            needed = ", ".join(f"`{c.name}`" for c in task.columns if c.required and c.name != "image")
            raise fault("P875", f"a folder cannot tell {needed} of each image", "name a CSV table: `--data TABLE.csv`")
        else:
            rows = tables.read_images(place)
        files = [tables.inside(root, row["file"]) for row in rows]
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise fault("P872", f"cannot read {place}: {what}", "name a CSV table, or correct it") from error
    if not rows:
        raise fault("P872", f"{place} lists no image", "the images must lie in it, or be named in it")
    return tuple(
        Item(
            root, row["file"], (file,), row.get("patient") or row["file"], {k: v for k, v in row.items() if k != "file"}
        )
        for row, file in zip(rows, files, strict=True)
    )
