"""S213."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.spec.faults import listed, rename
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: `positive` names no class, or there are more than two classes.

    Why: the positive class is the one whose probability a sigmoid neuron gives, and the one that sensitivity is
    about. With more than two classes each has a probability of its own.

    Bad:

        output: {classes: [normal, pneumonia], positive: pnuemonia}

    Good:

        output: {classes: [normal, pneumonia], positive: pneumonia}

    Source: the spec language, Task rules (with one sigmoid neuron the second class is the positive one).
    """
    output = study.spec.output
    if output.positive is None or output.classes is None:
        return [] if output.positive is None or output.labels is None else [_of_findings(study)]
    path = ("output", "positive")
    label = (Label(study.span("output", "classes"), f"{len(output.classes)} classes"),)
    if output.positive not in output.classes:
        return [
            fault(
                study,
                "S213",
                f"`{output.positive}` is none of the classes",
                path,
                "unknown class",
                ("note", f"classes: {listed(output.classes)}"),
                labels=label,
                fixes=rename(study.document, path, output.classes, key=False),
            )
        ]
    if len(output.classes) > 2:
        return [
            fault(
                study,
                "S213",
                "`positive` has a meaning only with two classes",
                path,
                "no single positive class",
                ("help", "take it out: each class has a probability and a sensitivity of its own"),
                labels=label,
            )
        ]
    return []


def _of_findings(study: Study) -> Diagnostic:
    return fault(
        study,
        "S213",
        "`positive` has a meaning only with two classes",
        ("output", "positive"),
        "each finding is positive where it is there",
        ("help", "take it out"),
        labels=(Label(study.span("output", "labels"), "findings"),),
    )


RULE = Rule("S213", "positive_class", check, ("classification",))
