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
    """The distances of each border pixel of the answer to the nearest of the truth, and the other way round."""
    from scipy.ndimage import distance_transform_edt

    ours, theirs = border(answer), border(truth)
    return (
        distance_transform_edt(~theirs, sampling=spacing)[ours],
        distance_transform_edt(~ours, sampling=spacing)[theirs],
    )


def hausdorff95(answer: Mask, truth: Mask, spacing: tuple[float, float] = (1.0, 1.0)) -> float | None:
    """The larger of both 95th percentiles of these distances, in the unit of `spacing`; None unless both are there.

    (Huttenlocher et al. 1993; Maier-Hein et al. 2024, Nat Methods 21:195.)
    """
    if not answer.any() or not truth.any():
        return None
    return float(max(np.percentile(distances, 95) for distances in apart(answer, truth, spacing)))


def surface_dice(
    answer: Mask, truth: Mask, tolerance: float, spacing: tuple[float, float] = (1.0, 1.0)
) -> float | None:
    """The share of both borders that lies within `tolerance` of the other; None where neither is there.

    (Nikolov et al. 2021, J Med Internet Res 23:e26151; borders are counted in pixels.)
    """
    if not answer.any() and not truth.any():
        return None
    if not answer.any() or not truth.any():
        return 0.0
    ours, theirs = apart(answer, truth, spacing)
    return float(((ours <= tolerance).sum() + (theirs <= tolerance).sum()) / (len(ours) + len(theirs)))
