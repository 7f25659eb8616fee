"""`specc train SPEC`: compile the program, run it, follow it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from specc.cli import edge
from specc.cli.options import Data, Json


def train(
    spec: Annotated[
        Path | None, typer.Argument(metavar="SPEC", help="The YAML file; not needed with --resume.", show_default=False)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("-S", "--set", metavar="PATH=VALUE", help="Change a value of the spec.", show_default=False),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Go on with a run or a series that stopped.", show_default=False),
    ] = None,
    fractions: Annotated[
        str | None,
        typer.Option(
            "--fractions",
            metavar="PERCENTS",
            help="Would more cases help? Train with so much of the training patients, as 25,50,100.",
            show_default=False,
        ),
    ] = None,
    sanity: Annotated[
        bool, typer.Option("--sanity", help="Only see whether one batch can be learned by heart; keeps no run.")
    ] = False,
    nproc: Annotated[int, typer.Option("--nproc", min=1, help="Processes (torchrun): one for each card.")] = 1,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Threads that read images.", show_default=False)
    ] = None,
    data: Data = None,
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where runs are kept.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """Train the network of a spec, export it and evaluate it; with repeats, folds or fractions as a series of runs."""
    from specc.api.series import train as train_spec
    from specc.run.progress import watcher

    if spec is None and resume is None:
        raise typer.BadParameter("give a SPEC, or --resume RUN")
    with watcher(quiet=as_json) as watch:
        result = train_spec(
            spec, settings=settings or (), resume=resume, fractions=fractions or (), sanity=sanity, nproc=nproc,
            workers=workers, data=data, runs=runs, listen=watch,
        )  # fmt: skip
    edge.show(result.warnings, {})
    if as_json:
        edge.say(json.dumps(result.plain(), allow_nan=False))
    else:
        for line in result.lines():
            edge.say(line)
    edge.then(result.next, as_json)
    raise SystemExit(result.exit_code)
