"""D401."""

from __future__ import annotations

from collections import Counter

from specc.data.look import DataRule, Look, counts, found, share
from specc.data.table import Row
from specc.errors import Diagnostic, Label


def check(look: Look) -> list[Diagnostic]:
    """What: the DICOM files are not all of the modality that the spec accepts, or of one modality where it names none.

    Why: where a class holds its own kind of image, the network learns the scanner and not the disease. Scores look
    excellent and mean nothing. Where each channel is a file of its own, every channel may have its modality.

    Bad: a folder of chest radiographs (DX) with a few CT slices among them.

        input: {format: dicom, modality: [CR, DX], size: [224, 224], channels: mono, scale: 0..1}
        data: {folders: data/cxr}

    Good: the others are taken out of the folder, or left out by the spec.

        input: {format: dicom, modality: [CR, DX], size: [224, 224], channels: mono, scale: 0..1}
        data: {folders: data/cxr, skip: other_modality}

    Source: Zech et al. 2018, PLoS Med 15(11): e1002683 (a network that told hospitals apart).
    """
    for _, pictures in look.by_channel():
        files = [(row, facts.modality or "no modality") for row, facts in pictures if facts.format == "dicom"]
        kinds = Counter(kind for _, kind in files)
        accepted = look.input.modality or tuple(kind for kind, _ in kinds.most_common(1))
        others = [(row, kind) for row, kind in files if kind not in accepted]
        if others:
            return _report(look, files, others, accepted)
    return []


def _report(
    look: Look, files: list[tuple[Row, str]], others: list[tuple[Row, str]], accepted: tuple[str, ...]
) -> list[Diagnostic]:
    look.blamed |= {row.number for row, _ in others}
    words = " or ".join(accepted)
    named = look.input.modality is not None
    message = f"the data mix image types: {share(len(others), len(files), 'DICOM file')} not {words}"
    notes = f"by class: {counts(row.label for row, _ in others if row.label)}" if look.classes else ""
    here = Label(look.study.span("input", "modality"), "the spec accepts only these")
    cure = "`skip: other_modality` in `data`" if named else f"`modality: [{accepted[0]}]` in `input`"
    rest = "" if named else " and `skip: other_modality` in `data`"
    return found(
        look,
        "D401",
        message,
        look.table.path,
        counts(kind for _, kind in files),
        ("why", "a class that holds its own image type lets the network learn the scanner, not the disease"),
        ("help", f"leave them out: {cure}{rest} (no file is moved or deleted)"),
        *((("note", notes),) if notes else ()),
        files=others,
        labels=(here,) if named else (),
    )


RULE = DataRule("D401", "mixed_modality", check)
