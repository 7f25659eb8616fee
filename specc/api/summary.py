"""The layer table of a study: shapes, parameters, multiply-adds, receptive field, memory for training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specc.api.program import check
from specc.ir import Graph, Node
from specc.plugin import Op
from specc.shapes import Shape, count, show_shape
from specc.study import Study

COPIES = 4  # of every weight while training with Adam: itself, its gradient, two moments


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: `shape` has no batch axis; `field` is the receptive field (height, width) in pixels of the input."""

    network: str
    name: str
    type: str
    shape: Shape
    parameters: int
    multiply_adds: int
    field: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All rows, with sums. `memory` is an estimate in bytes for one training step of `batch` images."""

    inputs: dict[str, dict[str, Shape]]
    rows: tuple[Row, ...]
    batch: int

    @property
    def parameters(self) -> int:
        """Of all networks."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """For one image through all networks."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def memory(self) -> int:
        """Every output and its gradient in float32, and the weights with what Adam keeps."""
        return 4 * (2 * self.batch * sum(count(row.shape) for row in self.rows) + COPIES * self.parameters)

    def plain(self) -> dict[str, Any]:
        """As `show --json` prints it."""
        networks = {name: sum(row.parameters for row in self.rows if row.network == name) for name in self.inputs}
        layers = [
            {"name": row.name, "type": row.type, "output_shape": list(row.shape), "parameters": row.parameters}
            | ({"network": row.network} if len(networks) > 1 else {})
            for row in self.rows
        ]
        several = {"networks": networks} if len(networks) > 1 else {}
        return {"parameters": self.parameters, **several, "layers": layers, "multiply_adds": self.multiply_adds}

    def lines(self) -> list[str]:
        """As a table for a terminal."""
        cells = [["layer", "type", "output", "parameters", "multiply-adds", "sees"]]
        for name, shapes in self.inputs.items():
            title = f"[{name}]" if len(self.inputs) > 1 else ""
            cells += [[key, f"input {title}".rstrip(), show_shape(shape), "", "", ""] for key, shape in shapes.items()]
            cells += [
                [r.name, r.type, show_shape(r.shape), _count(r.parameters), _count(r.multiply_adds), _field(r.field)]
                for r in self.rows
                if r.network == name
            ]
        cells.append(["all", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", ""])
        widths = [max(len(row[i]) for row in cells) for i in range(6)]
        lines = [
            "  ".join(
                f"{cell:<{w}}" if i < 3 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        memory = f"about {self.memory / 2**20:,.0f} MiB for a training step of {self.batch} images in float32"
        return [line.rstrip() for line in lines] + [memory]


def summarize(spec: FilePath | str) -> Summary:
    """The layer table of a spec. Raises SpeccError when it has errors (images are not looked at)."""
    return of(check(spec, data=False).require())


def of(study: Study) -> Summary:
    """The layer table of a checked study."""
    rows = [row for graph in study.graphs.values() for row in _rows(graph, study.registry.ops)]
    inputs = {name: dict(graph.inputs) for name, graph in study.graphs.items()}
    return Summary(inputs, tuple(rows), study.spec.train.batch_size)


def _rows(graph: Graph, ops: Mapping[str, Op]) -> list[Row]:
    fields: dict[str, tuple[tuple[int, int], tuple[int, int]] | None] = {
        name: ((1, 1), (1, 1)) if len(shape) == 3 else None for name, shape in graph.inputs.items()
    }
    rows = []
    for node in graph.nodes:
        shapes = tuple(graph.shape_of(name) for name in node.inputs)
        op = ops[node.op]
        fields[node.name] = seen = _see(node, [fields[name] for name in node.inputs])
        parameters, work = op.parameters(node.attrs, shapes), op.multiply_adds(node.attrs, shapes)
        rows.append(Row(graph.name, node.name, node.op, node.shape, parameters, work, seen[0] if seen else None))
    return rows


def _see(
    node: Node, before: list[tuple[tuple[int, int], tuple[int, int]] | None]
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """(receptive field, distance of neighbours) after a node (Araujo et al., Distill 2019); None for a vector."""
    known = [item for item in before if item is not None]
    if not known or len(node.shape) != 3 or node.op.startswith("global"):
        return None
    field = tuple(max(item[0][i] for item in known) for i in (0, 1))
    jump = tuple(max(item[1][i] for item in known) for i in (0, 1))
    kernel, stride = node.attrs.get("kernel", (1, 1)), node.attrs.get("stride", (1, 1))
    dilation = node.attrs.get("dilation", (1, 1))
    kernel, stride, dilation = (v if isinstance(v, tuple) else (v, v) for v in (kernel, stride, dilation))
    height, width = (field[i] + dilation[i] * (kernel[i] - 1) * jump[i] for i in (0, 1))
    return (height, width), (jump[0] * stride[0], jump[1] * stride[1])


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _field(field: tuple[int, int] | None) -> str:
    return f"{field[0]}x{field[1]}" if field else ""
