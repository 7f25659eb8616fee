"""S201."""

from __future__ import annotations

from specc.errors import Diagnostic, Edit, Fix, Label
from specc.plugin import Rule
from specc.rules.common import Said, fault, replace_text, width_path, width_span
from specc.rules.table1 import ROW_TEXT, Judgement, judge
from specc.spec.places import name_span
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: two classes, and the output layer has two neurons instead of one.

    Why: one neuron with sigmoid says everything that two with softmax say, with half the weights, and its threshold
    and its probability belong to one named class. Two softmax outputs with categorical cross entropy are sound, so
    they may be kept on purpose; two sigmoid outputs could contradict each other.

    Bad:

        model:
          layers:
            - flatten
            - dense: {units: 2, activation: softmax}
        loss: categorical_cross_entropy

    Good:

        model:
          layers:
            - flatten
            - dense: {units: 1, activation: sigmoid}
        loss: binary_cross_entropy

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1.
    """
    judgement = judge(study)
    if judgement is None or judgement.code != "S201" or judgement.head.node is None:
        return []
    node, activation = judgement.head.node, judgement.head.activation
    how = f" with {activation}" if activation != "none" else ""
    notes: list[Said] = [("rule", ROW_TEXT["two_classes"])]
    if judgement.missing:
        notes.append(("help", 'keep two softmax outputs on purpose: `allow: {two_class_softmax: "your reason"}`'))
    return [
        fault(
            study,
            "S201",
            f"two classes need one output neuron with sigmoid, and this layer has {judgement.head.neurons}{how}",
            width_path(study, node),
            f"{judgement.head.neurons} output neurons",
            *notes,
            span=width_span(study, node),
            labels=(Label(study.span("output", "classes"), "2 classes"),),
            fixes=(
                Fix(
                    "write `{units: 1, activation: sigmoid}` and `loss: binary_cross_entropy`",
                    sigmoid_edits(study, judgement),
                ),
            ),
        )
    ]


def sigmoid_edits(study: Study, judgement: Judgement) -> tuple[Edit, ...]:
    """Edits that turn two softmax outputs into one sigmoid output, where all the text is the spec's own."""
    node, last = judgement.head.node, judgement.head.activation_node
    if node is None or last is None or study.document.own_span(last.path) is None:
        return ()
    edits = replace_text(study, (width_path(study, node), "1"), (judgement.call.path, "binary_cross_entropy"))
    return (*edits, Edit(name_span(study.document, last), "sigmoid")) if edits else ()


RULE = Rule("S201", "two_class_neurons", check, ("classification",))
