"""`specc demo`: the whole way on real images, in under two minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.cli import edge


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new folder for it.")] = Path("specc-demo"),
) -> None:
    """T1 or T2? Train the paper's LeNet on real MR slices: check, compile, train, export, evaluate, predict."""
    from specc.demo.run import SPEC, run
    from specc.run.progress import watcher

    result = run(folder, edge.say, watcher)
    trained = result.trained
    if trained.exit_code:
        edge.then(f"cd {folder} && specc train --resume {trained.run.relative_to(folder)}")
        raise SystemExit(trained.exit_code)
    edge.say(f"\nlearning curve  {trained.run / 'eval' / 'learning_curve.png'}")
    edge.say(f"what it sees    {trained.run / 'eval' / 'what_the_network_sees.png'}")
    edge.say(f"model           {trained.run / 'model.onnx'}")
    edge.say(f"program         {folder / 'program' / 'train.py'}")
    edge.then(f"open {folder / SPEC}, change a layer, and run `specc train {SPEC}` in {folder}/")
