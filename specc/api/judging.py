"""Judging where a task has answers of its own kind: a run's own cases, or labelled cases from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from specc.answering import Item, Judging
from specc.api import answered, outside
from specc.deploy import contract as contracts
from specc.deploy import external, labelled
from specc.deploy.session import Session
from specc.errors import Diagnostic, SpeccError
from specc.run import folders, resume
from specc.run.faults import fault
from specc.run.folders import Run
from specc.run.origins import Origins

Tell = Callable[[int, int], object]


def is_run(place: FilePath) -> bool:
    """Whether a folder is that of a run."""
    return Run(place).lock.is_file()


def usual(columns: Mapping[str, Any]) -> dict[str, str]:
    """The study's own names of columns by our words."""
    found: dict[str, str] = {}
    for word, column in columns.items():
        if isinstance(column, list):
            continue  # the files of a case, which the contract names
        inner = column if isinstance(column, Mapping) else {}
        found |= {f"{word}.{name}": str(name_of) for name, name_of in inner.items()} or {word: str(column)}
    return found


def of_run(
    place: Run, contract: contracts.Contract, session: Session, found: Origins, seed: int, by: str | None, tell: Tell
) -> answered.Told:
    """Figures of a run's own validation and test cases. Raises SpeccError T658, P848, P877."""
    task = answered.task_of(contract, place.folder.resolve())
    group_of = found.column(by) if by is not None else lambda file: ""
    parts = answered.items_of(place.eval / answered.IMAGES, found.root, group_of)
    judged: dict[str, list[Item]] = {name: parts[name] for name in ("val", "test") if name in parts}
    if not judged:
        raise fault("T658", "the run has neither validation nor test images", "give the spec a split")
    external.check_groups((item.group for items in judged.values() for item in items), by)
    judging = Judging(session, judged, place.eval, seed, by, place.folder, parts.get("train", []), tell)
    return answered.judge(task, judging, {"run": "/".join(place.folder.resolve().parts[-2:])})


def of_model(
    model: FilePath,
    session: Session,
    data: FilePath,
    columns: Iterable[str] | Mapping[str, str],
    by: str | None,
    output: FilePath | str | None,
    force: bool,
    tell: Tell,
) -> tuple[answered.Told, FilePath, tuple[Diagnostic, ...]]:
    """Figures of cases from elsewhere, the folder that they are in, and warnings about overlaps with the study.

    Raises SpeccError T659, T660, T675, P848, P861, P872 to P877.
    """
    contract, run = session.contract, Run(model.parent) if is_run(model.parent) else None
    task = answered.task_of(contract, model.resolve().parent)
    lock = None if run is None else resume.read_lock(run)
    words = outside.words_of(task, contract)
    asked = labelled.parse_columns(columns, words, lambda *text: fault("T675", *text))
    known = usual({} if lock is None else lock.resolved.get("data", {}).get("columns") or {})
    items = outside.read_cases(data, task, contract, asked, known, by)
    external.check_groups((item.group for item in items), by)
    folder = FilePath(output) if output is not None else model.parent / f"eval-{folders.slug(data.stem)}"
    folders.refuse_full(folder, force)
    rows = labelled.Labelled(data.stem, data.parent, tuple(_plain(item) for item in items), words)
    own = None if run is None else _own_cases(run)
    warnings = (*session.warnings, *external.check_overlap(rows, own))
    train = _train(run, lock) if run is not None and lock is not None else []
    try:
        judging = Judging(
            session, {"external": items}, folder, 42 if lock is None else lock.seed, by, None, train, tell
        )
        told = answered.judge(task, judging, {"model": model.name, "data": data.name})
    except OSError as error:
        raise fault("T659", f"cannot write {folder}: {error.strerror}", "choose another place with `-o DIR`") from error
    return told, folder, warnings


def _plain(item: Item) -> labelled.Item:
    """A case as the check for overlaps knows it."""
    others = tuple((file.name, file) for file in item.files[1:])
    return labelled.Item(item.file, item.files[0], [tuple(item.words.items())], item.patient, item.group, others)


def _train(run: Run, lock: resume.Lock) -> list[Item]:
    """The training cases, where all of their files are still there."""
    try:
        items = answered.items_of(run.eval / answered.IMAGES, resume.folder_of(run, lock)).get("train", [])
    except SpeccError:
        return []
    return items if all(file.is_file() for item in items for file in item.files) else []


def _own_cases(run: Run) -> external.Own | None:
    """What the run knows of its own images; None where they are not kept."""
    try:
        hashes: dict[str, str] = json.loads(run.index.read_text(encoding="utf-8"))
        splits = answered.items_of(run.eval / answered.IMAGES, FilePath())
    except (OSError, ValueError, SpeccError):
        return None
    parts: dict[str, str] = {}
    people: dict[str, str] = {}
    for name in ("test", "val", "train"):  # the last one counts
        for item in splits.get(name, []):
            digests = (hashes.get(file.as_posix()) for file in item.files)
            parts |= {digest: name for digest in digests if digest}
            people[item.patient] = name
    return external.Own(parts, people)
