"""D423."""

from __future__ import annotations

from specc.data.look import DataRule, Look, counts, found, share
from specc.errors import Diagnostic, Label


def check(look: Look) -> list[Diagnostic]:
    """What: the images have other channels than the spec, and no rule makes them fit.

    Why: colour becomes grey by one agreed formula (luma), so `mono` takes both. Grey does not become colour by itself:
    a network that is to see colour and is shown grey must be told so. Files of two, four or more planes have no meaning
    that a reader could know. Where each channel is a file of its own, every file must be grey.

    Bad: grey radiographs.

        input: {format: png, size: [224, 224], channels: rgb, scale: 0..1}

    Good:

        input: {format: png, size: [224, 224], channels: rgb, from_mono: repeat, scale: 0..1}
    """
    names = {1: "grey", 3: "colour"}
    files = [(row, facts.samples) for row, facts in look.facts()]
    stack = not isinstance(look.input.channels, str)
    grey = look.input.channels == "mono" or look.input.from_mono == "repeat"
    fitting = (1,) if stack else (1, 3) if grey else (3,)
    wrong = [(row, samples) for row, samples in files if samples not in fitting]
    if not wrong:
        return []
    planes = any(samples not in names for _, samples in wrong)
    cure = "`from_mono: repeat` in `input` lets grey images in; or `channels: mono`"
    if stack:
        cure = "a file that is one channel must be grey: store it so, without colours drawn on it"
    return found(
        look,
        "D423",
        f"{share(len(wrong), len(files), 'image', 'has', 'have')} other channels than the spec asks for",
        look.table.path,
        counts(names.get(samples, f"with {samples} planes") for _, samples in files),
        ("help", "store each plane as an image of its own, or as grey or RGB" if planes else cure),
        files=[(row, names.get(samples, f"{samples} planes")) for row, samples in wrong],
        labels=(Label(look.study.span("input", "channels"), "asked for here"),),
    )


RULE = DataRule("D423", "other_channels", check)
