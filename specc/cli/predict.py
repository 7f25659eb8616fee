"""`specc predict MODEL FILES...`: answers of an exported model, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from specc.cli import edge
from specc.cli.options import Force, Json

if TYPE_CHECKING:
    from specc.answering import Said
    from specc.api.prediction import Prediction
    from specc.deploy.predict import Answer, PatientAnswer


class Device(StrEnum):
    """Where to compute."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model.onnx, or a run's folder.", show_default=False)],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES...", help="Images, or folders of images.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.csv|DIR",
            help="Write a CSV table; a model of masks, images or codes writes them into a folder or file of its kind.",
            show_default=False,
        ),
    ] = None,
    forms: Annotated[
        list[str] | None,
        typer.Option("--as", metavar="FORM", help="How such a model writes its answers.", show_default=False),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", metavar="FILE.csv", help="Table of files.", show_default=False)
    ] = None,
    patient: Annotated[
        str | None, typer.Option("--patient", metavar="COLUMN", help="Its column of patients.", show_default=False)
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="COLUMN", help="Its column of image files.", show_default=False)
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(
            "--cases",
            metavar="FILE.csv",
            help="Table with a line a case; its columns of files as in the study's own table.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[Device, typer.Option("--device", help="Where to compute.")] = Device.auto,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Answer about images with an exported model; what its contract does not cover is refused with a reason.

    Exit code 0 when at least one image was answered, else 2.
    """
    from specc.api.prediction import Prediction
    from specc.run.folders import refuse_existing

    if output is not None and output.suffix:
        refuse_existing(output, force)
    job = Prediction(
        model, files or (), manifest=manifest, patient=patient, image=image, cases=cases, device=device.value
    )
    edge.show(job.warnings, {})
    if job.others:
        kind = job.contract.input.format.upper()
        edge.tell(f"{job.others} file{'s' if job.others > 1 else ''} in the folders left out: not named as {kind}")
    if job.task is not None or forms:
        _of_task(job, output, forms or (), force, as_json)
    if output is not None:
        refuse_existing(output, force)
        _refuse_codes(output)
    _of_core(job, output, as_json)


def _refuse_codes(output: Path) -> None:
    """Raise SpeccError P849 where answers are to be written as a table of codes, which is no text."""
    from specc.deploy.faults import fault

    if output.suffix.casefold() in (".npz", ".parquet"):
        cure = "name it `.csv`, or take `--as codes`, where the network has a layer `id: code`"
        raise fault("P849", f"answers are written as CSV, and {output.name} would be a table of codes", cure)


def _of_core(job: Prediction, output: Path | None, as_json: bool) -> NoReturn:
    """Classes, findings and values; the table goes to a CSV file."""
    from specc.deploy import tables
    from specc.run.folders import replace

    answers: list[Answer] = []
    with edge.counting(len(job.files), "image", quiet=as_json) as count:
        for answer in job.answers(count):
            answers.append(answer)
            if as_json:
                edge.say(tables.to_json(answer))
    patients = job.patients(answers)
    _write(job, answers, patients, as_json)
    if output is not None:
        replace(output, tables.to_csv(job.contract, [*answers, *patients]))
        edge.tell(f"wrote {output}")
    refused = sum(answer.refused is not None for answer in answers)
    edge.tell(f"{len(answers) - refused} answered, {refused} refused")
    code = next((answer.refused[0] for answer in answers if answer.refused), "")
    table = f"open {output}" if output else "specc predict MODEL FILES -o FILE.csv for a table"
    edge.then(f"specc explain {code}" if code else table, as_json)
    raise SystemExit(2 if refused == len(answers) else 0)


def _of_task(job: Prediction, output: Path | None, forms: Sequence[str], force: bool, as_json: bool) -> NoReturn:
    """The answers of a task that has its own kind; the table goes to a CSV file, or into the folder as answers.csv."""
    from specc.api import answered
    from specc.run.folders import refuse_full, replace

    folder = output if output is not None and not output.suffix else None
    table = output if output is not None and output.suffix.casefold() == ".csv" else None
    if folder is not None:
        refuse_full(folder, force)
    several: list[Said] = []
    with edge.counting(len(job.files), "image", quiet=as_json) as count:
        for said in job.said(None if table else output, forms, count):
            several.append(said)
            edge.say(answered.to_json(said) if as_json else answered.line(said))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        table = folder / "answers.csv"
    if table is not None:
        replace(table, answered.to_csv(several))
        edge.tell(f"wrote {table}")
    refused = sum(said.refused is not None for said in several)
    edge.tell(f"{len(several) - refused} answered, {refused} refused")
    code = next((said.refused[0] for said in several if said.refused), "")
    then = f"open {output}" if output else "specc predict MODEL FILES -o DIR to write the answers"
    edge.then(f"specc explain {code}" if code else then, as_json)
    raise SystemExit(2 if refused == len(several) else 0)


def _write(job: Prediction, answers: list[Answer], patients: list[PatientAnswer], as_json: bool) -> None:
    from specc.deploy import tables

    if as_json:
        for patient in patients:
            edge.say(tables.to_json(patient))
        return
    for line in tables.table(job.contract, [*answers, *patients]):
        edge.say(line)
