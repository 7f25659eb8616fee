"""`specc compile SPEC -o DIR`: the PyTorch program as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.cli import edge
from specc.cli.options import Force, Spec


def compile_(
    spec: Spec,
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write.")] = Path("program"),
    force: Force = False,
    diff: Annotated[bool, typer.Option("--diff", help="Only show how DIR differs from what would be written.")] = False,
) -> None:
    """Write the PyTorch program of a spec: a few files that run alone, without specc."""
    from specc.api.program import compile as compile_spec
    from specc.api.program import difference, write

    program = compile_spec(spec)
    if diff:
        lines = difference(program, folder)
        for line in lines:
            edge.say(line)
        edge.then(f"specc compile {spec} -o {folder} --force" if lines else f"{folder} is up to date")
        raise SystemExit(1 if lines else 0)
    write(program, folder, force)
    width = max(len(str(folder / name)) for name in program)
    for name, text in program.items():
        edge.say(f"{folder / name!s:<{width}}  {text.count(chr(10)):>3} lines")
    edge.then(f"python {folder / 'train.py'} --data {spec.parent}")
