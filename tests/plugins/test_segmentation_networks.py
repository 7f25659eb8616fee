"""The published segmentation networks: counts and shapes as published, sizes that fit, places of crops."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from specc_segmentation.sizes import answered, multiple_of, nearest_sizes
from torch import nn

from specc.compile import compile as compile_study
from specc.errors import Diagnostic
from specc.lower.front import front
from specc.registry import usual
from specc.source import parse
from specc.study import Study

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "plugins" / "segmentation" / "specs"
KNOWN: dict[str, Any] = json.loads((ROOT / "tests" / "cases" / "segmentation.json").read_text(encoding="utf-8"))
KINDS = {
    "Conv2d": "conv2d",
    "ConvTranspose2d": "upconv2d",
    "BatchNorm2d": "batchnorm2d",
    "MaxPool2d": "maxpool2d",
}


def examined(text: str) -> tuple[Study | None, tuple[Diagnostic, ...]]:
    """The front end on a text."""
    return front(parse(text, "example.yaml"), usual())


def with_classes(name: str, classes: int, size: tuple[int, int] | None = None) -> Study:
    """A network with so many classes, perhaps for images of another size; nothing else is changed."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    names = ", ".join(f"c{number}" for number in range(classes))
    text = re.sub(r"classes: \[[^]]*\]", f"classes: [{names}]", text)
    text = re.sub(r"vars: \{classes: \d+\}", f"vars: {{classes: {classes}}}", text)
    last = r"filters: \d+(, kernel: \d(?:, padding: same)?, activation: softmax)"
    text = re.sub(last, rf"filters: {classes}\1", text)
    if size:
        text = re.sub(r"size: \[\d+, \d+\]", f"size: [{size[0]}, {size[1]}]", text, count=1)
    study, found = examined(text)
    assert study is not None, [(one.code, one.message) for one in found]
    return study


def network(study: Study) -> nn.Module:
    """The module of the emitted model.py, without memory for its numbers."""
    space: dict[str, Any] = {}
    exec(compile(compile_study(study)["model.py"], "model.py", "exec"), space)
    with torch.device("meta"):
        made: nn.Module = space["Network"]()
    return made


def counted(study: Study, *ops: str) -> int:
    """How many parameters `specc show` says; of some operations only."""
    graph, table = study.passed["network"], study.registry.ops
    return sum(
        table[node.op].parameters(node.attrs, tuple(graph.shape_of(name) for name in node.inputs))
        for node in graph.nodes
        if not ops or node.op in ops
    )


def test_every_network_is_known() -> None:
    published = {path.stem for path in SPECS.glob("*.yaml")} - {"nuclei", "ms_lesions"}
    assert published == set(KNOWN["counts"])


@pytest.mark.parametrize("name", KNOWN["counts"])
def test_parameters_as_published(name: str) -> None:
    known = KNOWN["counts"][name]
    study = with_classes(name, known["classes"])
    made = network(study)
    assert counted(study) == sum(p.numel() for p in made.parameters()) == known["params"]
    assert sum(buffer.numel() for buffer in made.buffers()) == known["buffers"]
    assert counted(study, "upconv2d") == known["fixed"] if "fixed" in known else True


@pytest.mark.parametrize("name", KNOWN["counts"])
def test_nothing_is_wrong(name: str) -> None:
    """Only the bias before batch normalization, which SegNet was published with, is spoken of."""
    found = {one.code for one in examined((SPECS / f"{name}.yaml").read_text(encoding="utf-8"))[1]}
    assert found - {"S223"} == ({"S215"} if name.startswith("segnet") else set())


@pytest.mark.parametrize("name", KNOWN["layers"])
def test_every_layer_as_published(name: str) -> None:
    """Shape and parameters of each layer that has some, in order of evaluation; what is pooled, too."""
    study = with_classes(name, KNOWN["counts"][name]["classes"])
    graph, ops = study.graphs["network"], study.registry.ops
    kinds = {"conv2d", "upconv2d", "batchnorm2d"}
    rows = [
        [kind, list(node.shape), ops[node.op].parameters(node.attrs, tuple(map(graph.shape_of, node.inputs)))]
        for node in graph.nodes
        for kind, op in KINDS.items()
        if op == node.op and op in kinds
    ]
    published = [row for row in KNOWN["layers"][name] if row[0] != "MaxPool2d"]
    if name == "fcn8s":  # the score layers stand beside the path: in another order there
        assert sorted(map(str, rows)) == sorted(map(str, published))
    else:
        assert rows == published
    pools = [list(node.shape) for node in graph.nodes if node.op == "maxpool2d"]
    assert [row[1] for row in KNOWN["layers"][name] if row[0] == "MaxPool2d"] in ([], pools[: len(pools)])


@pytest.mark.parametrize("name", ("fcn32s", "fcn16s", "fcn8s"))
def test_scores_lie_where_they_belong(name: str) -> None:
    """Crops of FCN: places that follow from the padding of 100, and sizes for three image sizes."""
    offsets = KNOWN["vectors"]["fcn_crop_offsets"]
    wanted = [value for key, value in offsets.items() if key.startswith(name.removeprefix("fcn"))]
    for side, sizes in KNOWN["vectors"]["fcn_sizes"].items():
        graph = with_classes(name, 21, (int(side), int(side))).graphs["network"]
        crops = [node.attrs["at"] for node in graph.nodes if node.op == "crop"]
        assert crops == [(value, value) for value in wanted]
        ups = [node.shape[1] for node in graph.nodes if node.op == "upconv2d"]
        names = {"fcn32s": ("up32",), "fcn16s": ("up2", "up16"), "fcn8s": ("up2", "up4", "up8")}[name]
        assert ups == [sizes[key] for key in names]
        pools = [node.shape[1] for node in graph.nodes if node.op == "maxpool2d"][2:]
        assert pools == [sizes["pool3"], sizes["pool4"], sizes["pool5"]]
        assert graph.shape_of(graph.outputs["output"]) == (21, int(side), int(side))


def test_enlarging_is_fixed_and_bilinear() -> None:
    program = compile_study(with_classes("fcn8s", 21))
    scales = next(line for line in program["train.py"].splitlines() if line.strip().startswith("scales ="))
    assert scales.count(": 0") == 3
    assert program["model.py"].count("bilinear_(") == 4  # a definition and three layers


@pytest.mark.parametrize(("side", "out"), KNOWN["vectors"]["unet_valid_sizes"].items())
def test_sizes_of_the_valid_network(side: str, out: int) -> None:
    study = with_classes("unet_valid", 2, (int(side), int(side)))
    assert answered(study) == ((int(side) - out) // 2, (int(side) - out) // 2, out, out) == (92, 92, out, out)


def test_sizes_that_do_not_fit_are_told_with_those_that_do() -> None:
    text = (SPECS / "unet_valid.yaml").read_text(encoding="utf-8").replace("size: [572, 572]", "size: [256, 256]")
    study, found = examined(text)
    assert study is None
    (told,) = [one for one in found if one.code == "S267"]
    assert "252 and 268" in told.message
    assert "16 apart" in told.message or "16 pixels apart" in told.message
    text = (SPECS / "unet_same.yaml").read_text(encoding="utf-8").replace("size: [512, 512]", "size: [500, 500]")
    (told,) = [one for one in examined(text)[1] if one.code == "S267"]
    assert "496 and 512" in told.message
    study = with_classes("unet_valid", 2)
    assert nearest_sizes(study, 572) == ([556, 588], 16)


@pytest.mark.parametrize(
    ("name", "multiple"),
    [("unet_same", 16), ("unet_valid", 0), ("segnet", 0), ("fcn8s", 0)],
)
def test_which_networks_take_any_size(name: str, multiple: int) -> None:
    """Padded U-Nets do; cuts, unpooling and padding of a fixed size do not; nor does what resizes its images."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8").replace("resize: fit, ", "")
    study, found = examined(text)
    assert study is not None, found
    assert multiple_of(study) == multiple
