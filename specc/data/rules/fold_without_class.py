"""D441."""

from __future__ import annotations

from collections import defaultdict

from specc.data.look import DataRule, Look, found, printable
from specc.data.rules.few_groups import AFTER
from specc.data.split import marks
from specc.errors import Diagnostic
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: a class that is not in every fold, mostly because fewer patients have it than there are folds.

    Why: a fold that lacks a class chooses its epoch without it and has no figure for it; if all of a class is in one
    fold, the others never see it in training. For a finding (`labels`) it is a warning: it has no figure in that fold.

    Bad: three patients with pneumonia in five folds.

        output: {classes: [normal, pneumonia]}
        data: {folders: data/cxr, split: {folds: 5, group: {before: "_"}}}

    Good:

        output: {classes: [normal, pneumonia]}
        data: {folders: data/cxr, split: {folds: 3, group: {before: "_"}}}
    """
    held = marks(look) if look.folds else None
    names = look.findings or look.classes
    if held is None or not names:
        return []
    folds, people = defaultdict[str, set[int]](set), defaultdict[str, set[str]](set)
    for of, fold, group in zip(held, look.folds, look.groups or [""] * len(held), strict=True):
        for name in of:
            if fold:
                folds[name].add(fold)
                people[name].add(group)
    count = look.data.split.folds
    lacking = {name: sorted(set(range(1, count + 1)) - folds[name]) for name in names}
    lacking = {name: where for name, where in lacking.items() if where}
    if not lacking:
        return []
    told = bool(look.data.split.folds_column)
    first = [f"`{printable(name)}` is not in fold{'s' * (len(where) > 1)} {', '.join(map(str, where[:4]))}"
             + ", ..." * (len(where) > 4) for name, where in list(lacking.items())[:4]]  # fmt: skip
    few = min(len(people[name]) for name in lacking)
    cure = "correct the column" if told else "more patients of that class, or another `seed`"
    cure = f"`folds: {few}` or fewer, or more patients of that class" if 1 < few < count and not told else cure
    return found(
        look,
        "D441",
        "; ".join(first),
        ("data", "split", "folds_column" if told else "folds"),
        f"{plural(few, 'group')} with `{printable(min(lacking, key=lambda name: len(people[name])))}`",
        ("help", cure),
        severity="warning" if look.findings else "error",
    )


RULE = DataRule("D441", "fold_without_class", check, (*AFTER, "D430", "D440"))
