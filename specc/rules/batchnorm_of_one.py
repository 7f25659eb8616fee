"""S214."""

from __future__ import annotations

from specc.errors import Diagnostic, Label
from specc.plugin import Rule
from specc.rules.common import fault
from specc.spec.places import name_span
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: batch normalisation with one image a batch.

    Why: it subtracts the mean of the batch, and the mean of one image is the image itself: a vector becomes zero and
    training stops; a map loses its brightness, and the running statistics are noise.

    Bad:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 5, bias: false}
            - batchnorm
            - flatten
            - dense: {units: 1, activation: sigmoid}
        train: {epochs: 20, batch_size: 1}

    Good:

        model:
          layers:
            - conv2d: {filters: 6, kernel: 5, bias: false}
            - batchnorm
            - flatten
            - dense: {units: 1, activation: sigmoid}
        train: {epochs: 20, batch_size: 16}

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3; Wu and He 2018, arXiv:1803.08494, Fig. 1.
    """
    if study.spec.train is None or study.spec.train.batch_size > 1:
        return []
    for graph in study.graphs.values():
        for node in graph.nodes:
            if node.op.startswith("batchnorm"):
                return [
                    fault(
                        study,
                        "S214",
                        "batch normalisation cannot work with one image a batch",
                        ("train", "batch_size"),
                        "1 image a batch",
                        ("why", "it subtracts the mean of the batch, and the mean of one image is the image itself"),
                        ("help", "use 8 images a batch or more, or take `batchnorm` out"),
                        labels=(Label(name_span(study.document, node), "normalises over the batch"),),
                    )
                ]
    return []


RULE = Rule("S214", "batchnorm_of_one", check)
