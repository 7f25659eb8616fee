"""`specc explain WORD`: the reference page of a code, a layer, a loss, an optimizer, a task, a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.cli import edge


def explain(
    word: Annotated[
        str | None, typer.Argument(metavar="WORD", help="A code (S204), a layer, loss, task, ...", show_default=False)
    ] = None,
) -> None:
    """Explain a code, a layer, a loss, an optimizer, an augmentation or a task; without a word, list them all."""
    from specc.api import reference

    pages = reference.pages(Path.cwd())
    if word is None:
        for line in reference.contents(pages):
            edge.say(line)
        edge.then("specc explain conv2d")
        return
    page = reference.find(pages, word)
    for line in page.lines():
        edge.say(line)
    edge.then("specc explain" if page.kind == "code" else "specc check SPEC")
