"""S237."""

from __future__ import annotations

from collections.abc import Mapping

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import Said, fault
from specc.spec.faults import listed, nearest
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: windows by channel that do not name every channel once, or where images have no named channels.

    Why: each channel has its own range of values, so that each needs its window; one that is left out would have none.

    Bad:

        input:
          format: tiff
          size: [32, 32]
          channels: [adc, t2]
          window: {t2: {center: 500, width: 1000}}
          resize: fit
          scale: 0..1
        data:
          manifest: data/cases.csv
          columns: {image: [ADC, T2], label: label, patient: patient}
          split: {train: 80, val: 20, group: patient}

    Good:

        input:
          format: tiff
          size: [32, 32]
          channels: [adc, t2]
          window: {adc: {center: 1500, width: 3000}, t2: {center: 500, width: 1000}}
          resize: fit
          scale: 0..1
        data:
          manifest: data/cases.csv
          columns: {image: [ADC, T2], label: label, patient: patient}
          split: {train: 80, val: 20, group: patient}

    Source: the spec language, Data (`input.window`).
    """
    given = study.spec.input
    if given is None or not isinstance(given.window, Mapping):
        return []
    here = (Label(study.span("input", "channels"), "the channels"),)
    if isinstance(given.channels, str):
        message, cure = "windows by channel, and no channels with names", "one window: `{center: ..., width: ...}`"
        label = f"`channels: {given.channels}` has one window for all"
        return [fault(study, "S237", message, ("input", "window"), label, ("help", cure), labels=here)]
    faults = []
    for name in given.window:
        if name not in given.channels:
            near = nearest(name, given.channels)
            notes: tuple[Said, ...] = (("help", f"did you mean `{near[0]}`?"),) if near else ()
            message = f"a window for `{name}`, which is no channel"
            path, span = ("input", "window", name), study.key_span("input", "window", name)
            faults.append(fault(study, "S237", message, path, "not in `channels`", *notes, span=span, labels=here))
    lacks = [name for name in given.channels if name not in given.window]
    if lacks and not faults:
        message, label = f"no window for {listed(lacks)}", "needs every channel"
        cure = f"add `{lacks[0]}: {{center: ..., width: ...}}`"
        faults.append(fault(study, "S237", message, ("input", "window"), label, ("help", cure), labels=here))
    return faults


RULE = Rule("S237", "stacked_windows", check)
