"""S205."""

from __future__ import annotations

from specc.errors import Diagnostic, Fix, Label
from specc.plugin import Rule
from specc.rules.common import call_span, fault
from specc.rules.table1 import ROW_TEXT, judge
from specc.spec.places import name_span
from specc.study import Study

_RANGE = {
    "sigmoid": "never leaves 0 to 1",
    "softmax": "is always 1 for one neuron",
    "tanh": "never leaves -1 to 1",
    "scaled_tanh": "never leaves -1.72 to 1.72",
    "relu": "never goes below 0, and cannot learn where it is 0",
}


def check(study: Study) -> list[Diagnostic]:
    """What: a regression ends in an activation.

    Why: a quantity may take any value, and an activation cuts its range: a sigmoid never says 54 years. The network
    would learn the nearest value that it can reach. This can never be allowed.

    Bad:

        task: regression
        model:
          layers:
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        task: regression
        model:
          layers:
            - flatten
            - dense: {units: 1}

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1.
    """
    judgement = judge(study)
    last = judgement.head.activation_node if judgement is not None else None
    if judgement is None or judgement.code != "S205" or last is None:
        return []
    return [
        fault(
            study,
            "S205",
            f"a regression must not end in an activation, and this one ends in {last.op}",
            last.path,
            _RANGE.get(last.op, "changes the range of the values"),
            ("rule", ROW_TEXT[judgement.form]),
            span=name_span(study.document, last),
            labels=(Label(call_span(study, judgement.call), "compares with a quantity that may take any value"),),
            fixes=(Fix(f"take `{last.op}` away"),),
        )
    ]


RULE = Rule("S205", "bounded_regression", check, ("regression",))
