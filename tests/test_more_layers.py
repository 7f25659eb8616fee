"""Layers of the core set as they are printed: values by independent calls and by hand, ONNX, faults, initial values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from front_end import found, study
from programs import spec, study_of
from torch import Tensor, nn

from specc.emit.model import print_model
from specc.emit.printed import learning_rates, optimizers
from specc.emit.program import linked
from specc.ir import Graph, Node, verify
from specc.ops import OPS
from specc.passes import run
from specc.pieces.export import to_onnx
from specc.rules.examples import complete

TABLE = {op.name: op for op in OPS}


def text_of(layers: str, size: tuple[int, int] = (12, 10), tail: str = "") -> str:
    """A spec with these layers (one a line) on an image of three channels."""
    image = f"input: {{format: png, size: [{size[0]}, {size[1]}], channels: rgb, resize: fit, scale: 0..1}}"
    lines = "".join(f"    - {line.strip()}\n" for line in layers.strip().splitlines())
    return complete(f"{image}\nmodel:\n  layers:\n{lines}{tail or END}")


END = "    - flatten\n    - dense: {units: 1, activation: sigmoid}\n"


def graph_of(layers: str, size: tuple[int, int] = (12, 10)) -> Graph:
    """The graph of these layers, without the flatten and dense that end the spec."""
    (graph,) = study(text_of(layers, size)).graphs.values()
    verify(graph)
    nodes = list(graph.nodes)[:-2]  # dense, sigmoid
    if nodes[-1].op == "flatten" and not layers.strip().endswith("flatten"):
        nodes.pop()
    cut = replace(graph, nodes=tuple(nodes), outputs={"output": nodes[-1].name})
    verify(cut)
    return cut


def network_of(graph: Graph) -> nn.Module:
    """The printed class, made."""
    space: dict[str, Any] = {}
    exec(print_model({"network": graph}, TABLE), space)
    torch.manual_seed(0)
    made: nn.Module = space["Network"]()
    for parameter in made.parameters():  # biases, scales: nothing stays 0 or 1
        nn.init.uniform_(parameter, 0.2, 0.9) if parameter.ndim == 1 else None
    return made.eval()


def parameters(graph: Graph) -> int:
    return sum(TABLE[n.op].parameters(n.attrs, tuple(graph.shape_of(i) for i in n.inputs)) for n in graph.nodes)


def w(net: Any, name: str) -> Tensor:
    """A weight of a layer."""
    weight: Tensor = getattr(net, name).weight
    return weight


def squash(x: Tensor) -> Tensor:
    return torch.as_tensor(1.7159 * np.tanh(2 / 3 * x.double().numpy()))


def response(x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    """Local response normalisation written out."""
    result = torch.zeros_like(x)
    for i in range(x.shape[1]):
        near = x[:, max(0, i - size // 2) : i + (size - 1) // 2 + 1]
        result[:, i] = x[:, i] / (k + alpha / size * (near**2).sum(1)) ** beta
    return result


def windows(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Adaptive average pooling written out."""
    rows = [(i * x.shape[2] // size[0], -(-(i + 1) * x.shape[2] // size[0])) for i in range(size[0])]
    columns = [(i * x.shape[3] // size[1], -(-(i + 1) * x.shape[3] // size[1])) for i in range(size[1])]
    return torch.stack([torch.stack([x[:, :, a:b, c:d].mean((2, 3)) for c, d in columns], -1) for a, b in rows], -2)


def normalised(x: Tensor, axes: tuple[int, ...], eps: float = 1e-5) -> Tensor:
    return (x - x.mean(axes, keepdim=True)) / torch.sqrt(x.var(axes, unbiased=False, keepdim=True) + eps)


def doubled(x: Tensor, n: int) -> Tensor:
    return x.repeat_interleave(n, 2).repeat_interleave(n, 3)


def spread(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Transposed convolution written out, without padding: each pixel adds its kernel."""
    b, _, h, v = x.shape
    k = weight.shape[2]
    out = torch.zeros(b, weight.shape[1], (h - 1) * stride + k, (v - 1) * stride + k)
    for i in range(h):
        for j in range(v):
            part = torch.einsum("bc,cokl->bokl", x[:, :, i, j], weight)
            out[:, :, i * stride : i * stride + k, j * stride : j * stride + k] += part
    return out


def biased(x: Tensor, net: Any, name: str) -> Tensor:
    bias: Tensor = getattr(net, name).bias
    return x + bias[:, None, None]


def shuffled(x: Tensor, r: int) -> Tensor:
    b, c, h, v = x.shape
    return x.reshape(b, c // r**2, r, r, h, v).permute(0, 1, 4, 2, 5, 3).reshape(b, c // r**2, h * r, v * r)


def mirrored(x: Tensor) -> Tensor:
    """One row above, two columns on the right, mirrored."""
    x = torch.cat((x[:, :, 1:2], x), 2)
    return torch.cat((x, x[..., -2:-1], x[..., -3:-2]), 3)


Check = tuple[str, tuple[int, ...], int, Callable[[Tensor, Any], Tensor]]
SPREAD = "crop: {to: [3, 2]}\n"
CHECKS: list[Check] = [
    ("adaptive_avgpool: {size: 7}", (3, 7, 7), 0, lambda x, net: windows(x, (7, 7))),
    ("adaptive_avgpool: {size: [3, 5]}", (3, 3, 5), 0, lambda x, net: windows(x, (3, 5))),
    ("adaptive_avgpool: {size: [24, 1]}", (3, 24, 1), 0, lambda x, net: windows(x, (24, 1))),
    ("global_maxpool", (3,), 0, lambda x, net: x.flatten(2).max(2)[0]),
    ("local_response_norm: {size: 5}", (3, 12, 10), 0, lambda x, net: response(x, 5, 1e-4, 0.75, 1)),
    (
        "local_response_norm: {size: 2, alpha: 0.5, beta: 2, k: 3}",
        (3, 12, 10),
        0,
        lambda x, net: response(x, 2, 0.5, 2, 3),
    ),
    ("select: {channels: [1, 2]}", (2, 12, 10), 0, lambda x, net: x[:, 1:]),
    ("select: {channels: [2, 0]}", (2, 12, 10), 0, lambda x, net: torch.stack((x[:, 2], x[:, 0]), 1)),
    ("scaled_tanh", (3, 12, 10), 0, lambda x, net: squash(x)),
    ("prelu", (3, 12, 10), 3, lambda x, net: torch.where(x > 0, x, x * w(net, "prelu1")[:, None, None])),
    ("prelu: {shared: true}", (3, 12, 10), 1, lambda x, net: torch.where(x > 0, x, x * w(net, "prelu1"))),
    ("flatten\nprelu", (360,), 360, lambda x, net: torch.where(x > 0, x, 0 * x).flatten(1) + torch.where(
        x < 0, x, 0 * x).flatten(1) * w(net, "prelu1")),
    ("groupnorm: {groups: 3}", (3, 12, 10), 6, lambda x, net: biased(
        normalised(x, (2, 3)) * w(net, "groupnorm1")[:, None, None], net, "groupnorm1")),
    ("groupnorm: {groups: 1, eps: 0.1}", (3, 12, 10), 6, lambda x, net: biased(
        normalised(x, (1, 2, 3), 0.1) * w(net, "groupnorm1")[:, None, None], net, "groupnorm1")),
    ("layernorm", (3, 12, 10), 6, lambda x, net: biased(
        normalised(x, (1, 2, 3)) * w(net, "groupnorm1")[:, None, None], net, "groupnorm1")),
    ("flatten\nlayernorm", (360,), 720, lambda x, net: normalised(x.flatten(1), (1,)) * w(net, "layernorm1")
     + net.layernorm1.bias),
    ("instancenorm", (3, 12, 10), 0, lambda x, net: normalised(x, (2, 3))),
    ("instancenorm: {affine: true, eps: 0.01}", (3, 12, 10), 6, lambda x, net: biased(
        normalised(x, (2, 3), 0.01) * w(net, "instancenorm1")[:, None, None], net, "instancenorm1")),
    ("l2norm", (3, 12, 10), 3, lambda x, net: x / x.square().sum(1, keepdim=True).sqrt() * net.l2norm1.scale[
        :, None, None]),
    ("spatial_dropout: {rate: 0.5}", (3, 12, 10), 0, lambda x, net: x),
    ("gaussian_noise: {std: 0.5}", (3, 12, 10), 0, lambda x, net: x),
    ("upsample", (3, 24, 20), 0, lambda x, net: doubled(x, 2)),
    ("upsample: {factor: 3}", (3, 36, 30), 0, lambda x, net: doubled(x, 3)),
    ("upsample: {factor: 2, mode: bilinear}", (3, 24, 20), 0, lambda x, net: F.conv_transpose2d(
        F.pad(x, (1, 1, 1, 1), mode="replicate").flatten(0, 1)[:, None],
        torch.outer(torch.tensor([0.25, 0.75, 0.75, 0.25]), torch.tensor([0.25, 0.75, 0.75, 0.25]))[None, None],
        stride=2, padding=3).unflatten(0, (2, 3))[:, :, 0]),
    ("concat: {with: [input, input, input]}\npixel_shuffle", (3, 24, 20), 0, lambda x, net: shuffled(
        torch.cat((x, x, x, x), 1), 2)),
    ("pad: {size: 2}", (3, 16, 14), 0, lambda x, net: F.pad(x, (2, 2, 2, 2))),
    ("pad: {size: [1, 0, 0, 2], mode: reflect}", (3, 13, 12), 0, lambda x, net: mirrored(x)),
    ("pad: {size: [0, 2], mode: replicate}", (3, 12, 14), 0, lambda x, net: torch.cat(
        (x[..., :1], x[..., :1], x, x[..., -1:], x[..., -1:]), 3)),
    ("crop: {to: [5, 5]}", (3, 5, 5), 0, lambda x, net: x[:, :, 3:8, 2:7]),
    ("crop: {to: 4, at: [0, 6]}", (3, 4, 4), 0, lambda x, net: x[:, :, :4, 6:]),
    ("maxpool: {size: 2, id: small}\nupsample\npad: {size: 3}\ncrop: {to: input}", (3, 12, 10), 0,
     lambda x, net: doubled(F.max_pool2d(x, 2), 2)),
    ("reshape: {to: [9, 4, 10]}", (9, 4, 10), 0, lambda x, net: x.flatten(1).unflatten(1, (9, 4, 10))),
    ("flatten\nreshape: {to: [3, 12, 10]}", (3, 12, 10), 0, lambda x, net: x),
    ("reshape: {to: [360]}", (360,), 0, lambda x, net: x.flatten(1)),
    ("multiply: {with: input}", (3, 12, 10), 0, lambda x, net: x * x),
    ("global_avgpool\nsigmoid\nmultiply: {with: input}", (3, 12, 10), 0, lambda x, net: x * torch.sigmoid(
        x.mean((2, 3), keepdim=True))),
    ("adaptive_avgpool: {size: 1, id: gate}\nfrom: input\nmultiply: {with: gate}", (3, 12, 10), 0,
     lambda x, net: x * x.mean((2, 3), keepdim=True)),
    ("select: {channels: [1], id: gate}\nmultiply: {with: [input, gate]}", (3, 12, 10), 0,
     lambda x, net: x * x[:, 1:2] ** 2),
    ("flatten\nmaxout: {units: 4, pieces: 3}", (4,), 360 * 12 + 12, lambda x, net: torch.stack(
        [(x.flatten(1) @ w(net, "maxout1")[3 * u : 3 * u + 3].T + net.maxout1.bias[3 * u : 3 * u + 3]).max(1)[0]
         for u in range(4)], 1)),
    ("flatten\nmaxout: {units: 2, pieces: 2, bias: false}", (2,), 360 * 4, lambda x, net: torch.stack(
        [(x.flatten(1) @ w(net, "maxout1")[2 * u : 2 * u + 2].T).max(1)[0] for u in range(2)], 1)),
    (f"{SPREAD}upconv2d: {{filters: 4, kernel: 2, stride: 2}}", (4, 6, 4), 3 * 4 * 4 + 4, lambda x, net: biased(
        spread(x[:, :, 4:7, 4:6], w(net, "upconv1"), 2), net, "upconv1")),
    (f"{SPREAD}upconv2d: {{filters: 4, kernel: 3, bias: false}}", (4, 5, 4), 3 * 4 * 9, lambda x, net: spread(
        x[:, :, 4:7, 4:6], w(net, "upconv1"), 1)),
    (f"{SPREAD}upconv2d: {{filters: 2, kernel: 4, stride: 2, padding: same, bias: false}}", (2, 6, 4), 3 * 2 * 16,
     lambda x, net: spread(x[:, :, 4:7, 4:6], w(net, "upconv1"), 2)[:, :, 1:-1, 1:-1]),
    (f"{SPREAD}upconv2d: {{filters: 2, kernel: 3, stride: 2, padding: same, bias: false}}", (2, 6, 4), 3 * 2 * 9,
     lambda x, net: F.pad(spread(x[:, :, 4:7, 4:6], w(net, "upconv1"), 2), (0, 1, 0, 1))[:, :, 1:-1, 1:-1]),
    (f"{SPREAD}upconv2d: {{filters: 2, kernel: 2, stride: 3, padding: same, bias: false}}", (2, 9, 6), 3 * 2 * 4,
     lambda x, net: F.pad(spread(x[:, :, 4:7, 4:6], w(net, "upconv1"), 3), (0, 1, 0, 1))),
    (f"{SPREAD}upconv2d: {{filters: 3, kernel: 2, stride: 2, groups: 3, bias: false}}", (3, 6, 4), 12,
     lambda x, net: torch.cat([spread(x[:, c : c + 1, 4:7, 4:6], w(net, "upconv1")[c : c + 1], 2) for c in range(3)],
                              1)),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "shape", "count", "expected"), CHECKS, ids=[c[0].split("\n")[-1] for c in CHECKS])
def test_values(layers: str, shape: tuple[int, ...], count: int, expected: Callable[[Tensor, Any], Tensor]) -> None:
    graph = graph_of(layers)
    assert graph.nodes[-1].shape == shape
    net, x = network_of(graph), torch.randn(2, 3, 12, 10)
    with torch.no_grad():
        result = net(x)
        assert tuple(result.shape) == (2, *shape)
        torch.testing.assert_close(result, expected(x, net).to(result.dtype), rtol=2e-5, atol=2e-5)
    assert parameters(graph) == sum(p.numel() for p in net.parameters()) == count


# ------------------------------------------------------------------ numbers that are known from elsewhere


def alone(op: str, attrs: dict[str, Any], *values: Tensor) -> Tensor:
    """What a primitive without weights gives."""
    node = Node("it", op, tuple(f"x{i}" for i in range(len(values))), attrs, ())
    names = {f"x{i}": value for i, value in enumerate(values)}
    result: Tensor = eval(TABLE[op].call(node, tuple(names)), {"torch": torch, "F": F, **names})
    return result


def test_local_response_norm_divides_alpha_by_size() -> None:
    attrs = {"size": 5, "alpha": 5e-4, "beta": 0.75, "k": 2.0}
    said = alone("local_response_norm", attrs, torch.full((1, 7, 1, 1), 2.0)).ravel().tolist()
    wanted = [1.18867225, 1.18849409, 1.18831599, 1.18831599, 1.18831599, 1.18849409, 1.18867225]
    assert said == pytest.approx(wanted, abs=1e-6)
    assert wanted[3] == pytest.approx(2 / (2 + 1e-4 * 5 * 4) ** 0.75, abs=1e-8)


def test_scaled_tanh_is_one_at_one() -> None:
    assert alone("scaled_tanh", {}, torch.tensor([-1.0, 0.0, 1.0])).tolist() == pytest.approx([-1, 0, 1], abs=1e-4)
    assert alone("scaled_tanh", {}, torch.tensor([100.0])).item() == pytest.approx(1.7159)


def test_the_pieces_of_a_maxout_lie_side_by_side() -> None:
    net: Any = network_of(graph_of("flatten\nmaxout: {units: 2, pieces: 2}"))
    with torch.no_grad():
        net.maxout1.weight.zero_()
        net.maxout1.bias.copy_(torch.tensor([1.0, 5.0, 3.0, 2.0]))
        assert net(torch.randn(1, 3, 12, 10)).tolist() == [[5.0, 3.0]]


def test_unpooling_puts_maxima_back() -> None:
    x = torch.arange(1.0, 17).reshape(1, 1, 4, 4)
    net = network_of(graph_of("select: {channels: [0]}\nmaxpool: {size: 2, id: p}\nunpool: {with: p}", (4, 4)))
    assert net(x.expand(1, 3, 4, 4))[0, 0].tolist() == [[0, 0, 0, 0], [0, 6, 0, 8], [0, 0, 0, 0], [0, 14, 0, 16]]


@pytest.mark.parametrize(
    "pool", ["size: 2", "size: 2, ceil_mode: true", "size: 3, padding: same", "size: 2, stride: 3", "size: [3, 2]"]
)
def test_unpooling_gives_the_size_that_was_pooled(pool: str) -> None:
    graph = graph_of(f"relu\nmaxpool: {{{pool}, id: p}}\nscaled_tanh\nunpool: {{with: p}}", (9, 11))
    assert graph.nodes[-1].shape == (3, 9, 11)
    x = torch.randn(3, 3, 9, 11)
    result, kept = network_of(graph)(x), torch.relu(x)
    back = result != 0
    assert int(back.sum()) > 50
    torch.testing.assert_close(result[back], squash(kept)[back].float())  # each value where it came from
    if pool == "size: 2":
        torch.testing.assert_close(F.max_pool2d(result, 2), squash(F.max_pool2d(kept, 2)).float())


def test_a_pool_whose_places_are_used_stays_behind_its_activation() -> None:
    """Before ReLU the maximum of four negative numbers has a place, after it all four are 0."""
    graph = graph_of("conv2d: {filters: 2, kernel: 1, activation: relu}\nmaxpool: {size: 2, id: p}\nunpool: {with: p}")
    passed = run({"network": graph})["network"]
    assert [node.op for node in passed.nodes] == ["conv2d", "relu", "maxpool2d", "unpool"]
    without = graph_of("conv2d: {filters: 2, kernel: 1, activation: relu}\nmaxpool: {size: 2, id: p}\nupsample")
    assert [node.op for node in run({"network": without})["network"].nodes] == [
        "conv2d", "maxpool2d", "relu", "upsample",
    ]  # fmt: skip


def test_two_unpools_share_a_pool_and_no_name_is_taken() -> None:
    layers = """
    conv2d: {filters: 3, kernel: 1, id: p_indices}
    maxpool: {size: 2, id: p}
    relu: {id: a}
    unpool: {with: p, id: first}
    from: a
    unpool: {with: p}
    add: {with: first}
    """
    graph = graph_of(layers)
    text = print_model({"network": graph}, TABLE)
    assert "p, p_indices_2 = F.max_pool2d(x, 2, return_indices=True)" in text
    assert text.count("return_indices") == 1
    x = torch.randn(2, 3, 12, 10)
    net: Any = network_of(graph)
    conv = F.conv2d(x, net.p_indices.weight, net.p_indices.bias)
    pooled, places = F.max_pool2d(conv, 2, return_indices=True)
    torch.testing.assert_close(net(x), 2 * F.max_unpool2d(pooled.relu(), places, [2, 2], output_size=[12, 10]))


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 3, 1), (2, 3, 1), (5, 4, 2)]
)
def test_ceil_mode_as_torch(size: int, stride: int, padding: int, ceil: bool) -> None:
    attrs = {"kernel": (size,) * 2, "stride": (stride,) * 2, "padding": (padding,) * 2, "ceil": ceil}
    for n in range(5, 24):
        torchs = F.max_pool2d(torch.zeros(1, 1, n, n + 1), size, stride, padding, ceil_mode=ceil).shape[1:]
        for op in ("maxpool2d", "avgpool2d"):
            assert TABLE[op].infer(attrs, ((1, n, n + 1),)) == tuple(torchs)
    if (size, stride, padding, ceil) == (2, 2, 0, True):
        assert TABLE["maxpool2d"].infer(attrs, ((512, 75, 75),)) == (512, 38, 38)


def test_same_makes_a_transposed_convolution_a_multiple() -> None:
    for kernel in range(1, 8):
        for stride in range(1, 5):
            for dilation in (1, 2, 3):
                layer = (
                    f"upconv2d: {{filters: 1, kernel: {kernel}, stride: {stride}, dilation: {dilation}, padding: same}}"
                )
                faults = found(text_of(layer, (5, 4)))
                if stride == 1 and dilation * (kernel - 1) % 2 and dilation == 1:
                    assert [fault.code for fault in faults] == ["S307"], layer
                    continue
                assert faults == (), layer
                graph = graph_of(layer, (5, 4))
                assert graph.nodes[-1].shape == (1, 5 * stride, 4 * stride), layer
                assert network_of(graph)(torch.randn(1, 3, 5, 4)).shape[1:] == graph.nodes[-1].shape


def test_multiply_adds_of_a_transposed_convolution() -> None:
    node = graph_of("upconv2d: {filters: 4, kernel: 3, stride: 2}").nodes[-1]
    assert TABLE["upconv2d"].multiply_adds(node.attrs, ((3, 12, 10),)) == 3 * 4 * 9 * 12 * 10


# ------------------------------------------------------------------ what is random or learned


def test_noise_is_for_training_and_follows_from_the_seed() -> None:
    net, x = network_of(graph_of("gaussian_noise: {std: 0.5}")), torch.zeros(64, 3, 12, 10)
    assert torch.equal(net(x), x)
    net.train()
    torch.manual_seed(3)
    first = net(x)
    torch.manual_seed(3)
    assert torch.equal(net(x), first)
    assert first.std().item() == pytest.approx(0.5, rel=0.02)
    assert first.mean().item() == pytest.approx(0, abs=0.01)


def test_spatial_dropout_drops_whole_channels() -> None:
    net = network_of(graph_of("spatial_dropout: {rate: 0.25}")).train()
    torch.manual_seed(0)
    kept = net(torch.ones(400, 3, 12, 10))
    whole = kept.flatten(2)
    assert bool(((whole == 0).all(2) | torch.isclose(whole, torch.tensor(4 / 3)).all(2)).all())
    assert (whole[:, :, 0] == 0).float().mean().item() == pytest.approx(0.25, abs=0.05)


def test_an_embedding_is_a_row_of_its_table() -> None:
    layers = "crop: {to: [1, 1]}\nselect: {channels: [0]}\nflatten\nembedding: {classes: 4, units: 3}"
    net: Any = network_of(graph_of(layers))
    assert net(torch.full((2, 3, 12, 10), 2.0)).tolist() == [net.embedding1.weight[2].tolist()] * 2


def test_what_torch_lacks_stands_above_the_network_once() -> None:
    layers = "l2norm\nl2norm\ngaussian_noise: {std: 0.1}\nupconv2d: {filters: 3, kernel: 4, stride: 2, init: bilinear}"
    text = linked(study(text_of(layers)))[1]["model.py"]
    assert [line for line in text.splitlines() if line.startswith(("class", "def "))] == [
        "class L2Norm(nn.Module):",
        "class GaussianNoise(nn.Module):",
        "def bilinear_(weight: Tensor) -> None:",
        "class Network(nn.Module):",
    ]
    assert "specc" not in text
    space: dict[str, Any] = {}
    exec(text, space)
    assert space["Network"]()(torch.randn(2, 3, 12, 10)).shape == (2, 1)
    plain = linked(study(text_of("relu")))[1]["model.py"]
    assert plain.count("class ") == 1
    assert "def bilinear_" not in plain


# ------------------------------------------------------------------ how weights start


def test_bilinear_weights_enlarge_each_channel() -> None:
    row = torch.tensor([0.25, 0.75, 0.75, 0.25])
    layers = "upconv2d: {filters: 3, kernel: 4, stride: 2, padding: same, bias: false, init: bilinear}"
    net = network_of(graph_of(layers))
    kernel = torch.outer(row, row)
    assert kernel[0].tolist() == [0.0625, 0.1875, 0.1875, 0.0625]
    assert torch.equal(
        w(net, "upconv1"), torch.stack([torch.stack([kernel * (i == j) for j in range(3)]) for i in range(3)])
    )
    x = torch.randn(2, 3, 12, 10)
    smooth = F.interpolate(x, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(net(x)[:, :, 1:-1, 1:-1], smooth[:, :, 1:-1, 1:-1])
    odd = network_of(graph_of("upconv2d: {filters: 3, kernel: 3, stride: 2, groups: 3, init: {weights: bilinear}}"))
    assert w(odd, "upconv1")[2, 0].tolist() == [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]]


def test_initial_values_reach_every_operation_with_weights() -> None:
    text = (
        text_of(
            """
        conv2d: {filters: 4, kernel: 3}
        upconv2d: {filters: 4, kernel: 2, stride: 2}
        upconv2d: {filters: 4, kernel: 2, stride: 2, init: {weights: zeros, bias: 2}}
        adaptive_avgpool: {size: 1}
        flatten
        maxout: {units: 3, pieces: 2, init: {normal: {std: 7}}}
        maxout: {units: 3, pieces: 2}
        """
        )
        + "init: {weights: {normal: {std: 0.5}}, bias: 3}\n"
    )
    space: dict[str, Any] = {}
    exec(linked(study(text))[1]["model.py"], space)
    torch.manual_seed(0)
    net = space["Network"]()
    for name in ("conv1", "upconv1", "maxout2", "dense1"):
        assert getattr(net, name).bias.unique().tolist() == [3.0], name
        assert 0.2 < w(net, name).std().item() < 0.8 or w(net, name).numel() < 8, name
    assert w(net, "upconv2").abs().max().item() == 0
    assert net.upconv2.bias.unique().tolist() == [2.0]
    assert w(net, "maxout1").std().item() > 3
    weighted = {op.name for op in OPS if op.weights}
    assert weighted == {"conv2d", "upconv2d", "linear", "maxout"}


# ------------------------------------------------------------------ how fast they learn


def groups_of(model: str, words: str) -> tuple[list[dict[str, Any]], nn.Module]:
    """The parameter groups of the printed optimizer, parameters by name."""
    made = study_of(spec(model=model, optimizer=words))
    space: dict[str, Any] = {}
    exec(linked(made)[1]["model.py"], space)
    (setting,) = learning_rates(made)
    space["Config"] = type("Config", (), {setting.name: setting.value})
    exec(optimizers(made), space)
    net: nn.Module = space["Network"]()
    names = {id(p): name for name, p in net.named_parameters()}
    groups = space["network_optimizer"](net).param_groups
    for group in groups:
        group["names"] = {names[id(p)] for p in group["params"]}
    assert sorted(name for group in groups for name in group["names"]) == sorted(names.values())
    return groups, net


MODEL = (
    "{layers: [{conv2d: {filters: 3, kernel: 3SLOW}}, batchnorm, {upconv2d: {filters: 2, kernel: 2, stride: 2FAST}}, "
    "l2norm, {crop: {to: [1, 1]}}, {select: {channels: [0]}}, flatten, TABLE{dense: {units: 1, activation: sigmoid}}]}"
)


def model(slow: str = "", fast: str = "", embedding: bool = False) -> str:
    inserted = "{embedding: {classes: 3, units: 2}}, " if embedding else ""
    return MODEL.replace("SLOW", slow).replace("FAST", fast).replace("TABLE", inserted)


def test_without_a_scale_there_are_no_groups() -> None:
    text = optimizers(study_of(spec(model=model(), optimizer="adam")))
    assert "groups" not in text
    assert "named_parameters" not in optimizers(study_of(spec(model=model(), optimizer="{adam: {weight_decay: 0.1}}")))


@pytest.mark.parametrize("embedding", [False, True])
def test_weight_decay_is_for_kernels_and_matrices(embedding: bool) -> None:
    groups, _ = groups_of(model(embedding=embedding), "{adam: {weight_decay: 0.25}}")
    decayed = {name for group in groups if group["weight_decay"] for name in group["names"]}
    assert decayed == {"conv1.weight", "upconv1.weight", "dense1.weight"}


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "rmsprop", "adagrad"])
def test_decay_all_is_for_every_number(kind: str) -> None:
    words = f"{{{kind}: {{learning_rate: 0.5, weight_decay: 0.25, decay: all}}}}"
    groups, _ = groups_of(model(embedding=True), words)
    assert [group["weight_decay"] for group in groups] == [0.25]


@pytest.mark.parametrize("decay", [0.0, 0.25])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_layer_learns_at_its_own_rate(kind: str, decay: float) -> None:
    words = f"{{{kind}: {{learning_rate: 0.5, weight_decay: {decay}}}}}"
    groups, _ = groups_of(model(", lr_scale: 0.1", ", lr_scale: 0", embedding=True), words)
    rates = {name: group["lr"] for group in groups for name in group["names"]}
    for name, rate in rates.items():
        assert rate == pytest.approx({"conv1": 0.05, "upconv1": 0.0}.get(name.partition(".")[0], 0.5)), name
    decays = {name: group["weight_decay"] for group in groups for name in group["names"]}
    matrices = {"conv1.weight", "upconv1.weight", "dense1.weight"}
    assert decays == {name: decay if name in matrices else 0.0 for name in rates}


def test_lr_scale_is_only_in_the_optimizer() -> None:
    with_, without = (print_model(study_of(spec(model=model(slow))).passed, TABLE) for slow in (", lr_scale: 0.5", ""))
    assert with_ == without


# ------------------------------------------------------------------ the way out

LEAVES = [
    *("adaptive_avgpool: {size: 7}", "adaptive_avgpool: {size: [24, 1]}", "local_response_norm: {size: 5, alpha: 2}"),
    *("select: {channels: [2, 0]}", "upsample: {mode: bilinear}", "upsample: {factor: 3}", "prelu", "l2norm"),
    *("maxpool: {size: 2, id: p}\nunpool: {with: p}", "concat: {with: [input, input, input]}\npixel_shuffle"),
    "maxpool: {size: 3, padding: same, ceil_mode: true, id: p}\nunpool: {with: p}",
    *("pad: {size: [1, 2], mode: reflect}", "pad: {size: [1, 2], mode: replicate}\ncrop: {to: input, at: [0, 1]}"),
    "upconv2d: {filters: 2, kernel: 3, stride: 2, padding: same}",
    *("instancenorm\ngroupnorm: {groups: 3}", "flatten\nlayernorm\nmaxout: {units: 4, pieces: 3}"),
    "crop: {to: [1, 1]}\nselect: {channels: [0]}\nflatten\nembedding: {classes: 4, units: 3}",
    "global_avgpool\nsigmoid\nmultiply: {with: input}\nreshape: {to: [9, 4, 10]}",
    "gaussian_noise: {std: 1}\nspatial_dropout: {rate: 0.5}\nscaled_tanh\nglobal_maxpool",
]


@pytest.mark.parametrize("layers", LEAVES, ids=[layers.split("\n")[-1] for layers in LEAVES])
def test_the_exported_model_gives_the_same_numbers(layers: str) -> None:
    net = network_of(graph_of(layers))
    data = to_onnx(net, [torch.rand(2, 3, 12, 10)], {"pixels": {0: "batch"}}, ["out"], {})
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for batch in (1, 2, 5):
        x = 4 * torch.rand(batch, 3, 12, 10)
        ours, (theirs,) = net(x).detach().numpy(), session.run(None, {"pixels": x.numpy()})
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-5 * max(1, np.abs(ours).max())


@pytest.mark.parametrize(
    ("layers", "code", "message"),
    [
        ("maxpool: {size: 3, stride: 2, id: p}\nunpool: {with: p}", "S315", "windows overlap"),
        ("crop: {to: 0}", "S314", "at least one row"),
        ('crop: {to: "0"}', "S314", "at least one row"),
        ("crop: {to: ٣}", "S309", "nothing before this layer"),
    ],
)
def test_what_would_be_undefined_is_refused(layers: str, code: str, message: str) -> None:
    with pytest.raises(AssertionError, match=code) as caught:
        graph_of(layers, (9, 11))
    assert message in str(caught.value)
