"""`specc demo`: check, compile, train, export, predict, evaluate on the slices that come with specc."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from specc.run.faults import fault

if TYPE_CHECKING:
    from specc.api.training import Listen, Trained

SPEC = "lenet.yaml"
HELD_OUT = 6  # slices that the finished model is shown


@dataclass(frozen=True)
class Demo:
    """Where the demo lies and how its training ended."""

    folder: FilePath
    trained: Trained


def unpack(folder: FilePath) -> FilePath:
    """Copy the spec and its images into a new folder and return the spec. Raises SpeccError T660 or T659."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        cures = (f"go on there: `cd {folder}`, then `specc train {SPEC}`", "or name another: `specc demo DIR`")
        raise fault("T660", f"{folder} is there already, and nothing is overwritten", *cures)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with resources.as_file(resources.files("specc.demo")) as source:
            shutil.copytree(source / "data", folder / "data", dirs_exist_ok=True)
            shutil.copyfile(source / SPEC, folder / SPEC)
    except OSError as error:  # shutil.Error, a list of such, has no strerror
        reason = error.strerror or "not all files could be copied; the disk may be full"
        raise fault("T659", f"cannot write {folder}: {reason}", "name another folder: `specc demo DIR`") from error
    return folder / SPEC


def run(folder: FilePath, say: Callable[[str], None], watching: Callable[[], AbstractContextManager[Listen]]) -> Demo:
    """All of it, each step with the command that does it alone; `watching` shows the training. Raises SpeccError."""
    from specc.api.prediction import Prediction
    from specc.api.program import check, write
    from specc.api.program import compile as compile_spec
    from specc.api.training import train
    from specc.deploy import tables

    spec = unpack(folder)
    say(f"1. the spec and its images: {folder}/ ({SPEC}, data/)")
    checked = check(spec)
    checked.require()
    say(f"2. specc check {SPEC}: no errors")
    program = compile_spec(spec)
    write(program, folder / "program")
    lines = sum(text.count("\n") for text in program.values())
    say(f"3. specc compile {SPEC}: {len(program)} files, {lines} lines of PyTorch in {folder / 'program'}/")
    say(f"4. specc train {SPEC}")
    with watching() as listen:
        trained = train(spec, runs=folder / "runs", listen=listen)
    if trained.exit_code:
        return Demo(folder, trained)
    for line in trained.lines():
        say(f"   {line}".rstrip())
    images = held_out(trained.run, folder)
    say(f"5. specc predict model.onnx: {len(images)} slices of patients that the network never saw")
    job = Prediction(trained.run, images)
    for line in tables.table(job.contract, job.answers()):
        say(f"   {line}")
    return Demo(folder, trained)


def held_out(run: FilePath, folder: FilePath) -> list[FilePath]:
    """Some images of the test split (else of the validation split), spread over its patients."""
    import csv

    with (run / "eval" / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    chosen = [row["file"] for row in rows if row["split"] == "test"] or [r["file"] for r in rows if r["split"] == "val"]
    step = max(1, len(chosen) // HELD_OUT)
    return [folder / name for name in chosen[::step][:HELD_OUT]]
