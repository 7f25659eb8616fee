"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Spec = Annotated[Path, typer.Argument(metavar="SPEC", help="The YAML file of the study.", show_default=False)]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, as runs/NAME/001.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Results as JSON on standard output.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Where the spec's relative paths start, if not beside it.", show_default=False
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
