"""S250."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: `train` says twice how long training lasts, or not at all.

    Why: either all of it is one training with `epochs`, or each phase has epochs of its own and the sum follows.

    Bad:

        train: {epochs: 20, phases: [{epochs: 5}, {epochs: 15}], batch_size: 32}

    Good:

        train: {phases: [{epochs: 5}, {epochs: 15}], batch_size: 32}

    Source: the spec language, Layers (`train.phases`).
    """
    train = study.spec.train
    if train is None or (train.epochs is None) != (train.phases is None):
        return []
    if train.epochs is None:
        cure = "write `epochs: 20`, or `phases` with epochs of their own"
        return [fault(study, "S250", "nothing says how long training lasts", ("train",), "no `epochs`", ("help", cure))]
    message, cure = (
        "`epochs` and `phases` both say how long training lasts",
        "leave `epochs` out: each phase has its own",
    )
    label = Label(study.key_span("train", "phases"), f"{train.length:,} epochs in all")
    return [fault(study, "S250", message, ("train", "epochs"), "one of them", ("help", cure), labels=(label,))]


RULE = Rule("S250", "training_length", check)
