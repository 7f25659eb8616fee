"""The published networks under specs/zoo: counts and shapes as published, weights of torchvision fit in their order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from front_end import examine, study
from pictures import pillow, write
from programs import events, program, put, start
from torch import nn

from specc.compile import compile as compile_study
from specc.study import Study

ROOT = Path(__file__).resolve().parent.parent
ZOO = sorted(path.stem for path in (ROOT / "specs" / "zoo").glob("*.yaml"))
KNOWN: dict[str, Any] = json.loads((ROOT / "tests" / "cases" / "networks.json").read_text(encoding="utf-8"))
KINDS = {
    "Conv2d": "conv2d",
    "Linear": "linear",
    "BatchNorm2d": "batchnorm2d",
    "MaxPool2d": "maxpool2d",
    "LocalResponseNorm": "local_response_norm",
}
Shapes = dict[str, tuple[int, ...]]


def text_of(name: str) -> str:
    """The file's text."""
    return (ROOT / "specs" / "zoo" / f"{name}.yaml").read_text(encoding="utf-8")


def with_classes(name: str, classes: int) -> Study:
    """A network of the zoo with so many classes; nothing else is changed."""
    text = text_of(name)
    assert text.count("classes: [first, second, third]") == text.count("units: 3,") == 1
    names = ", ".join(f"c{number}" for number in range(classes))
    return study(text.replace("[first, second, third]", f"[{names}]").replace("units: 3,", f"units: {classes},"))


def network(checked: Study) -> nn.Module:
    """The module of the emitted model.py, without memory for its numbers."""
    space: dict[str, Any] = {}
    exec(compile(compile_study(checked)["model.py"], "model.py", "exec"), space)
    with torch.device("meta"):
        made: nn.Module = space["Network"]()
    return made


def size(module: nn.Module) -> int:
    """How many parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def counted(checked: Study) -> int:
    """How many parameters `specc show` says."""
    graph, ops = checked.passed["network"], checked.registry.ops
    return sum(
        ops[node.op].parameters(node.attrs, tuple(graph.shape_of(name) for name in node.inputs)) for node in graph.nodes
    )


def test_the_page_names_every_network() -> None:
    """docs/networks.md has the first lines of every file and the published number of parameters."""
    page = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    for name, known in KNOWN["counts"].items():
        row = f"| [`{name}`](../specs/zoo/{name}.yaml) | {known['parameters']:,} ({known['classes']:,} classes) |"
        assert row in page, row


def test_every_network_has_both_forms() -> None:
    plain = [name for name in ZOO if not name.endswith("_regression")]
    assert sorted(ZOO) == sorted([*plain, *(f"{name}_regression" for name in plain)])
    assert sorted(plain) == sorted(KNOWN["counts"])


@pytest.mark.parametrize("name", ZOO)
def test_no_diagnostic(name: str) -> None:
    """None but where a network is published with a bias that its batch normalization takes away again."""
    codes = {one.code for one in examine(text_of(name))[1] if one.severity != "note"}
    assert codes == ({"S215"} if "_bn" in name else set())


@pytest.mark.parametrize("name", KNOWN["counts"])
def test_parameters_as_published(name: str) -> None:
    known = KNOWN["counts"][name]
    checked = with_classes(name, known["classes"])
    made = network(checked)
    assert counted(checked) == size(made) == known["parameters"]
    if "buffers" in known:
        assert sum(buffer.numel() for buffer in made.buffers()) == known["buffers"]


@pytest.mark.parametrize("name", [name for name in ZOO if name.endswith("_regression")])
def test_parameters_of_regression(name: str) -> None:
    plain = name.removesuffix("_regression")
    checked = study(text_of(name))
    graph = checked.passed["network"]
    inputs = graph.shape_of(graph.nodes[-1].inputs[0])[0]
    classes = KNOWN["counts"][plain]["classes"]
    assert counted(checked) == KNOWN["counts"][plain]["parameters"] - (classes - 1) * (inputs + 1)
    assert counted(checked) == KNOWN["regression"].get(plain, counted(checked))


@pytest.mark.parametrize("name", KNOWN["layers"])
def test_every_layer_as_published(name: str) -> None:
    """Kind, shape of what comes out, and parameters, one by one; not what changes nothing at the published size."""
    checked = with_classes(name, KNOWN["counts"][name]["classes"])
    graph, ops = checked.graphs["network"], checked.registry.ops
    rows = [
        [
            node.op,
            list(node.shape),
            ops[node.op].parameters(node.attrs, tuple(graph.shape_of(source) for source in node.inputs)),
        ]
        for node in graph.nodes
        if node.op in KINDS.values()
    ]
    published = [row for row in KNOWN["layers"][name] if row[0] in KINDS]
    assert rows == [[KINDS[kind], shape, parameters] for kind, shape, parameters in published]


def norm(name: str, width: int) -> Shapes:
    """Entries of a batch normalization in a state dict."""
    numbers = {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {**numbers, f"{name}.num_batches_tracked": ()}


def resnet_shapes(block: str, counts: tuple[int, ...]) -> Shapes:
    """Names and shapes of torchvision's ResNet, in its order (torchvision/models/resnet.py)."""
    wide = 4 if block == "bottleneck" else 1
    made: Shapes = {"conv1.weight": (64, 3, 7, 7), **norm("bn1", 64)}
    channels = 64
    for stage, (count, width) in enumerate(zip(counts, (64, 128, 256, 512), strict=True), 1):
        for place in range(count):
            head = f"layer{stage}.{place}"
            kernels = [(width, channels, 1), (width, width, 3), (width * wide, width, 1)]
            if block == "basic":
                kernels = [(width, channels, 3), (width, width, 3)]
            for number, (out, into, side) in enumerate(kernels, 1):
                made |= {f"{head}.conv{number}.weight": (out, into, side, side), **norm(f"{head}.bn{number}", out)}
            if place == 0 and (stage > 1 or wide > 1):
                made[f"{head}.downsample.0.weight"] = (width * wide, channels, 1, 1)
                made |= norm(f"{head}.downsample.1", width * wide)
            channels = width * wide
    return {**made, "fc.weight": (1000, channels), "fc.bias": (1000,)}


def plain_shapes(layers: list[int | str], dense: dict[str, int], flat: int, sides: Iterator[int], bn: bool) -> Shapes:
    """Names and shapes of torchvision's VGG and AlexNet: `features` and `classifier` are sequences with gaps."""
    made: Shapes = {}
    place, channels = 0, 3
    for layer in layers:
        if isinstance(layer, int):
            side = next(sides)
            made |= {f"features.{place}.weight": (layer, channels, side, side), f"features.{place}.bias": (layer,)}
            made |= norm(f"features.{place + 1}", layer) if bn else {}
            channels = layer
        place += (3 if bn else 2) if isinstance(layer, int) else 1
    for name, width in dense.items():
        made |= {f"{name}.weight": (width, flat), f"{name}.bias": (width,)}
        flat = width
    return made


def vgg_shapes(counts: tuple[int, ...], bn: bool) -> Shapes:
    """torchvision/models/vgg.py."""
    layers: list[int | str] = []
    for count, width in zip(counts, (64, 128, 256, 512, 512), strict=True):
        layers += [*[width] * count, "M"]
    dense = {"classifier.0": 4096, "classifier.3": 4096, "classifier.6": 1000}
    return plain_shapes(layers, dense, 512 * 49, iter([3] * 99), bn)


def torchvision(name: str) -> Shapes:
    """The state dict of the reference, as names and shapes."""
    depths = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
    columns = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
    if name == "alexnet":
        dense = {"classifier.1": 4096, "classifier.4": 4096, "classifier.6": 1000}
        return plain_shapes([64, "M", 192, "M", 384, 256, 256, "M"], dense, 256 * 36, iter((11, 5, 3, 3, 3)), False)
    if name.startswith("vgg"):
        return vgg_shapes(columns[int(name[3:5])], name.endswith("bn"))
    depth = int(name.removeprefix("resnet"))
    return resnet_shapes("basic" if depth < 50 else "bottleneck", depths[depth])


REFERENCES = ["alexnet"] + [name for name in KNOWN["counts"] if name.startswith("vgg")]
REFERENCES += [f"resnet{depth}" for depth in (18, 34, 50, 101, 152)]


@pytest.mark.parametrize("name", REFERENCES)
def test_weights_of_torchvision_load_by_a_name_map(name: str) -> None:
    """The n-th entry of their state dict is the n-th of ours, and every number arrives."""
    made, theirs = network(with_classes(name, 1000)), torchvision(name)
    own = made.state_dict()
    assert [tuple(value.shape) for value in own.values()] == list(theirs.values())
    names = dict(zip(own, theirs, strict=True))
    assert all(mine.rpartition(".")[2] == name_of.rpartition(".")[2] for mine, name_of in names.items())
    if size(made) < 30_000_000:
        state = {theirs_: torch.full(theirs[theirs_], float(n % 7)) for n, theirs_ in enumerate(theirs)}
        made = made.to_empty(device="cpu")
        made.load_state_dict({mine: state[name_of] for mine, name_of in names.items()})
        assert all(float(value.flatten()[0]) == n % 7 for n, value in enumerate(made.state_dict().values()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_two_steps_and_export(name: str, tmp_path: Path) -> None:
    """Every network trains two steps on four pictures in small batches, and leaves as an ONNX file that agrees."""
    lines = ["file,label,age,patient,split"]
    for number, part in enumerate(("train",) * 4 + ("val",) * 3):
        image = PIL.Image.fromarray(np.random.default_rng(number).integers(0, 256, (40, 50, 3), np.uint8))
        image = image if "rgb" in text_of(name) else image.convert("L")
        write(tmp_path / f"{number}.png", pillow(image, "PNG"))
        lines.append(f"{number}.png,{('first', 'second', 'third')[number % 3]},{40 + 3 * number},p{number},{part}")
    write(tmp_path / "images.csv", "\n".join([*lines, ""]).encode())
    text = text_of(name).replace("split: {train: 80, val: 20, group: patient}", "split: {column: split}")
    text = re.sub(r"^train: .*$", "train: {epochs: 1, batch_size: 2}", text, flags=re.MULTILINE)
    text = re.sub(r"learning_rate: [0-9.]+", "learning_rate: 0.0001", text)
    done = start(put(program(text), tmp_path / "program"), tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = {event["event"]: event for event in events(done.stdout)}
    assert said["start"]["steps"] == 2 and said["parity"]["passed"]
