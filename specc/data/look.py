"""What the rules on data look at: the spec, the table of its files, the index of what is in them, the split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.errors import Diagnostic, Fix, Label, NoteKind, Path, Severity
from specc.rules.common import fault
from specc.study import Study

if TYPE_CHECKING:
    from specc.data.table import Row, Table
    from specc.pieces.index import Entry
    from specc.pieces.readers import Facts

LISTS = ".specc"  # folder beside the spec; what is written there stays on this machine


@dataclass
class Look:
    """`files` and `entries` have one item a file; `groups`, `folds` and `parts` one a row, and are empty while they
    cannot be known (`folds`, too, where there are none; 0 is the test part). A row is a case; where channels are files
    of their own it has several, else the row and the file are one.

    An entry is None where the file is not there or must not be opened. `lists` collects, by code, the files that a
    message counts; `blamed` are the numbers of rows that a message has spoken of so that no other needs to.
    """

    study: Study
    table: Table
    entries: Sequence[Entry | None] = ()
    files: Sequence[Row] = ()
    groups: Sequence[str] = ()
    folds: Sequence[int] = ()
    parts: Sequence[str] = ()
    lists: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    blamed: set[int] = field(default_factory=set)

    @property
    def input(self) -> Any:
        """The spec's `input`."""
        return self.study.spec.input

    @property
    def data(self) -> Any:
        """The spec's `data`."""
        return self.study.spec.data

    @property
    def output(self) -> Any:
        """The spec's `output`, None where the task has none."""
        return getattr(self.study.spec, "output", None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the spec's order; none in a task without classes."""
        return self.study.classes

    @property
    def findings(self) -> tuple[str, ...]:
        """Names of findings, where several may be in one image."""
        return self.study.findings

    def seen(self) -> Iterator[tuple[Row, Entry]]:
        """Files that could be looked at, each as the row of its case."""
        for row, entry in zip(self.files, self.entries, strict=True):
            if entry is not None:
                yield row, entry

    def cases(self) -> Iterator[tuple[Row, Sequence[Entry | None]]]:
        """Rows, each with the entries of its files in the order of channels."""
        at = 0
        for row in self.table.rows:
            count = 1 + len(row.others)
            yield row, self.entries[at : at + count]
            at += count

    def by_channel(self) -> list[tuple[str, list[tuple[Row, Facts]]]]:
        """The pictures of each channel, with its name; of all files, without a name, where a file is a case."""
        names = self.input.channels
        if isinstance(names, str):
            return [("", list(self.facts()))]
        found: list[tuple[str, list[tuple[Row, Facts]]]] = [(name, []) for name in names]
        for row, facts in self.facts():
            found[row.channel][1].append((row, facts))
        return found

    def facts(self) -> Iterator[tuple[Row, Facts]]:
        """Rows whose picture could be read, less those that were blamed already."""
        for row, entry in self.seen():
            if entry.facts is not None and entry.error is None and row.number not in self.blamed:
                yield row, entry.facts

    def patients(self) -> list[str]:
        """Whose each image is, by the table or else by the DICOM header; "" where neither tells."""
        column = self.table.words.get("patient")
        if column:
            return [row.values[column] for row in self.table.rows]
        return [files[0].facts.patient if files[0] and files[0].facts else "" for _, files in self.cases()]


@dataclass(frozen=True, slots=True)
class DataRule:
    """One thing that can be wrong with data. The docstring of `check` holds What, Why, a bad and a good spec.

    The rule is not asked where an error of a code in `after` was found: it would speak of its consequences.
    """

    code: str
    name: str
    check: Callable[[Look], list[Diagnostic]]
    after: tuple[str, ...] = ()

    @property
    def doc(self) -> str:
        """What, Why, examples."""
        return self.check.__doc__ or ""


def found(
    look: Look,
    code: str,
    message: str,
    path: Path,
    label: str,
    *notes: tuple[NoteKind, str],
    files: Sequence[tuple[Row, str]] = (),
    labels: Iterable[Label] = (),
    fixes: Iterable[Fix] = (),
    severity: Severity = "error",
) -> list[Diagnostic]:
    """One message, with its files: the first is named, all of them go to `.specc/CODE.csv` with what each is."""
    where: list[tuple[NoteKind, str]] = []
    if files:
        look.lists[code] = [(shown(look.table, row), what) for row, what in files]
        first = printable(look.lists[code][0][0])
        rest = f"; full list: {LISTS}/{code}.csv" if len(files) > 1 else ""
        where = [("where", f"{'first: ' if rest else ''}{first}{rest}")]
    span = look.study.key_span(*path) if len(path) == 1 else None  # of a whole group, its name
    made = fault(look.study, code, message, path, label, *where, *notes, span=span, labels=labels, fixes=fixes)
    return [replace(made, severity=severity)]


def shown(table: Table, row: Row) -> str:
    """The file of a row as a person would name it from where the spec stands."""
    return (FilePath(table.shown) / row.file).as_posix() if table.shown else row.file


def printable(text: str) -> str:
    """Text that cannot disturb a terminal: control and direction characters are spelled out, the middle may go."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= 160 else f"{text[:80]}...{text[-60:]}"


def counts(items: Iterable[str], most: int = 4) -> str:
    """`972 x 224x224 - 300 x 1024x1024 - 12 of 5 other kinds`: how often each comes, the frequent ones first."""
    tally = Counter(items).most_common()
    most = most + 1 if len(tally) == most + 1 else most
    text = " - ".join(f"{number:,} {'x ' * item[:1].isdigit()}{printable(item)}" for item, number in tally[:most])
    rest = sum(number for _, number in tally[most:])
    return f"{text} - {rest:,} of {len(tally) - most} other kinds" if rest else text


def share(number: int, total: int, what: str, one: str = "is", several: str = "are") -> str:
    """`1 of 2 images is`, `2 of 2 images are`, `the only image is`."""
    if total == 1:
        return f"the only {what} {one}"
    return f"{'all' if number == total else f'{number:,} of'} {total:,} {what}s {one if number == 1 else several}"
