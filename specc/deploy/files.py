"""Which files a person means by the names given, and which patient each belongs to."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath

from specc.deploy.faults import fault
from specc.pieces.tables import read_manifest

SUFFIXES = {  # of files in a folder; a DICOM file often has none, so that there all but well-known others count
    "png": {".png"},
    "jpeg": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "tiff": {".tif", ".tiff"},
}
NOT_DICOM = frozenset(
    ".csv .tsv .txt .md .json .yaml .yml .xml .html .htm .pdf .zip .gz .xz .tar .7z .py .onnx .log .xlsx".split()  # noqa: SIM905
)
IMAGE_COLUMNS = ("image", "file", "path", "filename")


def expand(names: Iterable[FilePath], format_: str) -> tuple[list[FilePath], int]:
    """Files as given, folders unfolded (sorted, links to folders not followed); also how many others a folder held.

    Raises SpeccError P870 when a name does not exist or nothing is left.
    """
    names, files = list(names), list[FilePath]()
    others = 0
    for name in names:
        if name.is_dir():
            found = sorted(_walk(name))
            fitting = [file for file in found if _fits(file, format_)]
            files += fitting
            others += len(found) - len(fitting)
        else:
            files.append(name)  # one that is not there is refused in its turn, so that the others are answered
    if not files:
        raise _nothing(list(names), format_, others)
    return files, others


def _nothing(folders: Sequence[FilePath], format_: str, others: int) -> Exception:
    cure = "name image files, or a folder that holds some: `specc predict MODEL FILES`"
    if not folders:
        return fault("P870", "no image is named", cure)
    held = f"only {others} other file{'s' if others > 1 else ''}" if others else "no file at all"
    where = ", ".join(str(folder) for folder in folders[:3])
    return fault("P870", f"{where}: no {format_.upper()} image there, {held}", cure)


def _walk(folder: FilePath) -> Iterator[FilePath]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (FilePath(place, name) for name in names if not name.startswith("."))


def _fits(file: FilePath, format_: str) -> bool:
    suffix = file.suffix.lower()
    if format_ in SUFFIXES:
        return suffix in SUFFIXES[format_]
    others = set().union(*SUFFIXES.values())
    return suffix not in NOT_DICOM and suffix not in others and file.name != "DICOMDIR"


def one_case(names: Sequence[FilePath], stack: Sequence[str]) -> tuple[FilePath, ...]:
    """The files that are named as those of one case. Raises SpeccError P861 where they cannot be just that."""
    if len(names) == len(stack) and not any(name.is_dir() for name in names):
        return tuple(names)
    told = f"{len(names)} file{'s are' if len(names) != 1 else ' is'} named" if names else "none is named"
    told = "a folder does not say which belong together" if any(name.is_dir() for name in names) else told
    cure = f"name the {len(stack)} files of one case in the order {', '.join(stack)}"
    table = "or a table with a column for each and a line for each case: `--cases TABLE.csv`"
    raise fault("P861", f"the model takes {len(stack)} files a case ({', '.join(stack)}), and {told}", cure, table)


def cases(
    table: FilePath, columns: Mapping[str, Sequence[str]], patient: str | None = None
) -> tuple[list[tuple[FilePath, ...]], dict[tuple[FilePath, ...], str] | None]:
    """The cases of a table, and the patient of each where a column of patients is named.

    `columns` says for each channel what its column of files may be called, the likeliest first. Paths are relative to
    the table. Raises SpeccError P863.
    """
    try:
        rows = read_manifest(table)
    except OSError as error:
        raise fault("P863", f"cannot read the table {table}: {error.strerror}", "look at its name") from error
    except ValueError as error:
        raise fault("P863", f"cannot read the table {table}: {error}", "save it as CSV in UTF-8") from error
    if not rows:
        raise fault("P863", f"{table} has no line of data", "add a line for each case")
    header = list(rows[0])
    found = file_columns(table, header, columns)
    if patient is not None and patient not in header:
        raise fault("P863", f"{table} has no column `{patient}`", f"its columns are: {', '.join(header)}")
    listed = [tuple(table.parent / row[place] if row[place] else FilePath() for place in found) for row in rows]
    if patient is None:
        return listed, None
    return listed, {files: row[patient] for files, row in zip(listed, rows, strict=True) if row[patient]}


def file_columns(table: FilePath, header: Sequence[str], columns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The column of files of each channel, of those that it may be called. Raises SpeccError P863."""
    found = []
    for channel, likely in columns.items():
        place = next((name for name in likely if name in header), None)
        if place is None:
            what = f", the files of the channel {channel}" if channel else " of image files"
            raise fault("P863", f"{table} has no column `{likely[0]}`{what}", f"its columns are: {', '.join(header)}")
        found.append(place)
    return tuple(found)


def manifest(table: FilePath, patient: str, image: str | None = None) -> Mapping[FilePath, str]:
    """Patient of every file that a CSV table names; its paths are relative to the table, those returned are not.

    `image` is the column of the files; without it the first of image, file, path, filename. Raises SpeccError P871.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = list(reader.fieldnames or ())
            where = image if image is not None else next((name for name in IMAGE_COLUMNS if name in columns), None)
            missing = [name for name in (patient, where) if name not in columns]
            if where is None or missing:
                what = f"`{missing[0]}`" if where is not None else "of image files"
                cure = f"its columns are: {', '.join(columns) or 'none'}; choose with `--patient` and `--image`"
                raise fault("P871", f"{table} has no column {what}", cure)
            rows = [(row[where], row[patient]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason, cure = "it is not a CSV table in UTF-8", "save it as CSV in UTF-8"
        if isinstance(error, OSError):
            reason, cure = str(error.strerror), "look at its name and its folder"
        raise fault("P871", f"cannot read the table {table}: {reason}", cure) from error
    return {table.parent / file: who for file, who in rows if file and who}
