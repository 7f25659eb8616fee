"""D420."""

from __future__ import annotations

from specc.data.look import DataRule, Look, found
from specc.errors import Diagnostic
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: CT images without a window in the spec.

    Why: Hounsfield units mean the same in every CT, but the window in a file's header is whatever the technologist
    stored last: lung in one series, bone in the next. `window: auto` takes it only where the spec says so.

    Bad:

        input: {format: dicom, modality: CT, size: [256, 256], channels: mono, scale: 0..1}

    Good: soft tissue from -160 to 240 HU.

        input:
          {format: dicom, modality: CT, size: [256, 256], channels: mono, scale: 0..1, window: {center: 40, width: 400}}
    """
    scans = [(row, "CT") for row, facts in look.facts() if facts.modality == "CT"]
    if look.input.window is not None or not scans:
        return []
    return found(
        look,
        "D420",
        f"{plural(len(scans), 'CT image')}, and the spec does not say which window",
        ("input",),
        "needs a `window`",
        ("why", "the window in a CT's header is whatever was stored last, and may differ from series to series"),
        ("help", "soft tissue `window: {center: 40, width: 400}`, lung `{center: -600, width: 1500}`, bone "
                 "`{center: 400, width: 1800}`, brain `{center: 40, width: 80}`"),
        ("help", "the header's own, on purpose: `window: auto`"),
        files=scans,
    )  # fmt: skip


RULE = DataRule("D420", "ct_window", check)
