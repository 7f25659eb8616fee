"""Takes the final sigmoid or softmax off a network, so that training computes cross entropy on logits.

Why: log(sigmoid(z)) and log(softmax(z)) overflow or lose digits where the two steps are apart; together they do not.
The Deploy module puts the activation back (`Graph.activation`), so the exported model ends as the spec says.

>>> from specc.ir import Graph, Node, show
>>> dense = Node("dense1", "linear", ("image",), {"units": 1, "bias": True}, (1,))
>>> graph = Graph("network", {"image": (4,)}, (dense, Node("sigmoid1", "sigmoid", ("dense1",), {}, (1,))),
...               {"output": "sigmoid1"})
>>> print(show(head_on_logits(graph)))
graph network
  input image : 4
  dense1 = linear(image) units=1 bias=True : 1
  output output = dense1
  activation sigmoid
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from specc.ir import Graph
from specc.plugin import Op

_HEADS = ("sigmoid", "softmax")


def head_on_logits(graph: Graph, ops: Mapping[str, Op] | None = None) -> Graph:
    """The graph without its final sigmoid or softmax; as it was where it has several outputs or none to take off."""
    if len(graph.outputs) != 1 or not graph.nodes:
        return graph
    (name, source), last = next(iter(graph.outputs.items())), graph.nodes[-1]
    if last.name != source or last.op not in _HEADS or last.inputs[0] in graph.inputs:
        return graph
    return replace(graph, nodes=graph.nodes[:-1], outputs={name: last.inputs[0]}, activation=last.op)
