"""Losses on images."""

from __future__ import annotations

from pydantic import Field

from specc.plugin import Arguments, Loss, Piece

_PIECES = "specc_superres.pieces.losses"


class Charbonnier(Arguments):
    """Options of Charbonnier's loss."""

    epsilon: float = Field(
        default=1e-3, gt=0, le=1, description="error below which it grows with its square, on the scale of the images"
    )


CHARBONNIER = Loss(
    "charbonnier",
    Piece(_PIECES, "charbonnier"),
    ("none",),
    "sqrt(e^2 + epsilon^2), mean over channels and pixels: the absolute error, smooth at 0. Errors at edges, which are "
    "large, count less than squared.",
    "Charbonnier et al. 1994, ICIP; Lai et al. 2017, arXiv:1704.03915, eq. 3",
    Charbonnier,
    lambda arguments: {"epsilon": float(arguments.epsilon)},
    spellings=("charbonnier_loss", "charbonnierloss", "l1_charbonnier"),
)
OF_IMAGES = (
    Loss(
        "mean_squared_error",
        Piece(_PIECES, "mean_squared_error"),
        ("none",),
        "(y - t)^2, mean over channels and pixels of each image. The least of it is the highest PSNR.",
        "Dong et al. 2016, arXiv:1501.00092, eq. 4",
    ),
    Loss(
        "mean_absolute_error",
        Piece(_PIECES, "mean_absolute_error"),
        ("none",),
        "|y - t|, mean over channels and pixels of each image.",
        "Lim et al. 2017, arXiv:1707.02921, section 3.2",
    ),
)
