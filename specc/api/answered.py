"""Models whose task gives answers of its own kind: the object of the task that predicts and judges, and its tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import takewhile
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc import settings
from specc.answering import Answering, Asked, Case, CaseScores, Item, Judged, Judging, PrimaryMetric, Said
from specc.api import cases
from specc.blame import at_fault, blamed
from specc.blame import said as told
from specc.deploy.faults import fault
from specc.deploy.tables import safe, visible
from specc.errors import SpeccError
from specc.registry import Origin, Registry, enabled, usual
from specc.run.case_scores import mismatch
from specc.run.evaluate import method
from specc.run.folders import replace

if TYPE_CHECKING:
    from specc.deploy.contract import Contract
    from specc.deploy.session import Session
    from specc.plugin import Form, Piece, Task

IMAGES = "images.csv"  # what a program writes about its cases where a plugin reads the answers


def task_of(contract: Contract, folder: FilePath) -> Task:
    """The task of a model that lies in a folder. Raises SpeccError P848 where its plugin is not enabled there."""
    near = settings.find(folder) or settings.find(FilePath.cwd())
    task = enabled(near.parent if near else folder, files=False).tasks.get(contract.task)
    if task is None or task.answering is None:
        message = f"the model is of the task `{contract.task}`, which the plugin `{contract.plugin}` brings"
        cure = f"enable it in specc.toml beside the model or in this folder: `specc plugins info {contract.plugin}`"
        raise fault("P848", message, cure, exit_code=5)
    return task


def answering_of(piece: Piece | None, task: str) -> Answering:
    """The object that predicts and judges. Raises SpeccError P848 where the plugin does not have it."""
    assert piece is not None, "asked of a task that has one"
    try:
        found: Answering = getattr(import_module(piece.module), piece.name)
    except (ImportError, AttributeError) as error:
        message = f"the plugin of the task `{task}` cannot be used: {error}"
        raise fault("P848", message, "install what it needs, or a version of it that fits", exit_code=5) from error
    return found


def ask(
    task: Task | None,
    session: Session,
    cases: Sequence[Case],
    patients: Mapping[Any, str] | None,
    output: FilePath | None,
    forms: Iterable[str],
    tell: Callable[[int], object],
) -> Iterator[Said]:
    """What the model says of each case; without a task of its own kind of answers, in the forms that plugins have for
    what the model gives beside them. Raises SpeccError P849 for a form that is not known.
    """
    words, name = tuple(word.strip() for text in forms for word in text.split(",") if word.strip()), ""
    if task is not None:
        piece, name = task.answering, task.name
        known = answering_of(piece, name).forms
    else:
        every = _forms(session)
        for word in words:
            if word in every:
                _require_output(session, every[word])
        there = {form.name: form for form in every.values() if form.output in session.outputs}
        piece = next((form.answering for form in there.values() if form.name in words), None)
        known = {form.name: form.doc for form in there.values() if form.answering == piece or piece is None}
        name = session.contract.task
    for word in words or ("",):
        if word not in known and (word or task is None):
            listed = "; ".join(f"`{form}`: {doc}" for form, doc in known.items())
            cure = f"forms: {listed}" if known else "leave `--as` out"
            raise fault("P849", f"the task `{name}` has no form `{word}` of its answers", cure)
    assert piece is not None, "a form that is known has one"
    return _held(piece, Asked(session, cases, patients, output, words, tell), answering_of(piece, name))


def _require_output(session: Session, form: Form) -> None:
    """Raise SpeccError P849 unless the model gives what a form is made of."""
    if form.output not in session.outputs:
        cure = f"give a layer before the answer `id: {form.output}`, and train again"
        raise fault("P849", f"`--as {form.name}` needs `{form.output}`, which this model does not give", cure)


def _forms(session: Session) -> Mapping[str, Form]:
    """What plugins make of outputs of any task's models, as they are enabled where the model lies, else here."""
    near = settings.find(session.folder) if session.folder else None
    near = near or settings.find(FilePath.cwd())
    return enabled(near.parent if near else FilePath.cwd(), files=False).forms


def _held(piece: Piece, asked: Asked, answering: Answering) -> Iterator[Said]:
    """The answers of a plugin's object. Raises SpeccError S119 where it fails, or gives no answers of that form."""
    known, plugin = _known(piece, asked.session)
    given = 0
    with blamed(known):
        for said in answering.predict(asked):
            if not isinstance(said, Said):
                raise SpeccError(
                    (at_fault(known, plugin, f"answers with {told(repr(said))}, which is no Said record"),)
                )
            _require_json(known, plugin, said.row, f"says of {told(said.file)} what is no JSON")
            given += 1
            yield said
    if given != len(asked.cases):
        raise SpeccError((at_fault(known, plugin, f"answers {given} of {len(asked.cases)} cases"),))


def _known(piece: Piece, session: Session) -> tuple[Registry, str]:
    """Whose module an object is of, for a message."""
    package = piece.module.partition(".")[0]
    plugin = next((origin.name for origin in usual().origins.values() if origin.place == package), "")
    name = plugin or session.contract.plugin or package
    return Registry(origins={name: Origin(name, "installed", package)}), name


def _require_json(known: Registry, plugin: str, value: Any, what: str) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SpeccError((at_fault(known, plugin, f"{what}: {told(str(error))}"),)) from error


def line(said: Said) -> str:
    """For a terminal."""
    if said.refused is not None:
        return f"{visible(said.file)}  refused {said.refused[0]}: {said.refused[1]}"
    return f"{visible(said.file)}  {said.line}".rstrip()


def to_json(said: Said) -> str:
    """One line of ASCII."""
    return json.dumps(said.plain(), ensure_ascii=True, allow_nan=False)


def to_csv(answers: Sequence[Said]) -> str:
    """The whole table: file, `file.CHANNEL`, patient, what the task says, refused, reason; safe in a spreadsheet."""
    others = list(dict.fromkeys(name for said in answers for name in said.others))
    names = list(dict.fromkeys(name for said in answers for name in said.row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = ["file", *(f"file.{name}" for name in others), "patient", *names, "refused", "reason"]
    writer.writerow([safe(name) for name in heads])
    for said in answers:
        code, reason = said.refused or ("", "")
        files = [said.file, *(said.others.get(name, "") for name in others)]
        cells = [_cell(said.row.get(name, "")) for name in names]
        writer.writerow([*map(safe, files), safe(said.patient or ""), *cells, code, safe(reason)])
    return text.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    return (
        safe(value) if isinstance(value, str) else json.dumps(value) if isinstance(value, list | dict) else str(value)
    )


# ---------------------------------------------------------------------- judging


@dataclass(frozen=True)
class Told:
    """Figures and what shows them, as `specc eval` hands them on."""

    figures: dict[str, Any]
    lines: tuple[str, ...]
    pictures: tuple[str, ...]


def items_of(
    table: FilePath, root: FilePath, group_of: Callable[[str], str] = lambda file: ""
) -> dict[str, list[Item]]:
    """The cases of a run by part, from its eval/images.csv. Raises SpeccError T658."""
    try:
        with table.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            names = next(reader)
            rows = list(reader)
    except (OSError, StopIteration, csv.Error) as error:
        cure = "export it again: `specc export RUN`"
        raise fault("T658", f"cannot read {table}: the run was stopped before its export", cure) from error
    more = len(list(takewhile(lambda name: name.startswith("file."), names[2:])))
    parts: dict[str, list[Item]] = {}
    for cells in rows:
        files = [FilePath(name).as_posix() for name in cells[1 : 2 + more]]
        words = dict(zip(names[3 + more :], cells[3 + more :], strict=True))
        paths = tuple(root / name for name in files)
        item = Item(root, files[0], paths, cells[2 + more], words, group_of(files[0]))
        parts.setdefault(cells[0], []).append(item)
    return parts


def _cases(known: Registry, plugin: str, judged: Judged) -> dict[str, list[CaseScores]]:
    """What a plugin tells of its cases. Raises SpeccError S119 for what no figure can be the mean of."""
    try:
        scored = cases.checked(judged.cases)
        for part, every in scored.items():
            if name := mismatch(judged.figures.get(part, {}), every):
                raise ValueError(f"tells of {part} cases whose mean is not its figure `{name}`")
        primary: Any = judged.primary
        fault = primary.fault() if isinstance(primary, PrimaryMetric) else "it is no such record"
        if primary is not None and fault:
            raise ValueError(f"has a primary metric that cannot be used: {fault}")
    except ValueError as error:
        raise SpeccError((at_fault(known, plugin, told(str(error))),)) from error
    return scored


def judge(task: Task, judging: Judging, head: Mapping[str, Any]) -> Told:
    """Judge, and write metrics.json and cases.csv beside the pictures."""
    judging.folder.mkdir(parents=True, exist_ok=True)
    answering = answering_of(task.answering, task.name)
    assert task.answering is not None, "asked of a task that has one"
    known, plugin = _known(task.answering, judging.session)
    with blamed(known):
        judged: Judged = answering.judge(judging)
    if not isinstance(judged, Judged):
        raise SpeccError((at_fault(known, plugin, f"judges with {told(repr(judged))}, which is no Judged record"),))
    _require_json(known, plugin, dict(judged.figures), "has figures that are no JSON")
    scored = _cases(known, plugin, judged)
    primary = {} if judged.primary is None else {"primary_metric": asdict(judged.primary)}
    figures = {"format_version": 1, **head, **method(judging.seed), **judged.figures, **primary}
    replace(judging.folder / "metrics.json", json.dumps(figures, indent=2, allow_nan=False) + "\n")
    cases.write(scored, judging.folder / cases.CASES)
    return Told(figures, tuple(judged.lines), tuple(judged.pictures))
