"""The primitive operations. Every table downstream (shapes, cost, printing, relevance) is keyed by their names."""

from specc.ops import activations, forms, joining, normal, pooling, resizing, upconv, vectors, weights

OPS = (
    *weights.OPS,
    *upconv.OPS,
    *vectors.OPS,
    *pooling.OPS,
    *normal.OPS,
    *joining.OPS,
    *forms.OPS,
    *resizing.OPS,
    *activations.OPS,
)

__all__ = ["OPS"]
