"""Groups of named arguments and the words that a spec uses: what every part of the language is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from specc.errors import Path


class Arguments(BaseModel):
    """Base of every group of named arguments: closed, strict, frozen. Field descriptions become documentation.

    A field annotated `str` takes the raw text of the spec, whatever YAML would make of it. `shorthand` names the field
    that a bare value fills: `from: enc1` is `from: {source: enc1}`.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        allow_inf_nan=False,
        defer_build=True,
        populate_by_name=True,
    )
    shorthand: ClassVar[str] = ""


class Call:
    """A use of a word of the registry: its name, its checked arguments, and where it stands in the spec."""

    __slots__ = ("args", "name", "path")

    def __init__(self, name: str, args: Any, path: Path = ()) -> None:
        self.name, self.args, self.path = name, args, path

    def __repr__(self) -> str:
        return f"Call({self.name!r}, {self.args!r})"


@dataclass(frozen=True, slots=True)
class Kind:
    """Marks a field that holds a `Call`: `Annotated[Call, Kind("layer")]`. The spec reader looks the word up.

    Kinds: layer, activation, loss, optimizer, schedule, augmentation, init.
    """

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Only a finished Call passes."""
        return core_schema.is_instance_schema(Call)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mark that `spec.json_schema` replaces by a reference to the words of this kind."""
        return {"x-kind": self.name}


def _pair(value: object) -> object:
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


Activation = Annotated[Call, Kind("activation")]
Init = Annotated[Call, Kind("init")]
Count = Annotated[int, Field(ge=1, le=1_048_576)]
_COUNT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": 1_048_576}
_PAIR_SCHEMA = {"type": "array", "items": _COUNT_SCHEMA, "minItems": 2, "maxItems": 2}
Pair = Annotated[
    tuple[Count, Count],
    BeforeValidator(_pair),
    WithJsonSchema({"anyOf": [_COUNT_SCHEMA, _PAIR_SCHEMA]}),
]  # 3 or [height, width]
