"""What a spec's `train` puts into its program: which pieces stand in the places of a step, and the learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from specc.cost import shapes_of
from specc.emit.literal import literal
from specc.freezing import frozen
from specc.plugin import IDENTITY, Piece

if TYPE_CHECKING:
    from specc.study import Study

SCHEDULE = "<schedule>"
_SCHEDULES, _UPDATES, _PRECISION = "specc.pieces.schedules", "specc.pieces.updates", "specc.pieces.precision"
_TRAIN, _MIXUP = "specc.pieces.supervised", "specc.pieces.mixup"
HOMES = {
    SCHEDULE: "schedule",
    _SCHEDULES: "schedule",
    _UPDATES: "updates",
    _PRECISION: "precision",
    _MIXUP: "mixup",
}
USUAL: Mapping[str, Piece | str] = {
    "learn": Piece(_TRAIN, "learn_whole"),
    "batch_loss": Piece(_TRAIN, "plain_loss"),
    "seen": Piece("specc.pieces.preview", "augmented"),
    "STEP_SIZE": "config.batch_size",
    **dict.fromkeys(
        ("in_parts", "over_step", "paced", "told", "clipped", "averaging", "average_of", "truth_of", "coded"), IDENTITY
    ),
    **dict.fromkeys(("phased", "awake", "mixed", "scaling", "scaled", "unscaled"), IDENTITY),
}
PAYS = 20_000_000  # multiply-adds an image from which 16 bits shorten a step on a GPU; below, its time goes into
# starting kernels, and casts are more of them (an estimate: a LeNet has 0.4 million, a ResNet-18 of 224 pixels 1,800)


def symbols(study: Study) -> dict[str, Piece | str]:
    """The slots of a step."""
    step = {**USUAL, **_mixed_up(study), **_accumulated(study), **_weighed(study)}
    return {**step, **_kept(study), **_paced(study), **_precise(study)}


def _mixed_up(study: Study) -> dict[str, Piece | str]:
    """Augmentations that need other images take the place of the loss."""
    bound: dict[str, Piece | str] = {}
    for call in study.spec.augment:
        record = study.registry.augmentations[call.name]
        if record.mixes:
            bound["answered"] = Piece(
                _MIXUP, "classes_blended" if study.classes or study.findings else "values_blended"
            )
            bound |= {"learn": Piece(_TRAIN, "learn_parts"), "batch_loss": record.piece, "seen": record.mixes}
            bound |= {slot: literal(value) for slot, value in record.bind(call.args).items()}
    return bound


def _accumulated(study: Study) -> dict[str, Piece | str]:
    """Steps of several batches."""
    train = study.spec.train
    if train.accumulate == 1:
        return {}
    bound: dict[str, Piece | str] = {
        "learn": Piece(_TRAIN, "learn_parts"),
        "in_parts": Piece(_UPDATES, "in_parts"),
        "STEP_SIZE": "config.batch_size * config.accumulate",
        "BATCH": literal(train.batch_size),
    }
    return bound


def _weighed(study: Study) -> dict[str, Piece | str]:
    """Losses that are weighted means."""
    return {"over_step": Piece(_UPDATES, "over_step")} if counts_over_step(study) else {}


def counts_over_step(study: Study) -> bool:
    """Whether a loss has weights, or blanks, which are counted over a whole step of all ranks."""
    calls = [call for calls in (study.spec.loss or {}).values() for call in calls]
    weighed = any(getattr(call.args, "class_weights", None) is not None for call in calls)
    return bool(study.findings) or weighed


def _kept(study: Study) -> dict[str, Piece | str]:
    """Clipping, averages, phases."""
    train, bound = study.spec.train, dict[str, Piece | str]()
    if train.grad_clip is not None:
        by, most = getattr(train.grad_clip, "by", "norm"), getattr(train.grad_clip, "most", train.grad_clip)
        bound |= {"clipped": Piece(_UPDATES, f"clip_{by}"), "CLIP": literal(float(most))}
    if train.ema is not None:
        average: dict[str, Piece | str] = {"averaging": Piece(_UPDATES, "Averaging")}
        bound |= average | {"average_of": Piece(_UPDATES, "average_of"), "AVERAGE": literal(float(train.ema))}
    if train.phases:
        (call,) = dict.fromkeys(study.spec.optimizer.values())
        own = call.args.learning_rate
        phases = tuple(
            (phase.epochs, (phase.learning_rate or own) / own, frozen(study, phase.freeze or ()))
            for phase in train.phases
        )
        bound |= {"phased": Piece(_UPDATES, "phased"), "awake": Piece(_UPDATES, "awake"), "PHASES": literal(phases)}
        if not any(names for _, _, names in phases):
            bound["awake"] = IDENTITY
    return bound


def _paced(study: Study) -> dict[str, Piece | str]:
    """The learning rate, unless it is the same all the time; where it changes, every epoch tells it."""
    call, told = study.spec.train.schedule, Piece(_SCHEDULES, "told")
    bound: dict[str, Piece | str] = {}
    if call is not None:
        record = study.registry.schedules[call.name]
        bound = dict(record.symbols(call.args))
        if bound or record.compose(call.args)[1]:
            bound = {"paced": Piece(_SCHEDULES, "paced"), "rate": Piece(SCHEDULE, "rate"), "told": told, **bound}
    return {"told": told, **bound} if study.spec.train.phases else bound


def schedule(study: Study) -> str:
    """`rate`: the factor of the learning rate at a time."""
    call = study.spec.train.schedule
    if call is None:
        return ""
    record = study.registry.schedules[call.name]
    expression, names = record.compose(call.args)
    text = "from specc.pieces import runtime as rt\n"
    text += "".join(f"from {record.module} import {name}\n" for name in dict.fromkeys(names))
    text += "\n\ndef rate(time: rt.Time) -> float:\n"
    return text + f'    """What the learning rate is multiplied by at a time."""\n    return {expression}\n'


def _precise(study: Study) -> dict[str, Piece | str]:
    """16 bits, where the spec wants them or where they pay on a GPU."""
    word = study.spec.train.precision
    if word == "auto":
        word = "fastest" if pays(study) else "float32"
    if word == "float32":
        return {}
    bound: dict[str, Piece | str] = {"mixed": Piece(_PRECISION, "mixed")}
    if word == "bf16":
        return bound | {"HALF": Piece(_PRECISION, "bfloat16")}
    scaler = {slot: Piece(_PRECISION, name) for slot, name in
              (("scaling", "Scaling"), ("scaled", "scaled"), ("unscaled", "unscaled"))}  # fmt: skip
    return bound | scaler | {"HALF": Piece(_PRECISION, word)}


def pays(study: Study) -> bool:
    """Whether the networks are large enough for 16 bits to make a step on a GPU shorter."""
    work = 0
    for graph in study.passed.values():
        shapes = shapes_of(graph)
        for node in graph.nodes:
            inputs = tuple(shapes[name] for name in node.inputs)
            work += study.registry.ops[node.op].multiply_adds(node.attrs, inputs)
    return work >= PAYS
