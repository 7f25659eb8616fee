"""The way of an image's size through a network, to where nothing is left of it: the trace, the cause, the cure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specc.errors import Label
from specc.ir import Node
from specc.plugin import Op, ShapeFault
from specc.shapes import Shape
from specc.spec.places import layer_path, name_span, pair_span

if TYPE_CHECKING:
    from specc.source import Document

_LONGEST = 12  # steps of a trace that are shown
_LARGEST = 1 << 20  # no image has more rows or columns


def trail(node: Node, nodes: Mapping[str, Node]) -> list[Node]:
    """The nodes on the main path to a node, first one first; joins are followed along the current path."""
    found: list[Node] = []
    value = node.inputs[-1]
    while value in nodes:
        found.append(nodes[value])
        if not nodes[value].inputs:
            break
        value = nodes[value].inputs[-1]
    return found[::-1]


@dataclass(frozen=True)
class Trail:
    """`steps` lead to `failing`, whose input is too small; `nodes` and `inputs` know the shapes of what they read."""

    document: Document
    failing: Node
    steps: list[Node]
    nodes: Mapping[str, Node]
    inputs: Mapping[str, Shape]
    ops: Mapping[str, Op]

    def before(self, node: Node) -> Shape:
        """Shape of what a node reads on the main path."""
        source = node.inputs[-1]
        return self.inputs[source] if source in self.inputs else self.nodes[source].shape

    def sizing(self) -> list[Node]:
        """The steps that slide over an image or change its size."""
        return [
            node
            for node in self.steps
            if len(node.shape) == 3 and ("kernel" in node.attrs or node.shape[1:] != self.before(node)[1:])
        ]

    def trace(self) -> str:
        """`32 -conv5-> 28 -pool-> 14 -conv5-> 10 -pool-> 0`."""
        start = self.before(self.steps[0] if self.steps else self.failing)
        parts = [_size(start)] if len(start) == 3 else []
        parts += [f"-{self._name(node)}-> {_size(node.shape)}" for node in self.sizing()]
        if len(parts) > _LONGEST:
            parts = [parts[0], "...", *parts[-_LONGEST + 2 :]]
        return " ".join([*parts, f"-{self._name(self.failing)}-> 0"])

    def _name(self, node: Node) -> str:
        """`conv5`, `conv5x3`, `pool`."""
        op = self.ops[node.op]
        kernel = node.attrs.get("kernel") if op.weights else None
        size = "" if kernel is None else str(kernel[0]) if kernel[0] == kernel[1] else f"{kernel[0]}x{kernel[1]}"
        return f"{op.stem or op.name}{size}"

    def leaves(self) -> list[Label]:
        """A label at the layer that made the image so small."""
        for node in reversed(self.sizing()):
            path = layer_path(self.document, node)
            keys = [key for key in ("kernel", "size", "to") if self.document.node((*path, key)) is not None]
            span = pair_span(self.document, (*path, keys[0])) if keys else name_span(self.document, node)
            return [Label(span, f"leaves {node.shape[1]}x{node.shape[2]}")]
        return []

    def cures(self) -> str:
        """What would leave enough: a layer less, `padding: same`, or a larger input."""
        cures = [f"remove line {name_span(self.document, self.failing).line}"]
        sizing = self.sizing()
        if sizing and self._would_keep(sizing[-1]):
            cures.append(f"add `padding: same` on line {name_span(self.document, sizing[-1]).line}")
        source = self.steps[0].inputs[-1] if self.steps else self.failing.inputs[-1]
        if source == "image" and self.document.node(("input", "size")) is not None:
            need = (1, 1)
            for node in [self.failing, *reversed(self.steps)]:
                need = (self._needs(node, 0, need[0]), self._needs(node, 1, need[1]))
            if max(need) < _LARGEST:
                size = [max(need[axis], self.inputs[source][axis + 1]) for axis in (0, 1)]
                line = self.document.span(("input", "size")).line
                cures.append(f"use `size: [{size[0]}, {size[1]}]` or more on line {line}")
        return ", or ".join(cures)

    def _would_keep(self, node: Node) -> bool:
        """Whether `padding: same` on the last convolution would leave enough."""
        before, kernel = self.before(node), node.attrs.get("kernel", (2, 2))
        shrinks = node.attrs.get("padding") == (0, 0) and node.shape[1] < before[1] and node.shape[2] < before[2]
        if not self.ops[node.op].weights or not shrinks or kernel[0] % 2 == 0 or kernel[1] % 2 == 0:
            return False
        kept = [node.shape[i + 1] + kernel[i] - 1 for i in (0, 1)]
        return all(kept[i] >= self._needs(self.failing, i, 1) for i in (0, 1))

    def _needs(self, node: Node, axis: int, out: int) -> int:
        """Smallest length before an operation that leaves `out` after it."""
        before = self.before(node)
        if len(node.inputs) != 1 or len(before) != 3:
            return out
        low, high = 1, _LARGEST
        while low < high:
            middle = (low + high) // 2
            if self._leaves(node, before, axis, middle) >= out:
                high = middle
            else:
                low = middle + 1
        return low

    def _leaves(self, node: Node, before: Shape, axis: int, length: int) -> int:
        """Length after an operation of an image that is `length` long on one axis and long enough on the other."""
        size = (length, _LARGEST) if axis == 0 else (_LARGEST, length)
        try:
            return self.ops[node.op].infer(node.attrs, ((before[0], *size),))[axis + 1]
        except ShapeFault:
            return 0


def _size(shape: Shape) -> str:
    return str(shape[1]) if shape[1] == shape[2] else f"{shape[1]}x{shape[2]}"
