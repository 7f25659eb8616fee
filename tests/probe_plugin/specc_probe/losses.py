"""A loss that judges of places need."""

from specc.plugin import Loss, Piece

LOSSES = (
    Loss(
        "least_squares",
        Piece("specc_probe.pieces.criteria", "least_squares"),
        ("none",),
        "(y - t)^2, mean over all places of a map: 1 for real images, 0 for made ones.",
        "Mao et al. 2017, arXiv:1611.04076, eq. 2",
    ),
)
