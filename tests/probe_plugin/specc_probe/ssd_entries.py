"""How the boxes of an image are written in a table."""

from __future__ import annotations

import json
import math


def fault_of(cell: str) -> str:
    """What is wrong with an entry of the column `objects`; empty where nothing is."""
    try:
        things = json.loads(cell or "[]")
    except ValueError as error:
        return f"not JSON: {error}"
    for thing in things if isinstance(things, list) else [None]:
        if not isinstance(thing, list) or len(thing) != 5 or not isinstance(thing[0], str):
            return "a list of boxes is needed, each `[class, x, y, width, height]`"
        sides = thing[1:]
        if not all(type(side) in (int, float) and math.isfinite(side) for side in sides):
            return "x, y, width and height are numbers of pixels"
        if min(sides[:2]) < 0 or min(sides[2:]) <= 0:
            return "a box begins within the image and is larger than 0"
    return ""
