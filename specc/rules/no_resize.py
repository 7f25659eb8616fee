"""S223."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: nothing says how an image of another size is brought to the network's size.

    Why: without a rule an image of another size is an error before training and a refusal afterwards. That is right
    where all images have one size and always will; else a rule is needed, and it travels in the exported model.

    Bad:

        input: {format: png, size: [32, 32], channels: mono, scale: 0..1}

    Good:

        input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}

    Source: the spec language, Data (`input.resize`).
    """
    if study.spec.input is None or study.spec.input.resize is not None or study.task.any_size:
        return []
    height, width = study.spec.input.size
    return [
        fault(
            study,
            "S223",
            f"without `resize`, every image must be exactly {height}x{width}",
            ("input", "size"),
            "images of another size will be refused",
            ("help", "`resize: fit` keeps proportions, `crop` cuts the middle, `stretch` distorts"),
            severity="note",
        )
    ]


RULE = Rule("S223", "no_resize", check)
