"""S202."""

from __future__ import annotations

from specc.errors import Diagnostic, Fix, Label
from specc.plugin import Rule
from specc.rules.common import fault, plural, replace_text, width_path, width_span
from specc.rules.table1 import ROW_TEXT, judge
from specc.rules.two_class_neurons import sigmoid_edits
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: the output layer does not have as many neurons as there are classes or quantities.

    Why: neuron number i answers for class number i. With more neurons some answer for nothing, with fewer some class
    can never be the answer.

    Bad:

        output: {classes: [normal, pneumonia, tuberculosis]}
        model:
          layers:
            - flatten
            - dense: {units: 4, activation: softmax}
        loss: categorical_cross_entropy

    Good:

        output: {classes: [normal, pneumonia, tuberculosis]}
        model:
          layers:
            - flatten
            - dense: {units: 3, activation: softmax}
        loss: categorical_cross_entropy

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1.
    """
    judgement = judge(study)
    if judgement is None or judgement.code != "S202" or judgement.head.node is None:
        return []
    right, what, needs = judgement.neurons, judgement.subject, "needs" if judgement.wanted == 1 else "need"
    path = width_path(study, judgement.head.node)
    fix = Fix(f"give the last layer {plural(right, 'neuron')}", replace_text(study, (path, str(right))))
    if judgement.form == "two_classes" and judgement.head.activation == "softmax":
        words = "write `{units: 1, activation: sigmoid}` and `loss: binary_cross_entropy`"
        fix = Fix(words, sigmoid_edits(study, judgement))
    return [
        fault(
            study,
            "S202",
            f"{what} {needs} {plural(right, 'output neuron')}, and this layer has {judgement.head.neurons:,}",
            path,
            plural(judgement.head.neurons, "output neuron"),
            ("rule", ROW_TEXT[judgement.form]),
            span=width_span(study, judgement.head.node),
            labels=(Label(study.span("output", judgement.key), what),),
            fixes=(fix,),
        )
    ]


RULE = Rule("S202", "neuron_count", check, ("classification", "regression"))
