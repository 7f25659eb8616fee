"""probe_gan: a generator and a discriminator that take turns (Goodfellow et al. 2014, arXiv:1406.2661)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from specc.errors import Diagnostic, Note
from specc.plugin import Count, Piece, Program, Rule, Setting, Task

if TYPE_CHECKING:
    from specc.study import Study

_PIECES, _DATA, _POOL = "specc_probe.pieces.gan", "specc_probe.pieces.data", "specc_probe.pieces.pool"
_HOMES = {_PIECES: "train", _POOL: "pool", _DATA: "data", "specc_probe.pieces.deploy": "deploy"}


def _image(study: Study) -> tuple[int, int, int]:
    height, width = study.spec.input.size
    return (1 if study.spec.input.channels == "mono" else 3, height, width)


def _inputs(study: Study) -> Mapping[str, tuple[int, ...]]:
    return {"latent": (study.spec.latent,)}


def _program(study: Study) -> Program:
    symbols: dict[str, Piece | str] = {
        "build": Piece(_PIECES, "build"),
        "export_model": Piece(_PIECES, "export_generator"),
        "targets_of": Piece(_DATA, "no_targets"),
        "BEST": best_of(study),
    }
    settings = (
        Setting("latent", study.spec.latent, "random numbers that an image is made from"),
        Setting("pool", study.spec.pool, "earlier images that the discriminator may be shown again"),
    )
    return Program(symbols, _HOMES, settings)


def _contract(study: Study) -> Mapping[str, Any]:
    return {"image": list(_image(study)), "latent": study.spec.latent}


def best_of(study: Study) -> str:
    """What chooses the epoch: the metric that is watched, else the last one is kept."""
    stop = study.spec.train.early_stop
    return repr((stop.watch, study.task.metrics[stop.watch]) if stop else ("epoch", 1))


def check_watch(study: Study) -> list[Diagnostic]:
    """What: early stopping watches the validation loss of networks that have none.

    Why: generators and judges learn against each other; a loss that falls says of neither that it is better.

    Bad:

        train: {epochs: 20, batch_size: 16, early_stop: {patience: 5}}

    Good:

        train: {epochs: 20, batch_size: 16}
    """
    stop = study.spec.train.early_stop
    if stop is None or stop.watch != "val_loss":
        return []
    known = " or ".join(f"`watch: {metric}`" for metric in study.task.metrics)
    path = ("train", "early_stop")
    note = Note("help", f"leave it out, or write {known}")
    return [Diagnostic("Z106", "there is no `val_loss` in this task", study.key_span(*path), path, notes=(note,))]


def _fault(study: Study, code: str, message: str, network: str, cure: str) -> Diagnostic:
    path = ("networks", network)
    return Diagnostic(code, message, study.key_span(*path), path, notes=(Note("help", cure),))


def check_ends(study: Study) -> list[Diagnostic]:
    """What: the generator does not make an image of `input`, or the discriminator says more than one number.

    Why: the discriminator is shown real images and made ones in turn, and answers one question of each.

    Bad:

        networks:
          generator: {input: latent, layers: [dense: {units: 7}]}
          discriminator: {input: image, layers: [flatten, dense: {units: 1, activation: sigmoid}]}

    Good:

        networks:
          generator: {input: latent, layers: [dense: {units: 256}, probe_unflatten: {shape: [1, 16, 16]}]}
          discriminator: {input: image, layers: [flatten, dense: {units: 1, activation: sigmoid}]}
    """
    faults = []
    for name, wanted in (("generator", _image(study)), ("discriminator", (1,))):
        graph = study.graphs.get(name)
        if graph is not None and (shape := graph.shape_of(next(iter(graph.outputs.values())))) != wanted:
            message = f"the {name} must give {list(wanted)} numbers, and it gives {list(shape)}"
            faults.append(_fault(study, "Z101", message, name, "change its last layers"))
    return faults


def check_losses(study: Study) -> list[Diagnostic]:
    """What: the discriminator's final activation does not belong to a loss.

    Why: both losses are computed on what the discriminator says, the generator's too.

    Bad:

        loss: mean_squared_error

    Good:

        loss: binary_cross_entropy
    """
    graph, faults = study.passed.get("discriminator"), []
    for network, calls in study.spec.loss.items():
        for call in calls:
            if graph is not None and graph.activation not in study.registry.losses[call.name].fits:
                message = f"`{call.name}` does not fit a discriminator that ends in {graph.activation}"
                faults.append(_fault(study, "Z102", message, network, "`sigmoid` with `binary_cross_entropy`"))
    return faults


TASK = Task(
    "probe_gan",
    "Images like those that are given, made from random numbers.",
    _program,
    _contract,
    keys={
        "latent": (Count, Field(default=16, description="random numbers that an image is made from")),
        "pool": (Count, Field(default=50, description="earlier images that the discriminator may be shown again")),
    },
    networks=("generator", "discriminator"),
    logits=("discriminator",),
    inputs=_inputs,
    rules=(
        Rule("Z101", "probe_gan_ends", check_ends),
        Rule("Z102", "probe_gan_losses", check_losses),
        Rule("Z106", "probe_no_val_loss", check_watch),
    ),
    example="task: probe_gan\nlatent: 16",
    metrics={"fooled": 1},
)
