"""S210."""

from __future__ import annotations

from specc.errors import Diagnostic, Fix, Label
from specc.plugin import Rule
from specc.rules.common import fault, head
from specc.spec.places import name_span
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: two activations in a row at the output, as softmax twice or ReLU before softmax.

    Why: the first one cuts what the second one needs. After a ReLU no logit is negative; after a softmax all lie
    between 0 and 1, so that a second softmax can never be sure of anything.

    Bad:

        model:
          layers:
            - flatten
            - dense: {units: 1, activation: relu}
            - sigmoid

    Good:

        model:
          layers:
            - flatten
            - dense: {units: 1}
            - sigmoid

    Source: Goodfellow et al. 2016, Deep Learning, section 6.2.2.
    """
    faults = []
    for graph in study.graphs.values():
        if len(graph.outputs) != 1:
            continue
        found = head(study, graph)
        last, first = found.activation_node, found.extra
        if first is None or last is None:
            continue
        twice = first.op == last.op
        faults.append(
            fault(
                study,
                "S210",
                f"{last.op} comes twice at the output" if twice else f"{first.op} stands before the final {last.op}",
                last.path,
                "gets values that are cut already",
                ("why", _WHY.get(first.op, "the first one cuts what the second one needs")),
                span=name_span(study.document, last),
                labels=(Label(name_span(study.document, first), "the first activation"),),
                fixes=(Fix(f"keep only the final `{last.op}`"),),
            )
        )
    return faults


_WHY = {
    "relu": "after a ReLU no logit is negative, so the output cannot say no with any certainty",
    "softmax": "after a softmax all values lie between 0 and 1, so a second one can never be sure of anything",
    "sigmoid": "after a sigmoid all values lie between 0 and 1, so the output can never be sure of anything",
    "tanh": "after a tanh all values lie between -1 and 1, so the output can never be sure of anything",
    "scaled_tanh": "after it all values lie between -1.72 and 1.72, so the output can never be sure of anything",
}

RULE = Rule("S210", "double_activation", check)
