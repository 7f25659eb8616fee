"""Places of layers and of what decides their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from specc.errors import Path, Span
from specc.ir import Node
from specc.source import Mapping_

if TYPE_CHECKING:
    from specc.source import Document


def name_span(document: Document, node: Node) -> Span:
    """Where the name of a node's layer stands."""
    path = layer_path(document, node)
    return document.key_span(path) if path != node.path else document.span(path)


def layer_path(document: Document, node: Node) -> Path:
    """Path of a node's layer, with its name where it has arguments."""
    return (*node.path, node.layer) if isinstance(document.node(node.path), Mapping_) else node.path


def origin(document: Document, nodes: Mapping[str, Node], value: str) -> Span:
    """Where the number of channels or neurons of a value is written."""
    while value in nodes:
        node = nodes[value]
        for key in ("filters", "units"):
            path = (*node.path, node.layer, key)
            if document.node(path) is not None:
                return pair_span(document, path)
        before = nodes.get(node.inputs[0])
        if len(node.inputs) != 1 or before is None or before.shape != node.shape:
            return name_span(document, node)
        value = node.inputs[0]
    return document.key_span(("input",))


def pair_span(document: Document, path: Path) -> Span:
    """`kernel: 5` as one stretch; the key alone where the value goes over several lines."""
    key, value = document.key_span(path), document.span(path)
    if key.file == value.file and key.line == value.line == value.end_line and key.column <= value.column:
        return Span(key.file, key.line, key.column, value.end_line, value.end_column)
    return key
