"""What a spec settles about sizes: which image goes into the network, and what the network makes of its size.

The network is run through the shapes of its operations at other sizes, so that a size that is written into a layer, or
an odd row that a stride loses, is seen before anything is trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from specc.plugin import Op, ShapeFault

if TYPE_CHECKING:
    from specc.ir import Graph
    from specc.shapes import Shape
    from specc.study import Study

MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a network does to height and width: n -> `step` * n - `lost`, if n is a multiple of `multiple`."""

    step: int
    lost: int
    multiple: int

    @property
    def margin(self) -> int | None:
        """Pixels of its input that the network takes off each side; None where both sides are not alike."""
        whole = self.lost >= 0 and self.lost % (2 * self.step) == 0
        return self.lost // (2 * self.step) if whole else None


def channels(study: Study) -> str:
    """What comes out: mono, rgb or luma."""
    output, inputs = study.spec.output, study.spec.input
    return str(output.channels or inputs.channels)


def small(study: Study) -> tuple[int, int]:
    """Height and width of the image that is to be restored."""
    height, width = study.spec.input.size
    factor = study.spec.output.factor if study.spec.degrade else 1
    return max(1, height // factor), max(1, width // factor)


def network_input(study: Study) -> dict[str, Shape]:
    """What the network gets as `image`: luma has one channel, and bicubic enlarging comes before the network."""
    enlarged = study.spec.output.factor if study.spec.output.enlarge == "bicubic" else 1
    height, width = small(study)
    count = {"mono": 1, "luma": 1, "rgb": 3}.get(channels(study), len(study.spec.input.channels))
    return {"image": (count, enlarged * height, enlarged * width)}


def step(study: Study) -> int:
    """How many times as large as its input the network's output is to be."""
    return 1 if study.spec.output.enlarge == "bicubic" else int(study.spec.output.factor)


def shape_at(graph: Graph, ops: Mapping[str, Op], size: tuple[int, int]) -> Shape:
    """What the network gives for an image of another size. Raises ShapeFault."""
    known: dict[str, Shape] = {name: (shape[0], *size) for name, shape in graph.inputs.items()}
    for node in graph.nodes:
        attrs: Mapping[str, Any] = node.attrs
        known[node.name] = ops[node.op].infer(attrs, tuple(known[name] for name in node.inputs))
    return known[next(iter(graph.outputs.values()))]


def sizes(graph: Graph, ops: Mapping[str, Op]) -> Sizes | None:
    """What the network does to sizes; None where that is no fixed factor and loss."""
    for multiple in MULTIPLES:
        found = _regular(graph, ops, multiple)
        if found is not None:
            return found
    return None


def _regular(graph: Graph, ops: Mapping[str, Op], multiple: int) -> Sizes | None:
    first = multiple * -(-96 // multiple)
    tried = ((first, first), (first + multiple, first), (first, first + 2 * multiple), (first + 5 * multiple,) * 2)
    known = []
    for size in tried:
        try:
            shape = shape_at(graph, ops, size)
        except ShapeFault:
            return None
        if len(shape) != 3:
            return None
        known += list(zip(size, shape[1:], strict=True))
    (low, out), (high, far) = known[0], known[-1]
    if (far - out) % (high - low) or far <= out:
        return None
    factor = (far - out) // (high - low)
    lost = factor * low - out
    return Sizes(factor, lost, multiple) if all(factor * n - m == lost for n, m in known) else None


def reach(graph: Graph, ops: Mapping[str, Op]) -> int | None:
    """How many pixels of its input an output pixel looks at to each side; None where that depends on the size."""
    near, far = (_field(graph, ops, size) for size in (128, 256))
    return near if near == far else None


def _field(graph: Graph, ops: Mapping[str, Op], size: int) -> int:
    """Half of the widest receptive field (Araujo et al. 2019, Distill, doi:10.23915/distill.00021), for one size."""
    shapes: dict[str, Shape] = {name: (shape[0], size, size) for name, shape in graph.inputs.items()}
    fields: dict[str, tuple[Fraction, Fraction]] = dict.fromkeys(graph.inputs, (Fraction(1), Fraction(1)))
    for node in graph.nodes:
        inputs = tuple(shapes[name] for name in node.inputs)
        shapes[node.name] = ops[node.op].infer(node.attrs, inputs)
        window, stride = ops[node.op].reach(node.attrs, inputs, shapes[node.name])
        step = max(fields[name][1] for name in node.inputs)
        width = max(fields[name][0] for name in node.inputs) + (max(window) - 1) * step
        fields[node.name] = (width, step * max(stride))
    return math.ceil((max(width for width, _ in fields.values()) - 1) / 2) + 1
