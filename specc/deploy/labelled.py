"""Images with known truth that a model was not made from: a table, or a folder with one folder per class."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specc.deploy.contract import Contract, Output
from specc.deploy.faults import fault
from specc.deploy.files import IMAGE_COLUMNS, file_columns
from specc.errors import Diagnostic, Note, Span, SpeccError
from specc.pieces import tables
from specc.run.evaluate import Question
from specc.run.evaluate.rows import truth_of

MOST = 8  # faults of one kind that are told one by one


@dataclass(frozen=True, slots=True)
class Item:
    """One image: its name in the table, where it is, its truth (blank entries are None), whose it is, its subgroup.

    Where a case has several files, `others` are the further ones, name and place.
    """

    file: str
    path: FilePath
    truth: list[Any]
    patient: str = ""
    group: str = ""
    others: tuple[tuple[str, FilePath], ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files."""
        return (self.file, *(name for name, _ in self.others))

    @property
    def paths(self) -> tuple[FilePath, ...]:
        """Where they are."""
        return (self.path, *(path for _, path in self.others))


@dataclass(frozen=True)
class Labelled:
    """All images; `words` are the names of the truth's columns, `root` is where the files' names start."""

    name: str
    root: FilePath
    items: tuple[Item, ...]
    words: tuple[str, ...]
    warnings: tuple[Diagnostic, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


def read_labelled(
    place: FilePath,
    contract: Contract,
    question: Question,
    columns: Mapping[str, str],
    usual: Mapping[str, str],
    by: str | None = None,
) -> Labelled:
    """The images of a table or of class folders.

    `columns` says which column of the table is `image`, `label`, ..., `usual` what they are called in the model's own
    study. The columns of the files of a case are called as the contract says, or as its channels. Raises SpeccError
    P861, P863, P872 to P875, P877.
    """
    output, stack = contract.output, contract.input.stack
    if stack and (place.is_dir() or "image" in columns):
        raise one_case_only(stack, place)
    if place.is_dir():
        if columns or by is not None:
            what = "--columns" if columns else "--by"
            raise fault("P875", f"{place} is a folder, and `{what}` is about columns of a table", "name a CSV table")
        return _folders(place, output)
    likely = dict(zip(stack, zip(contract.input.columns or stack, stack, strict=True), strict=True))
    return _table(place, output, question, columns, usual, by, likely)


def one_case_only(stack: Sequence[str], place: FilePath) -> SpeccError:
    """What is said where the files of a case are not named by columns of a table."""
    cure = f"name a CSV table with a column for each of them: {', '.join(stack)}, or as in the study's own table"
    return fault("P861", f"the model takes {len(stack)} files a case, and {place} names one", cure)


def words_of(output: Output) -> tuple[str, ...]:
    """Our words for the columns of the truth: `label`, `target`, `targets.NAME` or `labels.NAME`."""
    if output.labels:
        return tuple(f"labels.{name}" for name in output.labels)
    if output.targets:
        return tuple(f"targets.{name}" for name in output.targets)
    return ("label",) if output.classes else ("target",)


# ---------------------------------------------------------------------- a folder


def _folders(place: FilePath, output: Output) -> Labelled:
    classes = output.classes
    if not classes:
        what = "findings" if output.labels else "values"
        raise fault("P875", f"folders cannot tell {what}", "name a CSV table: `--data TABLE.csv`")
    found = sorted(other.name for other in place.iterdir() if other.is_dir() and not other.name.startswith("."))
    strange = [name for name in found if name not in classes]
    wanted = f"the model's classes are {_listed(classes)}"
    if not found:
        cure = f"make one folder per class ({_listed(classes)}), or name a CSV table"
        raise fault("P875", f"{place} holds no folder of a class", cure)
    if strange:
        near = difflib.get_close_matches(strange[0], classes, 1)
        cure = f"call it `{near[0]}`" if near else "call each folder by its class, or take it away"
        raise fault("P875", f"{place} has the folder `{strange[0]}`, and {wanted}", cure)
    items = [
        Item(f"{name}/{row['file']}", place / name / row["file"], [classes.index(name)])
        for name in classes
        if name in found
        for row in tables.read_images(place / name)
    ]
    if not items:
        raise fault("P872", f"the folders of {place} hold no file", "put the images into the folders of their classes")
    return Labelled(place.resolve().name, place, tuple(items), words_of(output))


# ---------------------------------------------------------------------- a table


def _table(
    place: FilePath,
    output: Output,
    question: Question,
    columns: Mapping[str, str],
    usual: Mapping[str, str],
    by: str | None,
    stack: Mapping[str, Sequence[str]],
) -> Labelled:
    try:
        rows = tables.read_manifest(place)
    except OSError as error:
        cure = "name a CSV table, or a folder with one folder per class"
        raise fault("P872", f"cannot read {place}: {error.strerror}", cure) from error
    except ValueError as error:
        raise fault("P872", f"cannot read {place}: {error}", "save it as CSV in UTF-8") from error
    if not rows:
        raise fault("P872", f"{place} holds column names and no line of data", "add a line for each image")
    header = tuple(rows[0])
    words = words_of(output)
    if output.target is not None:  # a column of the quantity's own name needs no word
        usual = {"target": output.target} | dict(usual) if output.target in header else usual
    files = file_columns(place, header, stack) if stack else (column_of(place, "image", header, columns, usual),)
    named = {"image": files[0], **{word: column_of(place, word, header, columns, usual) for word in words}}
    patient = _patient(place, header, columns, usual)
    if by is not None and by not in header:
        raise no_column(place, "P877", by, f"`--by {by}`", header)
    faults = Faults(place)
    items = []
    for number, row in enumerate(rows, 1):
        try:
            paths = [(row[name], tables.inside(place.parent, row[name])) for name in files]
        except ValueError as error:
            faults.add("P872", f"the file name {error}", number, named["image"], "images lie below the table's folder")
            continue
        truth = [_truth(row[named[word]], question, number, named[word], faults) for word in words]
        who, group = row[patient] if patient else "", row[by] if by is not None else ""
        items.append(Item(*paths[0], truth, who, group, tuple(paths[1:])))
    faults.tell()
    return Labelled(place.stem, place.parent, tuple(items), words, columns={**named, "patient": patient or ""})


def column_of(
    place: FilePath, word: str, header: Sequence[str], columns: Mapping[str, str], usual: Mapping[str, str]
) -> str:
    """The column of the table that holds one of our words. Raises SpeccError P873."""
    short = word.partition(".")[2] or word
    if word in columns or short in columns:
        asked = str(columns[word] if word in columns else columns[short])
        if asked not in header:
            raise no_column(place, "P873", asked, f"`--columns {word}={asked}`", header)
        return asked
    others = IMAGE_COLUMNS if word == "image" else ()
    likely: tuple[str, ...] = (usual.get(word, word), word, short, *others)
    known = next((name for name in likely if name in header), None)
    if known is None:
        wanted = usual.get(word, short)
        raise no_column(place, "P873", wanted, f"the {_meaning(word)} of each image", header, word)
    return known


def _patient(
    place: FilePath, header: Sequence[str], columns: Mapping[str, str], usual: Mapping[str, str]
) -> str | None:
    if "patient" in columns:
        return column_of(place, "patient", header, columns, usual)
    return next((name for name in (usual.get("patient", "patient"), "patient") if name in header), None)


def _meaning(word: str) -> str:
    kind, _, name = word.partition(".")
    words = {"image": "file", "label": "class", "target": "true value"}
    return words.get(kind, f"truth of `{name}`" if name else kind)


def no_column(
    place: FilePath, code: str, asked: str, what: str, header: Sequence[str], word: str | None = None
) -> SpeccError:
    """What is said where a table lacks a column: the nearest names, and how to name another."""
    near = difflib.get_close_matches(asked, header, 1)
    cure = f"its columns are: {_listed(header)}"
    if word is not None:
        cure += f"; say which one it is: `--columns {word}={near[0] if near else 'YOUR_COLUMN'}`"
    elif near:
        cure += f"; did you mean `{near[0]}`?"
    span = _place_of(place, 0, None)
    note = (Note("help", cure), Note("more", f"specc explain {code}"))
    told = Diagnostic(code, f"{place.name} has no column `{asked}` for {what}", span, notes=note)
    return SpeccError((told,), 2, _text(place))


def _truth(cell: str, question: Question, number: int, column: str, faults: Faults) -> Any:
    try:
        return truth_of(cell.strip(), question)
    except ValueError:
        if question.labels:
            faults.add("P874", f"`{cell}` is neither 1 nor 0 nor blank", number, column, "write 1, 0 or nothing")
        elif question.classes:
            near = difflib.get_close_matches(cell, question.classes, 1)
            cure = (
                f"did you mean `{near[0]}`?" if near else "write the class as the model knows it, or take the line out"
            )
            message = f"`{cell}` is not one of the model's classes: {_listed(question.classes)}"
            faults.add("P874", message, number, column, cure)
        else:
            what = "too large a number" if _in_digits(cell) else "not a number"
            faults.add("P874", f"`{cell}` is {what}", number, column, "write a number such as 62.5, or nothing")
        return None


def _in_digits(cell: str) -> bool:
    """Whether an entry is a number that is written out, not `nan` or `inf`."""
    try:
        float(cell)
    except ValueError:
        return False
    return any(c.isdigit() for c in cell)


class Faults:
    """What is wrong with lines of the table: each message once, where it is first true, and how often."""

    def __init__(self, table: FilePath) -> None:
        self.table = table
        self.first: dict[tuple[str, str], tuple[int, str, str]] = {}
        self.times: dict[tuple[str, str], int] = {}

    def add(self, code: str, message: str, number: int, column: str, cure: str) -> None:
        """One more line (its number counts lines of data from 1)."""
        self.first.setdefault((code, message), (number, column, cure))
        self.times[code, message] = self.times.get((code, message), 0) + 1

    def tell(self) -> None:
        """Raise SpeccError with all of it; nothing where nothing is wrong."""
        if not self.first:
            return
        told = []
        for (code, message), (number, column, cure) in list(self.first.items())[:MOST]:
            count = self.times[code, message]
            also = (Note("note", f"in {count} lines; this is the first"),) if count > 1 else ()
            notes = (*also, Note("help", cure), Note("more", f"specc explain {code}"))
            told.append(Diagnostic(code, message, _place_of(self.table, number, column), notes=notes))
        if len(self.first) > MOST:
            last = told[-1]
            more = Note("note", f"and {len(self.first) - MOST} other faults of this table")
            told[-1] = Diagnostic(last.code, last.message, last.span, notes=(more, *last.notes))
        raise SpeccError(tuple(told), 2, _text(self.table))


def _text(table: FilePath) -> dict[str, str]:
    return {str(table): table.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")}


def _place_of(table: FilePath, number: int, column: str | None) -> Span:
    """Where the cell of a line of data stands (0: the header); the whole line where quotes make that hard to say."""
    lines = next(iter(_text(table).values())).split("\n")
    mark = ";" if lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.reader((line + "\n" for line in lines), delimiter=mark)
    header, seen, before = next(reader), 0, 1
    for cells in _until(reader, number):
        seen += bool(cells)
        if seen == number:
            break
        before = reader.line_num
    line = 1 if number == 0 else before + 1
    text = lines[line - 1]
    if column is None or '"' in text:
        return Span(str(table), line, 1, line, len(text) + 1)
    parts = text.split(mark)
    place = header.index(column)
    start = sum(len(part) + 1 for part in parts[:place]) + 1
    return Span(str(table), line, start, line, start + max(1, len(parts[place])))


def _until(reader: Iterable[list[str]], number: int) -> Iterable[list[str]]:
    return reader if number else ()


def _listed(names: Iterable[str], most: int = 12) -> str:
    all_names = [f"`{name}`" for name in names]
    rest = len(all_names) - most
    return ", ".join(all_names[:most]) + (f" and {rest} more" if rest > 0 else "")


def parse_columns(
    given: Iterable[str] | Mapping[str, str], known: Sequence[str], refuse: Callable[[str, str], Exception]
) -> dict[str, str]:
    """`image=file,label=diagnosis`, or a mapping, as a mapping of the words that there are.

    `refuse` makes the error of a message and a cure.
    """
    example = "write `--columns image=file,label=diagnosis,patient=id`"
    allowed = ("image", "patient", *known, *(word.partition(".")[2] for word in known if "." in word))
    found: dict[str, str] = {}
    texts = () if isinstance(given, Mapping) else [part for text in given for part in text.split(",")]
    pairs = given.items() if isinstance(given, Mapping) else [part.partition("=")[::2] for part in texts]
    for word, column in ((word.strip(), column.strip()) for word, column in pairs):
        if not (word and column):
            raise refuse(f"`--columns` has `{word}={column}`, which is not WORD=COLUMN", example)
        if word not in allowed:
            near = difflib.get_close_matches(word, allowed, 1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            raise refuse(f"`--columns` has no word `{word}`", f"{hint}it knows: {_listed(dict.fromkeys(allowed))}")
        if word in found:
            raise refuse(f"`--columns` says twice what `{word}` is", example)
        found[word] = column
    return found
