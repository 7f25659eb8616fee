"""S231."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import call_span, fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: `random_crop` that says neither how far nor how much.

    Why: without `pad` and `area` it cuts out the whole image, and nothing changes.

    Bad:

        augment: [random_crop]

    Good:

        augment:
          - random_crop: {pad: 4}

    Source: the spec language, Training keys and defaults (`augment`).
    """
    return [
        fault(
            study,
            "S231",
            "`random_crop` cuts out the whole image: nothing changes",
            call.path,
            "says neither `pad` nor `area`",
            ("help", "`random_crop: {pad: 4}` moves the image by up to 4 pixels, over black"),
            ("help", "`random_crop: {area: [0.7, 1]}` cuts out 70 to 100 % of the image and enlarges it"),
            span=call_span(study, call),
        )
        for call in study.spec.augment
        if call.name == "random_crop"
        and (call.args.pad, call.args.area, call.args.aspect) == (0, (1.0, 1.0), (1.0, 1.0))
    ]


RULE = Rule("S231", "empty_crop", check)
