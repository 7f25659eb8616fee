"""S220."""

from __future__ import annotations

from typing import Any

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: early stopping waits longer than training lasts.

    Why: it can never stop anything, so the spec says something that does not happen.

    Bad:

        train: {epochs: 10, batch_size: 32, early_stop: {patience: 20}}

    Good:

        train: {epochs: 50, batch_size: 32, early_stop: {patience: 10}}

    Source: Prechelt 1998, Early stopping - but when?, LNCS 1524.
    """
    train = study.spec.train
    if train is None or train.early_stop is None or train.early_stop.patience < (longest := _longest(train)):
        return []
    return [
        fault(
            study,
            "S220",
            f"early stopping after {train.early_stop.patience:,} epochs without improvement can never happen",
            ("train", "early_stop", "patience"),
            "not less than the number of epochs",
            ("help", "a smaller `patience`, more `epochs`, or no `early_stop`"),
            labels=(Label(study.span("train", "phases" if train.phases else "epochs"), f"{longest:,} epochs"),),
            severity="warning",
        )
    ]


def _longest(train: Any) -> int:
    """Epochs in which patience can run out: each phase counts anew. 1 << 31 while nothing is known."""
    return max((phase.epochs for phase in train.phases or ()), default=train.epochs or 1 << 31)


RULE = Rule("S220", "patience", check)
