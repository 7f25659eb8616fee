"""`specc eval RUN|MODEL.onnx`: figures with intervals, beside a baseline, and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.cli import edge
from specc.cli.options import Force, Json
from specc.cli.predict import Device

if TYPE_CHECKING:
    from specc.api.evaluation import Evaluation


def eval_(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|MODEL.onnx", help="A run's or series' folder, or an exported model.", show_default=False
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="TABLE.csv|DIR",
            help="Labelled images from elsewhere: a table, or a folder with one folder per class. With a RUN also the "
            "folder where its own images lie now.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns", metavar="WORD=COLUMN", help="What the table calls image, label, ...", show_default=False
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Figures for each entry of it.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="A new folder for the results.", show_default=False),
    ] = None,
    explain: Annotated[
        list[str] | None,
        typer.Option(
            "--explain",
            metavar="WORD",
            help="Draw what answers hang on: `occlusion`, or `rise: {masks: 1000}`.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[Device, typer.Option("--device", help="Where to compute.")] = Device.auto,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Evaluate a run on its validation and test images, or a model on labelled images from elsewhere.

    Figures come with intervals over patients and a baseline; pictures and tables are written beside them.
    """
    from specc.api.evaluation import evaluate
    from specc.run.series import is_series

    if is_series(run):
        _series(run, data, as_json, {"--columns": columns, "--by": by, "-o": output, "--explain": explain})
        return

    def tell(done: int, total: int) -> None:
        if not as_json and total >= 100 and done % max(1, total // 10) == 0:
            edge.tell(f"{done}/{total} images")

    result = evaluate(
        run,
        data=data,
        columns=columns or (),
        by=by,
        output=output,
        force=force,
        device=device.value,
        explain=explain or (),
        tell=tell,
    )
    _told(result, as_json)
    own = run if run.is_dir() else None
    model = run / "model.onnx" if own is not None else run
    edge.then(f"open {result.folder}" if data is not None or own is None else f"specc predict {model} FILES", as_json)


def _told(result: Evaluation, as_json: bool) -> None:
    edge.show(result.warnings, {})
    if as_json:
        edge.say(json.dumps(result.plain(), allow_nan=False))
        return
    for line in result.lines():
        edge.say(line)
    if result.pictures:
        edge.say(f"pictures  {result.folder}: {', '.join(file.name for file in result.pictures)}")
    if tables := sorted(result.folder.glob("*.csv")) if "external" in result.figures else []:
        edge.say(f"answers   {', '.join(map(str, tables))}")


def _series(folder: Path, data: Path | None, as_json: bool, others: dict[str, object]) -> None:
    """The summary of a series once more, with the runs that are finished."""
    from specc.api.summing import summarize
    from specc.run.faults import fault

    given = next((name for name, value in others.items() if value), None)
    if given is not None:
        cure = f"name one of its runs: `specc eval {folder}/RUN {given} ...`"
        raise fault("T674", f"{folder} is a series, and `{given}` is for a run or a model", cure)
    summary = summarize(folder, data=data)
    if as_json:
        edge.say(json.dumps(summary.plain(), allow_nan=False))
    else:
        for line in summary.lines():
            edge.say(line)
    edge.then(f"open {folder / 'summary.md'} and {folder / 'summary.png'}", as_json)
