"""S216."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import fault
from specc.spec.places import layer_path
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: dropout of everything (rate 1) or of nothing (rate 0).

    Why: the rate is the probability that a value becomes 0. At 1 no value is left, so nothing can be learned; at 0
    the layer does nothing. (Some libraries state the share that is kept: 0.8 there is 0.2 here.)

    Bad:

        model:
          layers:
            - flatten
            - dropout: {rate: 1.0}
            - dense: {units: 1, activation: sigmoid}

    Good:

        model:
          layers:
            - flatten
            - dropout: {rate: 0.5}
            - dense: {units: 1, activation: sigmoid}

    Source: Srivastava et al. 2014, JMLR 15:1929, section 4.
    """
    faults = []
    for graph in study.graphs.values():
        for node in graph.nodes:
            if node.op not in ("dropout", "spatial_dropout") or node.attrs["rate"] not in (0, 1):
                continue
            everything = node.attrs["rate"] == 1
            faults.append(
                fault(
                    study,
                    "S216",
                    "dropout with rate 1 leaves nothing" if everything else "dropout with rate 0 does nothing",
                    (*layer_path(study.document, node), "rate"),
                    "every value becomes 0" if everything else "no value becomes 0",
                    ("help", "the rate is the part that is dropped: 0.5 is usual before a dense layer"),
                    severity="error" if everything else "warning",
                )
            )
    return faults


RULE = Rule("S216", "dropout_rate", check)
