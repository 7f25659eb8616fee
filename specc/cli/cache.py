"""`specc cache`: what is kept of images beside the data."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from specc.cli import edge
from specc.cli.options import Json


class Action(StrEnum):
    """What to do with it, beside telling."""

    clear = "clear"


def cache(
    action: Annotated[
        Action | None,
        typer.Argument(metavar="[clear]", help="Remove all that nobody uses just now.", show_default=False),
    ] = None,
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="The folder of the data; those below it count, too.")
    ] = Path(),
    limit: Annotated[
        str | None,
        typer.Option(
            "--limit",
            metavar="SIZE",
            help="Keep the cache of this data folder within a size, as 20GB, from now on.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is kept of decoded and edited images, for which study, and how much it is. Nothing needs it to be there.

    Where it would grow beyond its limit (20 GB, or SPECC_CACHE_LIMIT, or --limit), what was used longest ago goes.
    """
    from specc.api.cache import cache as look

    found = look(data, clear=action is not None, limit=limit)
    if as_json:
        edge.say(json.dumps(found.plain()))
    else:
        for line in found.lines():
            edge.say(line)
    edge.then("specc cache clear" if found.bytes else "specc train SPEC", as_json)
