"""S253."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: an augmentation that blends images with others does not stand last, or stands twice.

    Why: changes to single images come first; then both are blended. In another order the list would say something that
    is not done.

    Bad:

        augment: [mixup, {rotate: {degrees: 10}}]

    Good:

        augment: [{rotate: {degrees: 10}}, mixup]

    Source: Zhang et al. 2018, arXiv:1710.09412.
    """
    calls = study.spec.augment or ()
    last = len(calls) - 1
    return [
        fault(
            study,
            "S253",
            f"`{call.name}` blends whole images and comes last, once",
            ("augment", place),
            f"{last - place} more after it" if last - place else "",
            ("help", f"move `{call.name}` to the end of `augment`"),
        )
        for place, call in enumerate(calls)
        if place < last and study.registry.augmentations[call.name].mixes
    ]


RULE = Rule("S253", "mixing_last", check)
