"""JSON Schema (draft-07) of the language, for completion, hover texts and red lines in editors.

It says of a spec's text what can be said without reading it as specc does. A variable (`$w`, `$(w * 2)`) may stand for
any value, text may look like a number (`classes: [0, 1]`), and a layer of an unknown name may be a block of the spec:
`specc check` knows better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specc.source import Mapping_, Node, Sequence_, parse
from specc.spec.reader import arguments_model, words
from specc.spec.root import build

if TYPE_CHECKING:
    from specc.registry import Registry

_KINDS = ("layer", "activation", "loss", "optimizer", "schedule", "edit", "augmentation", "init")
_VARIABLE = {
    "type": "string",
    "pattern": r"^\$([A-Za-z_]|\()",
    "patternErrorMessage": "not a value that belongs here (a variable would begin with $)",
}
_TEXT = ["string", "number", "boolean"]  # what YAML may make of a text
_REFERENCE = {"$ref": "#/definitions/variable"}
_ABOUT = ("description", "default", "examples")
_NAME = r"^[a-z][a-z0-9_]{0,63}$"


def json_schema(registry: Registry) -> dict[str, Any]:
    """The whole language of a registry; each task's keys apply where `task` names it."""
    definitions: dict[str, Any] = {"variable": _VARIABLE}
    choices = []
    keys: dict[str, Any] = {}  # of all tasks, for completion before one is chosen
    for name, task in sorted(registry.tasks.items()):
        root = _adopt(build(registry, task).model_json_schema(by_alias=True), definitions, f"{name}.")
        root["properties"] |= _BEFORE_EXPANSION
        if task.networks:
            _let_use(definitions[f"{name}.Network"])
        root["properties"]["task"] = _task(registry)
        keys = {key: {"description": value.get("description", key)} for key, value in root["properties"].items()} | keys
        definitions[f"task.{name}"] = root
        choices.append(
            {
                "if": {"required": ["task"], "properties": {"task": {"const": name}}},
                "then": {"$ref": f"#/definitions/task.{name}"},
            }
        )
    for kind in _KINDS:
        definitions[kind] = _kind(registry, kind, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "specc",
        "type": "object",
        "required": ["specc", "name", "task"],
        "properties": keys | {"task": _task(registry)},
        "allOf": choices,
        "definitions": definitions,
    }


def _task(registry: Registry) -> dict[str, Any]:
    words = [{"const": name, "description": task.doc} for name, task in sorted(registry.tasks.items())]
    return {"anyOf": words, "description": "what the network is to do"}


_BLOCK = {
    "type": "object",
    "properties": {
        "params": {"type": "object", "description": "parameter: default, or `required`"},
        "layers": {
            "type": "array",
            "items": {"$ref": "#/definitions/layer"},
            "description": "the layers that stand in the block's place",
        },
    },
    "required": ["layers"],
    "additionalProperties": False,
}
_BEFORE_EXPANSION: dict[str, Any] = {
    "vars": {
        "type": "object",
        "propertyNames": {"pattern": _NAME},
        "description": "numbers and words used below as `$name` or `$(name * 2)`",
    },
    "blocks": {
        "type": "object",
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": _BLOCK,
        "description": "groups of layers with parameters, used like layers",
    },
}


def _let_use(network: dict[str, Any]) -> None:
    """`{use: a_to_b}` stands in the place of layers."""
    network["properties"]["use"] = {
        "type": "string",
        "description": "name of another network, of whose layers this is one more instance, with weights of its own",
    }
    network["required"] = [name for name in network["required"] if name != "layers"]
    network["anyOf"] = [{"required": ["layers"]}, {"required": ["use"]}]


def _kind(registry: Registry, kind: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """A word of a kind: a bare name, or one key with arguments. Where a layer stands, a block may stand."""
    bare: list[dict[str, Any]] = []
    named: dict[str, Any] = {}
    apart: list[dict[str, Any]] = []  # `init: {weights: ..., bias: ...}` has no name of its own
    needy = []  # words that need arguments
    for name, record in words(registry, kind).items():
        model = arguments_model(kind, record)
        schema = _adopt(model.model_json_schema(by_alias=True), definitions, f"{kind}.{name}.")
        schema.pop("description", None)  # the docstring of the class
        if kind == "layer":
            schema["properties"] = {**schema.get("properties", {}), "repeat": _repeat()}
        if kind == "init" and name == "values":
            apart.append(schema)
            continue
        if model.shorthand:
            schema = {"type": "string"}
        if schema.get("required") or model.shorthand:
            needy.append(name)
        else:
            bare.append({"const": name, "description": record.doc})
            schema = {"anyOf": [schema, {"type": "null"}]}
        named[name] = {"title": name, **schema, "description": record.doc, **_example(name, record)}
    whole: dict[str, Any] = {"type": "object", "properties": named, "minProperties": 1, "maxProperties": 1}
    if kind == "layer":
        bare.append({"type": "string", "pattern": _NAME, "not": {"enum": needy}})
    else:
        whole["additionalProperties"] = False
    return {"anyOf": [*bare, whole, *apart, _REFERENCE]}


def _example(name: str, record: Any) -> dict[str, Any]:
    """The arguments of a record's example."""
    text = getattr(record, "example", "")
    example = _value(parse(text, "").tree) if text.startswith(f"{name}:") else {}
    return {"examples": [example[name]]} if name in example else {}


def _value(node: Node) -> Any:
    """A node as plain data."""
    if isinstance(node, Mapping_):
        return {key: _value(entry.node) for key, entry in node.items.items()}
    return [_value(item) for item in node.items] if isinstance(node, Sequence_) else node.value


def _repeat() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 1, "maximum": 10_000}
    return {"anyOf": [number, _REFERENCE], "description": "so many times, with new weights", "default": 1}


def _adopt(schema: dict[str, Any], definitions: dict[str, Any], prefix: str) -> dict[str, Any]:
    """A pydantic schema in draft-07, its definitions moved to the common ones under a prefix."""
    inner = schema.pop("$defs", {})
    for name, definition in inner.items():
        definitions[prefix + name] = _draft7(definition, prefix)
    adopted: dict[str, Any] = _draft7(schema, prefix)
    return adopted


def _draft7(value: Any, prefix: str) -> Any:
    if isinstance(value, list):
        return [_draft7(item, prefix) for item in value]
    if not isinstance(value, dict):
        return value
    if "x-kind" in value:
        about = {key: value[key] for key in ("description",) if key in value}
        return {"allOf": [{"$ref": f"#/definitions/{value['x-kind']}"}], **about}
    if "$ref" in value:
        value = {**value, "$ref": f"#/definitions/{prefix}{value['$ref'].rsplit('/', 1)[-1]}"}
    if "prefixItems" in value:
        value = {**value, "items": value["prefixItems"], "additionalItems": False}
        del value["prefixItems"]
    done = {key: _draft7(item, prefix) if key not in ("default", "examples", "enum", "const") else item
            for key, item in value.items() if key != "title" or isinstance(item, dict)}  # fmt: skip
    if isinstance(done.get("properties"), dict):  # a title is what an editor writes above a description
        done["properties"] = {key: {"title": key, **item} for key, item in done["properties"].items()}
    return _loosened(done)


def _loosened(schema: dict[str, Any]) -> dict[str, Any]:
    """A value that a variable may stand for; a text may look like a number or a truth value."""
    if schema.get("type") == "string" and "enum" not in schema and "const" not in schema:
        return {**schema, "type": _TEXT}
    closed = schema.get("type") in ("integer", "number", "boolean") or "enum" in schema or "const" in schema
    closed = closed or (schema.get("type") == "array" and "allOf" not in schema.get("items", {}))  # layers stand there
    if not closed:
        return schema
    about = {key: schema.pop(key) for key in _ABOUT if key in schema}
    return {"anyOf": [schema, _REFERENCE], **about}
