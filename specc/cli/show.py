"""`specc show SPEC`: the layer table, the diagram, the spec with its defaults; `--schema` for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from specc.cli import edge
from specc.cli.options import Force, Json

Spec = Annotated[Path | None, typer.Argument(metavar="SPEC", help="The YAML file of the study.", show_default=False)]
Svg = Annotated[
    Path | None,
    typer.Option("--svg", metavar="FILE.svg", help="Write the diagram of the network.", show_default=False),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="With --resolved: a file for it.", show_default=False),
]


def show(
    spec: Spec = None,
    as_json: Json = False,
    svg: Svg = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="The spec with every default written out.")] = False,
    output: Output = None,
    schema: Annotated[bool, typer.Option("--schema", help="Write .specc/schema.json, for editors.")] = False,
    force: Force = False,
) -> None:
    """Show every layer with its shape, parameters, multiply-adds, receptive field and memory for training."""
    if schema:
        _schema(spec.parent if spec else Path())
        return
    if spec is None:
        raise typer.BadParameter("which spec? As in `specc show lenet.yaml`")
    from specc.api import summary

    found = summary.show(spec)
    if svg is not None:
        summary.write_svg(found, svg, force)
        edge.say(json.dumps(found.plain()) if as_json else str(svg))
        edge.then(f"open {svg} in a browser", as_json)
    elif resolved:
        _resolved(found.resolved(), output, force)
        edge.then(f"specc train {spec}", machine=output is None)
    else:
        for line in [json.dumps(found.plain())] if as_json else found.lines():
            edge.say(line)
        edge.then(f"specc train {spec}", as_json)


def _resolved(text: str, output: Path | None, force: bool) -> None:
    from specc.api.summary import write

    if output is None:
        edge.say(text.rstrip("\n"))
    else:
        write(output, text, force)
        edge.say(str(output))


def _schema(folder: Path) -> None:
    from specc.api.summary import write_schema

    edge.say(str(write_schema(folder)))
    edge.then("begin the spec with the line `# yaml-language-server: $schema=.specc/schema.json`")
