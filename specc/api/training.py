"""Train a spec once, go on with a run, export it again. What asks for several runs is in `specc.api.series`."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, TypedDict

from specc.api.evaluation import Evaluation, evaluate
from specc.api.notebook import Cells, Shown, running
from specc.api.plugins import used
from specc.api.program import check, study_of
from specc.deploy import contract as contracts
from specc.errors import Diagnostic, Note, SpeccError
from specc.run import folders, montage, resume, start
from specc.run.curve import draw
from specc.run.faults import fault
from specc.run.folders import Run
from specc.run.origins import origins
from specc.run.override import override
from specc.run.progress import agreement, show
from specc.run.verdict import Curve, Verdict, read_curve
from specc.source import load

EXPORTING = ("data", "damaged", "stopped")  # events of an export that a listener hears
Listen = Callable[[Mapping[str, Any]], object]


class Extra(TypedDict):
    """How a program is started, beside what the run says."""

    ranks: int
    workers: int | None


def silent(event: Mapping[str, Any]) -> None:
    """Listens to nothing; in a notebook, where nobody named another listener, progress is shown below the cell."""


@dataclass(frozen=True)
class Trained(Shown):
    """How a training ended. `run` is its folder; `metrics` are those of the best epoch; in a notebook, the curve."""

    run: FilePath
    exit_code: int
    best_epoch: int | None
    metrics: dict[str, float | None]
    verdict: Verdict
    evaluation: Evaluation | None = None
    warnings: tuple[Diagnostic, ...] = ()
    sanity: dict[str, Any] = field(default_factory=dict)
    spec: str = "SPEC"

    @property
    def next(self) -> str:
        """What to do now."""
        if self.sanity:
            return f"specc train {self.spec}"
        if self.exit_code == 130:
            kept = any(Run(self.run).checkpoints.glob("last-*.safetensors"))
            return f"specc train --resume {self.run}" if kept else f"specc train {self.spec}"
        model = self.run / "model.onnx"
        if self.evaluation is None:
            return f"open {model} with onnxruntime; {self.run / 'contract.json'} says what comes out"
        return f"specc predict {model} FILES"

    def plain(self) -> dict[str, Any]:
        """As `train --json` prints it in its last line."""
        if self.sanity:
            return {"sanity": self.sanity}
        row: dict[str, Any] = {"run": self.run.as_posix(), "best_epoch": self.best_epoch, "metrics": self.metrics}
        row["verdict"] = self.verdict.word
        if self.evaluation is not None:
            row["evaluation"] = self.evaluation.plain()
        return row

    def lines(self) -> list[str]:
        """For a terminal."""
        if self.sanity:
            if "last_loss" not in self.sanity:
                return ["sanity   stopped before its end"]
            first, last, chance = (self.sanity.get(name) for name in ("first_loss", "last_loss", "expected"))
            if chance is None or math.isnan(chance):
                return [f"sanity   passed: 200 steps on one batch took the loss from {show(first)} to {show(last)}"]
            return [
                f"sanity   passed: one batch was learned by heart, its loss fell from {show(first)} to {show(last)}",
                f"         a network that knows nothing has a loss of {show(chance)}",
            ]
        lines = [f"run      {self.run}"]
        if self.exit_code == 130 and not any(Run(self.run).checkpoints.glob("last-*.safetensors")):
            lines.append("         stopped before its first step: there is nothing to go on with")
        if self.best_epoch is not None:
            lines.append(f"verdict  {self.verdict.word}: {self.verdict.reason}")
            lines.append(f"advice   {self.verdict.advice}")
            lines.append(f"curve    {self.run / 'eval' / 'learning_curve.png'}")
        if (seen := self.run / "eval" / montage.PICTURE).exists():
            lines.append(f"images   {seen}")
        if not self.exit_code:
            lines.append(f"model    {self.run / 'model.onnx'}")
        if self.evaluation is not None:
            lines += ["", *self.evaluation.lines(), ""]
        return lines

    def shown(self) -> list[FilePath]:
        """The learning curve, what the network sees, and the pictures of the evaluation."""
        own = [self.run / "eval" / name for name in ("learning_curve.png", montage.PICTURE)]
        return [*own, *(self.evaluation.pictures if self.evaluation else ())]


def train(
    spec: FilePath | str | None = None,
    *,
    settings: Iterable[str] = (),
    resume: FilePath | str | None = None,
    sanity: bool = False,
    nproc: int = 1,
    workers: int | None = None,
    data: FilePath | str | None = None,
    runs: FilePath | str = "runs",
    folder: FilePath | None = None,
    listen: Listen = silent,
) -> Trained:
    """Compile a spec, train it, export it, evaluate it; or go on with the run `resume`.

    The run is a new one in `runs`, or the new `folder`.

    `listen` hears the program's events; SIGINT and SIGTERM end it with the checkpoint kept (`exit_code` 130).
    Raises SpeccError.
    """
    extra: Extra = {"ranks": nproc, "workers": workers}
    listen = Cells() if listen is silent and running() else listen
    if resume is not None:
        return _resumed(Run(FilePath(resume)), spec, tuple(settings), data, listen, extra)
    assert spec is not None, "give a spec, or a run to resume"
    if sanity:
        with tempfile.TemporaryDirectory(prefix="specc-sanity-") as place:
            run, root, warnings = _prepared(FilePath(spec), tuple(settings), data, FilePath(place), None, listen)
            arguments = start.command(run, root, cache_of(root), sanity=True, **extra)
            outcome = start.follow(arguments, run.log, listen)
            curve = read_curve(run.metrics)
        told = {k: v for k, v in outcome.last.get("sanity", {"passed": None}).items() if k != "event"}
        return Trained(run.folder, outcome.exit_code, None, {}, curve.verdict(), None, warnings, told, str(spec))
    run, root, warnings = _prepared(FilePath(spec), tuple(settings), data, FilePath(runs), folder, listen)
    with folders.claimed(run):
        done = _followed(run, start.command(run, root, cache_of(root), **extra), data, listen, warnings)
        return replace(done, spec=str(spec))


def _prepared(
    spec: FilePath,
    settings: tuple[str, ...],
    data: FilePath | str | None,
    runs: FilePath,
    folder: FilePath | None,
    listen: Listen,
) -> tuple[Run, FilePath, tuple[Diagnostic, ...]]:
    """A new run with everything in it, the folder where the spec's paths start, and the warnings of the check."""
    from specc.compile import compile as compile_study

    checked = check(spec, settings=settings)
    study = checked.require()
    root = FilePath(data).absolute() if data is not None else study.folder
    program = compile_study(study)

    def tell(done: int, total: int) -> None:
        listen({"event": "data", "done": done, "total": total})

    found = origins(study, root, tell)
    run = folders.create(runs, study.spec.name) if folder is None else folders.make(folder)
    beside = {"file": relative(spec, run.folder), "folder": relative(root, run.folder), "overrides": list(settings)}
    known = study.registry.origins
    lock = {
        "name": study.spec.name,
        "task": study.task.name,
        "seed": study.spec.train.seed,
        "spec": beside,
        "plugins": {name: folders.recorded(known[name]) for name in sorted(used(study)) if name in known},
        "resolved": folders.plain(study.spec),
    }
    folders.fill(run, study.document.text, program, lock, found.hashes)
    return run, root, tuple(d for d in checked.diagnostics if d.severity != "error")


def cache_of(root: FilePath) -> FilePath:
    """Where decoded images are kept: `.specc/` beside the data, where a check keeps its index, else in this folder."""
    return (root if os.access(root, os.W_OK) else FilePath.cwd()) / ".specc"


def relative(path: FilePath, to: FilePath) -> str:
    """A path from a folder on, with `/`; the whole path where there is no way."""
    try:
        return FilePath(os.path.relpath(path.resolve(), to.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()


def _brought(run: Run) -> tuple[Note, ...]:
    """Whose code a program holds beside that of specc, where it ends without a reason."""
    try:
        known = resume.read_lock(run).plugins
    except SpeccError:
        return ()
    names = [f"`{name}` ({of.get('distribution') or of.get('file', 'a local file')})" for name, of in known.items()]
    names = [text for name, text in zip(known, names, strict=True) if name != "specc"]
    text = f"its code is in part that of {', '.join(names)}: if the last line is about that, tell its authors"
    return (Note("note", text),) if names else ()


def _followed(
    run: Run, arguments: list[str], data: FilePath | str | None, listen: Listen, warnings: tuple[Diagnostic, ...]
) -> Trained:
    """Run the program to its end, draw the curve whatever the end, evaluate what was exported."""
    try:
        outcome = start.follow(arguments, run.log, _drawing(run, listen))
    except SpeccError as error:
        first, *rest = error.diagnostics
        saved = "; its last good checkpoint is kept" if any(run.checkpoints.glob("last-*.safetensors")) else ""
        kept = Note("where", f"the run: {run.folder}{saved}")
        brought = _brought(run) if first.code == "T650" else ()
        error.diagnostics = (replace(first, notes=(*first.notes, kept, *brought)), *rest)
        raise
    finally:
        curve = read_curve(run.metrics)
        _draw(run, curve)
    best = outcome.last.get("trained", {}).get("best_epoch")
    verdict = curve.verdict(finished=not outcome.stopped)
    if best is None and curve.epochs:
        best = curve.epochs[verdict.best if curve.kept is None else curve.kept]
    metrics = _at(curve, best)
    answered = not outcome.stopped and judged(run)
    evaluation = evaluate(run.folder, data=data) if answered else None
    return Trained(run.folder, outcome.exit_code, best, metrics, verdict, evaluation, warnings)


def judged(run: Run) -> bool:
    """Whether the run was exported and its answers can be judged: by the core, or by the task's plugin."""
    if not run.contract.exists():
        return False
    if (run.eval / "predictions.csv").exists():
        return True
    try:
        return bool(contracts.read(run.contract).plugin)
    except SpeccError as error:
        if error.diagnostics[0].code == "P848":  # a model that takes no images
            return False
        raise


def _drawing(run: Run, listen: Listen) -> Listen:
    """Draws what the network sees as soon as the program has written it; hands every event on."""

    def heard(event: Mapping[str, Any]) -> None:
        if event["event"] == "samples":
            written, lock = run.eval / "samples.safetensors", resume.read_lock(run)
            picture = run.eval / montage.PICTURE
            montage.draw(montage.read_samples(written), lock.name, lock.resolved.get("input", {}), picture)
            written.unlink()
        listen(event)

    return heard


def _draw(run: Run, curve: Curve) -> None:
    if curve.epochs:
        run.eval.mkdir(exist_ok=True)
        lock = resume.read_lock(run)
        stop = lock.resolved.get("train", {}).get("early_stop") or {}
        watch = str(stop.get("watch", "val_loss"))
        draw(curve, curve.verdict(), lock.name, run.eval / "learning_curve.png", watch)


def _at(curve: Curve, epoch: int | None) -> dict[str, float | None]:
    """Losses and metrics of an epoch, by name."""
    if epoch not in curve.epochs:
        return {}
    place = curve.epochs.index(epoch)
    columns = {"train_loss": curve.train, "val_loss": curve.val, **curve.metrics}
    return {name: values[place] for name, values in columns.items()}


def _resumed(
    run: Run,
    spec: FilePath | str | None,
    settings: tuple[str, ...],
    data: FilePath | str | None,
    listen: Listen,
    extra: Extra,
) -> Trained:
    lock = resume.read_lock(run)
    with folders.claimed(run):
        resume.check_checkpoint(run)
        resume.check_spec(run, lock.spec_sha256, beside(run.folder, lock.spec_file, lock.overrides, spec, settings))
        root = _same_images(run, lock, data)
        arguments = start.command(run, root, cache_of(root), resume=True, **extra)
        return _followed(run, arguments, data, listen, resume.told_edited(resume.edited(run, lock)))


def _same_images(run: Run, lock: resume.Lock, data: FilePath | str | None) -> FilePath:
    """The folder where the spec's paths start, its images being those of the run. Raises SpeccError T653."""
    root = FilePath(data).absolute() if data is not None else resume.folder_of(run, lock)
    now = origins(study_of(run, lock, root), root).hashes
    resume.check_data(run, now, json.loads(run.index.read_text(encoding="utf-8")))
    return root


def beside(
    folder: FilePath, name: str, overrides: Sequence[str], spec: FilePath | str | None, settings: Sequence[str]
) -> tuple[str, str] | None:
    """The spec that a run came from as it is now, its overrides applied; None where it is gone.

    `name` is its path from the run's folder; `spec` and `settings` are those that are given now, if any.
    """
    file = FilePath(spec) if spec is not None else (folder / name).resolve()
    if spec is None and not file.exists():
        return None
    try:
        return str(file), override(load(file), settings or overrides).text
    except SpeccError:
        return str(file), file.read_text(encoding="utf-8", errors="replace")


class Exported(dict[str, Any], Shown):
    """`run`, `model`, `parity` in words, and the names of files that were `edited` by hand."""

    def lines(self) -> list[str]:
        """For a person."""
        return [f"model    {self['model']}", f"parity   {self['parity']}"]


def export(run: FilePath | str, *, data: FilePath | str | None = None, listen: Listen = silent) -> Exported:
    """Export a run's best network again and hold it against torch. Raises SpeccError (exit code 5 without parity)."""
    place = Run(FilePath(run))
    lock = resume.read_lock(place)
    with folders.claimed(place):
        resume.check_checkpoint(place)
        root = _same_images(place, lock, data)
        edited = resume.edited(place, lock)

        def heed(event: Mapping[str, Any]) -> None:
            if event["event"] in ("step", "epoch"):
                cure = f"train it to its end first: `specc train --resume {place.folder}`"
                raise fault("T658", f"{place.folder} was stopped before its training was done", cure)
            if event["event"] in EXPORTING:
                listen(event)

        try:
            outcome = start.follow(start.command(place, root, cache_of(root), resume=True), place.log, heed)
        except SpeccError as error:
            error.diagnostics = (*resume.told_edited(edited), *error.diagnostics)
            raise
    return Exported(
        run=place.folder.as_posix(),
        model=place.model.as_posix(),
        parity=agreement(outcome.last.get("parity", {})),
        edited=edited,
    )
