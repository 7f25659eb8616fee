"""D402."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic, Label, NoteKind


def check(look: Look) -> list[Diagnostic]:
    """What: images have another size than `input.size`, and the spec does not say how to make them fit.

    Why: a network takes one size. Which of the three ways is right depends on the question: a nodule at the edge is
    lost by `crop`, a heart's width is falsified by `stretch`. Sizes are height x width.

    Bad: images of several sizes.

        input: {format: png, size: [224, 224], channels: mono, scale: 0..1}

    Good:

        input: {format: png, size: [224, 224], channels: mono, resize: fit, scale: 0..1}
    """
    height, width = look.input.size
    files = [(row, facts) for row, facts in look.facts()]
    others = [(row, facts) for row, facts in files if (facts.height, facts.width) != (height, width)]
    if look.input.resize is not None or not others:
        return []
    odd = sum(facts.height * width != facts.width * height for _, facts in others)
    bent = f"distorts {odd:,} of them" if odd else "does the same here, since proportions agree"
    message = f"{share(len(others), len(files), 'image')} not {height}x{width}"
    asked = Label(look.study.span("input", "size"), "asked for here")
    notes: list[tuple[NoteKind, str]] = [
        ("help", f"`resize: fit` in `input` keeps proportions; `stretch` {bent}; `crop` cuts edges"),
        ("note", "the chosen rule also goes into the ONNX file, so that training and use agree"),
    ]
    if look.study.task.any_size:  # images go in as they are
        sides = sorted({(facts.height, facts.width) for _, facts in files})
        least = [min(lengths) for lengths in zip(*sides, strict=True)]
        cure = f"`size: [{least[0]}, {least[1]}]`" + ("" if len(sides) == 1 else ", and cut all images to that size")
        notes = [("help", f"{cure}; the exported model then takes images of any size")]
    else:
        message += ", and the spec does not say how to resize"
    return found(
        look,
        "D402",
        message,
        look.table.path,
        counts(f"{facts.height}x{facts.width}" for _, facts in files),
        *notes,
        files=[(row, f"{facts.height}x{facts.width}") for row, facts in others],
        labels=(asked,),
    )


RULE = DataRule("D402", "other_size", check)
