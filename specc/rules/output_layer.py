"""S206."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.rules.table1 import RIGHT, ROW_TEXT, judge
from specc.shapes import show_shape
from specc.spec.places import layer_path, name_span
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: the network does not end in a dense layer (or a convolution with global pooling).

    Why: the answer needs weights of its own that turn features into one number per class or quantity. A network that
    ends in a map, or in something that only rearranges values, has no such layer.

    Bad:

        model:
          layers:
            - conv2d: {filters: 1, kernel: 3, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 8, kernel: 3, activation: relu}
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Wataya et al. 2020, Jpn J Radiol 38, Table 1.
    """
    judgement = judge(study)
    if judgement is None or judgement.code != "S206":
        return []
    graph = next(iter(study.graphs.values()))
    value = next(iter(graph.outputs.values()))
    if value in graph.inputs:
        place = study.key_span("model")
        return [fault(study, "S206", "the network has no output layer", ("model",), "computes nothing", span=place)]
    last = graph.node(value)
    node = judgement.head.node or last
    activation = RIGHT[judgement.form][0]
    cure = f"{{units: {judgement.neurons}{'' if activation == 'none' else f', activation: {activation}'}}}"
    flat = "" if len(last.shape) == 1 else "`flatten` and "
    return [
        fault(
            study,
            "S206",
            f"the network must end in a dense layer, and it ends in `{node.layer}`",
            layer_path(study.document, node),
            f"the answer would be {show_shape(last.shape)}",
            ("rule", ROW_TEXT[judgement.form]),
            ("help", f"end with {flat}`dense: {cure}`"),
            span=name_span(study.document, node),
        )
    ]


RULE = Rule("S206", "output_layer", check, ("classification", "regression"))
