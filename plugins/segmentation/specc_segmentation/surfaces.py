"""How far the borders of two masks are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


def border(there: Mask) -> Mask:
    """The pixels of a mask (H, W) that touch what does not belong to it by an edge, or the end of the image."""
    from scipy.ndimage import binary_erosion

    edge: Mask = there & ~binary_erosion(there)
    return edge


def apart(answer: Mask, truth: Mask, spacing: tuple[float, float]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The distances of each border pixel of the answer to the nearest of the truth, and the other way round; empty
    unless both are there.
    """
    from scipy.ndimage import distance_transform_edt

    if not answer.any() or not truth.any():
        return np.zeros(0), np.zeros(0)
    box = around(answer | truth)  # no border lies outside of it
    ours, theirs = border(answer[box]), border(truth[box])
    return (
        distance_transform_edt(~theirs, sampling=spacing)[ours],
        distance_transform_edt(~ours, sampling=spacing)[theirs],
    )


def around(there: Mask) -> tuple[slice, slice]:
    """The smallest box with all that is there."""
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def surface_scores(
    answer: Mask, truth: Mask, tolerance: float, spacing: tuple[float, float] = (1.0, 1.0)
) -> tuple[float | None, float | None]:
    """Hausdorff 95 and surface Dice.

    The first is the larger of both 95th percentiles of the distances, in the unit of `spacing`; None unless both are
    there (Huttenlocher et al. 1993; Maier-Hein et al. 2024, Nat Methods 21:195). The second is the share of both
    borders that lies within `tolerance` of the other; 0 where one of them is not there, None where neither is (Nikolov
    et al. 2021, J Med Internet Res 23:e26151; borders are counted in pixels).
    """
    ours, theirs = apart(answer, truth, spacing)
    if not len(ours):
        return None, 0.0 if answer.any() or truth.any() else None
    reach = tolerance * (1 + 1e-9)  # three times 0.1 is within 0.3
    near = int((ours <= reach).sum() + (theirs <= reach).sum())
    return float(max(np.percentile(ours, 95), np.percentile(theirs, 95))), near / (len(ours) + len(theirs))
