"""D422."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.data.look import DataRule, Look, counts, found
from specc.errors import Diagnostic, NoteKind
from specc.rules.common import plural

if TYPE_CHECKING:
    from specc.pieces.readers import Facts

FULL = 12  # bits: a 16-bit file that uses no more is 12 bits in 16


def check(look: Look) -> list[Diagnostic]:
    """What: without a fixed window, grey values have no common range: 8-bit and 16-bit files are mixed, 16-bit files
    hold 12 bits or less, or values are signed, real, or DICOM modality values.

    Why: `scale: 0..1` divides by the largest number of the type. 12 bits in 16 then fill a sixteenth of the range, and
    the network is shown black pictures; mixed depths are shown with different brightness.

    Bad: 16-bit PNG files with values up to 4,095.

        input: {format: png, size: [256, 256], channels: mono, scale: 0..1}

    Good:

        input: {format: png, size: [256, 256], channels: mono, scale: 0..1, window: {center: 2048, width: 4096}}
    """
    window, automatic = look.input.window, look.input.format == "dicom" and look.input.window in (None, "auto")
    files = [(row, facts) for row, facts in look.facts()]
    if automatic or not files or (window is not None and window != "none"):
        return []
    kinds = {_kind(facts) for _, facts in files}
    ranged = look.input.scale in ("0..1", "-1..1")
    high = max((entry.high for _, entry in look.seen() if not entry.error), default=0.0)
    low = min((entry.low for _, entry in look.seen() if not entry.error), default=0.0)
    message = why = ""
    if look.input.format == "dicom" and ranged:
        message = "DICOM modality values have no range of their own"
        why = "without a window nobody says which value is black and which is white"
    elif len(kinds) > 1 and look.input.format != "dicom":
        message = "the images mix kinds of numbers, and no window brings them together"
        why = "the same tissue would be bright in one file and black in the other"
    elif ranged and any(facts.signed or facts.floating or facts.bits > 16 for _, facts in files):
        message = f"{kinds.pop()} numbers have no range of their own"
        why = "without a window nobody says which value is black and which is white"
    elif ranged and kinds == {"16-bit"} and high < 2**FULL:
        message = f"16-bit images whose largest value is {high:,.0f}: {int(high).bit_length()} bits in 16"
        why = f"divided by 65,535 they would fill {100 * high / 65535:.0f} % of the range: nearly black"
    if not message:
        return []
    width = max(1.0, high - low) if low < 0 or high < 1 else float(2 ** int(high).bit_length())
    centre = (low + high) / 2 if low < 0 or high < 1 else width / 2
    notes: tuple[tuple[NoteKind, str], ...] = (
        ("why", why),
        ("help", f"say what is black and what is white, as `window: {{center: {centre:g}, width: {width:g}}}`"),
        ("note", f"values go from {low:g} to {high:g} in these {plural(len(files), 'file')}"),
    )
    label = counts(_kind(facts) for _, facts in files)
    path = ("input", "window") if window is not None else ("input", "scale")
    return found(look, "D422", message, path, label, *notes, files=[(row, _kind(facts)) for row, facts in files])


def _kind(facts: Facts) -> str:
    if facts.floating:
        return "real"
    if facts.signed:
        return f"signed {facts.bits}-bit"
    return "8-bit" if facts.bits <= 8 else "16-bit" if facts.bits <= 16 else f"{facts.bits}-bit"


RULE = DataRule("D422", "bit_depth", check)
