"""S225."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: CT images, and the spec does not say which window.

    Why: CT numbers reach from -1000 (air) to over 3000. The window in the file's header is what the last viewer chose,
    lung in one series and bone in the next; the network would learn that choice.

    Bad:

        input: {format: dicom, modality: [CT], size: [32, 32], channels: mono, resize: fit, scale: 0..1}

    Good:

        input:
          format: dicom
          modality: [CT]
          size: [32, 32]
          channels: mono
          window: {center: 40, width: 400}
          resize: fit
          scale: 0..1

    Source: the spec language, Data (`input.window`: CT must say).
    """
    given = study.spec.input
    if given is None or given.format != "dicom" or given.window is not None or "CT" not in (given.modality or ()):
        return []
    return [
        fault(
            study,
            "S225",
            "CT images need a window",
            ("input", "modality"),
            "CT numbers reach from -1000 to over 3000",
            ("why", "the window in the header is what the last viewer chose; the network would learn that choice"),
            ("help", "soft tissue `window: {center: 40, width: 400}`, lung `{center: -600, width: 1500}`"),
            ("help", "`window: auto` takes the header's on purpose"),
            labels=(Label(study.key_span("input"), "needs `window`"),),
        )
    ]


RULE = Rule("S225", "ct_window", check)
