"""S224."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a window that the format cannot have.

    Why: `window: auto` reads the window from DICOM tags, which other formats do not have. JPEG holds 8 bits, windowed
    already when the file was made: a second window cuts what little is left.

    Bad:

        input: {format: png, size: [32, 32], channels: mono, window: auto, resize: fit, scale: 0..1}

    Good:

        input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}

    Source: DICOM PS3.3, C.11.2 (VOI LUT); the spec language, Data (`input.window`).
    """
    given = study.spec.input
    if given is None or given.window in (None, "none") or given.format == "dicom":
        return []
    label = (Label(study.span("input", "format"), "this format"),)
    path = ("input", "window")
    if given.window == "auto":
        message, why = "`window: auto` needs DICOM", f"a {given.format.upper()} file does not say its window"
        cure = "16 bits: `window: {center: ..., width: ...}`; 8 bits: leave it out"
    elif given.format == "jpeg" or given.channels == "rgb":
        what = "JPEG" if given.format == "jpeg" else "colour"
        message, why = f"a window does not fit {what} images", "they hold 8 bits, windowed when the file was made"
        cure = "leave it out"
    else:
        return []
    return [fault(study, "S224", message, path, "has no meaning here", ("why", why), ("help", cure), labels=label)]


RULE = Rule("S224", "window_format", check)
