"""The primitive operations. Every table downstream (shapes, cost, printing, relevance) is keyed by their names."""

from specc.ops import activations, forms, joining, normal, pooling, weights

OPS = (*weights.OPS, *pooling.OPS, *normal.OPS, *joining.OPS, *forms.OPS, *activations.OPS)

__all__ = ["OPS"]
