"""The commands that there are, in the order of a study."""

from __future__ import annotations

from typing import Annotated

import typer

from specc import __version__
from specc.cli import cache, check, compile_, demo, edge, eval_, explain, export, plugins, predict, show, train

app = typer.Typer(
    name="specc",
    help="One YAML file in, a checked PyTorch program, a trained network and an ONNX model out.",
    epilog=f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in edge.EXITS.items())}.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        edge.say(f"specc {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version, and no more.")
    ] = False,
) -> None:
    """One YAML file in, a checked PyTorch program, a trained network and an ONNX model out."""


for name, command, purpose in (
    ("demo", demo.demo, "the whole way on real images that come along"),
    ("check", check.check, "everything that is wrong with a spec"),
    ("explain", explain.explain, "the page of a code, a layer, a task"),
    ("show", show.show, "layers, shapes, parameters"),
    ("compile", compile_.compile_, "the PyTorch program as files"),
    ("train", train.train, "train, export, evaluate; resume a run"),
    ("eval", eval_.eval_, "figures with intervals, and a baseline"),
    ("export", export.export, "the ONNX model once more, with parity"),
    ("predict", predict.predict, "answers of a model about images"),
    ("cache", cache.cache, "what is kept of images, and its limit"),
    ("plugins", plugins.plugins, "words beside specc's own: list, new, enable"),
):
    app.command(name, short_help=purpose)(edge.guarded(command))
