"""S211."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a classification with fewer than two classes.

    Why: with one class every image gets the same answer and nothing can be learned. "Is it there or not" has two
    classes: name the absence, too.

    Bad:

        output: {classes: [pneumonia]}

    Good:

        output: {classes: [normal, pneumonia]}

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1 (starts at two classes).
    """
    if study.spec.output.classes is None or len(study.spec.output.classes) >= 2:
        return []
    return [
        fault(
            study,
            "S211",
            "a classification needs at least two classes",
            ("output", "classes"),
            "1 class",
            ("why", "with one class every image gets the same answer"),
            ("help", "name what an image without it is called, as `classes: [normal, pneumonia]`"),
        )
    ]


RULE = Rule("S211", "class_count", check, ("classification",))
