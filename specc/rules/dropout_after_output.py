"""S217."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault, head
from specc.spec.places import name_span
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: dropout after the output layer.

    Why: it would set answers to 0 at random while they are being compared with the truth, and the loss would punish
    the network for it. Dropout belongs before the last dense layer.

    Bad:

        model:
          layers:
            - flatten
            - dense: {units: 1, activation: sigmoid}
            - dropout: {rate: 0.5}

    Good:

        model:
          layers:
            - flatten
            - dropout: {rate: 0.5}
            - dense: {units: 1, activation: sigmoid}

    Source: Srivastava et al. 2014, JMLR 15:1929, section 4.
    """
    if len(study.graphs) != 1:
        return []
    graph = next(iter(study.graphs.values()))
    found = head(study, graph)
    nodes = {node.name: node for node in graph.nodes}
    value = next(iter(graph.outputs.values()))
    while value in nodes and nodes[value] is not found.node:
        node = nodes[value]
        if node.op == "dropout" and found.layer == "dense" and found.node is not None:
            return [
                fault(
                    study,
                    "S217",
                    "dropout after the output layer",
                    node.path,
                    "sets answers to 0 at random",
                    ("why", "the loss would punish the network for answers that chance took away"),
                    ("help", "put it before the last dense layer"),
                    span=name_span(study.document, node),
                    labels=(Label(name_span(study.document, found.node), "the output layer"),),
                )
            ]
        value = node.inputs[0]
    return []


RULE = Rule("S217", "dropout_after_output", check, ("classification", "regression"))
