"""The rules of SARIF 2.1.0 (OASIS Standard, 27 March 2020) for the objects that are used, as JSON Schema.

Sections 3.13, 3.14, 3.19, 3.27 to 3.30, 3.55 to 3.57; closed, so that nothing else can slip in.
"""

from typing import Any

TEXT_ONLY: dict[str, Any] = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
}
REGION: dict[str, Any] = {
    "type": "object",
    "required": ["startLine", "startColumn", "endLine", "endColumn"],
    "properties": {
        key: {"type": "integer", "minimum": 1} for key in ("startLine", "startColumn", "endLine", "endColumn")
    },
    "additionalProperties": False,
}
PLACE: dict[str, Any] = {
    "type": "object",
    "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {"type": "object", "required": ["uri"], "properties": {"uri": {"pattern": r"^[!-~]+$"}}},
        "region": REGION,
    },
    "additionalProperties": False,
}
REPLACEMENT: dict[str, Any] = {
    "type": "object",
    "required": ["deletedRegion"],
    "properties": {"deletedRegion": REGION, "insertedContent": {"required": ["text"]}},
    "additionalProperties": False,
}
CHANGE: dict[str, Any] = {
    "type": "object",
    "required": ["artifactLocation", "replacements"],
    "properties": {"artifactLocation": {}, "replacements": {"type": "array", "minItems": 1, "items": REPLACEMENT}},
    "additionalProperties": False,
}
RESULT: dict[str, Any] = {
    "type": "object",
    "required": ["message", "ruleId", "ruleIndex", "level"],
    "properties": {
        "message": TEXT_ONLY,
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "locations": {
            "type": "array",
            "items": {"required": ["physicalLocation"], "properties": {"physicalLocation": PLACE}},
        },
        "relatedLocations": {
            "type": "array",
            "items": {
                "required": ["id", "physicalLocation"],
                "properties": {"id": {"minimum": 0}, "physicalLocation": PLACE, "message": {"required": ["text"]}},
            },
        },
        "fixes": {
            "type": "array",
            "items": {
                "required": ["artifactChanges"],
                "properties": {
                    "description": TEXT_ONLY,
                    "artifactChanges": {"type": "array", "minItems": 1, "items": CHANGE},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
DRIVER: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"const": "specc"},
        "version": {"type": "string"},
        "rules": {"type": "array", "uniqueItems": True, "items": {"required": ["id"]}},
    },
    "additionalProperties": False,
}
RUN: dict[str, Any] = {
    "type": "object",
    "required": ["tool", "results", "columnKind"],
    "properties": {
        "tool": {"type": "object", "required": ["driver"], "properties": {"driver": DRIVER}},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": RESULT},
    },
    "additionalProperties": False,
}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN},
        "$schema": {"format": "uri"},
    },
    "additionalProperties": False,
}
