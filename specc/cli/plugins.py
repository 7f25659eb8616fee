"""`specc plugins list|info|new|enable`: what a project can use beside specc itself."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.cli import edge
from specc.cli.options import Json

if TYPE_CHECKING:
    from specc.api.enabling import Enabled
    from specc.api.new_plugin import Made
    from specc.api.plugins import Info, Plugins


class Action(StrEnum):
    """What to do."""

    list = "list"
    info = "info"
    new = "new"
    enable = "enable"


def plugins(
    action: Annotated[
        Action,
        typer.Argument(
            metavar="[list|info NAME|new NAME|enable FILE.py]",
            help="Name them all; tell all about one; write a new one with its test; enable a file as it is.",
            show_default=False,
        ),
    ] = Action.list,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A plugin's name, or a file.", show_default=False)
    ] = None,
    package: Annotated[bool, typer.Option("--package", help="new: a distribution instead of one file.")] = False,
    as_json: Json = False,
) -> None:
    """The plugins of the project that this folder belongs to. What is not enabled is never imported."""
    from specc.api import plugins as api

    if action is Action.list:
        _tell(api.plugins(), as_json)
        return
    if name is None:
        what = "FILE.py" if action is Action.enable else "NAME"
        raise typer.BadParameter(f"`specc plugins {action.value}` needs {what}", param_hint="NAME")
    if action is Action.info:
        _tell(api.plugin_info(name), as_json)
    elif action is Action.enable:
        from specc.api.enabling import enable_plugin

        _tell(enable_plugin(Path(name)), as_json)
    else:
        from specc.api.new_plugin import new_plugin

        _tell(new_plugin(name, package=package), as_json)


def _tell(found: Plugins | Info | Enabled | Made, as_json: bool) -> None:
    if as_json:
        edge.say(json.dumps(found.plain()))
    else:
        for line in found.lines():
            edge.say(line)
    edge.then(found.next, as_json)
