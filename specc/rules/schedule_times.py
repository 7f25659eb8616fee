"""S252."""

from __future__ import annotations

from collections.abc import Iterator

from specc.errors import Diagnostic, Label, Path
from specc.plugin import Call, Rule
from specc.rules.common import Said, argument_path, call_span, fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a schedule changes the learning rate at a time that training does not reach.

    Why: the change never happens, so the spec says something that is not done; a warm-up as long as the training never
    reaches the learning rate. In phases the time begins anew with each of them. So with a plateau that is more patient
    than early stopping.

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
    span = study.span("train", "phases" if train.phases else "epochs")
    found = []
    for what, path, time, every in _times(study, train.schedule):
        most = min(lengths) if every else max(lengths)
        if time >= most:
            which = f"the {'shortest' if every else 'longest'} phase has" if train.phases else "training ends after"
            message = f"{what} after epoch {time:g}, which {'a phase' if train.phases else 'training'} does not reach"
            help_: Said = ("help", f"a time before epoch {most:,}, or more epochs")
            label = Label(span, f"{which} {most:,}")
            found.append(fault(study, "S252", message, path, "too late", help_, labels=(label,)))
    patience, stop = getattr(train.schedule.args, "patience", None), train.early_stop
    if patience is None:
        return found
    path = argument_path(study, train.schedule, "patience")
    place = None if study.document.node(path) is not None else call_span(study, train.schedule)
    if stop is not None and patience + 1 >= stop.patience:
        message, cure = "early stopping ends the training before a lower rate can help", "a smaller `patience` than its"
        label = Label(study.span("train", "early_stop", "patience"), f"stops after {stop.patience:,} epochs")
    elif patience + 1 >= max(lengths):
        message, cure = "the rate can never be lowered in time", "a smaller `patience`, or more epochs"
        label = Label(span, f"{max(lengths):,} epochs at most")
    else:
        return found
    said = f"waits {patience:,} epochs"
    found.append(fault(study, "S252", message, path, said, ("help", cure), span=place, labels=(label,)))
    return found


def _times(study: Study, call: Call) -> Iterator[tuple[str, Path, float, bool]]:
    """What happens, where it is written, after which epoch, and whether every phase must reach it."""
    for place, time in enumerate(getattr(call.args, "at", ())):
        path = argument_path(study, call, "at")
        yield "the rate changes", (*path, place) if study.document.node((*path, place)) else path, time, False
    for key, what in (("warmup", "the warm-up ends"), ("after", "the rate begins to fall")):
        yield what, argument_path(study, call, key), getattr(call.args, key, 0.0), True


RULE = Rule("S252", "schedule_times", check)
