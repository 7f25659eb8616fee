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
_FORMS = ("flatten", "reshape", "crop")  # they move numbers and change none


def head_on_logits(graph: Graph, ops: Mapping[str, Op] | None = None) -> Graph:
    """The graph without its final sigmoid or softmax; as it was where it has several outputs or none to take off.

    A sigmoid is also taken off where only its values' form changes after it, as in a vector that becomes an image.
    """
    if len(graph.outputs) != 1 or not graph.nodes:
        return graph
    (name, source), place = next(iter(graph.outputs.items())), len(graph.nodes) - 1
    while place and graph.nodes[place].op in _FORMS and graph.nodes[place].inputs == (graph.nodes[place - 1].name,):
        place -= 1
    last, after = graph.nodes[place], graph.nodes[place + 1 :]
    if graph.nodes[-1].name != source or last.op not in _HEADS or last.inputs[0] in graph.inputs:
        return graph
    if after and (last.op != "sigmoid" or graph.code == last.name):
        return graph
    code = "" if graph.code == last.name else graph.code  # the answer itself is no code
    if after:
        after = (replace(after[0], inputs=last.inputs), *after[1:])
        return replace(graph, nodes=(*graph.nodes[:place], *after), activation=last.op)
    return replace(graph, nodes=graph.nodes[:-1], outputs={name: last.inputs[0]}, activation=last.op, code=code)
