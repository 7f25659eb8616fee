"""S232."""

from __future__ import annotations

import math

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import argument_path, fault
from specc.study import Study

_SHARE = 0.25  # of the distance of two points: one pair in 400 changes places


def check(study: Study) -> list[Diagnostic]:
    """What: `elastic` moves the points of its grid so far that neighbours change places.

    Why: the image then folds over itself, and what it shows is no longer what the label says. The 10 pixels of the
    U-Net paper are for images of 512 pixels and more.

    Bad:

        augment:
          - elastic: {sd: 10}

    Good:

        augment:
          - elastic: {sd: 2}

    Source: Ronneberger et al. 2015, section 3.1; Simard et al. 2003.
    """
    faults = []
    for call in study.spec.augment:
        if call.name != "elastic":
            continue
        size, grid = study.spec.input.size, call.args.grid
        apart = min((pixels - 1) / (points - 1) for pixels, points in zip(size, grid, strict=True))
        if call.args.sd <= _SHARE * apart:
            continue
        most = math.floor(100 * _SHARE * apart) / 100
        faults.append(
            fault(
                study,
                "S232",
                f"displacements of {call.args.sd:g} pixels fold an image of {size[0]}x{size[1]}",
                argument_path(study, call, "sd"),
                f"the points of the grid are {apart:.3g} pixels apart",
                ("help", f"write `sd: {most:g}` or less" + (", or a grid of fewer points" if max(grid) > 2 else "")),
                labels=(Label(study.span("input", "size"), "the image"),),
                severity="warning",
            )
        )
    return faults


RULE = Rule("S232", "folded_elastic", check)
