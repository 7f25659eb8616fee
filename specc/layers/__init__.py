"""The layers that come with specc, one family a file."""

from specc.layers import activations, conv, dense, forms, joining, normal, pool
from specc.layers.initial import INITIALIZERS

LAYERS = (
    *conv.LAYERS,
    *pool.LAYERS,
    *dense.LAYERS,
    *normal.LAYERS,
    *activations.LAYERS,
    *joining.LAYERS,
    *forms.LAYERS,
)

__all__ = ["INITIALIZERS", "LAYERS"]
