"""From a spec to a checked study, and from that to the files of a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from specc.api.notebook import Shown, folded
from specc.errors import Diagnostic, SpeccError, has_errors
from specc.fix import apply_safe
from specc.run.faults import fault
from specc.source import Document, load, parse
from specc.study import Study

if TYPE_CHECKING:
    from specc.run.folders import Run
    from specc.run.resume import Lock

ROUNDS = 10  # a fix may bring another to light


@dataclass(frozen=True)
class Checked(Shown):
    """What a check found. `study` is None when it found an error; `texts` are the files that diagnostics point into."""

    study: Study | None
    diagnostics: tuple[Diagnostic, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    exit_code: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is no error (warnings do not count)."""
        return not has_errors(self.diagnostics)

    def __str__(self) -> str:
        from specc.render import render

        return render(self.diagnostics, self.texts, "text") or "no errors"

    def lines(self) -> list[str]:
        """What was found, as the command prints it."""
        return str(self).splitlines()

    def require(self) -> Study:
        """The study. Raises SpeccError with everything that was found when there is none."""
        if self.study is None or not self.ok:
            raise SpeccError(self.diagnostics, self.exit_code or 1, self.texts)
        return self.study


def check(spec: FilePath | str, *, data: bool = True, settings: Iterable[str] = ()) -> Checked:
    """Everything that is wrong with a spec and, with `data`, its images. Raises nothing for a bad spec.

    `settings` are overrides as `train.epochs=3`.
    """
    from specc.compile import check as check_spec

    document: Document | None = None
    try:
        document = overridden(load(spec), settings)
        study, diagnostics = check_spec(spec, data, document)
    except SpeccError as error:
        texts = {document.file: document.text} if document else {}
        return Checked(None, error.diagnostics, texts | error.texts, error.exit_code)
    return Checked(study, tuple(diagnostics), {document.file: document.text}, int(has_errors(diagnostics)))


def fold_table(study: Study) -> list[str]:
    """How large the folds of a checked study are, as lines; none where it has no folds."""
    split = study.spec.data.split if study.spec.data else None
    if split is None or not split.folds:
        return []
    from specc.data import look_at
    from specc.data.summary import fold_table as table

    return table(look_at(study, None, study.folder)[0])


def overridden(document: Document, settings: Iterable[str]) -> Document:
    """The document with `path=value` settings applied. Raises SpeccError T657."""
    given = tuple(settings)
    if not given:
        return document
    from specc.run.override import override

    return override(document, given)


class Files(dict[str, str], Shown):
    """The files of a program: text by name. In a notebook each name opens to its text."""

    def lines(self) -> list[str]:
        """Names and numbers of lines."""
        return [f"{name:<16} {text.count(chr(10)):>5} lines" for name, text in self.items()]

    def _repr_html_(self) -> str:
        return "".join(folded(f"{name} ({text.count(chr(10))} lines)", text) for name, text in self.items())


def compile(spec: FilePath | str, *, settings: Iterable[str] = ()) -> Files:  # noqa: A001
    """The program of a spec: text by file name. Raises SpeccError with every diagnostic of a bad spec."""
    from specc.compile import compile as compile_study

    return Files(compile_study(check(spec, data=False, settings=settings).require()))


def study_of(run: Run, lock: Lock, root: FilePath) -> Study:
    """The study that a run was started with, its spec read as if it stood in `root`. Raises SpeccError."""
    from specc.compile import check as check_spec

    file = (run.folder / lock.spec_file).resolve()  # beside it lie the files of names
    place = file if file.is_file() else root / file.name
    document = parse(run.spec.read_text(encoding="utf-8"), str(place))
    study, diagnostics = check_spec(document.file, False, document)
    return Checked(study, tuple(diagnostics), {document.file: document.text}).require()


def mend(spec: FilePath, *, data: bool = True) -> list[str]:
    """Apply the safe fixes to the file until none is left; what was done. A file without any is not touched."""
    from specc.run.folders import replace

    made: list[str] = []
    for _ in range(ROUNDS):
        found = check(spec, data=data)
        file = next(iter(found.texts), str(spec))
        text, fixes = apply_safe(found.texts.get(file, ""), file, found.diagnostics)
        if not fixes:
            break
        replace(spec, text)
        made += [fix.text for fix in fixes]
    return made


def difference(program: Mapping[str, str], folder: FilePath) -> list[str]:
    """How the files in a folder differ from a program, as lines of a unified diff; empty when they are equal."""
    import difflib

    lines: list[str] = []
    for name, text in program.items():
        file = folder / name
        old = file.read_text(encoding="utf-8") if file.is_file() else ""
        lines += difflib.unified_diff(old.splitlines(), text.splitlines(), str(file), "compiled", lineterm="")
    return lines


def write(program: Mapping[str, str], folder: FilePath, force: bool = False) -> None:
    """Write a program's files. Raises SpeccError T660 when other content is there (unless `force`), or T659."""
    from specc.run.folders import replace

    if folder.exists() and not folder.is_dir():
        raise fault("T660", f"{folder} is a file, and a program is a folder of files", "choose a folder with `-o`")
    there = [name for name in program if (folder / name).exists()]
    other = [name for name in there if difference({name: program[name]}, folder)]
    if other and not force:
        files = f"{other[0]} and {len(other) - 1} more" if len(other) > 2 else " and ".join(other)
        cures = ("`--diff` shows how it differs", "`--force` overwrites it, or choose another folder")
        raise fault("T660", f"{folder} already holds {files}, with other content", *cures)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in program.items():
            replace(folder / name, text)
    except OSError as error:
        raise fault("T659", f"cannot write {folder}: {error.strerror}", "choose another folder with `-o`") from error
