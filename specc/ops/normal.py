"""Normalisation, dropout and noise."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.printing import arguments
from specc.ops.weights import Attrs, Shapes, call_module, image
from specc.plugin import Op, Piece, ShapeFault
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


def _group_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    channels, height, width = image(shapes, "group normalisation")
    if channels % attrs["groups"]:
        raise ShapeFault(
            "S304",
            f"{channels} channels cannot be divided into {attrs['groups']} groups",
            f"must divide {channels}",
            "groups",
        )
    _enough(channels // attrs["groups"] * height * width, "a group")
    return shapes[0]


def _instance_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    _, height, width = image(shapes, "instance normalisation")
    _enough(height * width, "a channel")
    return shapes[0]


def _enough(values: int, what: str) -> None:
    """Raises ShapeFault S310 where a single value would be normalised by itself."""
    if values == 1:
        raise ShapeFault(
            "S310",
            f"{what} has a single value here, and normalised by itself that is always 0",
            "nothing would be left of the image",
            helps=("take it out, or put it where the image is larger",),
        )


def _layer_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    if len(shapes[0]) != 1:
        raise ShapeFault("S303", f"layernorm needs a vector and gets {show_shape(shapes[0])}")
    _enough(shapes[0][0], "a vector")
    return shapes[0]


def _group_module(node: Node, shapes: Shapes) -> str:
    return f"nn.GroupNorm({arguments(node.attrs['groups'], shapes[0][0], eps=(node.attrs['eps'], 1e-5))})"


def _instance_module(node: Node, shapes: Shapes) -> str:
    attrs = node.attrs
    return f"nn.InstanceNorm2d({arguments(shapes[0][0], eps=(attrs['eps'], 1e-5), affine=(attrs['affine'], False))})"


def _layer_module(node: Node, shapes: Shapes) -> str:
    return f"nn.LayerNorm({arguments(shapes[0][0], eps=(node.attrs['eps'], 1e-5))})"


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
        name="groupnorm",
        infer=_group_infer,
        call=call_module,
        module=_group_module,
        parameters=_parameters,
        doc="Each group of channels of a sample to mean 0 and deviation 1, then a learned scale and shift a channel.",
        relevance="identity: mean and deviation count as constant",
        keeps=("input",),
    ),
    Op(
        name="instancenorm",
        infer=_instance_infer,
        call=call_module,
        module=_instance_module,
        parameters=lambda attrs, shapes: _parameters(attrs, shapes) if attrs["affine"] else 0,
        doc="Each channel of each sample to mean 0 and deviation 1 over height and width.",
        relevance="identity: mean and deviation count as constant",
        keeps=("input",),
    ),
    Op(
        name="layernorm",
        infer=_layer_infer,
        call=call_module,
        module=_layer_module,
        parameters=_parameters,
        doc="Each vector to mean 0 and deviation 1, then a learned scale and shift for each number.",
        relevance="identity: mean and deviation count as constant",
        keeps=("input",),
    ),
    Op(
        name="l2norm",
        infer=lambda attrs, shapes: image(shapes, "l2norm"),
        call=call_module,
        module=lambda node, shapes: f"L2Norm({shapes[0][0]}, {float(node.attrs['scale'])!r})",
        parameters=lambda attrs, shapes: shapes[0][0],
        doc="Each pixel's vector of channels to length 1, then a learned scale for each channel.",
        relevance="identity: the length counts as constant",
        keeps=("input", "output"),
        keeps_bytes=4,  # what the scale multiplies
        piece=Piece("specc.pieces.layers", "L2Norm"),
    ),
    Op(
        name="local_response_norm",
        infer=_response_infer,
        call=_response_call,
        stem="norm",
        doc="x / (k + alpha * mean of squares over `size` neighbouring channels, zeros beyond the edge) ** beta.",
        relevance="identity: the divisor counts as constant",
        keeps=("input", "output"),
        keeps_bytes=12,  # the squares; the divisor, before and after its power
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
    Op(
        name="spatial_dropout",
        infer=lambda attrs, shapes: image(shapes, "spatial dropout"),
        call=call_module,
        module=lambda node, shapes: f"nn.Dropout2d({node.attrs['rate']!r})",
        stem="dropout",
        doc="In training each channel becomes 0 with probability `rate`, the rest grow by 1/(1 - rate); else nothing.",
        relevance="identity: off in evaluation",
        keeps=(),
    ),
    Op(
        name="gaussian_noise",
        infer=lambda attrs, shapes: shapes[0],
        call=call_module,
        module=lambda node, shapes: f"GaussianNoise({node.attrs['std']!r})",
        stem="noise",
        doc="In training adds normal noise of deviation `std`; else nothing.",
        relevance="identity: off in evaluation",
        keeps=(),
        piece=Piece("specc.pieces.layers", "GaussianNoise"),
    ),
)
