"""S236."""

from __future__ import annotations

import keyword
import re

from specc.errors import Diagnostic, Fix, Label
from specc.plugin import Rule
from specc.rules.common import Said, fault, replace_text
from specc.study import Study

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
TAKEN = ("mono", "rgb", "center", "width")  # words of `channels` and of `window`


def usable(name: str) -> bool:
    """Whether a channel may be called so: as all names of the language, and like no word that stands in its place."""
    return bool(NAME.fullmatch(name)) and not keyword.iskeyword(name) and name not in TAKEN


def name_from(text: str) -> str:
    """The name nearest to a text, as `t1_post` to `T1 post`; empty where there is none."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:64]
    return plain if usable(plain) else ""


def check(study: Study) -> list[Diagnostic]:
    """What: a channel without a usable name, a name that stands twice, or a list of only one channel.

    Why: the names travel in the exported model, where they say which file is which. Names are written as everywhere in
    the language: small letters, digits and `_`, a letter first. How the columns of the table are called is free.

    Bad:

        input: {format: png, size: [32, 32], channels: [FLAIR, t1], resize: fit, scale: 0..1}
        data:
          manifest: data/cases.csv
          columns: {image: [FLAIR, T1], label: label, patient: patient}
          split: {train: 80, val: 20, group: patient}

    Good:

        input: {format: png, size: [32, 32], channels: [flair, t1], resize: fit, scale: 0..1}
        data:
          manifest: data/cases.csv
          columns: {image: [FLAIR, T1], label: label, patient: patient}
          split: {train: 80, val: 20, group: patient}

    Source: the spec language, Rules of the text (names) and Data (`input.channels`).
    """
    given = study.spec.input
    if given is None or isinstance(given.channels, str):
        return []
    if len(given.channels) == 1:
        fix = Fix("write `mono`", replace_text(study, (("input", "channels"), "mono")))
        help_: Said = ("help", "one file a case is `channels: mono`, with one column of files")
        message, label = "a list of one channel", "one grey file a case has a word of its own"
        return [fault(study, "S236", message, ("input", "channels"), label, help_, fixes=(fix,))]
    faults = []
    for place, name in enumerate(given.channels):
        path, first = ("input", "channels", place), given.channels.index(name)
        if first != place:
            here = Label(study.span("input", "channels", first), "first here")
            faults.append(fault(study, "S236", f"two channels are called `{name}`", path, "again", labels=(here,)))
        elif not usable(name):
            better = name_from(name)
            fixes = (Fix(f"write `{better}`", replace_text(study, (path, better)), safe=True),) if better else ()
            if better in given.channels:
                fixes = ()
            what = "is a word of the language" if name in TAKEN or keyword.iskeyword(name) else "is not a name"
            faults.append(
                fault(
                    study,
                    "S236",
                    f"`{name[:60]}` {what}, and so no name for a channel",
                    path,
                    "small letters, digits and `_`, a letter first",
                    ("note", "the columns of the table keep their own names, whatever they are"),
                    fixes=fixes,
                )
            )
    return faults


RULE = Rule("S236", "stacked_names", check)
