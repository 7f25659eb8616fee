"""S207."""

from __future__ import annotations

from specc.errors import Diagnostic, Edit, Fix, Label
from specc.plugin import Rule
from specc.rules.common import fault, width_span
from specc.rules.table1 import ROW_TEXT, judge
from specc.spec.places import name_span
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: softmax over a single neuron.

    Why: exp(z) / exp(z) is 1 whatever the image shows: the network gives the same answer always, and nothing is
    learned. This can never be allowed.

    Bad:

        model:
          layers:
            - flatten
            - dense: {units: 1, activation: softmax}

    Good:

        model:
          layers:
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1.
    """
    judgement = judge(study)
    last = judgement.head.activation_node if judgement is not None else None
    if judgement is None or judgement.code != "S207" or last is None:
        return []
    two = judgement.form == "two_classes"
    span = name_span(study.document, last)
    own = study.document.own_span(last.path) is not None
    fix = (
        Fix("write `activation: sigmoid`", (Edit(span, "sigmoid"),) if own else ())
        if two
        else Fix(f"give the last layer {judgement.wanted} neurons")
    )
    return [
        fault(
            study,
            "S207",
            "softmax over one neuron is always 1",
            last.path,
            "divides a number by itself",
            ("rule", ROW_TEXT[judgement.form]),
            ("why", "every image would get the same answer, with certainty"),
            span=span,
            labels=(Label(width_span(study, judgement.head.node), "1 output neuron"),),
            fixes=(fix,),
        )
    ]


RULE = Rule("S207", "softmax_of_one", check, ("classification",))
