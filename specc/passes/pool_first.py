"""Moves a max-pool before the monotone activation that it follows: the same numbers, a quarter of the work.

Why it is right: max(f(a), f(b)) = f(max(a, b)) where f never decreases. It is done only where nothing else reads the
activation's value. Gradients agree wherever the maximum of a window is unique.

>>> from specc.ir import Graph, Node, show
>>> pool = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "ceil": False}
>>> graph = Graph("network", {"image": (1, 4, 4)}, (Node("relu1", "relu", ("image",), {}, (1, 4, 4)),
...               Node("pool1", "maxpool2d", ("relu1",), pool, (1, 2, 2))), {"output": "pool1"})
>>> print(show(pool_first(graph)))
graph network
  input image : 1x4x4
  pool1 = maxpool2d(image) kernel=(2, 2) stride=(2, 2) padding=(0, 0) ceil=False : 1x2x2
  relu1 = relu(pool1) : 1x2x2
  output output = relu1
  activation none
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from specc.ir import Graph, Node
from specc.ops import OPS
from specc.plugin import Op


def pool_first(graph: Graph, ops: Mapping[str, Op] | None = None) -> Graph:
    """The graph with every such pair turned round; several activations before one pool, too."""
    table = {op.name: op for op in OPS} if ops is None else ops
    reads = Counter(source for node in graph.nodes for source in node.inputs)
    reads.update([*graph.outputs.values(), graph.code])
    nodes: list[Node] = []
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        node = replace(node, inputs=tuple(renamed.get(source, source) for source in node.inputs))
        first = len(nodes)
        while _moves(node) and first > 0 and _passes_on(nodes[first:], nodes[first - 1], node, reads, table):
            first -= 1
        moved = nodes[first:]
        if not moved:
            nodes.append(node)
            continue
        renamed[node.name] = moved[-1].name
        pool = replace(node, inputs=moved[0].inputs)
        moved[0] = replace(moved[0], inputs=(pool.name,))
        nodes[first:] = [pool, *(replace(activation, shape=pool.shape) for activation in moved)]
    outputs = {name: renamed.get(source, source) for name, source in graph.outputs.items()}
    return replace(graph, nodes=tuple(nodes), outputs=outputs, code=renamed.get(graph.code, graph.code))


def _moves(node: Node) -> bool:
    """Whether a node is a max-pool of which only the values count; after ReLU equal zeros have other indices."""
    return node.op == "maxpool2d" and "indices" not in node.attrs


def _passes_on(
    after: list[Node], activation: Node, pool: Node, reads: Mapping[str, int], table: Mapping[str, Op]
) -> bool:
    """Whether the activation's value goes to the pool, or to the activation before it, and nowhere else."""
    reader = after[0] if after else pool
    return (
        table[activation.op].monotone
        and len(activation.inputs) == 1
        and reader.inputs == (activation.name,)
        and reads[activation.name] == 1
    )
