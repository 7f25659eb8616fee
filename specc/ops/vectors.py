"""Operations on vectors that learn: maxout and embedding."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.printing import arguments
from specc.ops.weights import Attrs, Shapes, vector
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape, show_shape


def _maxout_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    vector(shapes, "a maxout layer")
    return (attrs["units"],)


def _pieces(attrs: Attrs) -> int:
    return int(attrs["units"]) * int(attrs["pieces"])


def _maxout_module(node: Node, shapes: Shapes) -> str:
    return f"nn.Linear({arguments(shapes[0][0], _pieces(node.attrs), bias=(node.attrs['bias'], True))})"


def _maxout_call(node: Node, names: tuple[str, ...]) -> str:
    return f"self.{node.name}({names[0]}).unflatten(1, ({node.attrs['units']}, {node.attrs['pieces']})).amax(2)"


def _embedding_infer(attrs: Attrs, shapes: Shapes) -> Shape:
    if shapes[0] not in ((), (1,)):
        raise ShapeFault(
            "S303",
            f"an embedding needs one class number, and this is {show_shape(shapes[0])} numbers",
            "needs a single whole number from 0 on",
            helps=("read the input that holds the class: `- from: label`",),
        )
    return (attrs["units"],)


def _embedding_call(node: Node, names: tuple[str, ...]) -> str:
    return f"self.{node.name}({names[0]}.long()).flatten(1)"


OPS = (
    Op(
        name="maxout",
        infer=_maxout_infer,
        call=_maxout_call,
        module=_maxout_module,
        parameters=lambda attrs, shapes: _pieces(attrs) * (shapes[0][0] + bool(attrs["bias"])),
        multiply_adds=lambda attrs, shapes: _pieces(attrs) * shapes[0][0],
        doc="Largest of `pieces` affine maps for each unit; (features,) to (units,).",
        relevance="winner takes all among the pieces, then epsilon",
        keeps=("input", "output"),
        weights="nn.Linear",
    ),
    Op(
        name="embedding",
        infer=_embedding_infer,
        call=_embedding_call,
        module=lambda node, shapes: f"nn.Embedding({node.attrs['classes']}, {node.attrs['units']})",
        parameters=lambda attrs, shapes: int(attrs["classes"]) * int(attrs["units"]),
        doc="A learned vector for each class number; (1,) to (units,).",
        relevance="none: a class number has no parts that relevance could go to",
        keeps=("input",),
        decays=False,
    ),
)
