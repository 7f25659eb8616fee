"""Random specs of a right form, each a function of a number; `spec_breakers` makes the others.

Nothing here knows a layer, an optimizer or a change to images by name: words and their arguments are drawn from the
JSON Schema of the registry's own models, so that what is new joins in by itself.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from specc.registry import core
from specc.spec.keys import Input, Train
from specc.spec.reader import arguments_model, words

ROOT = Path(__file__).resolve().parent.parent
MARK = "zqx7"  # in every free text: what of a spec may stand in string constants only
REFERENCES = ("with", "to", "from", "source")
SMALL = (1, 1, 2, 2, 3, 3, 4, 5, 7, 8)

# ---------------------------------------------------------------------- texts

NASTY = (
    "'single'", '"double"', '"""triple"""', "'''x'''", "trailing\\", "a\nb", "a\tb", "a\\u000aimport os",
    "{0.__class__}",
    "%(x)s %n%n", "{{7*7}}", "${env:HOME}", "$(rm -rf /)", "$(__import__('os').system('id'))", "$x", "`id`", "class",
    "__class__", "__import__('os').system('touch pwned')", "os.system", "torch.load", "torch.hub.load", "lambda: 0",
    "_target_", "eval(input())", "# -*- coding: raw_unicode_escape -*-", "../../../etc/passwd", "/etc/passwd",
    "\\\\host\\share", "-rf", "--force", "C:\\CON", "file:///etc/passwd", "http://example.org/x.pkl", "x.pkl",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "((((((((((a)+)+)+)+)+)+)+)+", "9" * 400, "-1", "0", "1e400", ".nan",
    "-.inf", "true", "no", "null", "~", "012", "0x1F", "1_000", "12:30:45", "2024-01-01", "=1+1", "@SUM(A1)", "a,b;c",
    "<script>alert(1)</script>", "*a", "&a x", "!!python/name:os.system", "<<", "肺炎", "ﬁ", "а", "ı", "e\u0301", "🫁",
    "none", "input", "self", "image", "N/A", "", " ", " x ", "x" * 300, "\u00a0", "a\u00adb", "\ue000", "\u0378",
)  # fmt: skip


def quoted(text: str) -> str:
    """A text in double quotation marks, as YAML reads it."""
    return json.dumps(text, ensure_ascii=max(text, default="") <= "\uffff")  # YAML has no pairs of surrogates


def flow(value: Any) -> str:
    """A value on one line; a text that begins with `=` is written as it is, without quotation marks."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str):
        return value[1:] if value.startswith("=") else quoted(value)
    return json.dumps(value)


# ---------------------------------------------------------------------- values from schemas


@cache
def schema_of(kind: str, name: str) -> dict[str, Any]:
    """JSON Schema of the arguments of a word."""
    return arguments_model(kind, words(core(), kind)[name]).model_json_schema(by_alias=True)


@cache
def names_of(kind: str) -> tuple[str, ...]:
    """The words of a kind, in order."""
    return tuple(sorted(words(core(), kind)))


@dataclass
class Maker:
    """Draws values. `ids` are those that may be referred to, `names` the `$names` that stand for small numbers."""

    chance: random.Random
    ids: list[str] = field(default_factory=lambda: ["input"])
    names: list[str] = field(default_factory=list)

    def word(self, kind: str, deep: int = 0) -> Any:
        """A word of a kind with arguments, or bare where it needs none."""
        name = self.chance.choice(names_of(kind))
        given = self.arguments(schema_of(kind, name), deep)
        return {name: given} if given else f"={name}"

    def arguments(self, schema: Mapping[str, Any], deep: int = 0) -> dict[str, Any]:
        """Values for the required arguments and some of the others."""
        needed, known = schema.get("required", ()), schema.get("$defs", {})
        return {
            key: f"={self.chance.choice(self.ids)}" if key in REFERENCES else self.value(part, known, deep)
            for key, part in schema.get("properties", {}).items()
            if key != "id" and (key in needed or self.chance.random() < 0.25)
        }

    def value(self, schema: Mapping[str, Any], known: Mapping[str, Any], deep: int = 0) -> Any:
        """A value that the schema lets in."""
        if "$ref" in schema:
            schema = known[schema["$ref"].rsplit("/", 1)[-1]]
        if "x-kind" in schema:
            return (
                self.word(schema["x-kind"], deep + 1) if deep < 3 else f"={self.chance.choice(names_of('activation'))}"
            )
        if "anyOf" in schema:
            parts = [part for part in schema["anyOf"] if part.get("type") != "null"]
            return self.value(self.chance.choice(parts), known, deep)
        if "const" in schema or "enum" in schema:
            return self.chance.choice(schema.get("enum") or [schema["const"]])
        return self._plain(schema, known, deep)

    def _plain(self, schema: Mapping[str, Any], known: Mapping[str, Any], deep: int) -> Any:
        kind = schema.get("type")
        if kind == "integer":
            return self._whole(schema)
        if kind == "number":
            return self._number(schema)
        if kind == "boolean":
            return self.chance.random() < 0.5
        if kind == "array":
            heads = schema.get("prefixItems") or [schema.get("items", {})] * max(
                schema.get("minItems", 0), min(schema.get("maxItems", 3), self.chance.randint(1, 3))
            )
            items = [self.value(part, known, deep) for part in heads]
            return sorted(items) if all(isinstance(item, int | float) for item in items) else items
        if kind == "object":
            inner = schema.get("additionalProperties")
            if isinstance(inner, dict):
                return {f"k{number}": self.value(inner, known, deep) for number in range(self.chance.randint(1, 2))}
            return self.arguments({**schema, "$defs": known}, deep)
        return self.text()

    def _whole(self, schema: Mapping[str, Any]) -> Any:
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
        if self.names and low <= 1 and high >= 8 and self.chance.random() < 0.2:
            name = self.chance.choice(self.names)
            return self.chance.choice((f"=${name}", f"=$({name} + 1)", f"=$({name} * 2 - 1)"))
        if self.chance.random() < 0.01:
            return self.chance.choice((low, high, low - 1, high + 1, 2**63, 10**30))
        return min(max(self.chance.choice(SMALL), low), high)

    def _number(self, schema: Mapping[str, Any]) -> float:
        low: float = max(schema.get("minimum", 0.0), schema.get("exclusiveMinimum", 0.0))
        high: float = min(schema.get("maximum", low + 1.0), schema.get("exclusiveMaximum", low + 1.0))
        if self.chance.random() < 0.01:
            return float(self.chance.choice((low, high, -1.0, 1e-300, 1e300)))
        return round(low + (high - low) * self.chance.uniform(0.05, 0.95), 6)

    def text(self) -> str:
        """A free text with the mark in it, of the kind that may be a name of a class or a column."""
        nasty = "".join(sign for sign in self.chance.choice(NASTY) if sign.isprintable()).strip()
        return f"{nasty}{MARK}"[-150:] if self.chance.random() < 0.7 else f"{MARK} plain"


# ---------------------------------------------------------------------- grammatical specs

Head = tuple[str, dict[str, Any], dict[str, Any], str]


def _head(maker: Maker) -> Head:
    """Task, output, last layer and loss: the rows of Table 1."""
    chance = maker.chance
    form = chance.randrange(3)
    if form == 2:
        output: dict[str, Any] = {"target": maker.text(), "unit": maker.text()}
        if chance.random() < 0.3:
            output["standardize"] = True
        return "regression", output, {"units": 1}, "mean_squared_error"
    count = 2 if form == 0 else chance.randint(3, 5)
    classes = list(dict.fromkeys(f"{maker.text()}{number}"[-150:] for number in range(count)))
    output = {"classes": classes}
    if count == 2:
        return "classification", output, {"units": 1, "activation": "=sigmoid"}, "binary_cross_entropy"
    return "classification", output, {"units": count, "activation": "=softmax"}, "categorical_cross_entropy"


PLAIN = {
    "input": "{format: png, size: [24, 24], channels: mono, resize: fit, scale: 0..1}",
    "optimizer": "adam",
    "train": "{epochs: 1, batch_size: 2}",
}
NEEDED = ("specc", "name", "task", "input", "output", "data", "model", "loss", "optimizer", "train")


@dataclass
class Spec:
    """A spec in parts, so that what does not fit can be left out: (key, lines) of the top level, a layer a line."""

    parts: dict[str, str]
    layers: list[str]
    head: list[str]
    blocks: dict[str, list[str]]

    def text(self) -> str:
        """The spec as YAML."""
        return "\n".join(line for line, _ in self._lines()) + "\n"

    def bare(self) -> Spec:
        """Only its task, data and output layer: valid in any case."""
        parts = {key: PLAIN.get(key, text) for key, text in self.parts.items() if key in NEEDED}
        return Spec(parts, [], ["flatten", self.head[-1]], {})

    def _lines(self) -> list[tuple[str, tuple[str, int]]]:
        lines = [(f"{key}: {text}", (key, -1)) for key, text in self.parts.items()]
        if self.blocks:
            lines.append(("blocks:", ("", -1)))
        for name, (head, *layers) in self.blocks.items():
            lines += [(f"  {name}:", ("", -1)), (f"    {head}", ("", -1)), ("    layers:", ("", -1))]
            lines += [(f"      - {layer}", (name, number)) for number, layer in enumerate(layers)]
        lines += [("model:", ("", -1)), ("  layers:", ("", -1))]
        lines += [(f"    - {layer}", ("layers", number)) for number, layer in enumerate(self.layers)]
        return lines + [(f"    - {layer}", ("", -1)) for layer in self.head]

    def without(self, bad: set[int]) -> Spec:
        """The spec without the layers, or with plainer values of the keys, that stand on some lines."""
        marks = {mark for number, (_, mark) in enumerate(self._lines(), 1) if number in bad}
        parts = {key: PLAIN.get(key, text) if (key, -1) in marks else text for key, text in self.parts.items()}
        parts = {key: text for key, text in parts.items() if key in NEEDED or (key, -1) not in marks}
        layers = [layer for number, layer in enumerate(self.layers) if ("layers", number) not in marks]
        blocks = {
            name: [head, *[layer for n, layer in enumerate(inner) if (name, n) not in marks]]
            for name, (head, *inner) in self.blocks.items()
        }
        head = ["flatten", self.head[-1]] if ("", -1) in marks else self.head
        if marks <= {("", -1)}:  # the fault shows where nothing can be left out
            layers = layers[: len(layers) // 2]
        used = {name: lines if len(lines) > 1 else [*lines, "relu"] for name, lines in blocks.items()}
        return Spec(parts, layers, head, used)


def grammatical(number: int) -> Spec:
    """A spec out of the words of the registry, of a right form; its shapes need not fit."""
    chance = random.Random(f"grammatical {number}")
    maker = Maker(chance)
    task, output, last, loss = _head(maker)
    column = "target" if task == "regression" else "label"
    columns = {"image": maker.text(), column: maker.text(), "patient": maker.text()}
    parts = {"specc": "1", "name": f"fuzz-{number}", "task": task}
    if chance.random() < 0.4:
        maker.names = ["w", "v1"]
        parts["vars"] = f"{{w: {chance.choice(SMALL)}, v1: $(w + 1)}}"
    parts |= {
        "input": flow(_input(maker)),
        "output": flow(output),
        "data": flow({"manifest": maker.text().replace("://", ":"), "columns": columns, "split": _split(maker)}),
        "loss": loss,
        "optimizer": flow(maker.word("optimizer")),
        "train": flow(_train(maker)),
    }
    if chance.random() < 0.4:
        parts["augment"] = flow([maker.word("augmentation") for _ in range(chance.randint(1, 3))])
    if chance.random() < 0.3:
        parts["init"] = flow(maker.word("init"))
    if chance.random() < 0.3:
        parts["card"] = flow(maker.text())
    blocks = _blocks(maker) if chance.random() < 0.5 else {}
    layers = _layers(maker, chance.randint(0, 8), list(blocks))
    end = chance.choice((["flatten"], ["global_avgpool"], ["flatten", "dropout: {rate: 0.5}"]))
    head = [*end, f"dense: {flow(last)}  # {maker.text()!a}"]
    return Spec(parts, layers, head, blocks)


def _input(maker: Maker) -> dict[str, Any]:
    given = maker.arguments(Input.model_json_schema(by_alias=True))
    size = [maker.chance.randint(8, 48), maker.chance.randint(8, 48)]
    return given | {"size": size, "channels": maker.chance.choice(("mono", "rgb"))}


def _train(maker: Maker) -> dict[str, Any]:
    given = maker.arguments(Train.model_json_schema(by_alias=True))
    if "phases" in given:
        given.pop("epochs", None)
        given["phases"] = [{key: value for key, value in phase.items() if key != "freeze"} for phase in given["phases"]]
    return given if "phases" in given else {"epochs": 40, **given}


def _split(maker: Maker) -> dict[str, Any]:
    return maker.chance.choice(
        [
            {"column": maker.text()},
            {"train": 80, "val": 20, "group": "=patient"},
            {"train": 60, "val": 20, "test": 20, "group": "none"},
            {"train": 80, "val": 20, "group": "=patient", "use": 25},
            {"folds": 5, "test": 20, "group": "=patient"},
            {"folds": 3, "fold": 2, "column": maker.text(), "use": 50.5},
            {"folds": 4, "fold": 4, "folds_column": maker.text()},
        ]
    )


def _blocks(maker: Maker) -> dict[str, list[str]]:
    """Blocks with parameters; each may use those before it."""
    blocks: dict[str, list[str]] = {}
    for number in range(maker.chance.randint(1, 3)):
        inner = Maker(maker.chance, ["input"], ["p", "q", *maker.names])
        body = _layers(inner, maker.chance.randint(1, 4), list(blocks))
        blocks[f"block{number}"] = ["params: {p: required, q: 3}", *(body or ["relu"])]
    return blocks


def _layers(maker: Maker, count: int, blocks: list[str]) -> list[str]:
    """Layers on lines of their own, with ids and repeats; blocks among them."""
    lines: list[str] = []
    for number in range(count):
        if blocks and maker.chance.random() < 0.4:
            name: str = maker.chance.choice(blocks)
            given: dict[str, Any] = {"p": maker.chance.choice(SMALL)}
        else:
            word = maker.word("layer")
            name, given = next(iter(word.items())) if isinstance(word, dict) else (word[1:], {})
        given = dict(given)
        if "kernel" in given and maker.chance.random() < 0.7:
            given |= {"padding": "=same", "kernel": maker.chance.choice((1, 3, 5))}
        if maker.chance.random() < 0.1:
            given["repeat"] = maker.chance.choice((1, 2, 3))
        if name != "from" and maker.chance.random() < 0.4:
            given["id"] = f"=l{number}"
            maker.ids.append(f"l{number}")
        lines.append(f"{name}: {flow(given)}" if given else name)
    return lines
