"""Element-wise activations, and softmax over the channels."""

from __future__ import annotations

from specc.ir import Node
from specc.ops.weights import Attrs, Shapes, call_module
from specc.plugin import Op
from specc.shapes import Shape


def _same(attrs: Attrs, shapes: Shapes) -> Shape:
    return shapes[0]


def _leaky(node: Node, names: tuple[str, ...]) -> str:
    slope = node.attrs["slope"]
    return f"F.leaky_relu({names[0]})" if slope == 0.01 else f"F.leaky_relu({names[0]}, {slope!r})"


def _elu(node: Node, names: tuple[str, ...]) -> str:
    alpha = node.attrs["alpha"]
    return f"F.elu({names[0]})" if alpha == 1.0 else f"F.elu({names[0]}, {alpha!r})"


_PASS = "identity: relevance goes through an element-wise activation unchanged"

OPS = (
    Op("relu", _same, lambda node, names: f"F.relu({names[0]})", "max(0, x).", _PASS, monotone=True),
    Op("leaky_relu", _same, _leaky, "x where positive, else slope * x.", _PASS, monotone=True, keeps=("input",)),
    Op("elu", _same, _elu, "x where positive, else alpha * (exp(x) - 1).", _PASS, monotone=True, keeps=("input",)),
    Op(
        "gelu",
        _same,
        lambda node, names: f"F.gelu({names[0]})",
        "x times the normal distribution function.",
        _PASS,
        keeps=("input",),
    ),
    Op("silu", _same, lambda node, names: f"F.silu({names[0]})", "x * sigmoid(x).", _PASS, keeps=("input",)),
    Op("tanh", _same, lambda node, names: f"torch.tanh({names[0]})", "Between -1 and 1.", _PASS, monotone=True),
    Op(
        "prelu",
        _same,
        call_module,
        "x where positive, else a learned slope times x, a slope for each channel.",
        _PASS,
        module=lambda node, shapes: f"nn.PReLU({'' if node.attrs['shared'] else shapes[0][0]})",
        parameters=lambda attrs, shapes: 1 if attrs["shared"] else shapes[0][0],
        keeps=("input",),
    ),
    Op(
        "scaled_tanh",
        _same,
        lambda node, names: f"1.7159 * torch.tanh({names[0]} * 2 / 3)",
        "1.7159 * tanh(2x / 3): between -1.7159 and 1.7159.",
        _PASS,
        monotone=True,
        keeps=(),
        keeps_bytes=4,  # of tanh, before its factor
    ),
    Op(
        "sigmoid",
        _same,
        lambda node, names: f"torch.sigmoid({names[0]})",
        "1 / (1 + exp(-x)): each value a probability of its own.",
        "none at the output: relevance starts from the logits",
        monotone=True,
    ),
    Op(
        "softmax",
        _same,
        lambda node, names: f"torch.softmax({names[0]}, 1)",
        "exp(x) divided by its sum over the channels: probabilities that sum to 1.",
        "none at the output: relevance starts from the logits",
    ),
)
