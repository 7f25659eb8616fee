"""S203."""

from __future__ import annotations

from specc.errors import Diagnostic, Edit, Fix, Label, NoteKind
from specc.plugin import Rule
from specc.rules.common import fault, width_path, width_span
from specc.rules.table1 import RIGHT, ROW_TEXT, Judgement, judge
from specc.spec.places import layer_path, name_span
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a classification does not end in the activation that turns numbers into probabilities.

    Why: without it the outputs are no probabilities; with ReLU or tanh they never can be; with a sigmoid on each of
    several exclusive classes they contradict each other; with a softmax over findings that may be there together, one
    finding would speak against the others. (Training works on logits anyway: specc sees to that.)

    Bad:

        model:
          layers:
            - flatten
            - dense: {units: 1}

    Good:

        model:
          layers:
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1.
    """
    judgement = judge(study)
    if judgement is None or judgement.code != "S203" or judgement.head.node is None:
        return []
    right = RIGHT[judgement.form][0]
    last, node = judgement.head.activation_node, judgement.head.node
    notes: list[tuple[NoteKind, str]] = [("rule", ROW_TEXT[judgement.form])]
    if judgement.head.activation == "sigmoid":
        notes.append(("why", "a sigmoid each gives probabilities that do not sum to 1, and the classes are exclusive"))
    if judgement.head.activation == "softmax":
        notes.append(("why", "softmax makes probabilities sum to 1, so one finding would speak against the others"))
    what = f"ends in {judgement.head.activation}" if last is not None else "has no activation"
    return [
        fault(
            study,
            "S203",
            f"the output of a classification with {judgement.subject} needs {right}, and this one {what}",
            last.path if last is not None else layer_path(study.document, node),
            f"should be {right}" if last is not None else f"needs `activation: {right}`",
            *notes,
            span=name_span(study.document, last) if last is not None else name_span(study.document, node),
            labels=(Label(study.span("output", judgement.key), judgement.subject),),
            fixes=(Fix(f"write `activation: {right}`", _edits(study, judgement, right)),),
        )
    ]


def _edits(study: Study, judgement: Judgement, right: str) -> tuple[Edit, ...]:
    last, node = judgement.head.activation_node, judgement.head.node
    if last is not None:
        own = study.document.own_span(last.path)
        return () if own is None else (Edit(name_span(study.document, last), right),)
    if node is None or judgement.head.layer != "dense" or study.document.own_span(width_path(study, node)) is None:
        return ()
    text = study.document.text.split("\n")
    span = width_span(study, node)
    number = text[span.line - 1][span.column - 1 : span.end_column - 1]
    return (Edit(span, f"{number}, activation: {right}"),) if _inside_braces(text[span.line - 1], span.column) else ()


def _inside_braces(line: str, column: int) -> bool:
    return "{" in line[: column - 1]


RULE = Rule("S203", "output_activation", check, ("classification",))
