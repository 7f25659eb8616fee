"""Faults of shapes and joins, with the trace of sizes, the cause and the cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from specc.errors import Diagnostic, Edit, Fix, Label, Note, Path, Span
from specc.ir import Graph, Node
from specc.lower.trail import Trail, trail
from specc.plugin import Call, Op, ShapeFault
from specc.shapes import Shape, show_shape
from specc.spec.faults import listed, nearest
from specc.spec.places import layer_path, name_span

if TYPE_CHECKING:
    from specc.registry import Registry
    from specc.source import Document


def shape_fault(
    document: Document,
    fault: ShapeFault,
    node: Node,
    nodes: Mapping[str, Node],
    inputs: Mapping[str, Shape],
    ops: Mapping[str, Op],
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
        way = Trail(document, node, trail(node, nodes), nodes, inputs, ops)
        labels = way.leaves()
        notes = [Note("trace", way.trace()), Note("help", way.cures())]
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


def unfit_initial(document: Document, registry: Registry, call: Call, where: str) -> Diagnostic:
    """Initial values that do not exist for what they are to fill."""
    record = registry.initializers[call.name]
    words = " or ".join(f"`{name}`" for name in record.ops)
    return Diagnostic(
        "S316",
        f"`init: {call.name}` is for {words}, and stands at {where}",
        document.span(call.path),
        call.path,
        f"only {words} can start like this",
        labels=document.labels(call.path),
        notes=(
            Note(
                "help",
                f"write it on the layer itself: `init: {call.name}`"
                if where == "every layer"
                else "take it away, or choose another",
            ),
            Note("more", "specc explain S316"),
        ),
    )


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
