"""Faults of shapes and joins, with the trace of sizes, the cause and the cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from specc.errors import Diagnostic, Edit, Fix, Label, Note, Path, Span
from specc.ir import Graph, Node
from specc.plugin import ShapeFault
from specc.shapes import Shape, show_shape
from specc.spec.faults import listed, nearest
from specc.spec.places import layer_path, name_span, pair_span

if TYPE_CHECKING:
    from specc.source import Document

_WINDOWS = ("conv2d", "maxpool2d", "avgpool2d")
_LONGEST = 12  # steps of a trace that are shown


def shape_fault(
    document: Document, fault: ShapeFault, node: Node, nodes: Mapping[str, Node], inputs: Mapping[str, Shape]
) -> Diagnostic:
    """The diagnostic for a layer whose shapes do not fit. `node` is the one that could not be made."""
    path = layer_path(document, node)
    span = name_span(document, node)
    if fault.argument and document.node((*path, fault.argument)) is not None:
        path = (*path, fault.argument)
        span = document.span(path)
    labels: list[Label] = []
    notes: list[Note] = []
    fixes: tuple[Fix, ...] = ()
    if fault.code == "S301":
        steps = trail(node, nodes)
        labels = _leaves(document, steps)
        notes = [Note("trace", trace(steps, node, inputs)), Note("help", _cures(document, steps, node, inputs))]
    elif fault.code == "S305":
        notes = [Note("rule", "layers.dense - needs a vector; `flatten` gives it in the order channels, height, width")]
        fixes = (_flatten(document, node),)
    notes += [Note("help", text) for text in fault.helps]
    return Diagnostic(
        fault.code,
        fault.message,
        span,
        path,
        fault.label,
        labels=(*labels, *document.labels(path)),
        notes=(*notes, Note("more", f"specc explain {fault.code}")),
        fixes=fixes,
    )


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


def _size(shape: Shape) -> str:
    return str(shape[1]) if shape[1] == shape[2] else f"{shape[1]}x{shape[2]}"


def _step(node: Node) -> str:
    if node.op == "conv2d":
        kernel = node.attrs["kernel"]
        return f"conv{kernel[0]}" if kernel[0] == kernel[1] else f"conv{kernel[0]}x{kernel[1]}"
    return "pool" if node.op in _WINDOWS else node.op


def trace(steps: list[Node], failing: Node, inputs: Mapping[str, Shape]) -> str:
    """`32 -conv5-> 28 -pool-> 14 -conv5-> 10 -pool-> 0`."""
    start = inputs.get(steps[0].inputs[-1] if steps else failing.inputs[-1], ())
    parts = [_size(start)] if len(start) == 3 else []
    parts += [f"-{_step(node)}-> {_size(node.shape)}" for node in steps if node.op in _WINDOWS]
    if len(parts) > _LONGEST:
        parts = [parts[0], "...", *parts[-_LONGEST + 2 :]]
    return " ".join([*parts, f"-{_step(failing)}-> 0"])


def _leaves(document: Document, steps: list[Node]) -> list[Label]:
    """A label at the layer that made the image so small."""
    for node in reversed(steps):
        if node.op in _WINDOWS:
            path = layer_path(document, node)
            key = "kernel" if node.op == "conv2d" else "size"
            there = document.node((*path, key)) is not None
            span = pair_span(document, (*path, key)) if there else name_span(document, node)
            return [Label(span, f"leaves {node.shape[1]}x{node.shape[2]}")]
    return []


def _needs(node: Node, axis: int, out: int) -> int:
    """Smallest length before an operation that leaves `out` after it."""
    if node.op not in _WINDOWS:
        return out
    dilation = node.attrs.get("dilation", (1, 1))[axis]
    taps: int = dilation * (node.attrs["kernel"][axis] - 1) + 1
    return max(1, (out - 1) * int(node.attrs["stride"][axis]) + taps - 2 * int(node.attrs["padding"][axis]))


def _cures(document: Document, steps: list[Node], failing: Node, inputs: Mapping[str, Shape]) -> str:
    cures = [f"remove line {name_span(document, failing).line}"]
    last = next((node for node in reversed(steps) if node.op in _WINDOWS), None)
    if last is not None and last.op == "conv2d" and last.attrs["padding"] == (0, 0):
        before = last.attrs["kernel"]
        kept = [last.shape[i + 1] + before[i] - 1 for i in (0, 1)]
        if before[0] % 2 and before[1] % 2 and all(kept[i] >= _needs(failing, i, 1) for i in (0, 1)):
            cures.append(f"add `padding: same` on line {name_span(document, last).line}")
    source = steps[0].inputs[-1] if steps else failing.inputs[-1]
    if source == "image" and document.node(("input", "size")) is not None:
        need = [1, 1]
        for node in [failing, *reversed(steps)]:
            need = [_needs(node, axis, need[axis]) for axis in (0, 1)]
        size = [max(need[axis], inputs[source][axis + 1]) for axis in (0, 1)]
        line = document.span(("input", "size")).line
        cures.append(f"use `size: [{size[0]}, {size[1]}]` or more on line {line}")
    return ", or ".join(cures)


def _flatten(document: Document, node: Node) -> Fix:
    """Puts `flatten` before a layer, where the layer's text is its own."""
    text = "put `flatten` before it"
    span = document.own_span(node.path)
    if span is None:
        return Fix(text, safe=True)
    lines = document.text.split("\n")
    before = lines[span.line - 1][: span.column - 1] if span.line <= len(lines) else ""
    here = Span(span.file, span.line, span.column, span.line, span.column)
    dash = re.fullmatch(r"(\s*)-(\s+)", before)
    if dash:
        return Fix(text, (Edit(here, f"flatten\n{before}"),), safe=True)
    if before.rstrip().endswith(("[", ",")):
        return Fix(text, (Edit(here, "flatten, "),), safe=True)
    return Fix(text, safe=True)


def unknown_id(document: Document, name: str, path: Path, known: Iterable[str]) -> Diagnostic:
    """A reference to an output that nothing before it has."""
    names = list(known)
    hits = nearest(name, names)
    own = document.own_span(path)
    edits = (Edit(own, hits[0]),) if hits and own is not None else ()
    return Diagnostic(
        "S309",
        f"nothing before this layer is called `{name}`",
        document.span(path),
        path,
        "unknown id",
        labels=document.labels(path),
        notes=(
            Note("note", f"known here: {listed(names)}"),
            Note("help", "give a layer above it an `id`"),
            Note("more", "specc explain S309"),
        ),
        fixes=(Fix(f"did you mean `{hits[0]}`?", edits),) if hits else (),
    )


def unknown_input(document: Document, path: Path, place: int, word: str, known: Iterable[str]) -> Diagnostic:
    """A network's `input` that the task does not give."""
    at = (*path, place) if document.node((*path, place)) is not None else path
    names = list(known)
    return Diagnostic(
        "S309",
        f"this task gives no network an input called `{word}`",
        document.span(at),
        at,
        "unknown input",
        notes=(Note("note", f"there are: {listed(names)}"), Note("more", "specc explain S309")),
        fixes=tuple(Fix(f"did you mean `{hit}`?") for hit in nearest(word, names)[:1]),
    )


def open_ends(document: Document, graph: Graph, path: Path) -> list[Diagnostic]:
    """Layers and inputs that no output depends on; one message for each open end."""
    needed = set(graph.outputs.values())
    used: set[str] = set()
    for node in reversed(graph.nodes):
        used.update(node.inputs)
        if node.name in needed:
            needed.update(node.inputs)
    faults = [
        Diagnostic(
            "S308",
            f"nothing uses what this `{node.layer}` gives ({show_shape(node.shape)})",
            name_span(document, node),
            node.path,
            "an open end",
            notes=(
                Note("why", "a path that leads nowhere is a slip: it costs time and changes nothing"),
                Note("help", "join it with `add` or `concat`, name it under `outputs`, or remove it"),
                Note("more", "specc explain S308"),
            ),
        )
        for node in graph.nodes
        if node.name not in needed and node.name not in used
    ]
    for name in graph.inputs:
        if name not in needed and not faults:
            faults.append(
                Diagnostic(
                    "S308",
                    f"nothing uses the network's input `{name}`",
                    document.key_span((*path, "input")),
                    (*path, "input"),
                    "no output depends on it",
                    notes=(Note("help", f"read it with `- from: {name}`, or take it out of `input`"),),
                )
            )
    return faults
