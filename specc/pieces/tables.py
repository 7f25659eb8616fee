"""Which file is which: manifests, class folders, groups and splits. Rows are dictionaries of text, in a fixed order."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath


def read_manifest(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file by its header: UTF-8, comma or semicolon. Raises ValueError that names the line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = path.read_bytes().count(b"\n", 0, fault.start) + 1
        raise ValueError(f"line {line}: not UTF-8 text (save it as CSV UTF-8)") from None
    heading = text.partition("\n")[0]
    if not heading.strip():
        raise ValueError("line 1: no column names")
    mark = ";" if heading.count(";") > heading.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        names = next(reader)
        if len(set(names)) < len(names):
            raise ValueError("line 1: two columns have the same name")
        rows = []
        for row in reader:
            if row and len(row) != len(names):
                raise ValueError(f"line {reader.line_num}: {len(row)} fields, the header has {len(names)}")
            rows += [dict(zip(names, row, strict=True))] if row else []
    except csv.Error as fault:
        raise ValueError(f"line {reader.line_num}: {fault}") from None
    return rows


def read_images(folder: Path) -> list[dict[str, str]]:
    """Every file below a folder, sorted, as {"file": path inside it}; hidden files and folders are left out."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    shown = [name for name in names if not any(part.startswith(".") for part in PurePosixPath(name).parts)]
    return [{"file": name} for name in shown if PurePosixPath(name).name not in ("Thumbs.db", "desktop.ini")]


def read_folders(folder: Path, classes: Sequence[str]) -> list[dict[str, str]]:
    """Files of one folder a class, in the order of `classes`. Raises ValueError unless the folders are the classes."""
    found = {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
    if found != set(classes):
        raise ValueError(f"the folders {sorted(found)} are not the classes {list(classes)}")
    return [{"file": f"{name}/{row['file']}", "label": name} for name in classes for row in read_images(folder / name)]


def inside(root: Path, name: str, folders: dict[str, Path] | None = None) -> Path:
    """The file that `name` means below `root`, links resolved. Raises ValueError if it leads out.

    One who asks for many files of the same root gives one dictionary to all calls: each folder is resolved once.
    """
    windows = PureWindowsPath(name)
    if not name or "\0" in name or windows.anchor or name.startswith("/") or ".." in windows.parts:
        raise ValueError("is not a plain path inside the data folder")
    folders = {} if folders is None else folders
    head, tail = os.path.split(name)
    for folder in {"", head} - folders.keys():
        folders[folder] = (root / folder).resolve()
    path = folders[head] / tail
    linked = path.is_symlink()
    if not (path.resolve() if linked else folders[head]).is_relative_to(folders[""]):
        raise ValueError("is a link that leads out of the data folder")
    return path.resolve() if linked else path


def group_by_column(rows: Sequence[Mapping[str, str]], column: str) -> list[str]:
    """What stays together: rows with the same entry in a column."""
    return [row[column] for row in rows]


def group_by_folder(files: Sequence[str]) -> list[str]:
    """What stays together: files of the same folder."""
    return [PurePosixPath(file).parent.as_posix() for file in files]


def group_before(files: Sequence[str], mark: str) -> list[str]:
    """What stays together: files whose names agree up to the first `mark`."""
    return [PurePosixPath(file).name.partition(mark)[0] for file in files]


def split_column(rows: Sequence[Mapping[str, str]], column: str) -> list[str]:
    """The part of each row as a column tells it. Raises ValueError for a word that is not a part."""
    for number, row in enumerate(rows, 1):
        if row[column] not in ("train", "val", "test"):
            raise ValueError(f"row {number}: {row[column]!r} is not train, val or test")
    return [row[column] for row in rows]


def split_grouped(labels: Sequence[str], groups: Sequence[str], shares: Mapping[str, float], seed: int) -> list[str]:
    """A part for each row; no group in two parts, every class in the same shares as far as the groups allow.

    The largest group goes first, to the part that lacks most of what the group holds; but the last groups of a class
    go to parts that have none of it. Groups of one size are drawn in the order of a hash of the seed and their name,
    so that rows may come in any order.
    """
    total, held = Counter(labels), defaultdict[str, Counter[str]](Counter)
    for label, group in zip(labels, groups, strict=True):
        held[group][label] += 1
    lacks = {part: {label: share / sum(shares.values()) for label in total} for part, share in shares.items()}
    without = {label: set(shares) for label in total}  # parts that have nothing of a class yet
    left = Counter(label for classes in held.values() for label in classes)  # groups that hold some of it

    def order(group: str) -> tuple[int, bytes]:
        return -held[group].total(), hashlib.sha256(f"{seed} {group}".encode("utf-8", "surrogateescape")).digest()

    part_of = {}
    for group in sorted(held, key=order):
        classes = sorted(held[group].items())
        needy = {part for label, _ in classes if left[label] <= len(without[label]) for part in without[label]}
        part = max(
            (part for part in shares if part in needy or not needy),
            key=lambda part: sum(n * lacks[part][label] for label, n in classes),
        )
        part_of[group] = part
        for label, n in classes:
            lacks[part][label] -= n / total[label]
            without[label].discard(part)
            left[label] -= 1
    return [part_of[group] for group in groups]
