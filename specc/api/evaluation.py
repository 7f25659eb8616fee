"""Evaluate a run on its own images, or a model on labelled images from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.api import answered, explaining, judging
from specc.api.notebook import Shown
from specc.api.program import study_of
from specc.deploy import contract as contracts
from specc.deploy import external, labelled
from specc.deploy.seen import images_seen
from specc.deploy.session import Session, open_model
from specc.errors import Diagnostic, SpeccError
from specc.run import evaluate as evaluation
from specc.run import folders, resume
from specc.run.evaluate import pictures, worst
from specc.run.faults import fault
from specc.run.folders import Run
from specc.run.origins import origins

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Evaluation(Shown):
    """Figures by part (`val`, `test`, or `external`): metrics with intervals, those of the baseline, tables.

    `folder` holds metrics.json, predictions.csv and the pictures.
    """

    figures: dict[str, Any]
    question: evaluation.Question | None
    folder: FilePath
    warnings: tuple[Diagnostic, ...] = ()
    told: answered.Told | None = None

    @property
    def pictures(self) -> list[FilePath]:
        """The files of the pictures, those of test images before those of validation images."""
        if self.told is not None:
            return [self.folder / name for name in self.told.pictures]
        parts = [self.figures[name] for name in ("external", "test", "val") if name in self.figures]
        return [self.folder / name for part in parts for name in part["pictures"]]

    def plain(self) -> dict[str, Any]:
        """As eval/metrics.json holds it."""
        return self.figures

    def lines(self) -> list[str]:
        """As a table for a terminal."""
        if self.told is not None:
            return list(self.told.lines)
        assert self.question is not None, "figures come from a question or from a task"
        return evaluation.table(self.figures, self.question)

    def shown(self) -> list[FilePath]:
        """The pictures."""
        return self.pictures

    def __str__(self) -> str:
        return "\n".join(self.lines())


def untold(done: int, total: int) -> None:
    """Hears nothing."""


def evaluate(
    run: FilePath | str,
    *,
    data: FilePath | str | None = None,
    columns: Iterable[str] | Mapping[str, str] = (),
    by: str | None = None,
    output: FilePath | str | None = None,
    force: bool = False,
    device: str = "auto",
    explain: Iterable[str] = (),
    tell: Callable[[int, int], object] = untold,
) -> Evaluation:
    """Figures of a finished run on its own validation and test images, or of a model on other labelled images.

    `run` is a run's folder or an exported model. `data` is a CSV table of labelled images or a folder with one folder
    per class; with a run it may also be the folder where its own images lie now. `columns` says what the table's
    columns are called (`{"label": "diagnosis"}`), `by` names a column of subgroups. Results are written into the run's
    eval/, or for other images into `output` (default: `eval-NAME` beside the model). `explain` names explainers, as
    `occlusion` or `rise: {masks: 1000}`, which draw what answers hang on. `tell` hears how many images of how many are
    answered. Raises SpeccError T658, T674, T675, P84x, P872 to P879.
    """
    place = FilePath(run)
    model = place.is_file() or place.suffix == ".onnx"
    if data is None or (not model and _own_data(Run(place), FilePath(data))):
        if model:
            cure = "name labelled images: `--data TABLE.csv`, or a folder with one folder per class"
            around = (
                f"; for those of its own study: `specc eval {place.parent}`" if judging.is_run(place.parent) else ""
            )
            raise fault("T674", f"{place} is a model, and no images are named to judge it by", cure + around)
        given = next((name for name, value in (("-o", output), ("--columns", columns)) if value), None)
        if given is not None:
            raise fault("T674", f"`{given}` is for other images than the run's own", "add `--data TABLE.csv`")
        return _of_run(Run(place), data, by, explain, tell)
    return _of_model(place, FilePath(data), columns, by, output, force, device, explain, tell)


def _own_data(run: Run, data: FilePath) -> bool:
    """Whether `data` is a folder in which the run's own table or folder of images lies."""
    source = resume.read_lock(run).resolved.get("data", {})
    names = [source[name] for name in ("manifest", "folders", "images") if source.get(name)]
    return data.is_dir() and any((data / name).exists() for name in names)


def question_of(contract: contracts.Contract) -> evaluation.Question:
    """What the model answers."""
    output = contract.output
    units = output.units
    positive = output.classes.index(output.positive) if output.positive in output.classes else 1
    named = tuple(unit or "" for unit in units.values())
    return evaluation.Question(
        output.classes, positive, tuple(units), named, output.aggregate == "patient", output.labels
    )


def _images(
    contract: contracts.Contract, root: FilePath, cases: Mapping[str, tuple[str, ...]] | None = None
) -> evaluation.Images:
    fixed = tuple(contract.input.edges(channel) for channel in contract.input.stack or ("",))
    return evaluation.Images(root, contract.input.reader_window, fixed, contract.input.frame, cases or {})


# ---------------------------------------------------------------------- a run's own images


def _of_run(
    place: Run,
    data: FilePath | str | None,
    by: str | None,
    explain: Iterable[str],
    tell: Callable[[int, int], object],
) -> Evaluation:
    lock = resume.read_lock(place)
    if not place.contract.exists():
        cure = f"`specc train --resume {place.folder}` goes on with it"
        raise fault("T658", f"{place.folder} was stopped before its model was exported", cure)
    contract = contracts.read(place.contract)
    contracts.check_answers(contract)
    root = FilePath(data).absolute() if data is not None else resume.folder_of(place, lock)
    study = study_of(place, lock, root)
    found = origins(study, root)
    session = open_model(place.model, "cpu")
    calls = explaining.asked(explain, place.folder.resolve())
    if contract.plugin:
        explaining.refused(calls, contract.task)
        told = judging.of_run(place, contract, session, found, lock.seed, by, tell)
        origin = study.registry.origins.get(contract.plugin)
        warnings = resume.told_plugin(lock, contract.plugin, folders.recorded(origin)) if origin else ()
        return Evaluation(told.figures, None, place.eval, warnings, told)
    question = question_of(contract)
    images = _images(contract, found.root, found.cases)
    draw = _drawing(place.model, session, question, images, place.eval, lock.seed, calls)
    groups = None if by is None else (by, found.column(by))
    if groups is not None:
        external.check_groups(map(groups[1], found.lines), by)
    figures = evaluation.evaluate(place, question, images, found.patient_of, lock.seed, groups, draw)
    return Evaluation(figures, question, place.eval)


def _drawing(
    model: FilePath,
    session: Session,
    question: evaluation.Question,
    images: evaluation.Images,
    folder: FilePath,
    seed: int,
    calls: Sequence[explaining.Asked] = (),
) -> Callable[[str, evaluation.Rows, Mapping[str, Any]], list[str]]:
    """What draws the pictures of a part into a folder; those of a run carry the name of the part."""

    def seen(files: Sequence[str]) -> list[NDArray[np.float32] | None]:
        return images_seen(model, session, [images.files(file) for file in files])

    explain = explaining.drawing(calls, model, session, question, images.files, folder)

    def draw(name: str, rows: evaluation.Rows, part: Mapping[str, Any]) -> list[str]:
        tail = "" if name == evaluation.EXTERNAL else f"-{name}"
        drawn = pictures.draw(rows, question, part, folder, tail, seed)
        return [*drawn, *worst.draw(rows, question, part, folder, tail, seen), *explain(rows, part, tail)]

    return draw


# ---------------------------------------------------------------------- other images


def _of_model(
    place: FilePath,
    data: FilePath,
    columns: Iterable[str] | Mapping[str, str],
    by: str | None,
    output: FilePath | str | None,
    force: bool,
    device: str,
    explain: Iterable[str],
    tell: Callable[[int, int], object],
) -> Evaluation:
    model = place / "model.onnx" if place.is_dir() else place
    session = open_model(model, device)
    if not data.exists():
        raise fault("P872", f"there is no table or folder {data}", "look at its name and at the folder you are in")
    calls = explaining.asked(explain, model.resolve().parent)
    if session.contract.plugin:
        explaining.refused(calls, session.contract.task)
        told, folder, warnings = judging.of_model(model, session, data, columns, by, output, force, tell)
        return Evaluation(told.figures, None, folder, warnings, told)
    contract, question = session.contract, question_of(session.contract)
    run = Run(model.parent) if judging.is_run(model.parent) else None
    lock = None if run is None else resume.read_lock(run)
    words = labelled.parse_columns(columns, labelled.words_of(contract.output), lambda *text: fault("T675", *text))
    usual = judging.usual({} if lock is None else lock.resolved.get("data", {}).get("columns") or {})
    images = labelled.read_labelled(data, contract, question, words, usual, by)
    external.check_groups((item.group for item in images.items), by)
    folder = FilePath(output) if output is not None else model.parent / f"eval-{folders.slug(images.name)}"
    folders.refuse_full(folder, force)
    train, own = (None, None) if run is None else _study(run, question)
    here = _images(contract, images.root, {item.file: item.files for item in images.items})
    warnings = (*session.warnings, *images.warnings, *external.check_overlap(images, own))
    seed = 42 if lock is None else lock.seed
    bars = None
    if run is not None and lock is not None and train is not None:
        there = _images(contract, resume.folder_of(run, lock), evaluation.cases_of(run.eval / "predictions.csv"))
        whole = all(name.is_file() for file in train.files for name in there.files(file))
        bars = there.bars(train) if whole else None
    rivals = evaluation.Rivals(question, seed, train, bars)
    draw = _drawing(model, session, question, here, folder, seed, calls)
    total = len(images.items)
    try:
        answers = external.answer_all(session, images, lambda done: tell(done, total))
        warnings += external.check_patients(images, answers, own)
        figures = external.judge_external(session, images, answers, question, rivals, here, folder, by, draw)
    except OSError as error:
        raise fault("T659", f"cannot write {folder}: {error.strerror}", "choose another place with `-o DIR`") from error
    return Evaluation(figures, question, folder, warnings)


def _study(run: Run, question: evaluation.Question) -> tuple[evaluation.Rows | None, external.Own | None]:
    """The training rows of the model's own run, and what it knows of its images; None where they are not kept."""
    try:
        hashes: dict[str, str] = json.loads(run.index.read_text(encoding="utf-8"))
        splits = evaluation.read_predictions(run.eval / "predictions.csv", question)
        cases = evaluation.cases_of(run.eval / "predictions.csv")
    except (OSError, ValueError, SpeccError):
        return None, None
    parts: dict[str, str] = {}
    people: dict[str, str] = {}
    for name in ("test", "val", "train"):  # the last one counts
        rows = splits.get(name, evaluation.Rows.empty())
        parts |= {hashes[one]: name for file in rows.files for one in cases.get(file, (file,)) if hashes.get(one)}
        people |= dict.fromkeys(rows.patients, name)
    return splits.get("train"), external.Own(parts, people)
