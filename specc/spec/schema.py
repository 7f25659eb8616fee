"""JSON Schema (draft-07) of the language, for completion and hover texts in editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specc.spec.reader import arguments_model, words
from specc.spec.root import build

if TYPE_CHECKING:
    from specc.registry import Registry

_KINDS = ("layer", "activation", "loss", "optimizer", "augmentation", "init")
_VARIABLE = {"type": "string", "pattern": r"^\$"}
_NAME = r"^[a-z][a-z0-9_]{0,63}$"


def json_schema(registry: Registry) -> dict[str, Any]:
    """The whole language of a registry; each task's keys apply where `task` names it."""
    definitions: dict[str, Any] = {}
    choices = []
    for name, task in sorted(registry.tasks.items()):
        root = _adopt(build(registry, task).model_json_schema(by_alias=True), definitions, f"{name}.")
        root["properties"] |= _BEFORE_EXPANSION
        root["properties"]["task"] = {"enum": sorted(registry.tasks), "description": "what the network is to do"}
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
        "properties": {"task": {"enum": sorted(registry.tasks), "description": "what the network is to do"}},
        "allOf": choices,
        "definitions": definitions,
    }


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


def _kind(registry: Registry, kind: str, definitions: dict[str, Any]) -> dict[str, Any]:
    bare, named = [], {}
    apart: dict[str, Any] | None = None  # `init: {weights: ..., bias: ...}` has no name of its own
    for name, record in words(registry, kind).items():
        model = arguments_model(kind, record)
        schema = _adopt(model.model_json_schema(by_alias=True), definitions, f"{kind}.{name}.")
        if kind == "layer":
            schema["properties"] = {**schema.get("properties", {}), "repeat": _repeat()}
        if kind == "init" and name == "values":
            apart = schema
            continue
        if not schema.get("required"):
            bare.append({"const": name, "description": record.doc})
            schema = {"anyOf": [schema, {"type": "null"}]}
        if model.shorthand:
            schema = {"type": "string"}
        named[name] = {**schema, "description": record.doc}
    closed = kind != "layer"  # a block's name may stand where a layer's does
    mapping = {"type": "object", "properties": named, "minProperties": 1, "maxProperties": 1}
    texts: list[dict[str, Any]] = list(bare) if closed else [*bare, {"type": "string", "pattern": _NAME}]
    whole = {**mapping, "additionalProperties": False} if closed else mapping
    return {"anyOf": [*texts, whole, *([apart] if apart else [])]}


def _repeat() -> dict[str, Any]:
    return {"anyOf": [{"type": "integer", "minimum": 1}, _VARIABLE], "description": "so many times, with new weights"}


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
        described = {"description": value["description"]} if "description" in value else {}
        return {"allOf": [{"$ref": f"#/definitions/{value['x-kind']}"}], **described}
    if "$ref" in value:
        value = {**value, "$ref": f"#/definitions/{prefix}{value['$ref'].rsplit('/', 1)[-1]}"}
    if "prefixItems" in value:
        value = {**value, "items": value["prefixItems"], "additionalItems": False}
        del value["prefixItems"]
    done = {key: _draft7(item, prefix) if key != "default" else item for key, item in value.items()}
    if done.get("type") in ("integer", "number", "boolean"):
        return {"anyOf": [done, _VARIABLE], **{key: done.pop(key) for key in ("description", "title") if key in done}}
    return done
