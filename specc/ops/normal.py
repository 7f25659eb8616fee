"""Batch normalisation and dropout."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.printing import arguments
from specc.ops.weights import Attrs, Shapes, call_module, image
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape, show_shape


def _map_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    image(shapes, "batchnorm2d")
    return shapes[0]


def _vector_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    if len(shapes[0]) != 1:
        raise ShapeFault("S303", f"batchnorm1d needs a vector and gets {show_shape(shapes[0])}")
    return shapes[0]


def _module(node: Node, shapes: Shapes) -> str:
    attrs = node.attrs
    shown = arguments(shapes[0][0], eps=(attrs["eps"], 1e-5), momentum=(attrs["momentum"], 0.1))
    return f"nn.{'BatchNorm2d' if node.op == 'batchnorm2d' else 'BatchNorm1d'}({shown})"


def _parameters(attrs: Attrs, shapes: Shapes) -> int:
    return 2 * shapes[0][0]


def _response_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    return image(shapes, "local response normalisation")


def _response_call(node: Node, names: tuple[str, ...]) -> str:
    attrs = node.attrs
    shown = arguments(
        attrs["size"], alpha=(attrs["alpha"], 1e-4), beta=(attrs["beta"], 0.75), k=(float(attrs["k"]), 1.0)
    )
    return f"F.local_response_norm({names[0]}, {shown})"


OPS = (
    Op(
        name="batchnorm2d",
        infer=_map_infer,
        call=call_module,
        module=_module,
        parameters=_parameters,
        stem="batchnorm",
        doc="Each channel to mean 0 and deviation 1 over batch, height and width, then a learned scale and shift.",
        relevance="folded into the convolution before it",
        keeps=("input",),
    ),
    Op(
        name="batchnorm1d",
        infer=_vector_infer,
        call=call_module,
        module=_module,
        parameters=_parameters,
        stem="batchnorm",
        doc="Each feature to mean 0 and deviation 1 over the batch, then a learned scale and shift.",
        relevance="folded into the dense layer before it",
        keeps=("input",),
    ),
    Op(
        name="local_response_norm",
        infer=_response_infer,
        call=_response_call,
        stem="norm",
        doc="x / (k + alpha * mean of squares over `size` neighbouring channels, zeros beyond the edge) ** beta.",
        relevance="identity: the divisor counts as constant",
        keeps=("input", "output"),
        keeps_bytes=8,  # the divisor, before and after its power
    ),
    Op(
        name="dropout",
        infer=lambda attrs, shapes: shapes[0],
        call=call_module,
        module=lambda node, shapes: f"nn.Dropout({node.attrs['rate']!r})",
        doc="In training each value becomes 0 with probability `rate`, the rest grow by 1/(1 - rate); else nothing.",
        relevance="identity: off in evaluation",
        keeps=(),
        keeps_bytes=1,  # the mask
    ),
)
