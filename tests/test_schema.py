"""The JSON Schema that editors get: nothing right is red, what is plainly wrong is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from front_end import CASES, FILE, cases, examine, study
from jsonschema import Draft7Validator

from specc import source
from specc.errors import SpeccError
from specc.registry import core
from specc.resolved import resolved
from specc.rules.examples import complete
from specc.source import Mapping_, Node, Scalar, Sequence_
from specc.spec import json_schema
from specc.spec.reader import words

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
REGISTRY = core()
SCHEMA = json_schema(REGISTRY)
VALIDATOR = Draft7Validator(SCHEMA)


def plain(node: Node) -> Any:
    """A document as an editor's YAML reader sees it."""
    if isinstance(node, Mapping_):
        return {key: plain(entry.node) for key, entry in node.items.items()}
    if isinstance(node, Sequence_):
        return [plain(item) for item in node.items]
    assert isinstance(node, Scalar)
    return node.raw if node.quoted else node.value


def red(text: str) -> list[str]:
    """Where an editor would draw red lines."""
    errors = VALIDATOR.iter_errors(plain(source.parse(text, FILE).tree))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


def test_it_is_a_draft_07_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    text = json.dumps(SCHEMA)
    assert not any(word in text for word in ('"$defs"', "prefixItems", "x-kind"))
    for name in re.findall(r"#/definitions/([^\"]+)", text):
        assert name in SCHEMA["definitions"], name


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_specs_that_come_along_are_not_red(path: Path) -> None:
    assert red(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_resolved_spec_is_not_red(path: Path) -> None:
    assert red(resolved(study(path.read_text(encoding="utf-8")))) == []


def accepted() -> Iterator[Any]:
    for path in sorted((CASES / "rules").glob("*.md")):
        for number, case in enumerate(cases(path)):
            yield pytest.param(case.text, id=f"{path.stem}-{number}")


@pytest.mark.parametrize("text", list(accepted()))
def test_what_the_check_accepts_is_not_red(text: str) -> None:
    """Whatever gets as far as shapes and Table 1 has no wrong key and no wrong value."""
    _, found = examine(text)
    if not any(fault.code < "S200" for fault in found):
        assert red(text) == []


@pytest.mark.parametrize(
    ("fragment", "place"),
    [
        ("nmae: x", ""),
        ("name: x y", "name"),
        ("specc: 2", "specc"),
        ("task: nothing", "task"),
        ("loss: bce", "loss"),
        ("loss: []", "loss"),
        ("optimizer: {adam: {lr: 0.1}}", "optimizer"),
        ("optimizer: sgd", "optimizer"),  # its learning rate has no default
        ("train: {epochs: 3}", "train"),
        ("train: {epochs: 0, batch_size: 1}", "train.epochs"),
        ('train: {epochs: "3", batch_size: 1}', "train.epochs"),
        ("train: {epochs: true, batch_size: 1}", "train.epochs"),
        ("input: {format: png, size: [8], channels: mono, scale: 0..1}", "input.size"),
        ("input: {format: gif, size: [8, 8], channels: mono, scale: 0..1}", "input.format"),
        ("output: {clases: [a, b]}", "output"),
        ("augment: [rotate]", "augment.0"),
        ("augment: [{rotat: {degrees: 1}}]", "augment.0"),
        ("vars: {W: 3}", "vars"),
        ("blocks: {b: {layer: []}}", "blocks.b"),
        ("model: {layers: []}", "model.layers"),
        ("model: {layers: [conv2d]}", "model.layers.0"),
        ("model: {layers: [{dense: {unit: 3}}]}", "model.layers.0"),
        ("model: {layers: [{dense: {units: 1.5}}]}", "model.layers.0"),
        ("model: {layers: [{dense: {units: 3, activation: rleu}}]}", "model.layers.0"),
        ("model: {layers: [{dense: {units: 3, activation: {leaky_relu: {slop: 1}}}}]}", "model.layers.0"),
        ("model: {layers: [{conv2d: {filters: 3, kernel: [3, 3, 3]}}]}", "model.layers.0"),
        ("model: {layers: [{conv2d: {filters: w, kernel: 3}}]}", "model.layers.0"),
        ("model: {layers: [{conv2d: {filters: 3, kernel: 3}, relu: {}}]}", "model.layers.0"),
        ("model: {layers: [{flatten: {repeat: 0}}]}", "model.layers.0"),
    ],
)
def test_what_is_wrong_is_red(fragment: str, place: str) -> None:
    text = complete(fragment + "\n")
    wrong = [line.partition(":")[0] for line in red(text)]
    assert place in wrong, wrong
    assert examine(text)[1], "the check must refuse it, too"


@pytest.mark.parametrize(
    "fragment",
    [
        "output: {classes: [0, 1, 4A, no, 007, true, 1e3]}",
        "init: {weights: zeros, bias: 1}",
        "plugins: [a]",
        "card: text",
        "card: {background: 12}",
        "loss: [binary_cross_entropy, {binary_cross_entropy: {weight: 0.5}}]",
        "model: {layers: [my_block, {my_block: {filters: 3, anything: [1, 2], repeat: 3}}, {flatten: null}]}",
        "model: {layers: [{conv2d: {filters: $w, kernel: [$k, 3], padding: $p, bias: $b, stride: $(w * 2)}}]}",
        "model: {layers: [{conv2d: {filters: $(w // 2), kernel: $k, activation: $a}}, $norm, {relu: {repeat: $n}}]}",
        "model: {layers: [{dense: {units: 3, activation: {leaky_relu: {slope: $s}}}}]}",
        "blocks: {b: {params: {n: required, a: relu}, layers: [{dense: {units: $n}}, {other: {x: $a}}]}}",
        "train: {epochs: $e, batch_size: $(b * 2), shuffle: $s}",
        "optimizer: {adam: {betas: $betas}}",
        "input: {format: $f, size: $size, channels: $c, scale: $s}",
    ],
)
def test_variables_blocks_and_raw_text_are_not_red(fragment: str) -> None:
    assert red(complete(fragment + "\n")) == []


@pytest.mark.parametrize("name", sorted(words(REGISTRY, "layer")))
def test_every_layer_is_complete(name: str) -> None:
    record = REGISTRY.layers[name]
    (named,) = [part["properties"] for part in SCHEMA["definitions"]["layer"]["anyOf"] if "properties" in part]
    assert named[name]["description"] == record.doc
    example: Any = record.example
    if ":" in example:
        example = plain(source.parse(example, FILE).tree)
        assert named[name]["examples"] == [example[name]]
    layer = Draft7Validator({"$ref": "#/definitions/layer", "definitions": SCHEMA["definitions"]})
    assert layer.is_valid(example), record.example
    assert not layer.is_valid({name: {"no_such_argument": 1}})


def test_every_key_has_words_and_defaults_are_told() -> None:
    def walk(schema: Any, where: str) -> Iterator[tuple[str, Any]]:
        if isinstance(schema, dict):
            for key, value in schema.get("properties", {}).items():
                yield f"{where}.{key}", value
                yield from walk(value, f"{where}.{key}")
            for key, value in schema.items():
                if key not in ("properties", "if"):
                    yield from walk(value, where)
        elif isinstance(schema, list):
            for part in schema:
                yield from walk(part, where)

    found = dict(walk({key: value for key, value in SCHEMA.items() if key != "allOf"}, ""))
    assert len(found) > 150
    for where, value in found.items():
        assert "description" in value or "$ref" in value, where
    assert found[".conv2d.stride"]["default"] == [1, 1]
    assert found[".conv2d.bias"]["default"] is True
    assert found[".adam.learning_rate"]["default"] == 0.001


def test_a_new_spec_has_completion_before_its_task_is_chosen() -> None:
    assert {"input", "data", "model", "networks", "train"} - {"networks"} <= SCHEMA["properties"].keys()
    with pytest.raises(SpeccError):
        source.parse("", FILE)
    assert any("'task' is a required property" in line for line in red("specc: 1\n"))
