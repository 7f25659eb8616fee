"""S252."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import Said, argument_path, fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a schedule changes the learning rate at a time that training does not reach.

    Why: the change never happens, so the spec says something that is not done; a warm-up as long as the training never
    reaches the learning rate. In phases the time begins anew with each of them.

    Bad:

        train: {epochs: 30, batch_size: 32, schedule: {step: {at: [20, 40]}}}

    Good:

        train: {epochs: 30, batch_size: 32, schedule: {step: {at: [15, 25]}}}

    Source: Goyal et al. 2017, arXiv:1706.02677, section 2.2.
    """
    train = study.spec.train
    if train is None or train.schedule is None or not train.length:
        return []
    lengths = [phase.epochs for phase in train.phases] if train.phases else [train.length]
    longest = max(lengths)
    span = study.span("train", "phases") if train.phases else study.span("train", "epochs")
    said = f"the longest phase has {longest:,}" if train.phases else f"training ends after {longest:,}"
    found = []
    for key, times in (("at", getattr(train.schedule.args, "at", ())), *(
        (key, (getattr(train.schedule.args, key, 0),)) for key in ("warmup", "after")
    )):  # fmt: skip
        late = [time for time in times if time >= longest]
        if not late:
            continue
        path = argument_path(study, train.schedule, key)
        if key == "at":
            path = (*path, times.index(late[0])) if study.document.node((*path, times.index(late[0]))) else path
        what = {"at": "the rate changes", "warmup": "the warm-up ends", "after": "the rate begins to fall"}[key]
        message = f"{what} after epoch {late[0]:g}, which training does not reach"
        help_: Said = ("help", f"a time before epoch {longest:,}, or more epochs")
        found.append(fault(study, "S252", message, path, "too late", help_, labels=(Label(span, said),)))
    return found


RULE = Rule("S252", "schedule_times", check)
