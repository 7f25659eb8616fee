"""S212."""

from __future__ import annotations

import unicodedata

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a name of a class or finding that is empty, or that differs from another one not at all or only in case or
    spaces.

    Why: labels are compared character by character. `T1` and `t1` would be two classes, each with half of the images
    of one, and folders that differ only in case are one folder on Windows and macOS.

    Bad:

        output: {classes: [Normal, normal]}

    Good:

        output: {classes: [normal, pneumonia]}

    Source: Northcutt et al. 2021, arXiv:2103.14749 (label errors in published test sets).
    """
    faults = []
    seen: dict[str, int] = {}
    key = "classes" if study.spec.output.classes is not None else "labels"
    kind = "class" if key == "classes" else "finding"
    classes = getattr(study.spec.output, key) or ()
    for i, name in enumerate(classes):
        path = ("output", key, i)
        folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        if not folded or name != name.strip() or any(unicodedata.category(letter)[0] == "C" for letter in name):
            what = "is empty" if not folded else "begins or ends with a space, or holds a control character"
            faults.append(fault(study, "S212", f"{kind} number {i + 1} {what}", path, "not a usable name"))
        elif folded in seen:
            same = classes[seen[folded]] == name
            shown = f"`{name}` and `{classes[seen[folded]]}` look the same"
            if same:
                shown = f"two {'classes' if key == 'classes' else 'findings'} are called `{name}`"
            faults.append(
                fault(
                    study,
                    "S212",
                    shown,
                    path,
                    "the same again" if same else "differs only in case or spaces",
                    ("why", f"names are compared character by character, so one {kind} would be split into two"),
                    ("help", f"list every {kind} once"),
                    labels=(Label(study.span("output", key, seen[folded]), "first here"),),
                )
            )
        seen.setdefault(folded, i)
    return faults


RULE = Rule("S212", "class_names", check, ("classification",))
