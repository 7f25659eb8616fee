"""What several layer families share: padding, names of other layers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from specc.errors import Diagnostic, Edit, Fix, Note
from specc.plugin import Activation, Builder, Count, Init, Pair


def _pair(value: object) -> object:
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


_Zeros = Annotated[int, Field(ge=0, le=1_048_576)]
_ZEROS_SCHEMA = {"type": "integer", "minimum": 0, "maximum": 1_048_576}
ZerosPair = Annotated[
    tuple[_Zeros, _Zeros],
    BeforeValidator(_pair),
    WithJsonSchema({"anyOf": [_ZEROS_SCHEMA, {"type": "array", "items": _ZEROS_SCHEMA, "minItems": 2, "maxItems": 2}]}),
]
Padding = Literal["valid", "same"] | ZerosPair


def _tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


References = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_tuple),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]  # one id or a list of ids


# arguments that mean the same in every layer that has them
Filters = Annotated[Count, Field(description="how many kernels; the channels of the output")]
Kernel = Annotated[Pair, Field(description="size of a kernel: one number, or [height, width]")]
Dilation = Annotated[Pair, Field(description="distance between the taps of a kernel")]
Groups = Annotated[Count, Field(description="channels and filters are split into so many separate convolutions")]
Following = Annotated[Activation | None, Field(description="what follows: relu, tanh, ... (default: nothing)")]
Start = Annotated[Init | None, Field(description="how the weights start (default: the spec's `init`)")]
RateScale = Annotated[float, Field(ge=0, description="factor of the learning rate; 0 keeps the layer as it is")]


def resolve_padding(
    builder: Builder,
    padding: str | tuple[int, int],
    kernel: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
    argument: str = "kernel",
) -> tuple[int, int]:
    """Zeros on each side: `same` is dilation*(kernel-1)/2. An odd dilation*(kernel-1) cannot be symmetric: S307."""
    if isinstance(padding, tuple):
        return padding
    if padding == "valid":
        return (0, 0)
    spread = [dilation[i] * (kernel[i] - 1) for i in (0, 1)]
    if spread[0] % 2 or spread[1] % 2:
        _refuse_same(builder, spread, argument)
    return (spread[0] // 2, spread[1] // 2)


def _refuse_same(builder: Builder, spread: list[int], argument: str) -> None:
    below = [n // 2 for n in spread]
    number = str(below[0]) if below[0] == below[1] else str(below)
    builder.fail(
        Diagnostic(
            "S307",
            f"`padding: same` cannot be symmetric with an even `{argument}`",
            builder.span("padding"),
            builder.path("padding"),
            f"needs {' and '.join(f'{n / 2:g}' for n in dict.fromkeys(spread))} zeros a side",
            notes=(
                Note("why", "unequal sides shift the image by half a pixel, and libraries do it differently"),
                Note("rule", "layers.padding - `same` is dilation * (kernel - 1) / 2 zeros on every side"),
            ),
            fixes=(
                Fix(f"say how many: `padding: {number}`", (Edit(builder.span("padding"), number),)),
                Fix(f"or take an odd `{argument}`"),
            ),
        )
    )
