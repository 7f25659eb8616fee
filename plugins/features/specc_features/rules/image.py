"""S282, S283, S284, S288: the image that comes out, and the one that goes in."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from specc.errors import Diagnostic, Label
from specc.ir import Graph
from specc.rules.common import Said, call_span, width_span
from specc_features.losses import LOSSES
from specc_features.rules.common import (
    FINAL,
    RANGE,
    SCALES,
    end_of,
    final_of,
    graph_of,
    last_of,
    said,
)

if TYPE_CHECKING:
    from specc.study import Study


def check_form(study: Study) -> list[Diagnostic]:
    """What: the network does not give back an image of the input's form.

    Why: the output is compared with the input pixel by pixel. A stride of 2 halves a length and rounds up, so that the
    way back may miss by a pixel: 25 -> 13 -> 26.

    Bad:

        model:
          layers:
            - flatten
            - dense: {units: 16, id: code}
            - dense: {units: 1024, activation: sigmoid}

    Good:

        model:
          layers:
            - flatten
            - dense: {units: 16, id: code}
            - dense: {units: 1024, activation: sigmoid}
            - reshape: {to: [1, 32, 32]}
    """
    graph = study.graphs.get("network")
    if graph is None:
        return []
    if len(graph.outputs) != 1:
        return [
            said(
                study,
                "S282",
                "an autoencoder has one output",
                study.key_span("model", "outputs"),
                f"names {len(graph.outputs)}",
                ("help", "take `outputs` away: the last layer gives the image"),
            )
        ]
    wanted, node = next(iter(graph.inputs.values())), end_of(graph)
    if node is None or node.shape == wanted or graph.code in graph.outputs.values():
        return []  # the last: S281 speaks of it
    has, needs = ("x".join(map(str, shape)) for shape in (node.shape, wanted))
    if prod(node.shape) == prod(wanted):
        cure = f"`- reshape: {{to: [{', '.join(map(str, wanted))}]}}` as the last layer"
    elif len(node.shape) == 3 and node.shape[0] != wanted[0]:
        cure = f"give the last layer `filters: {wanted[0]}`: one for each channel of the image"
    elif len(node.shape) == 3 and min(node.shape[1:]) and all(a >= b for a, b in zip(node.shape, wanted, strict=True)):
        cure = "`- crop: {to: input}` as the last layer takes away what is too much"
    else:
        cure = "`padding: same` with the strides of the encoder in `upconv2d`, or another `output_padding`"
    trace: Said = ("note", f"on the way: {_trace(graph)}")
    return [
        said(
            study,
            "S282",
            f"the network gives {has}, and the image is {needs}",
            width_span(study, node),
            f"gives {has}",
            trace,
            ("help", cure),
        )
    ]


def _trace(graph: Graph) -> str:
    """`1x25x25 -conv2d-> 8x13x13 -dense-> 16`: where the shape changes."""
    value = next(iter(graph.inputs.values()))
    text, last = "x".join(map(str, value)), value
    for node in graph.nodes:
        if node.shape != last:
            text += f" -{node.layer or node.op}-> {'x'.join(map(str, node.shape))}"
            last = node.shape
    return text


def check_final(study: Study) -> list[Diagnostic]:
    """What: the final activation does not fit the scale of the images.

    Why: a sigmoid never leaves 0 to 1, and images on the scale `standardize` lie on both sides of 0: half of each image
    could not be given back.

    Bad:

        input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: standardize}

    Good:

        input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}
    """
    graph = graph_of(study)
    if graph is None:
        return []
    final, scale, node = final_of(study, graph), study.spec.input.scale, last_of(graph)
    if node is None or scale in SCALES.get(final, ()):
        return []
    right = FINAL.get(scale)
    help_ = f"`activation: {right}`, or none" if right else "take it away: such numbers have no limits"
    span = width_span(study, node)
    label = RANGE.get(final, "changes what can be given back")
    return [
        said(
            study,
            "S283",
            f"`{final}` at the end does not fit images on the scale {scale}",
            span,
            label,
            ("help", help_),
            labels=(Label(study.span("input", "scale"), "what must be given back"),),
        )
    ]


def check_loss(study: Study) -> list[Diagnostic]:
    """What: the loss does not compare images, or it does not fit the final activation.

    Why: binary cross entropy takes each pixel for a probability of white; without a sigmoid, or on a scale other than
    0..1, its numbers mean nothing.

    Bad:

        loss: categorical_cross_entropy

    Good:

        loss: binary_cross_entropy

    Source: Hinton and Salakhutdinov 2006, Science 313:504, supporting text.
    """
    graph, found = graph_of(study), []
    if graph is None:
        return []
    known, final = {loss.name: loss for loss in LOSSES}, final_of(study, graph)
    for call in (study.spec.loss or {}).get("network", ()):
        fits = known[call.name].fits if call.name in known else study.registry.losses[call.name].fits
        if call.name in known and (final in fits or final not in SCALES):
            continue  # another rule speaks of other activations
        own = study.registry.owners.get(("losses", call.name)) not in ("specc", None)
        if own and final in fits:
            continue  # a plugin's loss of images
        label = f"fits {' or '.join(fits)}" if call.name in known else "does not compare images"
        message = (
            f"`{call.name}` does not fit an autoencoder that ends in {final if final != 'none' else 'no activation'}"
        )
        found.append(
            said(
                study,
                "S284",
                message,
                call_span(study, call),
                label,
                ("help", "`loss: mean_squared_error`, whatever the scale"),
                ("help", "`loss: binary_cross_entropy` with `scale: 0..1` and a final sigmoid"),
            )
        )
    return found


def check_noise(study: Study) -> list[Diagnostic]:
    """What: `noise` has neither `sd` nor `mask`, or both.

    Why: one of them says what is done to the images that the encoder learns from.

    Bad:

        noise: {sd: 0.1, mask: 0.3}

    Good:

        noise: {sd: 0.1}

    Source: Vincent et al. 2010, JMLR 11:3371, section 3.5.
    """
    noise = study.spec.noise
    if noise is None or (noise.sd is None) != (noise.mask is None):
        return []
    has = "has neither" if noise.sd is None else "has both"
    return [
        said(
            study,
            "S288",
            "`noise` takes either `sd` or `mask`",
            study.key_span("noise"),
            has,
            ("help", "`noise: {sd: 0.1}` or `noise: {mask: 0.3}`"),
        )
    ]
