"""What rules share: how a network ends, and short ways to point at things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specc.errors import Diagnostic, Edit, Fix, Label, Note, NoteKind, Path, Severity, Span
from specc.ir import Graph, Node
from specc.source import Mapping_
from specc.spec.places import layer_path, name_span

if TYPE_CHECKING:
    from specc.plugin import Call
    from specc.study import Study

_TRANSPARENT = ("dropout", "spatial_dropout", "gaussian_noise", "flatten", "batchnorm2d", "batchnorm1d")


@dataclass(frozen=True, slots=True)
class Head:
    """How a network ends: its output layer, the activation after it, and how many numbers come out."""

    layer: str  # dense, pooled_conv or other
    node: Node | None  # the dense or convolutional layer
    activation: str  # none, or the operation's name
    activation_node: Node | None
    extra: Node | None  # an activation straight before the final one
    neurons: int


def head(study: Study, graph: Graph) -> Head:
    """Walks back from the (first) output to the layer whose weights make it."""
    nodes = {node.name: node for node in graph.nodes}
    activations = {name for name, layer in study.registry.layers.items() if layer.activation}
    value = next(iter(graph.outputs.values()))
    shape = graph.inputs[value] if value in graph.inputs else nodes[value].shape
    found: list[Node] = []
    pooled = False
    while value in nodes:
        node = nodes[value]
        if node.layer in activations and not pooled:
            found.append(node)
        elif node.op == "global_avgpool":
            pooled = True
        elif node.op not in _TRANSPARENT and node.layer not in activations:
            break
        value = node.inputs[0]
    last = nodes.get(value)
    layer = "other"
    if last is not None and last.op == "linear" and not pooled:
        layer = "dense"
    elif last is not None and last.op == "conv2d" and pooled:
        layer = "pooled_conv"
    first = found[0] if found else None
    return Head(layer, last, first.op if first else "none", first, found[1] if len(found) > 1 else None, shape[0])


def width_path(study: Study, node: Node) -> Path:
    """Path of the argument that says how many outputs a layer has; the layer itself where it has no such argument."""
    path = layer_path(study.document, node)
    for key in ("units", "filters"):
        if study.document.node((*path, key)) is not None:
            return (*path, key)
    return path


def width_span(study: Study, node: Node | None) -> Span:
    """Where the number of a layer's outputs is written."""
    if node is None:
        return study.span("model")
    path = width_path(study, node)
    return name_span(study.document, node) if path == layer_path(study.document, node) else study.at(path)


def call_span(study: Study, call: Call) -> Span:
    """Where the name of a loss, an optimizer or an edit stands."""
    node = study.document.node(call.path)
    named = isinstance(node, Mapping_) and call.name in node.items
    return study.document.key_span((*call.path, call.name)) if named else study.document.span(call.path)


def argument_path(study: Study, call: Call, key: str) -> Path:
    """Path of a call's argument."""
    node = study.document.node(call.path)
    named = isinstance(node, Mapping_) and call.name in node.items
    return (*call.path, call.name, key) if named else (*call.path, key)


def replace_text(study: Study, *changes: tuple[Path, str]) -> tuple[Edit, ...]:
    """Edits that put new text at paths; none at all where one of them is not the spec's own text."""
    edits = []
    for path, text in changes:
        span = study.document.own_span(path)
        if span is None:
            return ()
        edits.append(Edit(span, text))
    return tuple(edits)


Said = tuple[NoteKind, str]  # a note below a message: what it is, and its text


def fault(
    study: Study,
    code: str,
    message: str,
    path: Path,
    label: str,
    *notes: Said,
    span: Span | None = None,
    labels: Iterable[Label] = (),
    fixes: Iterable[Fix] = (),
    severity: Severity = "error",
) -> Diagnostic:
    """A diagnostic at a path of the spec that ends in `more: specc explain CODE`."""
    kinds = [Note(kind, text) for kind, text in notes]
    return Diagnostic(
        code,
        message,
        span or study.at(path),
        path,
        label,
        labels=(*labels, *study.document.labels(path)),
        notes=(*kinds, Note("more", f"specc explain {code}")),
        fixes=tuple(fixes),
        severity=severity,
    )


def plural(number: int, word: str, several: str = "") -> str:
    """`1 class`, `2 classes`."""
    return f"{number:,} {word if number == 1 else several or word + 's'}"


def values(study: Study, name: str) -> Any:
    """A part of the spec, or None where the task has none."""
    return getattr(study.spec, name, None)
