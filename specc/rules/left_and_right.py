"""S230."""

from __future__ import annotations

import re

from specc.errors import Diagnostic, Label
from specc.plugin import Call, Rule
from specc.rules.common import call_span, fault, values
from specc.study import Study

_SIDES = ({"left", "right"}, {"l", "r"}, {"lt", "rt"}, {"lft", "rgt"}, {"links", "rechts"}, {"gauche", "droite"})
_JAPANESE = {"左": "右", "右": "左"}


def check(study: Study) -> list[Diagnostic]:
    """What: images are mirrored or turned over, and the classes are told apart by left and right.

    Why: a change of augmentation keeps the label. An image of the left side, mirrored, looks like one of the right
    side and is still called left, so that the network learns that both are the same.

    Bad:

        output: {classes: [left_lung, right_lung]}
        augment:
          - flip: {axis: horizontal}

    Good:

        output: {classes: [left_lung, right_lung]}
        augment:
          - rotate: {degrees: 10}

    Source: the spec language, Training keys and defaults (`augment`).
    """
    output = values(study, "output")
    for key in ("classes", "labels"):
        names = getattr(output, key, None) or ()
        pair = next((name for name in names if _mirrored(name) & set(names)), None)
        if pair is None:
            continue
        other = next(name for name in names if name in _mirrored(pair))
        label = Label(study.span("output", key), f"`{pair}` and `{other}`")
        return [_fault(study, call, label) for call in study.spec.augment if _swaps(call)]
    return []


def _fault(study: Study, call: Call, label: Label) -> Diagnostic:
    what = {"rotate": "a turn by more than 90 degrees", "rotate90": "a turn by 180 degrees"}.get(call.name, "this flip")
    return fault(
        study,
        "S230",
        f"{what} swaps left and right, and classes are told apart by left and right",
        call.path,
        "the label stays as it was",
        ("help", "take it out, or choose changes that keep sides where they are: small angles, shift, zoom"),
        span=call_span(study, call),
        labels=(label,),
        severity="warning",
    )


def _swaps(call: Call) -> bool:
    """Whether what was on the left may be on the right afterwards."""
    if call.name == "rotate":
        return float(call.args.degrees) > 90
    return call.name == "rotate90" or (call.name == "flip" and call.args.axis == "horizontal")


def _mirrored(name: str) -> set[str]:
    """What a name is when the word for one side stands for the other."""
    words = re.split(r"([^\W\d_]+)", name)
    found = {"".join(_JAPANESE.get(sign, sign) for sign in name)}
    for place, word in enumerate(words):
        for sides in _SIDES:
            if word.lower() in sides:
                (other,) = sides - {word.lower()}
                spelt = other.capitalize() if word.istitle() and len(word) > 1 else other
                spelt = other.upper() if word.isupper() else spelt
                found.add("".join([*words[:place], spelt, *words[place + 1 :]]))
    return found - {name}


RULE = Rule("S230", "left_and_right", check)
