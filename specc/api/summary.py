"""What a study's networks are: a table of their layers, a diagram, and the spec with every default written out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path as FilePath
from typing import Any

from specc.api.program import check
from specc.cost import NUMBER, Field, fields, kept, shapes_of
from specc.ir import Graph, Node
from specc.run.faults import fault
from specc.run.folders import refuse_existing, replace
from specc.shapes import Shape, show_shape
from specc.study import Study

MIB = 2**20
HEADS = ("layer", "type", "output", "parameters", "multiply-adds", "sees", "MiB")
WORDS = 3  # columns of text; the others are numbers


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that training needs with images in batches of the spec's size, all numbers as float32.

    The rule: four bytes a weight, four for its gradient, four for each number that the optimizer keeps about it (Adam:
    two; SGD with momentum: one) and for a moving average (`ema`), and what waits for the backward pass (see
    `specc.cost.kept`) times the batch. What the libraries need for a moment beside it (gradients of activations, work
    space) is not counted.
    """

    weights: int = 0
    gradients: int = 0
    optimizer: int = 0
    activations: int = 0

    @property
    def total(self) -> int:
        """All four."""
        return self.weights + self.gradients + self.optimizer + self.activations

    def __add__(self, other: Memory) -> Memory:
        return Memory(
            self.weights + other.weights,
            self.gradients + other.gradients,
            self.optimizer + other.optimizer,
            self.activations + other.activations,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: `shape` has no batch axis; `field` is what a point of its output looks at, None for a vector."""

    network: str
    name: str
    type: str
    shape: Shape
    parameters: int
    multiply_adds: int
    field: Field | None
    memory: Memory

    def plain(self, several: bool) -> dict[str, Any]:
        """As one of the `layers` of `show --json`."""
        return {
            "name": self.name,
            "type": self.type,
            "output_shape": list(self.shape),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "receptive_field": None if self.field is None else list(self.field.pixels),
            "training_mib": _mib(self.memory.total),
            **({"network": self.network} if several else {}),
        }

    def cells(self) -> list[str]:
        """As a line of the table."""
        seen = "" if self.field is None else show_shape(self.field.pixels)
        numbers = [f"{n:,}" if n else "" for n in (self.parameters, self.multiply_adds)]
        return [self.name, self.type, show_shape(self.shape), *numbers, seen, _shown_mib(self.memory.total)]


@dataclass(frozen=True)
class Summary:
    """The layers of a study's networks, with sums. In a notebook: the diagram and the table."""

    study: Study
    rows: tuple[Row, ...]
    memory: Memory

    @property
    def parameters(self) -> int:
        """Of all networks."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """For one image through all networks."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def batch(self) -> int:
        """Images in a step of training."""
        return int(self.study.spec.train.batch_size)

    def svg(self) -> str:
        """The networks as a picture: SVG, with nothing beside it. The same spec gives the same bytes."""
        from specc.diagram import draw

        return draw(self.study)

    def resolved(self) -> str:
        """The spec as YAML with every default written out, and without variables, blocks and repeats."""
        from specc.resolved import resolved

        return resolved(self.study)

    def plain(self) -> dict[str, Any]:
        """As `show --json` prints it."""
        names = list(self.study.graphs)
        networks = {name: sum(row.parameters for row in self.rows if row.network == name) for name in names}
        memory = {
            part: _mib(getattr(self.memory, part)) for part in ("weights", "gradients", "optimizer", "activations")
        }
        return {
            "parameters": self.parameters,
            **({"networks": networks} if len(names) > 1 else {}),
            "layers": [row.plain(len(names) > 1) for row in self.rows],
            "multiply_adds": self.multiply_adds,
            "batch_size": self.batch,
            "training_mib": {**memory, "total": _mib(self.memory.total)},
        }

    def lines(self) -> list[str]:
        """As a table for a terminal."""
        cells = [list(HEADS)]
        for name, graph in self.study.graphs.items():
            title = f"[{name}]" if len(self.study.graphs) > 1 else ""
            cells += [
                [key, f"input {title}".rstrip(), show_shape(shape), *[""] * (len(HEADS) - WORDS)]
                for key, shape in graph.inputs.items()
            ]
            own = [row for row in self.rows if row.network == name]
            cells += [row.cells() for row in own]
            if len(self.study.graphs) > 1:
                cells.append(_sum_line(name, sum(r.parameters for r in own), sum(r.multiply_adds for r in own), None))
        cells.append(_sum_line("all", self.parameters, self.multiply_adds, self.memory))
        widths = [max(len(row[i]) for row in cells) for i in range(len(HEADS))]
        lines = ["  ".join(map(_aligned, row, widths, range(len(HEADS)))).rstrip() for row in cells]
        parts = (("weights", self.memory.weights), ("gradients", self.memory.gradients),
                 ("optimizer", self.memory.optimizer), ("activations", self.memory.activations))  # fmt: skip
        shown = " + ".join(f"{name} {_shown_mib(value) or 0}" for name, value in parts)
        images = f"{self.batch} image{'s' if self.batch > 1 else ''}"
        return [*lines, f"MiB: about what training needs with {images} in a step, float32: {shown}"]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return f"{self.svg()}<pre>{escape(str(self))}</pre>"


def show(spec: FilePath | str, *, settings: Iterable[str] = ()) -> Summary:
    """The networks of a spec. Raises SpeccError with every diagnostic of a bad one (images are not looked at).

    `settings` are overrides as `vars.w=16`.
    """
    return of(check(spec, data=False, settings=settings).require())


def of(study: Study) -> Summary:
    """The networks of a checked study."""
    rows: list[Row] = []
    whole = Memory()
    for graph in study.graphs.values():
        own = _rows(study, graph)
        waiting = kept(study.passed[graph.name], study.registry.ops)
        inputs = study.spec.train.batch_size * sum(waiting.get(name, 0) for name in graph.inputs)
        whole = sum((row.memory for row in own), whole + Memory(activations=inputs))
        rows += own
    return Summary(study, tuple(rows), whole)


def _rows(study: Study, graph: Graph) -> list[Row]:
    ops, shapes, seen = study.registry.ops, shapes_of(graph), fields(graph, study.registry.ops)
    waiting = kept(study.passed[graph.name], ops)
    last = {(node.path, node.layer): node.name for node in graph.nodes}
    moments = _moments(study, graph.name)
    rows = []
    for node in graph.nodes:
        inputs = tuple(shapes[name] for name in node.inputs)
        parameters = ops[node.op].parameters(node.attrs, inputs)
        bytes_ = NUMBER * parameters
        memory = Memory(bytes_, bytes_, moments * bytes_, study.spec.train.batch_size * waiting.get(node.name, 0))
        work = ops[node.op].multiply_adds(node.attrs, inputs)
        word = _word(node, last)
        rows.append(Row(graph.name, node.name, word, node.shape, parameters, work, seen[node.name], memory))
    return rows


def _word(node: Node, last: dict[tuple[Any, str], str]) -> str:
    """The spec's word for what a node does; the operation's own name for a helper, such as a shortcut's convolution."""
    return node.layer if node.layer and last[node.path, node.layer] == node.name else node.op


def _moments(study: Study, network: str) -> int:
    """Numbers that the optimizer keeps for each weight, and the moving average."""
    call = (study.spec.optimizer or {}).get(network)
    average = int(study.spec.train.ema is not None)
    return 0 if call is None else study.registry.optimizers[call.name].moments(call.args) + average


def _sum_line(name: str, parameters: int, work: int, memory: Memory | None) -> list[str]:
    return [name, "sum", "", f"{parameters:,}", f"{work:,}", "", "" if memory is None else _shown_mib(memory.total)]


def _aligned(cell: str, width: int, column: int) -> str:
    return f"{cell:<{width}}" if column < WORDS else f"{cell:>{width}}"


def _mib(size: int) -> float:
    return round(size / MIB, 4)


def _shown_mib(size: int) -> str:
    if not size:
        return ""
    return f"{size / MIB:,.0f}" if size >= 100 * MIB else f"{size / MIB:.1f}" if size >= MIB else f"{size / MIB:.2f}"


def write(file: FilePath, text: str, force: bool = False) -> None:
    """Write a text. Raises SpeccError T660 where something is there already (unless `force`), T659 without a folder."""
    refuse_existing(file, force)
    replace(file, text)


def write_svg(summary: Summary, file: FilePath, force: bool = False) -> None:
    """Write the diagram over an older one, over anything else only with `force`. Raises as `write` does."""
    old = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    write(file, summary.svg(), force or old.startswith("<svg "))


def write_schema(folder: FilePath) -> FilePath:
    """Write `.specc/schema.json` into a folder of specs: the language with the plugins that are enabled there.

    Raises SpeccError T659 where the folder cannot be written.
    """
    from specc.registry import enabled
    from specc.spec import json_schema

    file = folder / ".specc" / "schema.json"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, json.dumps(json_schema(enabled(folder.resolve())), indent=1) + "\n")
    except OSError as error:
        raise fault("T659", f"cannot write {file}: {error.strerror}", "choose another folder") from error
    return file
