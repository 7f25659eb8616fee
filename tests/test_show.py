"""`specc show`: what networks cost and see, their pictures, and the spec with every default written out."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from front_end import CASES, FILE, UPDATE, cases, examine, study

from specc import source
from specc.api.summary import MIB, Summary, of, show
from specc.compile import check
from specc.compile import compile as compile_study
from specc.core import PLUGIN as CORE
from specc.diagram import draw
from specc.ir import Graph
from specc.lower.front import front
from specc.registry import core, merge
from specc.resolved import resolved
from specc.run.folders import plain
from specc.study import Study

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
SVG = "{http://www.w3.org/2000/svg}"


def text(layers: str, size: int = 64, channels: str = "mono", blocks: str = "", more: str = "") -> str:
    """A whole spec around some layers, which end in an image."""
    return f"""\
specc: 1
name: shown
task: classification
input: {{format: png, size: [{size}, {size}], channels: {channels}, resize: fit, scale: 0..1}}
output: {{classes: [a, b]}}
data:
  manifest: t.csv
  columns: {{image: file, label: label, patient: patient}}
  split: {{train: 80, val: 20, group: patient}}
{blocks}
model:
  layers:
{layers}
    - global_avgpool
    - dense: {{units: 1, activation: sigmoid}}
loss: binary_cross_entropy
optimizer: adam
train: {{epochs: 1, batch_size: 4}}
{more}"""


def stack(*layers: str) -> str:
    return "\n".join(f"    - {layer}" for layer in layers)


def last_field(spec: str) -> tuple[tuple[int, int], tuple[float, float]]:
    """Receptive field and step of the last image."""
    field = [row.field for row in of(study(spec)).rows if row.field is not None][-1]
    return field.pixels, (float(field.step[0]), float(field.step[1]))


# ---------------------------------------------------------------------- receptive fields

CONV4 = "conv2d: {filters: 2, kernel: 4, stride: 2, padding: 1}"
LAST4 = "conv2d: {filters: 2, kernel: 4, padding: 1}"
CONV3 = "conv2d: {filters: 2, kernel: 3, padding: same}"
POOL = "maxpool: {size: 2}"
VGG = [*[CONV3] * 2, POOL, *[CONV3] * 2, POOL, *([CONV3] * 3 + [POOL]) * 3]
ALEXNET = [
    "conv2d: {filters: 2, kernel: 11, stride: 4, padding: 2}",
    "maxpool: {size: 3, stride: 2}",
    "conv2d: {filters: 2, kernel: 5, padding: same}",
    "maxpool: {size: 3, stride: 2}",
    *[CONV3] * 3,
    "maxpool: {size: 3, stride: 2}",
]


@pytest.mark.parametrize(
    ("layers", "field", "step"),
    [
        ([CONV4, LAST4, LAST4], 16, 2),  # PatchGAN, Isola et al. 2017, section 6.1.2
        ([CONV4] * 2 + [LAST4] * 2, 34, 4),
        ([CONV4] * 3 + [LAST4] * 2, 70, 8),
        ([CONV4] * 5 + [LAST4] * 2, 286, 32),
        (["conv2d: {filters: 2, kernel: 1}"] * 3, 1, 1),
        (["conv2d: {filters: 2, kernel: 5}", POOL] * 2, 16, 4),  # LeNet
        (VGG, 212, 32),
        ([*VGG, "conv2d: {filters: 2, kernel: 7}"], 404, 32),  # fc6 of FCN-32s
        (ALEXNET, 195, 32),
        ([*[CONV3, CONV3, POOL] * 4, CONV3, CONV3], 140, 16),  # the bottom of U-Net
        ([CONV3] * 3, 7, 1),
        (["conv2d: {filters: 2, kernel: 3, dilation: 2}"], 5, 1),
        ([CONV3, "upconv2d: {filters: 2, kernel: 2, stride: 2}"], 3, 0.5),
        ([CONV3, POOL, "upconv2d: {filters: 2, kernel: 4, stride: 2, padding: same}"], 6, 1),
    ],
)
def test_receptive_fields(layers: list[str], field: int, step: float) -> None:
    assert last_field(text(stack(*layers), 384)) == ((field, field), (step, step))


def test_a_join_sees_what_its_widest_branch_sees() -> None:
    layers = [
        "conv2d: {filters: 2, kernel: 3, padding: same, id: near}",
        "conv2d: {filters: 2, kernel: 9, padding: same}",
        "add: {with: near}",
    ]
    assert last_field(text(stack(*layers)))[0] == (11, 11)
    layers = [
        "conv2d: {filters: 2, kernel: 9, padding: same, id: far}",
        "from: image",
        "conv2d: {filters: 2, kernel: [1, 3], padding: same}",
        "concat: {with: far}",
    ]
    assert last_field(text(stack(*layers)))[0] == (9, 9)


def test_vectors_have_no_field() -> None:
    rows = {row.name: row for row in of(study(text(stack(CONV3)))).rows}
    assert rows["dense1"].field is None and rows["dense1"].plain(False)["receptive_field"] is None


# ---------------------------------------------------------------------- memory


def network(study: Study, folder: Path) -> torch.nn.Module:
    """The emitted network."""
    file = folder / "model.py"
    file.write_text(compile_study(study)["model.py"], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("shown_model", file)
    assert spec is not None and spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net: torch.nn.Module = module.Network()
    return net


def measured(summary: Summary, folder: Path) -> tuple[int, int]:
    """Bytes that autograd keeps for the backward pass, and bytes of the optimizer's state after a step."""
    study = summary.study
    net = network(study, folder)
    weights = {p.untyped_storage().data_ptr() for p in net.parameters()}
    weights |= {b.untyped_storage().data_ptr() for b in net.buffers()}
    waiting: dict[int, Any] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            waiting[storage.data_ptr()] = storage
        return tensor

    images = torch.rand(summary.batch, *study.graphs["network"].inputs["image"])
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answers = net(images)
    kept = sum(storage.nbytes() for storage in waiting.values())
    call = study.spec.optimizer["network"]
    record = study.registry.optimizers[call.name]
    optimizer = getattr(torch.optim, record.torch.rpartition(".")[2])(net.parameters(), **record.keywords(call.args))
    answers.sum().backward()
    optimizer.step()
    state = [
        v for of_one in optimizer.state.values() for v in of_one.values() if isinstance(v, torch.Tensor) and v.dim()
    ]
    return kept, sum(value.nbytes for value in state)


MANY = stack(
    "conv2d: {filters: 8, kernel: 3, padding: same, activation: tanh}",
    "batchnorm",
    "leaky_relu",
    "avgpool: {size: 2}",
    "conv2d: {filters: 8, kernel: 3, padding: same, activation: elu, id: a}",
    "conv2d: {filters: 8, kernel: 3, padding: same, activation: gelu}",
    "concat: {with: a}",
    "silu",
    "upconv2d: {filters: 4, kernel: 2, stride: 2}",
    "maxpool: {size: 4}",
)


OPTIMIZERS = [
    "adam",
    "adamw",
    "{sgd: {learning_rate: 0.1}}",
    "{sgd: {learning_rate: 0.1, momentum: 0.9}}",
    "{rmsprop: {momentum: 0.9, centered: true}}",
    "rmsprop",
    "adagrad",
]


@pytest.mark.parametrize("name", ["lenet", "small_resnet", *OPTIMIZERS])
def test_memory_is_what_torch_keeps(name: str, tmp_path: Path) -> None:
    """Within a tenth: torch keeps means and deviations of batchnorm and the like besides."""
    if name in OPTIMIZERS:
        summary = of(study(text(MANY).replace("optimizer: adam", f"optimizer: {name}")))
    else:
        summary = show(ROOT / "specs" / f"{name}.yaml")
    kept, state = measured(summary, tmp_path)
    assert summary.memory.activations == pytest.approx(kept, rel=0.1)
    average = 4 * summary.parameters if summary.study.spec.train.ema else 0
    assert summary.memory.optimizer == state + average
    assert summary.memory.weights == summary.memory.gradients == 4 * summary.parameters


C = "conv2d: {filters: 8, kernel: 3, padding: same}"
A = "conv2d: {filters: 8, kernel: 3, padding: same, id: a}"


@pytest.mark.parametrize(
    "layers",
    [
        [C, "prelu", C],
        [C, "scaled_tanh", C],
        [C, "softmax", C],
        [C, "groupnorm: {groups: 2}", C],
        [C, "instancenorm", C],
        [C, "layernorm", C],
        [C, "l2norm", C],
        [C, "upsample: {factor: 2}", C],
        [C, "upsample: {factor: 2, mode: bilinear}", C],
        [C, "pixel_shuffle: {factor: 2}", C],
        [C, "pad: {size: 2}", C],
        [C, "spatial_dropout: {rate: 0.5}", C],
        [C, "gaussian_noise: {std: 0.1}", C],
        [C, "adaptive_avgpool: {size: 8}", C],
        [A, C, "multiply: {with: a}"],
        [A, C, "add: {with: a}"],
        [C, "maxpool: {size: 2, id: p}", C, "unpool: {with: p}"],
        ["conv2d: {filters: 32, kernel: 3}", "local_response_norm: {size: 5}", C],
    ],
    ids=lambda layers: layers[-1 if layers[0] == A else 1].partition(":")[0],
)
def test_every_layer_keeps_what_it_says(layers: list[str], tmp_path: Path) -> None:
    summary = of(study(text(stack(*layers), size=32)))
    assert summary.memory.activations == pytest.approx(measured(summary, tmp_path)[0], rel=0.1)


def test_memory_grows_with_the_batch_and_adds_up() -> None:
    spec = text(MANY)
    small, large = of(study(spec)), of(study(spec.replace("batch_size: 4", "batch_size: 12")))
    assert large.memory.activations == 3 * small.memory.activations
    assert large.memory.weights == small.memory.weights
    images = 4 * 64 * 64 * 4  # the first convolution keeps them
    assert sum(row.memory.total for row in small.rows) + images == small.memory.total
    assert small.plain()["training_mib"]["total"] == pytest.approx(small.memory.total / MIB, abs=1e-4)


# ---------------------------------------------------------------------- the picture

RESIDUAL = """\
blocks:
  conv_bn:
    params: {filters: required, stride: 1}
    layers:
      - conv2d: {filters: $filters, kernel: 3, stride: $stride, padding: same, bias: false}
      - batchnorm
  basic:
    params: {filters: required, stride: 1}
    layers:
      - conv_bn: {filters: $filters, stride: $stride}
      - relu
      - conv_bn: {filters: $filters}
      - add: {with: input, project: auto}
      - relu
"""


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def shapes(svg: str, kind: str, mark: str) -> list[ET.Element]:
    return [e for e in ET.fromstring(svg).iter(f"{SVG}{kind}") if mark in (e.get("class") or "").split()]


def test_a_box_a_layer_with_its_words_and_numbers() -> None:
    svg = show(ROOT / "specs" / "lenet.yaml").svg()
    said = words(svg)
    for word in ("t1-or-t2", "image", "conv2d", "156", "filters 6 · kernel 5 · relu", "1×32×32", "400", "output"):
        assert word in said, word
    assert said.count("dense") == 3
    assert len(shapes(svg, "rect", "b")) == 2 + 8  # image and answer, eight layers
    assert len(shapes(svg, "path", "a")) == 9  # straight lines
    assert not shapes(svg, "path", "c")


def test_skips_joins_frames_and_shortcuts() -> None:
    layers = stack("basic: {filters: 4}", "basic: {filters: 8, stride: 2}", "basic: {filters: 8, repeat: 3}")
    svg = draw(study(text(layers, blocks=RESIDUAL)))
    said = words(svg)
    assert said.count("basic") == 2 and "basic × 3" in said
    assert said.count("conv_bn") == 2 * 3
    assert "3 × 1,184" in said  # of the block that comes three times: each has weights of its own
    assert len(shapes(svg, "circle", "j")) == 3 == len(shapes(svg, "path", "c"))
    assert "conv2d 1x1, stride 2" in said  # on the way around


def test_blocks_that_something_reads_are_not_drawn_as_one() -> None:
    blocks = "blocks:\n  two:\n    layers: [conv2d: {filters: 4, kernel: 1, id: c}, relu]\n"
    same = stack("conv2d: {filters: 4, kernel: 1}", "two", "two: {id: last}", "two")
    assert "two × 3" in words(draw(study(text(same, blocks=blocks))))
    read = stack("conv2d: {filters: 4, kernel: 1}", "two", "two: {id: middle}", "two", "add: {with: middle.c}")
    said = words(draw(study(text(read, blocks=blocks))))
    assert said.count("two") == 3 and "two × 3" not in said


def test_all_stands_within_the_picture_and_curves_beside_all_that_they_pass() -> None:
    layers = ["conv2d: {filters: 4, kernel: 1, id: a}", "relu: {id: b}", "tanh: {id: c}", "relu", "add: {with: c}"]
    svg = draw(study(text(stack(*layers, "relu", "add: {with: b}", "relu", "add: {with: a}"))))
    root = ET.fromstring(svg)
    width = int(root.get("width", "0"))
    lanes = [next(int(n) for n in re.findall(r"H(-?\d+)", e.get("d", ""))) for e in shapes(svg, "path", "c")]
    assert len(set(lanes)) == 3 and lanes == sorted(lanes)
    half = max(int(e.get("width", "0")) for e in shapes(svg, "rect", "b")) // 2
    assert half < min(lanes) and max(lanes) + half < width


def test_pictures_are_alone_escaped_and_always_the_same() -> None:
    path = ROOT / "specs" / "small_resnet.yaml"
    svg = show(path).svg()
    assert "<script" not in svg and "href" not in svg and "@import" not in svg
    assert "prefers-color-scheme:dark" in svg
    code = "import sys, specc; sys.stdout.write(specc.show(sys.argv[1]).svg())"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        )
        assert done.stdout.decode() == svg


def test_the_picture_of_the_docs_is_what_is_drawn() -> None:
    """SPECC_UPDATE_CASES=1 draws it anew."""
    svg = show(ROOT / "specs" / "small_resnet.yaml").svg()
    file = ROOT / "docs" / "images" / "small_resnet.svg"
    if UPDATE:
        file.write_text(svg, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == svg


def test_a_branch_does_not_touch_the_row_above_it() -> None:
    first = "conv2d: {filters: 4, kernel: 1, id: a}"
    branch = stack(first, "conv2d: {filters: 4, kernel: 1, id: b}", "from: a", "relu", "concat: {with: b}")
    svg = draw(study(text(branch)))
    straight = [e.get("d", "") for e in shapes(svg, "path", "a")]
    boxes = sorted(int(e.get("y", "0")) for e in shapes(svg, "rect", "b"))
    assert not any(path.partition(" ")[0].endswith(f"V{boxes[3]}") for path in straight)  # into the branch
    assert len(straight) == len(boxes) - 1  # as many as rows less the branch; the join is a row, too
    assert len(shapes(svg, "path", "c")) == 2


def test_several_outputs_have_a_box_each() -> None:
    from specc.diagram.cells import Cell
    from specc.diagram.layout import arrange
    from specc.diagram.svg import Panel, picture

    cells = [
        Cell("x", "input", "x <&> y", (1, 4, 4)),
        Cell("a", "layer", "relu", (1, 4, 4), sources=("x",)),
        Cell("p:", "output", "boxes", (1, 4, 4), sources=("a",)),
        Cell("q:", "output", "scores", (1, 4, 4), sources=("a",)),
    ]
    svg = picture([Panel("two ends \x07", 0, 0, arrange(cells))])
    assert [word for word in words(svg) if word in ("boxes", "scores", "x <&> y")] == ["x <&> y", "boxes", "scores"]
    assert len(shapes(svg, "path", "c")) == 1 and "\x07" not in svg


def test_a_network_of_152_layers_stays_small() -> None:
    summary = show(ROOT / "specs" / "zoo" / "resnet152.yaml")
    svg = summary.svg()
    assert len(svg.encode()) < 50_000
    assert "bottleneck × 35" in words(svg)
    assert "35 × 1,117,184" in words(svg)


# ---------------------------------------------------------------------- every default written out


def again(study: Study) -> Study:
    """The study of the resolved text."""
    document = source.parse(resolved(study), study.document.file)
    result, found = front(document, study.registry)
    assert result is not None, [(d.code, d.message, d.span) for d in found]
    return result


def program(study: Study) -> dict[str, str]:
    digest = study.document.sha256
    return {n: t.replace(digest, "").replace(digest[:16], "") for n, t in compile_study(study).items()}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_resolved_spec_gives_the_same_program(path: Path) -> None:
    first, _ = check(path, data=False)
    assert first is not None
    second = again(first)
    assert program(second) == program(first)
    assert resolved(second) == resolved(first)


TANGLED = """\
vars: {n: 12}
blocks:
  inner:
    params: {filters: $n}
    layers:
      - conv2d: {filters: $filters, kernel: 1, id: c}
      - relu
      - add: {with: [input, c]}
  outer:
    params: {skip: required}
    layers:
      - conv2d: {filters: $n, kernel: 1, activation: relu}
      - inner: {id: i}
      - concat: {with: [$skip, i.c]}
      - conv2d: {filters: $n, kernel: 1}
      - inner
"""


def test_ids_of_blocks_become_plain_ones() -> None:
    layers = stack(
        "conv2d: {filters: $n, kernel: 1, activation: relu}",
        "maxpool: {size: 2, id: train}",
        "outer: {skip: train, id: o, repeat: 2}",
        "from: o.i.c",
        "inner: {id: o_i_c}",
        "concat: {with: [o, o.i]}",
    )
    first = study(text(layers, blocks=TANGLED))
    second = again(first)
    written = resolved(first)
    assert not any(word in written for word in ("$", "vars", "blocks", "@", "repeat:"))
    assert program(second) == program(first)


def test_a_block_at_the_start_reads_the_image() -> None:
    blocks = "blocks:\n  twice:\n    layers: [conv2d: {filters: 1, kernel: 1}, add: {with: input}]\n"
    first = study(text(stack("twice: {id: t}", "add: {with: t}"), blocks=blocks))
    assert "with: [input]" in resolved(first)
    assert program(again(first)) == program(first)


def test_names_that_yaml_would_change_are_kept() -> None:
    names = ["no", "007", "1e3", "null", 'a "b"', "#c", "t: x", "ä", "$w", "", "~", "[d]", "12:30"]
    classes = ", ".join("'" + name.replace("'", "''") + "'" for name in names if name)
    spec = text(stack(CONV3)).replace("classes: [a, b]", f"classes: [{classes}]")
    spec = spec.replace("units: 1, activation: sigmoid", f"units: {len(names) - 1}, activation: softmax")
    spec = spec.replace("binary_cross_entropy", "categorical_cross_entropy")
    first = study(spec)
    assert again(first).spec.output.classes == first.spec.output.classes == tuple(name for name in names if name)


CASE_FILES = sorted((CASES / "rules").glob("*.md"))
TEXTS = [case.text for path in CASE_FILES for case in cases(path)]
TEXTS += [path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs" / "zoo").glob("*.yaml"))]


def test_all_that_passes_its_checks_is_read_back() -> None:
    """Whatever keys it has: the same settings, the same networks."""
    passed = 0
    for written in TEXTS:
        first, _ = examine(written)
        if first is not None:
            second = again(first)
            passed += 1
            layers = ("model", "networks", "init")  # these are unfolded
            old, new = ({k: v for k, v in plain(s.spec).items() if k not in layers} for s in (first, second))
            assert old == new
            assert {n: g.nodes for n, g in without_places(first)} == {n: g.nodes for n, g in without_places(second)}
    assert passed > 50


def without_places(study: Study) -> list[tuple[str, Graph]]:
    """The networks that are trained, less where their layers stand."""
    return [
        (name, replace(graph, nodes=tuple(replace(node, path=()) for node in graph.nodes)))
        for name, graph in study.passed.items()
    ]


def test_a_notebook_shows_the_picture_and_the_table() -> None:
    shown = of(study(text(stack(CONV3))))._repr_html_()
    assert shown.startswith("<svg ") and "<pre>layer" in shown and "multiply-adds" in str(of(study(text(stack(CONV3)))))


def test_every_default_is_there() -> None:
    written = resolved(study(text(stack(CONV3, POOL))))
    for line in (
        "init: glorot_uniform",
        "stride: [2, 2], padding: valid, ceil_mode: false",  # the pool's stride follows from its size
        "groups: 1, bias: true",
        "betas: [0.9, 0.999], eps: 1e-08",
        "shuffle: true",
        "# not set:",
    ):
        assert line in written, line


def test_several_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "probe_plugin")
    probe = importlib.import_module("specc_probe").PLUGIN

    path = ROOT / "tests" / "probe_plugin" / "specs" / "gan.yaml"
    first, found = front(source.load(path), merge([CORE, probe]))
    assert first is not None, found
    assert program(again(first)) == program(first)
    summary = of(first)
    data = summary.plain()
    assert data["parameters"] == sum(data["networks"].values())
    assert set(data["networks"]) == {"generator", "discriminator"} == {layer["network"] for layer in data["layers"]}
    said = words(summary.svg())
    assert "probe-gan: generator" in said and "probe-gan: discriminator" in said
    assert any(line.startswith("discriminator") for line in summary.lines())


def test_a_bad_spec_has_no_picture_and_says_why() -> None:
    result, found = examine(text(stack("conv2d: {filters: 2, kernel: 99}")), core())
    assert result is None and found[0].code == "S301" and found[0].span is not None and found[0].span.file == FILE
