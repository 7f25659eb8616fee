"""S215."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.spec.places import name_span
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: a convolution or dense layer with a bias, straight before batch normalisation.

    Why: batch normalisation subtracts the mean, and the bias with it. The bias learns nothing, and the parameter
    count differs from the published one.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 5}
            - batchnorm
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 5, bias: false}
            - batchnorm
            - flatten
            - dense: {units: 1, activation: sigmoid}

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.2.
    """
    faults = []
    told = set()
    for graph in study.graphs.values():
        nodes = {node.name: node for node in graph.nodes}
        for node in graph.nodes:
            before = nodes.get(node.inputs[0]) if node.op.startswith("batchnorm") else None
            if before is None or before.op not in _AFFINE or not before.attrs["bias"]:
                continue
            span = name_span(study.document, before)
            place = study.document.definition(before.path) or span
            if place in told:
                continue
            told.add(place)
            faults.append(
                fault(
                    study,
                    "S215",
                    f"the bias of this `{before.layer}` has no effect",
                    before.path,
                    "has a bias",
                    ("why", "batchnorm subtracts the mean, and the bias with it"),
                    ("help", f"write `bias: false` (saves {node.shape[0]:,} parameters)"),
                    span=span,
                    labels=(Label(name_span(study.document, node), "takes it away again"),),
                    severity="warning",
                )
            )
    return faults


_AFFINE = ("conv2d", "upconv2d", "linear")  # what comes out is a sum, and the bias a part of it

RULE = Rule("S215", "bias_before_batchnorm", check)
