"""Which layers `freeze` means: those with an id, or inside of a block with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from specc.ir import Graph, Node
from specc.source import Mapping_, Scalar

if TYPE_CHECKING:
    from specc.study import Study


def frozen(study: Study, names: Iterable[str]) -> tuple[str, ...]:
    """Names of the modules that learn and belong to one of the ids, in the order of the network."""
    asked = list(names)
    chosen = {node.name for graph in study.graphs.values() for name in asked for node in named(study, graph, name)}
    return tuple(node.name for graph in study.passed.values() for node in graph.nodes if node.name in chosen)


def named(study: Study, graph: Graph, name: str) -> list[Node]:
    """The nodes with weights of the layer or block with an id; of a repeated one those of every turn."""
    found = [node for node in graph.nodes if name in _ids(study, node)]
    places = {study.document.span(node.path) for node in found if "." not in name}
    return [
        node
        for node in graph.nodes
        if (node in found or study.document.span(node.path) in places) and learns(study, graph, node)
    ]


def ids(study: Study, graph: Graph) -> list[str]:
    """Every id that `named` knows."""
    return list(dict.fromkeys(name for node in graph.nodes for name in _ids(study, node)))


def _ids(study: Study, node: Node) -> Iterator[str]:
    item = study.document.node(node.path)
    if item is None:
        return
    uses = [use for _, use in getattr(item, "within", ())]
    yield from (".".join(uses[: depth + 1]) for depth in range(len(uses)))
    inner = next(iter(item.items.values())).node if isinstance(item, Mapping_) and item.items else None
    own = inner.get("id") if isinstance(inner, Mapping_) else None
    if isinstance(own, Scalar):
        yield own.raw


def learns(study: Study, graph: Graph, node: Node) -> bool:
    """Whether a node has weights."""
    shapes = tuple(graph.shape_of(name) for name in node.inputs)
    return study.registry.ops[node.op].parameters(node.attrs, shapes) > 0
