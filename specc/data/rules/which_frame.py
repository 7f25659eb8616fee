"""D419."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic
from specc.rules.common import plural


def check(look: Look) -> list[Diagnostic]:
    """What: files hold several frames (or pages), and the spec does not say which one, or names one too many.

    Why: the first frame of a run is seldom the one that shows the finding, and a reader that takes it in silence does
    not tell. Frames count from 1.

    Bad: cine ultrasound with 30 frames a file.

        input: {format: dicom, size: [224, 224], channels: rgb, scale: 0..1}

    Good:

        input: {format: dicom, size: [224, 224], channels: rgb, scale: 0..1, frame: 15}
    """
    chosen = look.input.frame
    several = [
        (row, entry.facts.frames)
        for row, entry in look.seen()
        if entry.facts is not None and entry.facts.frames > 1 and chosen is None
    ]
    several += [
        (row, entry.facts.frames)
        for row, entry in look.seen()
        if entry.facts is not None and entry.error is not None and entry.error[0] == "P805"
    ]
    if not several:
        return []
    total = len(look.files)
    message = (
        share(len(several), total, "file", "holds", "hold") + " several frames, and the spec does not say which one"
    )
    if chosen is not None:
        message = f"{share(len(several), total, 'file', 'has', 'have')} no frame {chosen:,}"
    return found(
        look,
        "D419",
        message,
        ("input", "frame") if chosen is not None else look.table.path,
        counts(f"with {plural(frames, 'frame')}" for _, frames in several),
        ("help", "`frame: 1` in `input` takes the first; else write each wanted frame into a file of its own"),
        files=[(row, plural(frames, "frame")) for row, frames in several],
    )


RULE = DataRule("D419", "which_frame", check)
