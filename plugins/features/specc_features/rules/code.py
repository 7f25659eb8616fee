"""S280, S281, S285, S286, S287: the code."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from specc.errors import Diagnostic, Label
from specc.ir import decoder
from specc.rules.common import Said, width_span
from specc_features.rules.common import (
    code_of,
    graph_of,
    id_span,
    said,
)

if TYPE_CHECKING:
    from specc.study import Study


def check_code(study: Study) -> list[Diagnostic]:
    """What: no layer has the id `code`.

    Why: the code is what the whole network is for: few numbers between an encoder and a decoder. specc exports them,
    and must know which layer gives them.

    Bad:

        model:
          layers:
            - flatten
            - dense: {units: 16}
            - dense: {units: 1024, activation: sigmoid}
            - reshape: {to: [1, 32, 32]}

    Good:

        model:
          layers:
            - flatten
            - dense: {units: 16, id: code}
            - dense: {units: 1024, activation: sigmoid}
            - reshape: {to: [1, 32, 32]}

    Source: Hinton and Salakhutdinov 2006, Science 313:504, Fig. 1.
    """
    graph = study.graphs.get("network")
    if graph is None or graph.code:
        return []
    ways = [node for node in graph.nodes if decoder(replace(graph, code=node.name)) is not None]
    least = min(ways, key=lambda node: prod(node.shape), default=None)
    help_ = "name the narrowest layer: `id: code`"
    labels = () if least is None else (Label(width_span(study, least), f"{prod(least.shape):,} numbers: the fewest"),)
    notes: tuple[Said, ...] = (("why", "the code is what is exported and compared"), ("help", help_))
    return [
        said(
            study,
            "S280",
            "no layer is named as the code",
            study.key_span("model"),
            "needs a layer with `id: code`",
            *notes,
            labels=labels,
        )
    ]


def check_bypass(study: Study) -> list[Diagnostic]:
    """What: something goes past the code to the output, or nothing comes after the code.

    Why: a connection from the encoder to the decoder carries the image around the code. The reconstruction would be
    good, and the code would mean nothing.

    Bad:

        model:
          layers:
            - conv2d: {filters: 4, kernel: 3, padding: same, id: wide}
            - conv2d: {filters: 1, kernel: 3, stride: 4, padding: same, id: code}
            - upconv2d: {filters: 4, kernel: 4, stride: 4}
            - add: {with: wide}
            - conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}

    Good:

        model:
          layers:
            - conv2d: {filters: 4, kernel: 3, padding: same}
            - conv2d: {filters: 1, kernel: 3, stride: 4, padding: same, id: code}
            - upconv2d: {filters: 4, kernel: 4, stride: 4}
            - conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}
    """
    graph = graph_of(study)
    code = code_of(graph) if graph is not None else None
    if graph is None or code is None or decoder(graph) is not None:
        return []
    if graph.code in graph.outputs.values():
        cure = "put the layers of a decoder after it, up to the form of the image"
        return [
            said(
                study,
                "S281",
                "nothing comes after the code",
                id_span(study, code),
                "is the last layer",
                ("help", cure),
            )
        ]
    cure = "let every path go through the code: take the `add`, `concat`, `unpool` or `from` away that goes around it"
    why = "the image would go around the code, and the code would mean nothing"
    message = "the output is made from more than the code"
    return [
        said(study, "S281", message, id_span(study, code), "does not carry everything", ("why", why), ("help", cure))
    ]


def check_width(study: Study) -> list[Diagnostic]:
    """What: the code is not narrower than the image, or another layer is narrower than the code.

    Why: a code as wide as the image can be a copy of it, and says nothing about it. Where another layer is narrower,
    the code holds no more than that layer does. (A warning; a sparse code may be wide on purpose.)

    Bad:

        model:
          layers:
            - flatten
            - dense: {units: 2000, id: code}
            - dense: {units: 1024, activation: sigmoid}
            - reshape: {to: [1, 32, 32]}

    Good:

        model:
          layers:
            - flatten
            - dense: {units: 32, id: code}
            - dense: {units: 1024, activation: sigmoid}
            - reshape: {to: [1, 32, 32]}
    """
    graph = graph_of(study)
    code = code_of(graph) if graph is not None else None
    if graph is None or code is None or decoder(graph) is None:
        return []
    size, whole = prod(code.shape), prod(next(iter(graph.inputs.values())))
    if size >= whole and not study.spec.sparsity:
        message = f"the code has {size:,} numbers, and the image has {whole:,}"
        few: Said = ("help", "fewer numbers: 32 are a good start")
        held: Said = ("help", "or hold a wide code down: `sparsity: {weight: 0.001}`")
        span = width_span(study, code)
        return [said(study, "S285", message, span, "is no bottleneck", few, held, severity="warning")]
    narrow = [node for node in graph.nodes if prod(node.shape) < size]
    through = [node for node in narrow if decoder(replace(graph, code=node.name)) is not None]
    if not through:
        return []
    node = min(through, key=lambda node: prod(node.shape))
    message = f"the code has {size:,} numbers, and another layer has only {prod(node.shape):,}"
    return [
        said(
            study,
            "S285",
            message,
            width_span(study, code),
            "is not the narrowest layer",
            ("help", "give `id: code` to the narrowest layer, or make the other one wider"),
            severity="warning",
            labels=(Label(width_span(study, node), f"{prod(node.shape):,} numbers"),),
        )
    ]


def check_gaussian(study: Study) -> list[Diagnostic]:
    """What: `variational` and the layer `gaussian` are not together.

    Why: a variational autoencoder learns a mean and a variance for each number of the code; `gaussian` gives both.
    Without `variational` its variances would learn nothing.

    Bad:

        variational: {beta: 1}

    Good:

        variational: {beta: 1}
        model:
          layers:
            - flatten
            - gaussian: {units: 16, id: code}
            - dense: {units: 1024, activation: sigmoid}
            - reshape: {to: [1, 32, 32]}

    Source: Kingma and Welling 2014, arXiv:1312.6114, section 3.
    """
    graph = graph_of(study)
    code = code_of(graph) if graph is not None else None
    if graph is None or code is None:
        return []
    made = [node for node in graph.nodes if node.op == "gaussian_mean"]
    if study.spec.variational and code.op != "gaussian_mean":
        message = "`variational` needs a code with a mean and a variance for each number"
        cure = f"`gaussian: {{units: {prod(code.shape)}, id: code}}` in its place"
        return [
            said(
                study,
                "S286",
                message,
                width_span(study, code),
                "gives one number each",
                ("help", cure),
                labels=(Label(study.key_span("variational"), "asked for here"),),
            )
        ]
    wrong = next((node for node in made if node is not code or not study.spec.variational), None)
    if wrong is None:
        return []
    message = "`gaussian` stands for the code of a variational autoencoder"
    cure = "add `variational: {beta: 1}`, or take `dense` instead" if wrong is code else "take `dense` instead"
    return [said(study, "S286", message, width_span(study, wrong), "its variances would learn nothing", ("help", cure))]


def check_sparse(study: Study) -> list[Diagnostic]:
    """What: `sparsity: {kind: kl}` on a code that does not end in a sigmoid.

    Why: the divergence is that of probabilities: how often a number of the code is active. Only numbers between 0 and
    1 can be read so.

    Bad:

        sparsity: {weight: 0.001, kind: kl}

    Good:

        sparsity: {weight: 0.001, kind: l1}

    Source: Ng 2011, CS294A lecture notes, section 3.
    """
    graph, sparsity = graph_of(study), study.spec.sparsity
    code = code_of(graph) if graph is not None else None
    if code is None or sparsity is None or sparsity.kind != "kl" or code.op == "sigmoid":
        return []
    cure = "give the code `activation: sigmoid`, or take `kind: l1`"
    return [
        said(
            study,
            "S287",
            "`kind: kl` needs a code of numbers between 0 and 1",
            study.span("sparsity", "kind"),
            "reads them as probabilities",
            ("help", cure),
            labels=(Label(width_span(study, code), "gives other numbers, too"),),
        )
    ]
