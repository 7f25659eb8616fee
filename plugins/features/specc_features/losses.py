"""What words for losses mean where the truth is an image."""

from __future__ import annotations

from specc.plugin import Loss, Piece

_PIECES = "specc_features.pieces.losses"
_LINEAR = ("none", "sigmoid", "tanh")

LOSSES = (
    Loss(
        "mean_squared_error",
        Piece(_PIECES, "pixel_squares"),
        fits=_LINEAR,
        doc="Squared error of each pixel, the mean over pixels and channels.",
    ),
    Loss(
        "mean_absolute_error",
        Piece(_PIECES, "pixel_distances"),
        fits=_LINEAR,
        doc="Absolute error of each pixel, the mean over pixels and channels; edges stay sharper than with squares.",
    ),
    Loss(
        "binary_cross_entropy",
        Piece(_PIECES, "pixel_cross_entropy"),
        fits=("sigmoid",),
        doc="Cross entropy of each pixel as a probability of white, the mean over pixels and channels; `scale: 0..1`.",
        source="Hinton and Salakhutdinov 2006, Science 313:504",
    ),
)
