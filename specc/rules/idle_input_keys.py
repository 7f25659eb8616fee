"""S226."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a key under `input` or `data` that has no effect on images of this format.

    Why: who wrote it expects something to happen, and nothing would.

    Bad:

        input: {format: png, modality: [MR], size: [32, 32], channels: mono, resize: fit, scale: 0..1}

    Good:

        input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}

    Source: DICOM PS3.3, C.7.3.1.1.1 (modality); the spec language, Data.
    """
    given, data = study.spec.input, study.spec.data
    if given is None:
        return []
    idle: list[tuple[tuple[str, str], str, tuple[str, str]]] = []
    if given.format != "dicom":
        if given.modality is not None:
            idle.append((("input", "modality"), "only DICOM files say their modality", ("input", "format")))
        if given.frame is not None and given.format != "tiff":
            idle.append((("input", "frame"), "these files hold one image each", ("input", "format")))
        if data is not None and data.skip is not None:
            idle.append((("data", "skip"), "only DICOM files say their modality", ("input", "format")))
    if given.from_mono is not None and given.channels == "mono":
        idle.append((("input", "from_mono"), "the network sees one channel anyway", ("input", "channels")))
    if not isinstance(given.channels, str):
        if given.from_mono is not None:
            idle.append((("input", "from_mono"), "each file is one channel and stays one", ("input", "channels")))
        if data is not None and data.skip is not None:
            why = "a case of several files is not left out for one of them: take its line out of the table"
            idle.append((("data", "skip"), why, ("input", "channels")))
    return [
        fault(
            study,
            "S226",
            f"`{path[-1]}` has no effect here",
            path,
            why,
            ("help", "take it out"),
            span=study.key_span(*path),
            labels=(Label(study.span(*cause), "because of this"),),
        )
        for path, why, cause in idle
    ]


RULE = Rule("S226", "idle_input_keys", check)
