"""How good the grades are."""

from torch import Tensor

from specc.pieces.metrics import output_spread


def grade_scores(logits: Tensor, grades: Tensor) -> dict[str, float]:
    """Mean error in grades, share of right ones, quadratic weighted kappa (Cohen 1968): logits (N, K - 1)."""
    answers, truth = (logits > 0).sum(1).double(), grades.double()
    error = answers - truth
    chance = (answers[:, None] - truth).square().mean()
    kappa = 1 - (error.square().mean() / chance).item() if chance > 0 else 0.0
    right = (error == 0).double().mean().item()
    return {"mae": error.abs().mean().item(), "accuracy": right, "kappa": kappa, "output_spread": output_spread(logits)}
