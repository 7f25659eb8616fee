"""S219."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.spec.faults import listed, rename
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: early stopping watches something that this task does not measure.

    Why: what is never measured never improves, and training would stop after `patience` epochs whatever happens.

    Bad:

        train: {epochs: 20, batch_size: 32, early_stop: {watch: acuracy, patience: 5}}

    Good:

        train: {epochs: 20, batch_size: 32, early_stop: {watch: accuracy, patience: 5}}

    Source: Prechelt 1998, Early stopping - but when?, LNCS 1524.
    """
    stop = study.spec.train.early_stop if study.spec.train is not None else None
    known = ("val_loss", *study.task.metrics)
    if stop is None or stop.watch in known:
        return []
    path = ("train", "early_stop", "watch")
    return [
        fault(
            study,
            "S219",
            f"`{stop.watch}` is not measured in this task",
            path,
            "unknown metric",
            ("note", f"can be watched: {listed(known)}"),
            fixes=rename(study.document, path, known, key=False),
        )
    ]


RULE = Rule("S219", "watched_metric", check)
