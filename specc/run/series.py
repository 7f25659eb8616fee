"""A series: several runs of one spec that are summed up, as seeds, folds, or parts of the training images.

`runs/NAME/NNN/` then holds series.json (the plan, written before anything is trained, and how far it is), and a folder
for each run, which is the run that `specc train SPEC -S ...` with the member's settings would make.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Literal

from specc.run import folders
from specc.run.faults import fault
from specc.run.folders import Run

VERSION = 1
State = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Member:
    """One run: its folder's name, what it changes in the spec, its seed, its fold and its percent of the training
    groups (None where the series has one for all), the training images and groups (patients) that it has, its state.
    """

    name: str
    settings: tuple[str, ...]
    seed: int
    fold: int | None = None
    fraction: float | None = None
    images: int = 0
    groups: int = 0
    state: State = "waiting"
    fault: str = ""  # code and message where it failed


@dataclass(frozen=True)
class Book:
    """What series.json holds: where the spec is and what was changed in it for all, and the members in their order."""

    name: str
    spec: Mapping[str, Any]
    spec_sha256: str
    members: tuple[Member, ...]
    stretched: bool = False  # smaller parts of the images train for more epochs, to make as many steps

    @property
    def fractions(self) -> tuple[float, ...]:
        """The parts of the training groups in percent, rising; none in a series of another kind."""
        return tuple(sorted({member.fraction for member in self.members if member.fraction is not None}))

    @property
    def folds(self) -> int:
        """How many folds there are; 0 without."""
        return len({member.fold for member in self.members} - {None})

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds in their order, fixed before anything was trained."""
        return tuple(dict.fromkeys(member.seed for member in self.members))

    def some(self, fraction: float | None) -> list[Member]:
        """The members with this part of the training groups."""
        return [member for member in self.members if member.fraction == fraction]

    def noted(self, name: str, state: State, told: str = "") -> Book:
        """The same with the state of one member."""
        changed = (replace(one, state=state, fault=told) if one.name == name else one for one in self.members)
        return replace(self, members=tuple(changed))


def plan(study: Any, fractions: Sequence[float]) -> list[Member]:
    """The runs that a spec asks for, seeds first, then fractions, then folds; none where it asks for one.

    Images and groups are not known yet.
    """
    split, train = study.spec.data.split if study.spec.data else None, study.spec.train
    folds = range(1, split.folds + 1) if split and split.folds and split.fold is None else (None,)
    if train.repeats == 1 and len(folds) == 1 and not fractions:
        return []
    return [
        _member(train.seed + n if train.repeats > 1 else None, fraction, fold, train.seed)
        for n in range(train.repeats)
        for fraction in fractions or (None,)
        for fold in folds
    ]


def _member(seed: int | None, fraction: float | None, fold: int | None, usual: int) -> Member:
    parts, settings = [], []
    if fraction is not None:
        parts.append(f"fraction-{fraction:g}")
        settings.append(f"data.split.use={fraction:g}")
    if fold is not None:
        parts.append(f"fold-{fold}")
        settings.append(f"data.split.fold={fold}")
    if seed is not None:
        parts.append(f"seed-{seed}")
        settings += [f"train.seed={seed}", "train.repeats=1"]
    return Member("-".join(parts), tuple(settings), usual if seed is None else seed, fold, fraction)


def stretched(train: Any, images: int, whole: int) -> tuple[str, ...]:
    """What to change so that a training on `images` makes as many steps as one on the `whole` training part.

    With as many epochs, fewer images would mean fewer steps, and a small part would be behind for want of training.
    Everything that is counted in epochs grows alike; what happens within a phase stays at its place in it, though the
    phase is a whole number of epochs again.
    """

    def steps(count: int) -> int:
        size: int = train.step_size
        return max(1, count // size if train.drop_last else -(-count // size))

    times = steps(whole) / steps(images)
    if times == 1:
        return ()
    lengths = {f"phases.{k}.": phase.epochs for k, phase in enumerate(train.phases or ())} or {"": train.epochs}
    phases = [(epochs, max(1, round(epochs * times))) for epochs in lengths.values()]
    settings = [f"train.{place}epochs={epochs}" for place, (_, epochs) in zip(lengths, phases, strict=True)]
    if train.early_stop:
        settings.append(f"train.early_stop.patience={max(1, round(train.early_stop.patience * times))}")
    return (*settings, *_slower(train.schedule, times, phases))


def _later(time: float, phases: Sequence[tuple[int, int]]) -> float:
    """A time in epochs where it falls when each phase has its second number of epochs in place of its first."""
    begin, moved = 0, 0
    for k, (before, after) in enumerate(phases):
        if time <= begin + before or k == len(phases) - 1:
            return round(moved + (time - begin) * after / before, 6)
        begin, moved = begin + before, moved + after
    return time


def _slower(schedule: Any, times: float, phases: Sequence[tuple[int, int]]) -> list[str]:
    """A schedule of the learning rate whose times, all in epochs, are later as the phases are longer."""
    if schedule is None:
        return []
    given: dict[str, Any] = {name: getattr(schedule.args, name, None) for name in ("warmup", "after", "at", "patience")}
    longer: dict[str, Any] = {name: _later(given[name], phases) for name in ("warmup", "after") if given[name]}
    if given["at"]:
        longer["at"] = [_later(at, phases) for at in given["at"]]
    if given["patience"]:
        longer["patience"] = max(1, round(given["patience"] * times))
    if schedule.name == "exponential":  # its factor is that of an epoch
        share = sum(before for before, _ in phases) / sum(after for _, after in phases)
        longer["factor"] = round(schedule.args.factor**share, 9)
    return [f"train.schedule.{schedule.name}.{name}={value}" for name, value in longer.items()]


def is_series(folder: FilePath) -> bool:
    """Whether a folder is that of a series."""
    return (folder / "series.json").is_file()


def write(folder: FilePath, book: Book) -> None:
    """Write series.json, whole or not at all."""
    rows = {"format_version": VERSION, **dataclasses.asdict(book)}
    folders.replace(folder / "series.json", json.dumps(rows, indent=1) + "\n")


def read(folder: FilePath) -> Book:
    """The book of a series. Raises SpeccError T681 where there is none, or it is damaged."""
    file = folder / "series.json"
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        if rows.pop("format_version") != VERSION:
            raise ValueError("of another version of specc")
        members = tuple(Member(**{**row, "settings": tuple(row["settings"])}) for row in rows.pop("members"))
        return Book(members=members, **rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = "there is none" if isinstance(error, FileNotFoundError) else "it is damaged"
        cure = "`specc train SPEC` starts a new series; the runs in the folder are whole by themselves"
        raise fault("T681", f"{file} cannot be read: {reason}", cure) from error


def run_of(folder: FilePath, member: Member) -> Run:
    """A member's own folder."""
    return Run(folder / member.name)


def is_untouched(run: Run) -> bool:
    """Whether nothing was trained yet, so that a fresh start loses nothing."""
    return not any(run.checkpoints.glob("*")) and not (run.metrics.exists() and run.metrics.stat().st_size)


def parse_fractions(text: str | Sequence[float]) -> tuple[float, ...]:
    """`25,50,100` as numbers. Raises SpeccError T682 unless they are two or more different percentages up to 100."""
    try:
        parts = text.split(",") if isinstance(text, str) else list(text)
        found = sorted({float(part) for part in parts})
    except (TypeError, ValueError):
        found = []
    if len(found) < 2 or not all(0 < one <= 100 for one in found):
        shown = "".join(c if c.isprintable() else "?" for c in str(text))[:60]
        raise fault("T682", f"`{shown}` are not percentages of the training patients", "as in `--fractions 25,50,100`")
    if found[-1] != 100:
        cure = f"`--fractions {','.join(f'{one:g}' for one in found)},100`"
        raise fault("T682", "`--fractions` lacks 100, all of the training patients", cure)
    return tuple(found)
