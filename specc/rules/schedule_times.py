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
    longest = max(phase.epochs for phase in train.phases) if train.phases else train.length
    span = study.span("train", "phases" if train.phases else "epochs")
    end = Label(span, f"{'the longest phase has' if train.phases else 'training ends after'} {longest:,}")
    found = []
    for what, path, time in _times(study, train.schedule):
        if time >= longest:
            message = f"{what} after epoch {time:g}, which training does not reach"
            help_: Said = ("help", f"a time before epoch {longest:,}, or more epochs")
            found.append(fault(study, "S252", message, path, "too late", help_, labels=(end,)))
    patience, stop = getattr(train.schedule.args, "patience", 0), train.early_stop
    if stop is not None and patience >= stop.patience:
        message = "early stopping ends the training before the plateau can lower the rate"
        path, cure = argument_path(study, train.schedule, "patience"), "a smaller `patience` of the schedule than of it"
        label = Label(study.span("train", "early_stop", "patience"), f"stops after {stop.patience:,} epochs")
        place = None if study.document.node(path) is not None else call_span(study, train.schedule)
        said = f"waits {patience:,} epochs"
        found.append(fault(study, "S252", message, path, said, ("help", cure), span=place, labels=(label,)))
    return found


def _times(study: Study, call: Call) -> Iterator[tuple[str, Path, float]]:
    """What happens, where it is written, and after which epoch."""
    for place, time in enumerate(getattr(call.args, "at", ())):
        path = argument_path(study, call, "at")
        yield "the rate changes", (*path, place) if study.document.node((*path, place)) else path, time
    for key, what in (("warmup", "the warm-up ends"), ("after", "the rate begins to fall")):
        yield what, argument_path(study, call, key), getattr(call.args, key, 0.0)


RULE = Rule("S252", "schedule_times", check)
