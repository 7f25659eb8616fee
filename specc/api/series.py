"""Train what a spec asks for: one run, or a series (repeats, folds, parts of the training images) and its summary."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, TypedDict

from specc.api.notebook import Cells, Shown, running
from specc.api.program import check
from specc.api.summing import SeriesSummary, summary_of
from specc.api.training import Listen, Trained, beside, relative, silent
from specc.api.training import train as train_once
from specc.data import look_at
from specc.errors import Diagnostic, SpeccError
from specc.run import folders, resume, series
from specc.run.faults import diagnostic, fault
from specc.run.folders import Run
from specc.run.origins import origins
from specc.run.series import Book, Member

STOPPED, FAILED = 130, 3


class Extra(TypedDict):
    """What holds for every run of a series."""

    nproc: int
    workers: int | None
    data: FilePath | str | None


@dataclass(frozen=True)
class Series(Shown):
    """How a series ended. `run` is its folder, `members` its runs; in a notebook, the picture of the summary."""

    run: FilePath
    exit_code: int
    book: Book
    summary: SeriesSummary | None = None
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def members(self) -> list[dict[str, Any]]:
        """Each run: its name, folder, seed, fold, fraction and how it ended."""
        return [
            {
                "name": one.name,
                "run": (self.run / one.name).as_posix(),
                "seed": one.seed,
                "fold": one.fold,
                "fraction": one.fraction,
                "state": one.state,
                **({"fault": one.fault} if one.fault else {}),
            }
            for one in self.book.members
        ]

    @property
    def next(self) -> str:
        """What to do now."""
        if self.exit_code:
            return f"specc train --resume {self.run}"
        if self.book.folds:
            return f"open {self.run / 'summary.md'}"
        last = next(one for one in reversed(self.book.members) if one.seed == self.book.seeds[0])
        return f"specc predict {self.run / last.name / 'model.onnx'} FILES"

    def plain(self) -> dict[str, Any]:
        """As `train --json` prints it in its last line."""
        summary = None if self.summary is None else self.summary.plain()
        return {"run": self.run.as_posix(), "members": self.members, "summary": summary}

    def lines(self) -> list[str]:
        """For a terminal."""
        states = [one.state for one in self.book.members]
        done = f"{states.count('done')} of {len(states)} runs" if "done" in states else "no run"
        lines = [f"series   {self.run}: {done} finished"]
        lines += [f"failed   {one.name}: {one.fault}" for one in self.book.members if one.state == "failed"]
        if self.summary is not None:
            lines += ["", *self.summary.lines(), "", f"picture  {self.run / 'summary.png'}"]
        return lines

    def shown(self) -> list[FilePath]:
        """The picture of the summary."""
        return [self.run / "summary.png"] if self.summary is not None else []


def train(
    spec: FilePath | str | None = None,
    *,
    settings: Iterable[str] = (),
    resume: FilePath | str | None = None,
    fractions: str | Sequence[float] = (),
    sanity: bool = False,
    nproc: int = 1,
    workers: int | None = None,
    data: FilePath | str | None = None,
    runs: FilePath | str = "runs",
    listen: Listen = silent,
) -> Trained | Series:
    """Train a spec, export it, evaluate it; or go on with the run or the series `resume`.

    A spec with `train.repeats` or `data.split.folds`, or `fractions` (percent of the training patients, the last one
    100), gives a Series: runs in folders of their own, and a summary of them. `listen` hears the programs' events;
    SIGINT and SIGTERM end it with all kept (`exit_code` 130). Raises SpeccError.
    """
    extra: Extra = {"nproc": nproc, "workers": workers, "data": data}
    given = tuple(settings)
    if resume is not None and series.is_series(FilePath(resume)):
        listen = Cells() if listen is silent and running() else listen
        if fractions:
            cure = "leave `--fractions` out to go on with it, or start a new series"
            raise fault("T682", f"{resume} has its plan, and `--fractions` cannot change it", cure)
        return _resumed(FilePath(resume), spec, given, listen, extra)
    if resume is None and not sanity:
        assert spec is not None, "give a spec, or a run to resume"
        study = check(spec, data=False, settings=given).require()
        wanted = series.parse_fractions(fractions) if fractions else ()
        members = series.plan(study, wanted)
        if wanted and (study.spec.data is None or study.spec.data.split is None):
            raise fault("T682", "the spec has no `data: split`, so there is no training part to take a part of",
                        "`--fractions` is for tasks with training and validation images")  # fmt: skip
        if members:
            listen = Cells() if listen is silent and running() else listen
            return _started(FilePath(spec), given, members, FilePath(runs), listen, extra)
    return train_once(spec, settings=given, resume=resume, sanity=sanity, runs=runs, listen=listen, **extra)


def _started(
    spec: FilePath, settings: tuple[str, ...], members: list[Member], runs: FilePath, listen: Listen, extra: Extra
) -> Series:
    """A new series: everything is checked for every run before the first one trains."""
    counted, warnings = _counted(spec, settings, members, extra["data"])
    checked = check(spec, data=False, settings=settings)
    study, text = checked.require(), next(iter(checked.texts.values()))
    root = FilePath(extra["data"]).absolute() if extra["data"] is not None else study.folder
    hashes = origins(study, root).hashes
    folder = folders.create(runs, study.spec.name).folder
    where = {"file": relative(spec, folder), "folder": relative(root, folder), "overrides": list(settings)}
    book = Book(study.spec.name, where, folders.sha256(text), tuple(counted))
    try:
        folders.write_new(folder / "spec.yaml", text)
        folders.write_new(folder / "data.lock.json", json.dumps(hashes, indent=0, ensure_ascii=True) + "\n")
        series.write(folder, book)
    except OSError as error:
        raise fault(
            "T659", f"cannot write {folder}: {error.strerror}", "choose another place with `--runs DIR`"
        ) from error
    with folders.claimed(Run(folder)):
        done = _followed(folder, book, spec, settings, listen, extra)
        return replace(done, warnings=(*warnings, *done.warnings))


def _counted(
    spec: FilePath, settings: tuple[str, ...], members: list[Member], data: FilePath | str | None
) -> tuple[list[Member], tuple[Diagnostic, ...]]:
    """The members with their training images and groups, those with a part of them stretched; and all warnings.

    Raises SpeccError with what is wrong with any of them.
    """
    found: dict[tuple[str, str], Diagnostic] = {}
    whole: dict[int | None, int] = {}
    result: dict[str, Member] = {}
    for member in sorted(members, key=lambda one: -(one.fraction or 100)):
        checked = check(spec, settings=(*settings, *member.settings))
        study = checked.require()
        found |= {(one.code, one.message): one for one in checked.diagnostics}
        look, _ = look_at(study, None, FilePath(data).absolute() if data is not None else study.folder)
        places = [place for place, part in enumerate(look.parts) if part == "train"]
        groups = len({look.groups[place] for place in places}) if look.groups else len(places)
        images = len(places)
        if member.fraction is not None:
            more = series.stretched(study.spec.train, images, whole.setdefault(member.fold, images))
            member = replace(member, settings=(*member.settings, *more))
        result[member.name] = replace(member, images=images, groups=groups)
    counted = [result[member.name] for member in members]
    for one in counted:
        same = [
            other for other in counted if (other.fold, other.seed, other.groups) == (one.fold, one.seed, one.groups)
        ]
        if len(same) > 1 and one.fraction is not None:
            percents = " and ".join(f"{other.fraction:g}" for other in same)
            what = f"{percents} % of the training patients are the same number of them, {one.groups}"
            raise fault("T682", what, "leave one of them out, or choose fractions farther apart")
    return counted, tuple(found.values())


def _resumed(
    folder: FilePath, spec: FilePath | str | None, settings: tuple[str, ...], listen: Listen, extra: Extra
) -> Series:
    """Go on with the runs that are not finished; the others are not trained again."""
    book = series.read(folder)
    with folders.claimed(Run(folder)):
        there = beside(folder, book.spec["file"], book.spec["overrides"], spec, settings)
        if there is None:
            cure = f"name where it is now: `specc train SPEC --resume {folder}`"
            raise fault("T681", "the spec that this series came from is gone", cure)
        resume.check_spec(Run(folder), book.spec_sha256, there)
        if extra["data"] is None:
            extra = {**extra, "data": (folder / book.spec["folder"]).resolve()}
        given = settings or tuple(book.spec["overrides"])
        study = check(there[0], data=False, settings=given).require()
        now = origins(study, FilePath(str(extra["data"]))).hashes
        before = json.loads((folder / "data.lock.json").read_text(encoding="utf-8"))
        resume.check_data(Run(folder), now, before)
        return _followed(folder, book, FilePath(there[0]), given, listen, extra)


def _followed(
    folder: FilePath, book: Book, spec: FilePath, settings: tuple[str, ...], listen: Listen, extra: Extra
) -> Series:
    """Train every member that is not finished, one after the other, and sum up."""
    faults: list[Diagnostic] = []
    for number, member in enumerate(book.members, 1):
        if member.state == "done":
            continue
        try:
            with _interruptible():
                listen({"event": "member", "name": member.name, "number": number, "of": len(book.members)})
                series.write(folder, book.noted(member.name, "running"))
                state, told, more = _trained(folder, member, spec, settings, listen, extra)
        except KeyboardInterrupt:
            state, told, more = "stopped", "", []
        faults += more
        book = book.noted(member.name, state, told)
        series.write(folder, book)
        if state == "stopped":
            return Series(folder, STOPPED, book, None, tuple(faults))
    failed = [one.name for one in book.members if one.state == "failed"]
    summary = summary_of(folder, book, extra["data"]) if len(failed) < len(book.members) else None
    if failed:
        cure = f"`specc train --resume {folder}` tries {'it' if len(failed) == 1 else 'them'} again"
        faults.append(
            diagnostic("T680", f"{len(failed)} of {len(book.members)} runs failed: {', '.join(failed)}", cure)
        )
    return Series(folder, FAILED if failed else 0, book, summary, tuple(faults))


def _trained(
    folder: FilePath, member: Member, spec: FilePath, settings: tuple[str, ...], listen: Listen, extra: Extra
) -> tuple[series.State, str, list[Diagnostic]]:
    """Train one member, or go on with it: its state, what failed in short, and in full."""
    run = series.run_of(folder, member)
    try:
        if run.folder.exists() and not series.is_untouched(run):
            done = train_once(spec, resume=run.folder, listen=listen, **extra)
        else:
            shutil.rmtree(run.folder, ignore_errors=True)
            own = (*settings, *member.settings)
            done = train_once(spec, settings=own, folder=run.folder, listen=listen, **extra)
    except SpeccError as error:
        first = error.diagnostics[0]
        return "failed", f"{first.code} {first.message}", list(error.diagnostics)
    return ("stopped" if done.exit_code == STOPPED else "done"), "", []


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends a run like Ctrl-C where no program is there to hear it: while one is prepared or evaluated."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
