"""D422."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.data.look import DataRule, Look, counts, found
from specc.data.table import Row
from specc.errors import Diagnostic, NoteKind
from specc.rules.common import plural

if TYPE_CHECKING:
    from specc.pieces.readers import Facts

File = tuple[Row, "Facts", float, float]  # with its smallest and largest value
FULL = 12  # bits: a 16-bit file that uses no more is 12 bits in 16
FLAT = 256  # the program takes a deviation below 1/256 for rounding; a test holds it to pieces/edits.py
UNSAID = "without a window nobody says which value is black and which is white"


def check(look: Look) -> list[Diagnostic]:
    """What: without a fixed window, grey values have no common range: 8-bit and 16-bit files are mixed, 16-bit files
    hold 12 bits or less, or values are signed, real, of 32 bits, or DICOM modality values.

    Why: `scale: 0..1` divides by the largest number of the type. 12 bits in 16 then fill a sixteenth of the range, and
    the network is shown black pictures; mixed depths are shown with different brightness. Signed, real and 32-bit
    numbers reach so far that their range says nothing: they need a window, or `scale: standardize`, which takes them as
    they are. Where each channel is a file of its own, this holds for every channel by itself: one may have 8 bits and
    the next 16.

    Bad: 16-bit PNG files with values up to 4,095.

        input: {format: png, size: [256, 256], channels: mono, scale: 0..1}

    Good:

        input: {format: png, size: [256, 256], channels: mono, scale: 0..1, window: {center: 2048, width: 4096}}
    """
    window = look.input.window
    automatic = look.input.format == "dicom" and window in (None, "auto")
    if automatic or (window is not None and window != "none"):
        return []
    ends = {(row.number, row.channel): (entry.low, entry.high) for row, entry in look.seen() if not entry.error}
    for name, pictures in look.by_channel():
        files = [(row, facts, *ends[row.number, row.channel]) for row, facts in pictures]
        if files and (told := _judge(look, files)):
            return [_report(look, name, files, *told)]
    return []


def _judge(look: Look, files: list[File]) -> tuple[str, str] | None:
    """What is wrong with the numbers of a channel, and why that matters."""
    kinds = {_kind(facts) for _, facts, _, _ in files}
    ranged = look.input.scale in ("0..1", "-1..1")
    low, high = min(file[2] for file in files), max(file[3] for file in files)
    free = any(facts.signed or facts.floating or facts.bits > 16 for _, facts, _, _ in files)
    if look.input.format == "dicom":
        return ("DICOM modality values have no range of their own", UNSAID) if ranged else None
    if len(kinds) > 1:
        why = "the same tissue would be bright in one file and black in the other"
        return "the images mix kinds of numbers, and no window brings them together", why
    if ranged and free:
        return f"{kinds.pop()} numbers have no range of their own", UNSAID
    if free and low < 0 and look.input.resize == "fit":
        why = f"`resize: fit` fills with 0, and black is {low:g} here: images would stand on a grey ground"
        return "values below 0, and no window says which is black", why
    if free and 0 < high - low < 1 / FLAT:
        why = f"what deviates by less than 1/{FLAT} is taken for rounding, so that nothing of them would be seen"
        return f"all values lie within {high - low:g}: too close together to be standardized as they are", why
    if ranged and kinds == {"16-bit"} and high < 2**FULL:
        why = f"divided by 65,535 they would fill {100 * high / 65535:.0f} % of the range: nearly black"
        return f"16-bit images whose largest value is {high:,.0f}: {int(high).bit_length()} bits in 16", why
    return None


def _report(look: Look, name: str, files: list[File], message: str, why: str) -> Diagnostic:
    low, high = min(file[2] for file in files), max(file[3] for file in files)
    span = low < 0 or high < 1
    width = (high - low or 1.0) if span else float(2 ** int(high).bit_length())
    centre = (low + high) / 2 if span else width / 2
    cure = f"{{center: {centre:.6g}, width: {width:.6g}}}"
    cure = f"`window: {cure}`" if not name else f"`window: {{{name}: {cure}, ...}}`, one for each channel"
    free = any(facts.signed or facts.floating or facts.bits > 16 for _, facts, _, _ in files)
    also = look.input.scale in ("0..1", "-1..1") and look.input.format != "dicom" and free
    notes: tuple[tuple[NoteKind, str], ...] = (
        ("why", why),
        ("help", f"say what is black and what is white, as {cure}"),
        *((("help", "or `scale: standardize`, which takes the numbers as they are"),) if also else ()),
        ("note", f"values go from {low:g} to {high:g} in these {plural(len(files), 'file')}"),
    )
    kinds = [(row, _kind(facts)) for row, facts, _, _ in files]
    path = ("input", "window") if look.input.window is not None else ("input", "scale")
    message = f"{message} (channel `{name}`)" if name else message
    return found(look, "D422", message, path, counts(kind for _, kind in kinds), *notes, files=kinds)[0]


def _kind(facts: Facts) -> str:
    if facts.floating:
        return "real"
    if facts.signed:
        return f"signed {facts.bits}-bit"
    return "8-bit" if facts.bits <= 8 else "16-bit" if facts.bits <= 16 else f"{facts.bits}-bit"


RULE = DataRule("D422", "bit_depth", check)
