"""What a network costs and sees: receptive fields, and what training must remember until the backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from specc.ir import Graph, Node
from specc.plugin import Op
from specc.shapes import Shape, count

NUMBER = 4  # bytes of a float32


@dataclass(frozen=True, slots=True)
class Field:
    """What one point of a map looks at, in pixels of the input: how many, and how far the next point's are from them.

    Down and across (Araujo et al. 2019, Distill, "Computing receptive fields"). Edges of the image are left out of
    account: a field may be larger than the image.
    """

    size: tuple[Fraction, Fraction]
    step: tuple[Fraction, Fraction]

    @property
    def pixels(self) -> tuple[int, int]:
        """The field in whole pixels, (height, width)."""
        return ceil(self.size[0]), ceil(self.size[1])


POINT = Field((Fraction(1), Fraction(1)), (Fraction(1), Fraction(1)))


def shapes_of(graph: Graph) -> dict[str, Shape]:
    """Shape of every value, inputs first."""
    return dict(graph.inputs) | {node.name: node.shape for node in graph.nodes}


def fields(graph: Graph, ops: Mapping[str, Op]) -> dict[str, Field | None]:
    """The receptive field of every value; None for vectors. A join has the largest of what it joins."""
    shapes = shapes_of(graph)
    found: dict[str, Field | None] = {name: POINT if len(shape) == 3 else None for name, shape in graph.inputs.items()}
    for node in graph.nodes:
        found[node.name] = _after(node, [found[name] for name in node.inputs], ops, shapes)
    return found


def _after(node: Node, before: list[Field | None], ops: Mapping[str, Op], shapes: Mapping[str, Shape]) -> Field | None:
    known = [field for field in before if field is not None]
    if len(node.shape) != 3:
        return None
    if not known:  # a vector made into an image: fields count from here
        return POINT
    inputs = tuple(shapes[name] for name in node.inputs)
    window, stride = ops[node.op].reach(node.attrs, inputs, node.shape)
    size, step = ([max(getattr(field, part)[i] for field in known) for i in (0, 1)] for part in ("size", "step"))
    height, width = (size[i] + (window[i] - 1) * step[i] for i in (0, 1))
    return Field((height, width), (step[0] * stride[0], step[1] * stride[1]))


def kept(graph: Graph, ops: Mapping[str, Op]) -> dict[str, int]:
    """Bytes a sample that wait for the backward pass, for every value that has some.

    The rule: a value is kept once, as float32, where the operation that made it needs its output to go back, or one
    that reads it needs its input (`Op.keeps`); beside the output stand indices and masks (`Op.keeps_bytes`).
    """
    shapes = shapes_of(graph)
    needed = {node.name for node in graph.nodes if "output" in ops[node.op].keeps}
    needed |= {name for node in graph.nodes if "input" in ops[node.op].keeps for name in node.inputs}
    found = {name: NUMBER * count(shape) for name, shape in shapes.items() if name in needed}
    for node in graph.nodes:
        if beside := ops[node.op].keeps_bytes:
            found[node.name] = found.get(node.name, 0) + beside * count(node.shape)
    return found
