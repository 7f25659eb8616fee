"""What the rules of this plugin share: the two ends of an autoencoder, and its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.errors import Diagnostic, Label, Severity, Span
from specc.ir import Graph, Node
from specc.rules.common import Said, fault

if TYPE_CHECKING:
    from specc.study import Study

SCALES = {"sigmoid": ("0..1",), "tanh": ("-1..1",), "none": ("0..1", "-1..1", "standardize", "standardize_image")}
RANGE = {"sigmoid": "gives 0 to 1", "tanh": "gives -1 to 1", "relu": "gives nothing below 0, and does not learn there"}
FORMS = ("reshape", "flatten", "crop")
FINAL = {"0..1": "sigmoid", "-1..1": "tanh"}


def graph_of(study: Study) -> Graph | None:
    """The network, once it has shapes and one output."""
    graph = study.graphs.get("network")
    return graph if graph is not None and len(graph.outputs) == 1 else None


def end_of(graph: Graph) -> Node | None:
    """The operation that makes the only output of a network; None where it is an input."""
    (value,) = graph.outputs.values()
    return next((node for node in graph.nodes if node.name == value), None)


def last_of(graph: Graph) -> Node | None:
    """The last operation that changes numbers, not only their form."""
    node = end_of(graph)
    while node is not None and node.op in FORMS:
        node = next((other for other in graph.nodes if other.name == node.inputs[0]), None)
    return node


def final_of(study: Study, graph: Graph) -> str:
    """The activation that the network ends in."""
    node = last_of(graph)
    layer = study.registry.layers.get(node.layer) if node is not None else None
    return node.op if node is not None and layer is not None and layer.activation else "none"


def code_of(graph: Graph) -> Node | None:
    """The operation that makes the code; None where a network has none."""
    return next((node for node in graph.nodes if node.name == graph.code), None)


def id_span(study: Study, node: Node) -> Span:
    """Where `id: code` stands."""
    return study.key_span(*node.path, *((node.layer,) if node.layer else ()), "id")


def said(
    study: Study,
    code: str,
    message: str,
    span: Span,
    label: str,
    *notes: Said,
    severity: Severity = "error",
    labels: tuple[Label, ...] = (),
) -> Diagnostic:
    """A diagnostic of this plugin, with its page."""
    return fault(study, code, message, ("model",), label, *notes, span=span, severity=severity, labels=labels)
