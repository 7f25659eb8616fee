"""`--resume RUN` goes on with the run's own code, and only when spec and images are still the same (R12, R13)."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from specc.errors import Diagnostic, Note
from specc.run.faults import diagnostic, fault
from specc.run.folders import Run

MOST = 12  # lines of a difference that are shown
FRESH = "start a new run: `specc train SPEC`"


@dataclass(frozen=True, slots=True)
class Lock:
    """What a run was started with, as its spec.lock.yaml says."""

    name: str
    task: str
    spec_file: str
    overrides: tuple[str, ...]
    spec_sha256: str
    code: Mapping[str, str]
    data_sha256: str
    data_folder: str
    seed: int
    resolved: Mapping[str, Any]
    plugins: Mapping[str, Mapping[str, str]]


def read_lock(run: Run) -> Lock:
    """The lock of a run. Raises SpeccError T651 where there is no run, or its lock is damaged."""
    try:
        data = yaml.safe_load(run.lock.read_text(encoding="utf-8"))
        return Lock(
            name=str(data["name"]),
            task=str(data["task"]),
            spec_file=str(data["spec"]["file"]),
            overrides=tuple(data["spec"]["overrides"]),
            spec_sha256=str(data["spec_sha256"]),
            code=dict(data["code"]),
            data_sha256=str(data["data"]["sha256"]),
            data_folder=str(data["spec"]["folder"]),
            seed=int(data["seed"]),
            resolved=dict(data["resolved"]),
            plugins={str(name): dict(known) for name, known in data.get("plugins", {}).items()},
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "it has no spec.lock.yaml" if run.folder.is_dir() else "there is no such folder"
        what = "it is a file" if run.folder.is_file() else what
        raise fault("T651", f"{run.folder} is not the folder of a run: {what}", _meant(run.folder)) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise fault("T651", f"{run.lock} is damaged", FRESH) from error


def _meant(place: FilePath) -> str:
    """Which run may have been meant: the one around a file, those below a folder, those beside a name."""
    for around in place.parents:
        if (around / "spec.lock.yaml").is_file():
            return f"did you mean `{around}`?"
    near = runs_below(place if place.is_dir() else next((p for p in place.parents if p.is_dir()), place))
    return f"runs near there: {', '.join(f'`{run}`' for run in near)}" if near else "a run is `runs/NAME/001`"


def runs_below(folder: FilePath, most: int = 4) -> list[FilePath]:
    """The newest runs in a folder of runs, at most three levels down."""
    patterns = ("spec.lock.yaml", "*/spec.lock.yaml", "*/*/spec.lock.yaml", "runs/*/*/spec.lock.yaml")
    found = {file.parent for pattern in patterns for file in folder.glob(pattern)}
    return sorted(found, key=lambda run: (run / "spec.lock.yaml").stat().st_mtime, reverse=True)[:most]


def check_checkpoint(run: Run) -> None:
    """Raise SpeccError T651 unless a checkpoint is there; the program itself verifies its digest."""
    if not any(run.checkpoints.glob("last-*.safetensors")):
        none = "only damaged checkpoints" if any(run.checkpoints.glob("last-*.damaged")) else "no checkpoint"
        raise fault("T651", f"{run.folder} holds {none}, so there is nothing to resume", FRESH)


def check_spec(run: Run, sha256: str, beside: tuple[str, str] | None) -> None:
    """Raise SpeccError T652 with the difference unless the spec is the one that was trained (or planned).

    `sha256` is that of its text then; `beside` is (file, text with the run's overrides) of the spec that the run came
    from, None where it is gone.
    """
    try:
        kept = run.spec.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fault("T651", f"{run.spec} cannot be read", FRESH) from error
    if beside is not None and hashlib.sha256(beside[1].encode()).hexdigest() != sha256:
        raise _changed(f"{beside[0]} was changed since this run was started", kept, beside[1], beside[0])
    if hashlib.sha256(kept.encode()).hexdigest() != sha256:
        text = beside[1] if beside is not None else kept
        raise _changed(f"{run.spec} was edited since this run was started", text, kept, str(run.spec))


def _changed(message: str, old: str, new: str, name: str) -> Exception:
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "at the start", "now", lineterm="", n=1))
    cure = "put the lines back, or start a new run with the changed spec: `specc train SPEC`"
    why = "a resume with another spec would be neither the one study nor the other"
    return fault("T652", message, cure, why=why, where=_some(lines or [f"{name}: the difference is not known"]))


def check_data(run: Run, now: Mapping[str, str], before: Mapping[str, str]) -> None:
    """Raise SpeccError T653 with the difference unless every image is the one that was trained on."""
    gone = [f"- {name}" for name in sorted(before.keys() - now.keys())]
    new = [f"+ {name}" for name in sorted(now.keys() - before.keys())]
    other = [f"~ {name}" for name in sorted(before.keys() & now.keys()) if before[name] != now[name]]
    if not gone and not new and not other:
        return
    counts = f"{len(gone)} gone, {len(new)} new, {len(other)} with other content"
    message = f"the data changed since this run was started: {counts}"
    raise fault("T653", message, "put them back", FRESH, where=_some([*gone, *new, *other]))


def edited(run: Run, lock: Lock) -> list[str]:
    """The files of the run's program that were edited, added or removed by hand."""
    now = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(run.code.glob("*.*"))}
    return [name for name in sorted(now.keys() | lock.code.keys()) if now.get(name) != lock.code.get(name)]


def told_edited(names: Sequence[str]) -> tuple[Diagnostic, ...]:
    """A warning T655 that names these files; none without any."""
    if not names:
        return ()
    told = diagnostic("T655", f"code edited by hand: {', '.join(names)}")
    note = Note("note", "the run goes on with the code as it is now; its results are those of the edited program")
    return (Diagnostic(told.code, told.message, notes=(note, *told.notes), severity="warning"),)


def told_plugin(lock: Lock, name: str, now: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """A warning T665 where the plugin whose code judges is another one than when the run was trained.

    The training itself is not touched: a run goes on with its own code.
    """
    before = lock.plugins.get(name, {})
    if before.get("sha256") == now.get("sha256"):
        return ()
    then, today = (known.get("version", "") for known in (before, now))
    versions = f"version {then} then, {today} now" if then != today else "other source, the same version"
    told = diagnostic("T665", f"the plugin `{name}` is not the one that this run was trained with: {versions}")
    note = Note(
        "note", "the program and the model of the run are unchanged; what judges and shows is the plugin of today"
    )
    return (Diagnostic(told.code, told.message, notes=(note, *told.notes), severity="warning"),)


def folder_of(run: Run, lock: Lock) -> FilePath:
    """Where the spec's relative paths start."""
    return (run.folder / lock.data_folder).resolve()


def _some(lines: list[str]) -> tuple[str, ...]:
    shown = ["".join(c if c.isprintable() else "?" for c in line)[:200] for line in lines[:MOST]]
    return (*shown, f"... and {len(lines) - MOST} more") if len(lines) > MOST else tuple(shown)
