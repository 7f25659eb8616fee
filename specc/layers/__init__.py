"""The layers that come with specc, one family a file."""

from specc.layers import activations, conv, dense, forms, joining, normal, pool, resizing, upconv
from specc.layers.initial import INITIALIZERS

LAYERS = (
    *conv.LAYERS,
    *upconv.LAYERS,
    *pool.LAYERS,
    *dense.LAYERS,
    *normal.LAYERS,
    *activations.LAYERS,
    *joining.LAYERS,
    *forms.LAYERS,
    *resizing.LAYERS,
)

__all__ = ["INITIALIZERS", "LAYERS"]
