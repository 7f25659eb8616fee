"""S204."""

from __future__ import annotations

from specc.errors import Diagnostic, Fix, Label, NoteKind
from specc.plugin import Rule
from specc.rules.common import call_span, fault, plural, replace_text, width_span
from specc.rules.table1 import RIGHT, ROW_TEXT, Judgement, judge
from specc.rules.two_class_neurons import sigmoid_edits
from specc.spec.places import name_span
from specc.study import Study

_EXPECTS = {
    ("sigmoid",): "expects independent yes/no outputs (sigmoid)",
    ("softmax",): "expects probabilities that sum to 1 (softmax)",
    ("none",): "expects numbers without an activation (regression)",
    ("sigmoid", "softmax"): "expects probabilities (sigmoid or softmax)",
}


def check(study: Study) -> list[Diagnostic]:
    """What: the loss does not belong to the activation of the output layer.

    Why: training would run and the curve would fall, but the outputs would mean something else: binary cross entropy
    on softmax outputs, for one, pulls each neuron as if it answered a question of its own.

    Bad:

        output: {classes: [normal, pneumonia, tuberculosis]}
        model:
          layers:
            - flatten
            - dense: {units: 3, activation: softmax}
        loss: binary_cross_entropy

    Good:

        output: {classes: [normal, pneumonia, tuberculosis]}
        model:
          layers:
            - flatten
            - dense: {units: 3, activation: softmax}
        loss: categorical_cross_entropy

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1; Goodfellow et al. 2016, Deep Learning, section 6.2.2.
    """
    judgement = judge(study)
    if judgement is None or judgement.code != "S204":
        return []
    found, call = judgement.head, judgement.call
    fits = study.registry.losses[call.name].fits
    expects = _EXPECTS.get(fits, f"fits {' or '.join(fits)}")
    place = found.activation_node or found.node
    at = name_span(study.document, place) if place is found.activation_node and place else width_span(study, found.node)
    ends = f"a {found.activation} output" if found.activation != "none" else "an output without activation"
    notes: list[tuple[NoteKind, str]] = [("rule", ROW_TEXT[judgement.form]), ("why", _why(judgement))]
    if call.name == "binary_cross_entropy" and judgement.form == "more_classes":
        notes.append(("help", "several findings per image: `output: {labels: [...]}` with `activation: sigmoid`"))
    return [
        fault(
            study,
            "S204",
            f"`{call.name}` does not fit {ends} with {judgement.subject}",
            call.path,
            expects,
            *notes,
            span=call_span(study, call),
            labels=(Label(at, _gives(judgement)),),
            fixes=_fixes(study, judgement),
        )
    ]


def _gives(judgement: Judgement) -> str:
    number = judgement.head.neurons
    if judgement.head.activation == "softmax":
        return f"gives {number} probabilities that sum to 1"
    if judgement.head.activation == "sigmoid":
        return f"gives {plural(number, 'probability', 'probabilities')} between 0 and 1"
    return f"gives {plural(number, 'number')} without limits"


def _why(judgement: Judgement) -> str:
    if judgement.values:
        return "cross entropy compares probabilities; a quantity is none"
    return "training would run and the curve would fall, but the probabilities would be wrong"


def _fixes(study: Study, judgement: Judgement) -> tuple[Fix, ...]:
    path = judgement.call.path
    name = RIGHT[judgement.form][1]
    if judgement.form == "two_classes" and judgement.head.neurons == 2:
        text = "as in Table 1: `{units: 1, activation: sigmoid}` and `loss: binary_cross_entropy`"
        return (Fix(text, sigmoid_edits(study, judgement)),)
    prefix = {"findings": "several findings per image: "}.get(judgement.form, "one answer per image: ")
    prefix = "" if judgement.values else prefix
    return (Fix(f"{prefix}`loss: {name}`", replace_text(study, (path, name))),)


RULE = Rule("S204", "loss_pairs", check, ("classification", "regression"))
