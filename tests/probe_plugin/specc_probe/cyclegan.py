"""probe_cyclegan: from one kind of images to another and back, without pairs (Zhu et al. 2017, arXiv:1703.10593)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from specc.errors import Diagnostic, Note
from specc.plugin import Column, Count, Piece, Program, Rule, Setting, Task
from specc_probe import checks
from specc_probe.gan import best_of, check_watch

if TYPE_CHECKING:
    from specc.study import Study

_AT = "specc_probe.pieces"
_HOMES = {f"{_AT}.cyclegan": "train", f"{_AT}.data": "data", f"{_AT}.deploy": "deploy", f"{_AT}.pool": "pool"}
_NETWORKS = ("a_to_b", "b_to_a", "judge_a", "judge_b")
Text = Annotated[str, Field(min_length=1)]
Weight = Annotated[float, Field(ge=0)]


def _program(study: Study) -> Program:
    spec = study.spec
    symbols: dict[str, Piece | str] = {
        "build": Piece(f"{_AT}.cyclegan", "build"),
        "export_model": Piece(f"{_AT}.cyclegan", "export_both"),
        "targets_of": Piece(f"{_AT}.data", "domains"),
        "DOMAINS": ascii(spec.domains),
        "BEST": best_of(study),
    }
    settings = (
        Setting("pool", spec.pool, "earlier images of each kind that a judge may be shown again"),
        Setting("cycle", float(spec.cycle), "weight of the way there and back, beside the judges' 1"),
        Setting("identity", float(spec.identity), "weight of an image of the wanted kind, beside that"),
    )
    columns = {"domain": (spec.data.columns or {}).get("domain", "domain")}
    return Program(symbols, _HOMES, settings, columns)


def _contract(study: Study) -> Mapping[str, Any]:
    a, b = study.spec.domains
    return {"a_to_b": {"from": a, "to": b}, "b_to_a": {"from": b, "to": a}, "pixels": "0 is black, 1 is white"}


def check_ends(study: Study) -> list[Diagnostic]:
    """What: a generator does not make an image of `input` between -1 and 1, or a judge does not end in one channel.

    Why: what one generator makes goes into the other one and is compared with the image; judges speak of places.

    Bad:

        input: {format: png, size: [16, 16], channels: mono, scale: 0..1}

    Good:

        input: {format: png, size: [16, 16], channels: mono, scale: -1..1}
    """
    faults, (height, width) = list[Diagnostic](), study.spec.input.size
    image = (1 if study.spec.input.channels == "mono" else 3, height, width)
    if (scale := study.spec.input.scale) != "-1..1":
        message, at = f"generators that end in tanh do not make images of {scale}", ("input", "scale")
        faults.append(Diagnostic("Z107", message, study.span(*at), at, notes=(Note("help", "`scale: -1..1`"),)))
    for name in _NETWORKS:
        graph, path = study.graphs.get(name), ("networks", name)
        if graph is None:
            continue
        shape = graph.shape_of(next(iter(graph.outputs.values())))
        maker = name in ("a_to_b", "b_to_a")
        if shape != image if maker else shape[0] != 1:
            wanted = f"{list(image)} numbers" if maker else "1 channel"
            message = f"`{name}` must end in {wanted}, and it ends in {list(shape)}"
            note = Note("help", "change its last layers")
            faults.append(Diagnostic("Z108", message, study.key_span(*path), path, notes=(note,)))
        elif maker and graph.activation != "tanh" and not _ends_in_tanh(study, name):
            message, note = (
                f"`{name}` must end in tanh: images lie between -1 and 1",
                Note("help", "`activation: tanh`"),
            )
            faults.append(Diagnostic("Z108", message, study.key_span(*path), path, notes=(note,)))
    return faults


def _ends_in_tanh(study: Study, name: str) -> bool:
    graph = study.graphs[name]
    end = next(iter(graph.outputs.values()))
    return any(node.name == end and node.op == "tanh" for node in graph.nodes)


TASK = Task(
    "probe_cyclegan",
    "Images of one kind as images of another, and back, learned from images that are not paired.",
    _program,
    _contract,
    keys={
        "domains": (tuple[Text, Text], Field(description="the two kinds of images, as the column `domain` names them")),
        "pool": (Count, Field(default=50, description="earlier images of each kind that a judge may be shown again")),
        "cycle": (Weight, Field(default=10.0, description="weight of the way there and back")),
        "identity": (
            Weight,
            Field(default=0.0, description="weight of leaving an image of the wanted kind as it is, times `cycle`"),
        ),
    },
    networks=_NETWORKS,
    logits=(),
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("domain", "which kind of image it is"),
    ),
    rules=(Rule("Z106", "probe_cyclegan_no_val_loss", check_watch), Rule("Z107", "probe_cyclegan_ends", check_ends)),
    example="task: probe_cyclegan",
    metrics={"cycle_error": -1},
    heeds=frozenset({"schedule", "grad_clip"}),
    checks=checks.DOMAINS,
)
