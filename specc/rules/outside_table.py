"""S208."""

from __future__ import annotations

from specc.errors import Diagnostic, NoteKind
from specc.plugin import Rule
from specc.rules.common import call_span, fault, width_path, width_span
from specc.rules.table1 import ALLOW, ROW_TEXT, judge
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a sound choice that is not in Table 1, without a reason for it under `allow`.

    Why: readers expect the table. Who leaves it on purpose says so in the spec, and the report repeats the reason.

    Bad:

        model:
          layers:
            - conv2d: {filters: 1, kernel: 3}
            - global_avgpool
            - sigmoid

    Good:

        model:
          layers:
            - conv2d: {filters: 1, kernel: 3}
            - global_avgpool
            - sigmoid
        allow: {convolutional_output: "class activation maps are wanted"}

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1; Lin et al. 2014, arXiv:1312.4400, section 3.2.
    """
    judgement = judge(study)
    if judgement is None or judgement.code != "S208" or judgement.head.node is None:
        return []
    missing = judgement.missing
    lines = ", ".join(f'{name}: "your reason"' for name in missing)
    of_loss = missing[0] != "convolutional_output"
    notes: list[tuple[NoteKind, str]] = [
        ("rule", ROW_TEXT[judgement.form]),
        ("help", f"keep it on purpose: `allow: {{{lines}}}`"),
    ]
    return [
        fault(
            study,
            "S208",
            f"outside of Table 1: {ALLOW[missing[0]]}",
            judgement.call.path if of_loss else width_path(study, judgement.head.node),
            "sound, but it needs a reason",
            *notes,
            span=call_span(study, judgement.call) if of_loss else width_span(study, judgement.head.node),
        )
    ]


RULE = Rule("S208", "outside_table", check, ("classification", "regression"))
