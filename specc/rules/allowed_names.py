"""S209."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.rules.table1 import ALLOW, judge, used
from specc.spec.faults import listed, rename
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a name under `allow` that allows nothing: unknown, or not needed by this spec.

    Why: the report repeats every line of `allow` as a departure from Table 1. One that is none would mislead. Unsound
    choices (softmax over one neuron, softmax with binary cross entropy, an activation after a regression) have no
    name here, because they can never be allowed.

    Bad:

        allow: {two_class_sotfmax: "as published"}

    Good:

        model:
          layers:
            - flatten
            - dense: {units: 2, activation: softmax}
        loss: categorical_cross_entropy
        allow: {two_class_softmax: "as published"}

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1.
    """
    faults = []
    judgement = judge(study)
    for name in study.spec.allow:
        path = ("allow", name)
        if name not in ALLOW:
            faults.append(
                fault(
                    study,
                    "S209",
                    f"`{name}` is nothing that can be allowed",
                    path,
                    "unknown",
                    ("note", f"can be allowed: {listed(ALLOW)}"),
                    span=study.key_span(*path),
                    fixes=rename(study.document, path, ALLOW, key=True),
                )
            )
        elif judgement is not None and not judgement.code and name not in used(study):
            faults.append(
                fault(
                    study,
                    "S209",
                    f"`{name}` is allowed, and this spec does not need it",
                    path,
                    "not needed",
                    ("why", "the report would name a departure from Table 1 that is none"),
                    ("help", "take it out"),
                    span=study.key_span(*path),
                    severity="warning",
                )
            )
    return faults


RULE = Rule("S209", "allowed_names", check, ("classification", "regression"))
