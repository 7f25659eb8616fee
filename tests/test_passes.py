"""Passes: documented examples, graphs before and after, and the same numbers in torch."""

from __future__ import annotations

import doctest
import random
import re
from ast import literal_eval
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from front_end import CASES
from torch import nn

from specc.ir import Graph, Node, show, verify
from specc.ops import OPS
from specc.passes import PASSES, run
from specc.passes.head_on_logits import head_on_logits
from specc.passes.pool_first import pool_first
from specc.shapes import Shape

TABLE = {op.name: op for op in OPS}
MODULES: dict[str, ModuleType] = {step.__name__: __import__(step.__module__, fromlist=["x"]) for step in PASSES}
_NODE = re.compile(r"  (\w+) = (\w+)\(([\w, ]*)\)(.*) : ([\dx]+)$")


def read(text: str) -> Graph:
    """The inverse of `specc.ir.show`."""
    inputs: dict[str, Shape] = {}
    nodes: list[Node] = []
    outputs: dict[str, str] = {}
    name = activation = ""
    for line in text.strip().splitlines():
        words = line.split()
        if words[0] == "graph":
            name = words[1]
        elif words[0] == "input":
            inputs[words[1]] = tuple(int(n) for n in words[3].split("x"))
        elif words[0] == "output":
            outputs[words[1]] = words[3]
        elif words[0] == "activation":
            activation = words[1]
        else:
            match = _NODE.match(line)
            assert match, line
            attrs = {k: literal_eval(v) for k, v in re.findall(r"(\w+)=(\([^)]*\)|\S+)", match[4])}
            shape = tuple(int(n) for n in match[5].split("x"))
            nodes.append(Node(match[1], match[2], tuple(match[3].split(", ")), attrs, shape))
    return Graph(name, inputs, tuple(nodes), outputs, activation)


def compute(graph: Graph, value: torch.Tensor, weights: Mapping[str, nn.Module]) -> dict[str, torch.Tensor]:
    """All outputs for one input, from the text that would be printed."""

    class Holder:
        pass

    holder = Holder()
    for name, module in weights.items():
        setattr(holder, name, module)
    values = {next(iter(graph.inputs)): value}
    for node in graph.nodes:
        text = TABLE[node.op].call(node, node.inputs)
        values[node.name] = eval(text, {"torch": torch, "F": F, "self": holder}, values)
        assert tuple(values[node.name].shape[1:]) == node.shape
    return {name: values[source] for name, source in graph.outputs.items()}


def weights_of(graph: Graph) -> dict[str, nn.Module]:
    torch.manual_seed(0)
    found: dict[str, nn.Module] = {}
    for node in graph.nodes:
        module = TABLE[node.op].module
        if module is not None:
            text = module(node, tuple(graph.shape_of(source) for source in node.inputs))
            found[node.name] = eval(text, {"nn": nn}).eval()
    return found


@pytest.mark.parametrize("name", MODULES)
def test_documented_examples(name: str) -> None:
    result = doctest.testmod(MODULES[name])
    assert result.attempted >= 3
    assert result.failed == 0


@pytest.mark.parametrize("path", sorted((CASES / "passes").glob("*.md")), ids=lambda path: path.stem)
def test_cases(path: Path) -> None:
    step = next(step for step in PASSES if step.__name__ == path.stem)
    blocks = re.findall(r"```(before|after)\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    assert [kind for kind, _ in blocks] == ["before", "after"] * (len(blocks) // 2)
    changed = 0
    for (_, before), (_, after) in zip(blocks[::2], blocks[1::2], strict=True):
        graph = read(before)
        verify(graph)
        assert show(graph) == before.strip("\n")
        result = step(graph, TABLE)
        verify(result)
        assert show(result) == after.strip("\n")
        assert step(result, TABLE) == result, "once is enough"
        changed += before != after
    assert 0 < changed < len(blocks) // 2, "cases where the pass acts, and cases where it must not"


def test_every_pass_has_a_case_file() -> None:
    assert {path.stem for path in (CASES / "passes").glob("*.md")} == {step.__name__ for step in PASSES}


def chain(seed: int) -> Graph:
    """A random chain of convolutions, activations, pools and side paths on a 16x16 image."""
    pick = random.Random(seed)
    nodes: list[Node] = []
    value, shape = "image", (2, 16, 16)
    for number in range(14):
        op = pick.choice(["relu", "tanh", "leaky_relu", "elu", "silu", "maxpool2d", "maxpool2d", "conv2d", "add"])
        inputs: tuple[str, ...] = (value,)
        attrs: dict[str, Any] = {}
        if op == "maxpool2d":
            size = pick.choice([1, 2, 3])
            if size > shape[1]:
                continue
            step, padding = (pick.choice([1, size]),) * 2, (pick.choice([0, size // 2]),) * 2
            attrs = {"kernel": (size, size), "stride": step, "padding": padding, "ceil": pick.random() < 0.3}
        elif op == "conv2d":
            attrs = {"filters": 2, "kernel": (1, 1), "stride": (1, 1), "padding": (0, 0)}
            attrs |= {"dilation": (1, 1), "groups": 1, "bias": True}
        elif op == "add":
            same = [node.name for node in nodes if node.shape == shape and node.name != value]
            if not same:
                continue
            inputs = (pick.choice(same), value)
        attrs |= {"leaky_relu": {"slope": 0.1}, "elu": {"alpha": 0.7}}.get(op, {})
        shape = TABLE[op].infer(attrs, (shape,) * len(inputs))  # type: ignore[assignment]
        nodes.append(Node(f"n{number}", op, inputs, attrs, shape))
        value = f"n{number}"
    return Graph("network", {"image": (2, 16, 16)}, tuple(nodes), {"output": value})


@pytest.mark.parametrize("seed", range(60))
def test_the_numbers_stay_the_same(seed: int) -> None:
    before = chain(seed)
    after = run({"network": before})["network"]
    image = torch.randn(3, 2, 16, 16)
    weights = weights_of(before)
    with torch.no_grad():
        expected = compute(before, image, weights)["output"]
        got = compute(after, image, weights)["output"]
    assert torch.equal(expected, got)


def test_random_chains_do_change() -> None:
    assert sum(pool_first(graph) != graph for graph in map(chain, range(60))) > 20


def test_logits_and_activation_make_the_output() -> None:
    graph = read("""
graph network
  input image : 4
  dense1 = linear(image) units=3 bias=True : 3
  softmax1 = softmax(dense1) : 3
  output output = softmax1
  activation none
""")
    weights = weights_of(graph)
    image = torch.randn(5, 4)
    stripped = head_on_logits(graph)
    logits = compute(stripped, image, weights)["output"]
    assert torch.equal(torch.softmax(logits, 1), compute(graph, image, weights)["output"])
    assert stripped.activation == "softmax"
