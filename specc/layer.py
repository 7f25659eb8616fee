"""Layers as people write them, and the primitive operations that they are made of. `specc.plugin` has them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Protocol

from specc.arguments import Arguments, Call
from specc.errors import Diagnostic, Path, Span
from specc.ir import Node
from specc.shapes import Reach, Shape, window_reach


@dataclass(frozen=True, slots=True)
class Piece:
    """A top-level function or class of an importable module; what it refers to comes with it."""

    module: str
    name: str


class Builder(Protocol):
    """What a layer's `lower` may do: add primitive operations to the network and look up named outputs."""

    def add(self, op: str, inputs: tuple[str, ...], **attrs: Any) -> str:
        """Append a primitive, infer its shape, return its name; a bad shape becomes a diagnostic at the layer."""

    def shape(self, value: str) -> Shape:
        """Shape of a value, without batch."""

    def resolve(self, name: str, path: Path) -> str:
        """The value that an id names; an unknown one becomes a diagnostic at `path`."""

    def node(self, value: str) -> Node | None:
        """The primitive that made a value; None for what comes into the network."""

    def aside(self, value: str, what: str) -> str:
        """Ask the primitive that made a value for its second result: its attribute `what` becomes a Python name for
        that result, which is returned. Asked again, the name is the same.
        """

    def activate(self, value: str, activation: Call | None) -> str:
        """Append an activation; None leaves the value as it is."""

    def fail(self, diagnostic: Diagnostic) -> NoReturn:
        """Report a fault of this layer and give up on the network."""

    def path(self, *keys: str | int) -> Path:
        """Path of this layer in the spec, or of one of its arguments."""

    def span(self, *keys: str | int) -> Span:
        """Where this layer stands in the text, or one of its arguments; its name where the argument is a default."""

    def origin(self, value: str) -> Span:
        """Where the layer that made a value stands in the text: what decides its channels, else its name."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A word for `layers:`. `lower(builder, arguments, value)` adds primitives and returns the new current value."""

    name: str
    arguments: type[Arguments]
    lower: Callable[[Builder, Any, str], str]
    doc: str
    example: str
    source: str = ""
    activation: bool = False  # may also stand as `activation:` of another layer
    internal: bool = False  # made by the expansion of blocks; no word of the language


@dataclass(frozen=True, slots=True)
class Op:
    """A primitive operation: everything downstream is keyed by its name.

    `infer(attrs, shapes) -> shape` raises ShapeFault; `parameters` and `multiply_adds` count per sample;
    `module(node, shapes)` is the constructor printed in `__init__` (None for a function); `call(node, arguments)` is
    the expression printed in `forward`, where `arguments` are Python names and `self.<node name>` is the module.
    `relevance` names the LRP rule that fits, or says why there is none.

    `reach(attrs, shapes, output shape)` says how many pixels an output pixel looks at and how far the next one is
    from it. `keeps` says which values wait in memory for the backward pass (`input`, `output`), `keeps_bytes` what
    waits beside them for each number of the output (indices, masks). `sign` stands in the circle of a join.

    `weights` is the torch class of its module where the spec's `init` and weight decay apply (`nn.Conv2d`: weight and
    bias); other learned numbers start as their module makes them. `decays` is False where a module without `weights`
    holds a matrix that weight decay must leave alone. `piece` is a class of the program that `module` makes use of;
    it is printed above the network. `aside(node)` is a Python name for a second result of the call, if it has one.
    """

    name: str
    infer: Callable[[Mapping[str, Any], tuple[Shape, ...]], Shape]
    call: Callable[[Node, tuple[str, ...]], str]
    doc: str
    relevance: str
    module: Callable[[Node, tuple[Shape, ...]], str] | None = None
    parameters: Callable[[Mapping[str, Any], tuple[Shape, ...]], int] = lambda attrs, shapes: 0
    multiply_adds: Callable[[Mapping[str, Any], tuple[Shape, ...]], int] = lambda attrs, shapes: 0
    stem: str = ""  # nodes without an id are called stem + number; empty: the op's own name
    monotone: bool = False  # element-wise and never decreasing, so that max-pooling may go first
    reach: Callable[[Mapping[str, Any], tuple[Shape, ...], Shape], Reach] = window_reach
    keeps: tuple[Literal["input", "output"], ...] = ("output",)
    keeps_bytes: int = 0
    sign: str = ""
    weights: str = ""
    decays: bool = True
    piece: Piece | None = None
    aside: Callable[[Node], str] = lambda node: ""


class ShapeFault(Exception):
    """An operation cannot take these shapes; `argument` names the layer's argument to point at."""

    def __init__(
        self, code: str, message: str, label: str = "", argument: str = "", helps: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.label, self.argument, self.helps = code, message, label, argument, helps
