"""D409."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic, Fix, Label
from specc.rules.common import replace_text


def check(look: Look) -> list[Diagnostic]:
    """What: files are of another format than `input.format`; what counts is what is in a file, not its name.

    Why: formats differ in what their numbers mean: DICOM holds modality values, JPEG has lost detail, 16-bit PNG has
    256 times the steps. A mix lets the network tell sources apart, and the exported model accepts one format only.

    Bad: a folder of TIFF files.

        input: {format: png, size: [32, 32], channels: mono, scale: 0..1}

    Good:

        input: {format: tiff, size: [32, 32], channels: mono, scale: 0..1}
    """
    files = [(row, facts.format) for row, facts in look.facts()]
    others = [(row, kind) for row, kind in files if kind != look.input.format]
    if not others:
        return []
    look.blamed |= {row.number for row, _ in others}
    kinds = {kind for _, kind in files}
    fixes = []
    if len(kinds) == 1:
        kind = kinds.pop()
        fixes = [Fix(f"write `format: {kind}`", replace_text(look.study, (("input", "format"), kind)))]
    return found(
        look,
        "D409",
        f"{share(len(others), len(files), 'image')} not {look.input.format.upper()}",
        look.table.path,
        counts(kind.upper() for _, kind in files),
        ("why", "a file is what is in it, whatever its name ends in; one model takes one format"),
        *((("help", "keep one format, or convert the others and say so in the study"),) if not fixes else ()),
        files=[(row, kind.upper()) for row, kind in others],
        labels=(Label(look.study.span("input", "format"), "asked for here"),),
        fixes=fixes,
    )


RULE = DataRule("D409", "other_format", check)
