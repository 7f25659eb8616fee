"""Layers and primitives: published counts and shapes, torch as the judge of every operation, joins, names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from front_end import found, study
from torch import nn

from specc.ir import Graph, Node, show, verify
from specc.layers import LAYERS
from specc.ops import OPS
from specc.pieces import layers
from specc.plugin import Layer, Op, ShapeFault
from specc.registry import core
from specc.rules.examples import complete
from specc.shapes import Shape
from specc.spec.reader import arguments_model

TABLE = {op.name: op for op in OPS}


def parameters(graph: Graph) -> int:
    return sum(TABLE[n.op].parameters(n.attrs, tuple(graph.shape_of(i) for i in n.inputs)) for n in graph.nodes)


def graph_of(text: str) -> Graph:
    (graph,) = study(complete(text)).graphs.values()
    verify(graph)
    return graph


LENET = """
output: {classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]}
model:
  layers:
    - conv2d: {filters: 6, kernel: 5, activation: relu}
    - maxpool: {size: 2}
    - conv2d: {filters: 16, kernel: 5, activation: relu}
    - maxpool: {size: 2}
    - flatten
    - dense: {units: 120, activation: tanh}
    - dense: {units: 84, activation: tanh}
    - dense: {units: 10, activation: softmax}
loss: categorical_cross_entropy
"""


def test_lenet_layer_by_layer() -> None:
    graph = graph_of(LENET)
    rows = [
        (n.name, n.shape, TABLE[n.op].parameters(n.attrs, (graph.shape_of(n.inputs[0]),)))
        for n in graph.nodes
        if n.op in ("conv2d", "maxpool2d", "linear")
    ]
    assert rows == [
        ("conv1", (6, 28, 28), 156),
        ("pool1", (6, 14, 14), 0),
        ("conv2", (16, 10, 10), 2416),
        ("pool2", (16, 5, 5), 0),
        ("dense1", (120,), 48120),
        ("dense2", (84,), 10164),
        ("dense3", (10,), 850),
    ]
    assert parameters(graph) == 61_706
    work = sum(TABLE[n.op].multiply_adds(n.attrs, (graph.shape_of(n.inputs[0]),)) for n in graph.nodes)
    assert work == 6 * 28 * 28 * 25 + 16 * 100 * 150 + 400 * 120 + 120 * 84 + 84 * 10


def test_lenet_binary_and_regression() -> None:
    head = LENET.split("model:")[1].replace("loss: categorical_cross_entropy\n", "")
    binary = "model:" + head.replace("units: 10, activation: softmax", "units: 1, activation: sigmoid")
    assert parameters(graph_of(binary)) == 60_941
    regression = "task: regression\nmodel:" + head.replace("units: 10, activation: softmax", "units: 1")
    assert parameters(graph_of(regression)) == 60_941


def resnet(n: int, project: str, classes: int = 10) -> str:
    """He 2016, section 4.2: depth 6n + 2."""
    names = ", ".join(f"c{i}" for i in range(classes))
    stage = "\n".join(
        f"    - basic: {{filters: {w}, stride: {s}}}\n    - basic: {{filters: {w}, repeat: {n - 1}}}"
        for w, s in ((16, 1), (32, 2), (64, 2))
    )
    return f"""
input: {{format: png, size: [32, 32], channels: rgb, resize: fit, scale: 0..1}}
output: {{classes: [{names}]}}
blocks:
  conv_bn:
    params: {{filters: required, stride: 1}}
    layers:
      - conv2d: {{filters: $filters, kernel: 3, stride: $stride, padding: same, bias: false}}
      - batchnorm
  basic:
    params: {{filters: required, stride: 1}}
    layers:
      - conv_bn: {{filters: $filters, stride: $stride}}
      - relu
      - conv_bn: {{filters: $filters}}
      - add: {{with: input, project: {project}}}
      - relu
model:
  layers:
    - conv_bn: {{filters: 16}}
    - relu
{stage}
    - global_avgpool
    - dense: {{units: {classes}, activation: softmax}}
loss: categorical_cross_entropy
"""


@pytest.mark.parametrize(
    ("n", "project", "count"),
    [(3, "pad", 269_722), (3, "auto", 272_474), (9, "pad", 853_018), (9, "auto", 855_770), (18, "auto", 1_730_714)],
)
def test_residual_networks_have_the_published_counts(n: int, project: str, count: int) -> None:
    assert parameters(graph_of(resnet(n, project))) == count


def test_resnet20_shapes() -> None:
    graph = graph_of(resnet(3, "pad"))
    convolutions = [n.shape for n in graph.nodes if n.op == "conv2d"]
    assert convolutions == [(16, 32, 32)] * 7 + [(32, 16, 16)] * 6 + [(64, 8, 8)] * 6
    shortcuts = [(n.shape, dict(n.attrs)) for n in graph.nodes if n.op == "pad_channels"]
    assert shortcuts == [
        ((32, 16, 16), {"channels": 32, "stride": 2, "before": 8, "after": 8}),
        ((64, 8, 8), {"channels": 64, "stride": 2, "before": 16, "after": 16}),
    ]


# ------------------------------------------------------------------ torch is the judge


class Printed(nn.Module):
    """One node, made from the text that would be printed into a program."""

    def __init__(self, node: Node, shapes: tuple[Shape, ...]) -> None:
        super().__init__()
        op = TABLE[node.op]
        if op.module is not None:
            setattr(self, node.name, eval(op.module(node, shapes), {"nn": nn, **vars(layers)}))
        self.text = op.call(node, tuple(f"x{i}" for i in range(len(shapes))))

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        names = {f"x{i}": value for i, value in enumerate(values)}
        result: torch.Tensor = eval(self.text, {"torch": torch, "F": F, "self": self, **names})
        return result


def _conv(**changes: Any) -> dict[str, Any]:
    plain = {"filters": 4, "kernel": (3, 3), "stride": (1, 1), "padding": (0, 0)}
    return {**plain, "dilation": (1, 1), "groups": 1, "bias": True, **changes}


def _upconv(**changes: Any) -> dict[str, Any]:
    return _conv(**{"output_padding": (0, 0), **changes})


def _pool(**changes: Any) -> dict[str, Any]:
    return {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "ceil": False, **changes}


IMAGE = ((6, 13, 11),)
EDGES = [(0, False), (0, True), (1, False), (1, True)]
CALLS: list[tuple[str, dict[str, Any], tuple[Shape, ...]]] = [
    ("conv2d", _conv(), IMAGE),
    ("conv2d", _conv(kernel=(5, 3), stride=(2, 1), padding=(2, 1)), IMAGE),
    ("conv2d", _conv(dilation=(2, 2), groups=2, bias=False), IMAGE),
    ("conv2d", _conv(kernel=(1, 1), stride=(2, 2)), IMAGE),
    ("conv2d", _conv(kernel=(1, 1), stride=(1, 3), groups=2), IMAGE),
    ("upconv2d", _upconv(), IMAGE),
    ("upconv2d", _upconv(kernel=(5, 2), stride=(2, 2), padding=(2, 0), output_padding=(1, 0)), IMAGE),
    ("upconv2d", _upconv(dilation=(2, 1), groups=2, bias=False), IMAGE),
    ("maxout", {"units": 4, "pieces": 3, "bias": True}, ((5,),)),
    ("maxout", {"units": 4, "pieces": 1, "bias": False}, ((5,),)),
    ("embedding", {"classes": 10, "units": 4}, ((1,),)),
    ("linear", {"units": 7, "bias": True}, ((5,),)),
    ("linear", {"units": 7, "bias": False}, ((5,),)),
    *(("maxpool2d", _pool(kernel=(3, 3), padding=(p, p), ceil=c), IMAGE) for p, c in EDGES),
    *(("avgpool2d", _pool(kernel=(3, 2), stride=(2, 3), padding=(p, p), ceil=c), IMAGE) for p, c in EDGES),
    ("maxpool2d", _pool(), IMAGE),
    ("avgpool2d", _pool(), IMAGE),
    ("global_avgpool", {}, IMAGE),
    ("global_maxpool", {}, IMAGE),
    *(("adaptive_avgpool", {"size": size}, IMAGE) for size in ((7, 7), (1, 3), (20, 2))),
    ("local_response_norm", {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}, IMAGE),
    *(("select", {"channels": channels}, IMAGE) for channels in ((0, 1, 2), (4, 5, 0), (3,))),
    ("batchnorm2d", {"eps": 1e-5, "momentum": 0.1}, IMAGE),
    ("batchnorm1d", {"eps": 1e-3, "momentum": 0.2}, ((9,),)),
    *(("groupnorm", {"groups": groups, "eps": 1e-5}, IMAGE) for groups in (1, 3, 6)),
    *(("instancenorm", {"affine": affine, "eps": 1e-3}, IMAGE) for affine in (False, True)),
    ("layernorm", {"eps": 1e-5}, ((9,),)),
    ("l2norm", {"scale": 20.0}, IMAGE),
    ("dropout", {"rate": 0.3}, IMAGE),
    ("spatial_dropout", {"rate": 0.3}, IMAGE),
    ("gaussian_noise", {"std": 0.3}, IMAGE),
    ("add", {}, (*IMAGE, *IMAGE, *IMAGE)),
    ("multiply", {"vectors": ()}, (*IMAGE, *IMAGE)),
    ("multiply", {"vectors": (1,)}, (*IMAGE, (6,), (6, 1, 1))),
    ("multiply", {"vectors": ()}, ((1, 13, 11), *IMAGE)),
    ("concat", {}, (*IMAGE, (2, 13, 11))),
    ("concat", {}, ((3,), (4,))),
    ("pad_channels", {"channels": 9, "stride": 2, "before": 1, "after": 2}, IMAGE),
    ("pad_channels", {"channels": 6, "stride": 2, "before": 0, "after": 0}, IMAGE),
    ("flatten", {}, IMAGE),
    ("reshape", {"to": (858,)}, IMAGE),
    ("reshape", {"to": (2, 3, 4)}, ((24,),)),
    *(("upsample", {"factor": n, "mode": mode}, IMAGE) for n in (1, 2, 3) for mode in ("nearest", "bilinear")),
    ("pixel_shuffle", {"factor": 2}, ((8, 3, 5),)),
    *(("pad", {"size": (1, 0, 2, 3), "mode": mode}, IMAGE) for mode in ("zero", "reflect", "replicate")),
    ("crop", {"to": (5, 11), "at": (3, 0)}, IMAGE),
    *((name, {}, IMAGE) for name in ("relu", "gelu", "silu", "tanh", "scaled_tanh", "sigmoid", "softmax")),
    *(("prelu", {"shared": shared}, IMAGE) for shared in (False, True)),
    *(("leaky_relu", {"slope": slope}, IMAGE) for slope in (0.01, 0.2)),
    *(("elu", {"alpha": alpha}, IMAGE) for alpha in (1.0, 0.5)),
]


def test_every_operation_is_judged() -> None:
    assert {name for name, _, _ in CALLS} | {"unpool"} == TABLE.keys()  # unpool: with its pool, in test_more_layers


@pytest.mark.parametrize(("name", "attrs", "shapes"), CALLS, ids=[f"{i}-{call[0]}" for i, call in enumerate(CALLS)])
def test_torch_agrees_on_shape_and_parameters(name: str, attrs: dict[str, Any], shapes: tuple[Shape, ...]) -> None:
    op = TABLE[name]
    shape = op.infer(attrs, shapes)
    node = Node("it", name, tuple(f"x{i}" for i in range(len(shapes))), attrs, shape)
    printed = Printed(node, shapes).eval()
    result = printed(*(torch.rand(2, *s) for s in shapes))
    assert tuple(result.shape) == (2, *shape)
    assert op.parameters(attrs, shapes) == sum(p.numel() for p in printed.parameters())


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_operation_is_complete(op: Op) -> None:
    assert op.doc.endswith(".")
    assert op.relevance
    assert op.stem == "" or op.stem.isidentifier()


@pytest.mark.parametrize("op", [op for op in OPS if op.monotone], ids=lambda op: op.name)
def test_monotone_operations_never_decrease(op: Op) -> None:
    attrs = {"slope": 0.01, "alpha": 1.0}
    node = Node("it", op.name, ("x",), attrs, (1,))
    x = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    y = eval(op.call(node, ("x",)), {"torch": torch, "F": F, "x": x})
    assert bool((y.diff() >= 0).all())


def test_what_is_not_marked_monotone_is_not() -> None:
    x = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    for name in ("gelu", "silu"):
        y = eval(TABLE[name].call(Node("it", name, ("x",), {}, (1,)), ("x",)), {"torch": torch, "F": F, "x": x})
        assert not TABLE[name].monotone
        assert bool((y.diff() < 0).any())


def test_an_average_never_counts_padding() -> None:
    attrs = _pool(kernel=(3, 3), stride=(1, 1), padding=(1, 1))
    printed = Printed(Node("it", "avgpool2d", ("x0",), attrs, (1, 4, 4)), ((1, 4, 4),))
    assert torch.equal(printed(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))


def test_option_a_puts_zeros_on_both_sides() -> None:
    attrs = {"channels": 6, "stride": 2, "before": 2, "after": 2}
    printed = Printed(Node("it", "pad_channels", ("x0",), attrs, (6, 2, 2)), ((2, 4, 4),))
    x = torch.arange(32.0).reshape(1, 2, 4, 4) + 1
    y = printed(x)
    assert torch.equal(y[:, 2:4], x[:, :, ::2, ::2])
    assert float(y[:, :2].abs().sum() + y[:, 4:].abs().sum()) == 0


def test_bad_shapes_are_faults_with_codes() -> None:
    faults: list[tuple[str, Mapping[str, Any], tuple[Shape, ...], str]] = [
        ("conv2d", _conv(kernel=(14, 14)), IMAGE, "S301"),
        ("conv2d", _conv(groups=4), IMAGE, "S304"),
        ("conv2d", _conv(), ((5,),), "S303"),
        ("linear", {"units": 1, "bias": True}, IMAGE, "S305"),
        ("maxpool2d", _pool(padding=(2, 2)), IMAGE, "S306"),
        ("batchnorm1d", {"eps": 1e-5, "momentum": 0.1}, IMAGE, "S303"),
        ("add", {}, (*IMAGE, (6, 13, 12)), "S302"),
        ("concat", {}, (*IMAGE, (6, 13, 12)), "S302"),
        ("pad_channels", {"channels": 3, "stride": 1, "before": 0, "after": 0}, IMAGE, "S302"),
    ]
    for name, attrs, shapes, code in faults:
        with pytest.raises(ShapeFault) as caught:
            TABLE[name].infer(attrs, shapes)
        assert caught.value.code == code


# ------------------------------------------------------------------ words


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if not layer.internal], ids=lambda layer: layer.name)
def test_every_layer_has_docs_and_an_example_that_runs(layer: Layer) -> None:
    assert layer.doc.endswith(".")
    assert all(field.description for field in arguments_model("layer", layer).model_fields.values())
    vector = layer.name in ("dense", "maxout")
    place = "flatten" if vector else "conv2d: {filters: 6, kernel: 3, padding: same, bias: false}"
    before = {
        "pixel_shuffle": ["conv2d: {filters: 8, kernel: 1}"],
        "unpool": ["maxpool: {size: 2, id: pool1}"],
        "embedding": ["crop: {to: [1, 1]}", "select: {channels: [0]}", "flatten"],
    }.get(layer.name, [])
    inner = "".join(f"      - {line}\n" for line in [*before, layer.example])
    text = f"""
blocks:
  unit:
    layers:
      - conv2d: {{filters: 6, kernel: 3, padding: same, bias: false, id: enc1}}
{inner if not vector else ""}
model:
  layers:
    - {place}
    - {"unit" if not vector else layer.example}
    - flatten
    - dense: {{units: 1, activation: sigmoid}}
"""
    assert [fault for fault in found(complete(text)) if fault.code != "S210"] == []


def nodes(layers: str, names: str = "name") -> list[str]:
    text = f"model:\n  layers:\n{layers}    - flatten\n    - dense: {{units: 1, activation: sigmoid}}\n"
    return [str(getattr(node, names)) for node in graph_of(text).nodes]


def test_nodes_are_named_by_id_else_by_kind_and_number() -> None:
    layers = """\
    - conv2d: {filters: 2, kernel: 3, id: stem, activation: relu}
    - conv2d: {filters: 2, kernel: 3}
    - maxpool: {size: 2, id: conv2}
    - relu: {id: train}
"""
    assert nodes(layers) == ["stem", "relu1", "conv1", "conv2", "train_", "flatten1", "dense1", "sigmoid1"]


def test_ids_inside_blocks_become_identifiers() -> None:
    text = """
blocks:
  unit:
    layers:
      - conv2d: {filters: 2, kernel: 3, id: conv}
model:
  layers:
    - unit: {id: first}
    - unit
    - add: {with: first.conv, project: auto}
    - flatten
    - dense: {units: 1, activation: sigmoid}
"""
    faults = found(complete(text))
    assert [fault.code for fault in faults] == ["S302"]  # 30 to 28 is no whole stride
    graph = graph_of(text.replace("kernel: 3", "kernel: 1"))
    assert [node.name for node in graph.nodes[:2]] == ["first_conv", "unit1_conv"]
    assert graph.nodes[2].inputs == ("first_conv", "unit1_conv")


def test_named_values_come_first_and_projection_stands_where_add_does() -> None:
    layers = """\
    - conv2d: {filters: 4, kernel: 3, padding: same, id: a}
    - conv2d: {filters: 8, kernel: 3, padding: same, stride: 2, id: b}
    - add: {with: a, project: auto, id: sum}
    - concat: {with: [b, sum]}
"""
    text = f"model:\n  layers:\n{layers}    - flatten\n    - dense: {{units: 1, activation: sigmoid}}\n"
    graph = graph_of(text)
    assert [node.name for node in graph.nodes[:6]] == ["a", "b", "conv1", "batchnorm1", "sum", "concat1"]
    assert graph.node("conv1").attrs["stride"] == (2, 2)
    assert graph.node("conv1").attrs["bias"] is False
    assert graph.node("sum").inputs == ("batchnorm1", "b")
    assert graph.node("concat1").inputs == ("b", "sum", "sum")
    assert graph.node("concat1").shape == (24, 16, 16)


def test_same_padding() -> None:
    for kernel, stride, dilation, size in ((3, 1, 1, 32), (5, 2, 1, 16), (3, 3, 2, 11), (7, 2, 1, 16)):
        layer = f"conv2d: {{filters: 2, kernel: {kernel}, stride: {stride}, dilation: {dilation}, padding: same}}"
        graph = graph_of(f"model: {{layers: [{layer}, flatten, dense: {{units: 1, activation: sigmoid}}]}}")
        assert graph.nodes[0].shape == (2, size, size)
        assert graph.nodes[0].attrs["padding"] == (dilation * (kernel - 1) // 2,) * 2


def test_pools_round_down_unless_told() -> None:
    for ceil, size in (("false", 10), ("true", 11)):
        layer = f"maxpool: {{size: 3, ceil_mode: {ceil}}}"
        graph = graph_of(f"model: {{layers: [{layer}, flatten, dense: {{units: 1, activation: sigmoid}}]}}")
        assert graph.nodes[0].shape == (1, size, size)


def test_initial_values() -> None:
    text = """
init: he_normal
model:
  layers:
    - conv2d: {filters: 2, kernel: 3, init: {normal: {std: 0.02}}}
    - conv2d: {filters: 2, kernel: 3, id: c, init: {weights: zeros, bias: 1}}
    - flatten
    - dense: {units: 1, activation: sigmoid}
"""
    assert graph_of(text).init == {
        "*": {"weights": "nn.init.kaiming_normal_", "keywords": {"nonlinearity": "relu"}, "bias": 0.0},
        "conv1": {"weights": "nn.init.normal_", "keywords": {"std": 0.02}, "bias": 0.0},
        "c": {"weights": "nn.init.zeros_", "keywords": {}, "bias": 1.0},
    }
    assert graph_of("name: x").init["*"]["weights"] == "nn.init.xavier_uniform_"
    for initializer in core().initializers.values():
        assert initializer.torch == "" or callable(eval(initializer.torch, {"nn": nn, **vars(layers)}))


def test_lowering_is_linear_in_the_number_of_layers() -> None:
    layers = "\n".join("    - conv2d: {filters: 1, kernel: 1, activation: relu}" for _ in range(1500))
    graph = graph_of(f"model:\n  layers:\n{layers}\n    - flatten\n    - dense: {{units: 1, activation: sigmoid}}\n")
    assert len(graph.nodes) == 3003


def test_a_graph_can_be_read() -> None:
    text = "model: {layers: [flatten, dense: {units: 1, activation: sigmoid}]}"
    assert show(graph_of(text)).splitlines() == [
        "graph network",
        "  input image : 1x32x32",
        "  flatten1 = flatten(image) : 1024",
        "  dense1 = linear(flatten1) units=1 bias=True : 1",
        "  sigmoid1 = sigmoid(dense1) : 1",
        "  output output = sigmoid1",
        "  activation none",
    ]
