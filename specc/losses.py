"""The losses that come with specc. Each gives one number a sample; training takes their mean over the batch."""

from __future__ import annotations

from specc.plugin import Loss, Piece

_PIECES = "specc.pieces.losses"

LOSSES = (
    Loss(
        "binary_cross_entropy",
        Piece(_PIECES, "binary_cross_entropy"),
        ("sigmoid",),
        "-[t log p + (1 - t) log(1 - p)]: independent yes/no answers. Computed on logits as "
        "max(z, 0) - z t + log(1 + exp(-|z|)), which cannot overflow.",
        "Table 1; Goodfellow et al. 2016, Deep Learning, section 6.2.2.2",
        spellings=(
            "bce", "bce_loss", "bceloss", "bce_with_logits", "bcewithlogits", "bcewithlogitsloss", "binarycrossentropy",
            "binary_crossentropy", "log_loss", "logistic",
        ),
    ),
    Loss(
        "categorical_cross_entropy",
        Piece(_PIECES, "categorical_cross_entropy"),
        ("softmax",),
        "-log p of the right class: one answer out of several. Computed on logits through log-softmax, which cannot "
        "overflow.",
        "Table 1; Goodfellow et al. 2016, Deep Learning, section 6.2.2.3",
        spellings=(
            "cross_entropy", "crossentropy", "crossentropyloss", "cross_entropy_loss", "ce", "cce", "nll", "nll_loss",
            "categorical_crossentropy", "categoricalcrossentropy", "sparse_categorical_crossentropy",
            "sparsecategoricalcrossentropy", "softmax_cross_entropy",
        ),
    ),
    Loss(
        "mean_squared_error",
        Piece(_PIECES, "mean_squared_error"),
        ("none",),
        "(y - t)^2, mean over the outputs: for numbers. Large errors count more than proportionally.",
        "Table 1; Goodfellow et al. 2016, Deep Learning, section 6.2.2.1",
        spellings=("mse", "mse_loss", "mseloss", "meansquarederror", "l2", "l2_loss", "squared_error"),
    ),
)  # fmt: skip
