"""JSON Schema in plain words."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from specc.errors import Path

_PLAIN = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "string": "text",
    "null": "nothing",
    "object": "a group of keys",
}
_FAR = 1_000_000


def schema_of(model: type[BaseModel], path: Path) -> dict[str, Any]:
    """JSON Schema of the value at a path of keys and list positions below a model; {} where there is none."""
    root = _schema(model)
    definitions = root.get("$defs", {})
    schema: dict[str, Any] = root
    for part in path:
        schema = _step(schema, part, definitions)
    return _plain(schema, definitions)


def fields_of(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """JSON Schema of each field of a model, by the name that it has in a spec."""
    root = _schema(model)
    definitions = root.get("$defs", {})
    return {name: _plain(schema, definitions) for name, schema in root.get("properties", {}).items()}


@lru_cache(maxsize=256)
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def _resolve(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _resolve(schema, definitions)
    if "anyOf" in schema:
        schema = {**schema, "anyOf": [_plain(part, definitions) for part in schema["anyOf"]]}
    return schema


def _step(schema: dict[str, Any], part: str | int, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _resolve(schema, definitions)
    for option in (schema, *schema.get("anyOf", ())):
        option = _resolve(option, definitions)
        if isinstance(part, str) and part in option.get("properties", {}):
            found: dict[str, Any] = option["properties"][part]
            return found
        if isinstance(part, int) and option.get("type") == "array":
            items = option.get("prefixItems", ())
            inner: dict[str, Any] = items[part] if part < len(items) else option.get("items") or {}
            return inner
        if isinstance(part, str) and isinstance(option.get("additionalProperties"), dict):
            values: dict[str, Any] = option["additionalProperties"]
            return values
    return {}


def phrase(schema: dict[str, Any], limits: bool = False) -> str:
    """`a whole number of at least 1`, `png`, `jpeg` or `tiff`; empty where nothing is known.

    `limits` also says upper limits that nobody meets by chance.
    """
    if "x-kind" in schema:
        return f"the name of {'an' if schema['x-kind'][0] in 'aeiou' else 'a'} {schema['x-kind']}"
    if "anyOf" in schema:
        parts = [phrase(part, limits) for part in schema["anyOf"] if part.get("type") != "null"]
        return _either([part for part in dict.fromkeys(parts) if part])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return _either([f"`{value}`" for value in schema["enum"]])
    if schema.get("type") == "array":
        return _array(schema)
    return _PLAIN.get(schema.get("type", ""), "") + _bounds(schema, limits)


def _either(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}" if parts else ""


def _array(schema: dict[str, Any]) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    item = next(iter(schema.get("prefixItems", ())), None) or schema.get("items") or {}
    of = {"integer": "whole numbers", "number": "numbers", "string": "texts"}.get(item.get("type", ""), "items")
    if least == most:
        return f"a list of {least} {of}"
    return f"a list of {of}{' that is not empty' if least else ''}"


def _bounds(schema: dict[str, Any], limits: bool) -> str:
    low = f"at least {schema['minimum']:g}" if "minimum" in schema else ""
    low = f"more than {schema['exclusiveMinimum']:g}" if "exclusiveMinimum" in schema else low
    high = f"less than {schema['exclusiveMaximum']:,}" if "exclusiveMaximum" in schema else ""
    high = f"at most {schema['maximum']:,}" if "maximum" in schema else high
    if not limits and max(schema.get("maximum", 0), schema.get("exclusiveMaximum", 0)) >= _FAR:
        high = ""
    if "pattern" in schema:
        return " of the form below"
    if schema.get("type") == "string" and schema.get("minLength"):
        return " that is not empty"
    bounds = " and ".join(part for part in (low, high) if part)
    return f" of {bounds}" if bounds else ""
