"""S276 to S279: what the network makes of an image, and the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import call_span, fault, head, plural, width_span
from specc_superres import sizes
from specc_superres.losses import CHARBONNIER, OF_IMAGES
from specc_superres.rules.images import TASKS

if TYPE_CHECKING:
    from specc.study import Study

LOSSES = (*(loss.name for loss in OF_IMAGES), CHARBONNIER.name)


def filters(study: Study) -> list[Diagnostic]:
    """What: the network gives more or fewer channels than are to come out.

    Why: each channel of the answer is compared with the same channel of the truth: one for `mono` and `luma`, three for
    `rgb`. Before a `pixel_shuffle` it takes factor * factor times as many.

    Bad:

        task: super_resolution
        output: {factor: 2}
        model:
          layers:
            - conv2d: {filters: 8, kernel: 3, padding: same}
            - pixel_shuffle: {factor: 2}

    Good:

        task: super_resolution
        output: {factor: 2}
        model:
          layers:
            - conv2d: {filters: 4, kernel: 3, padding: same}
            - pixel_shuffle: {factor: 2}
    """
    graph = study.graphs.get("network")
    if graph is None:
        return []
    shape, wanted = graph.shape_of(next(iter(graph.outputs.values()))), sizes.network_input(study)["image"][0]
    if len(shape) != 3 or shape[0] == wanted:
        return []
    message = f"the network gives {plural(shape[0], 'channel')}, and {wanted} are to come out"
    label = f"must give {wanted}, as `{sizes.channels(study)}`"
    cure = f"`filters: {wanted}` in the last convolution, or {wanted} * factor * factor before a `pixel_shuffle`"
    found = head(study, graph)
    return [fault(study, "S276", message, ("model",), label, ("help", cure), span=width_span(study, found.node))]


def lengths(study: Study) -> list[Diagnostic]:
    """What: the network does not make an image of `factor` times the size, or only of one size.

    Why: what comes out is laid over the truth pixel by pixel. A network may take the same number of pixels off each
    side (convolutions without padding), which is cut off the truth; and it must do so for images of any size, since the
    exported model takes them. Layers like `flatten` or `crop: {to: [h, w]}` hold it to one.

    Bad:

        task: super_resolution
        output: {factor: 2}
        model:
          layers:
            - conv2d: {filters: 1, kernel: 3, padding: same}

    Good:

        task: super_resolution
        output: {factor: 2, enlarge: bicubic}
        model:
          layers:
            - conv2d: {filters: 1, kernel: 3, padding: same}
    """
    graph = study.graphs.get("network")
    if graph is None:
        return []
    found, wanted = sizes.sizes(graph, study.registry.ops), sizes.step(study)
    why = "the answer is laid over the truth pixel by pixel, whatever the size of the image"
    if found is None:
        message = "this network does not make an image of any image"
        cure = "take convolutions, pools that are undone, `pixel_shuffle` or `upconv2d`, and no layer that holds a size"
        return [fault(study, "S277", message, ("model",), "no fixed factor", ("why", why), ("help", cure))]
    if found.step != wanted:
        message = f"the network makes images {found.step} times as large, and {wanted} is wanted"
        cure = "`pixel_shuffle: {factor: F}` after a convolution enlarges; `output: {enlarge: bicubic}` does it before"
        return [fault(study, "S277", message, ("model",), f"must be {wanted} times", ("why", why), ("help", cure))]
    if found.margin is None:
        lost = plural(abs(found.lost), "row")
        message = f"the network {'takes off' if found.lost > 0 else 'adds'} {lost}, which two sides cannot share"
        cure = "take odd kernels with `padding: same`, or without padding throughout"
        return [fault(study, "S277", message, ("model",), "unequal sides", ("why", why), ("help", cure))]
    height, width = study.graphs["network"].inputs["image"][1:]
    if height % found.multiple or width % found.multiple:
        message = f"the network needs height and width that are multiples of {found.multiple}"
        label, cure = f"gives it {height}x{width}", f"cut the images to multiples of {found.multiple}"
        return [fault(study, "S277", message, ("input", "size"), label, ("why", why), ("help", cure))]
    return []


def activation(study: Study) -> list[Diagnostic]:
    """What: the network ends in an activation.

    Why: a pixel may have any value of the scale, black and white included. A sigmoid or tanh reaches neither, and a
    ReLU learns nothing where it gives 0. The exported model cuts its answer to the range by itself.

    Bad:

        task: super_resolution
        output: {factor: 1}
        model:
          layers:
            - conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}

    Good:

        task: super_resolution
        output: {factor: 1}
        model:
          layers:
            - conv2d: {filters: 1, kernel: 3, padding: same}
    """
    graph = study.graphs.get("network")
    if graph is None:
        return []
    last = graph.outputs[next(iter(graph.outputs))]
    node = next((node for node in graph.nodes if node.name == last), None)
    while node is not None and node.op in ("pixel_shuffle", "crop"):
        node = next((other for other in graph.nodes if other.name == node.inputs[0]), None)
    if node is None or not (node.op in study.registry.layers and study.registry.layers[node.op].activation):
        return []
    message = f"an image must not end in an activation, and this one ends in {node.op}"
    why = "pixels may have any value of the scale; the exported model cuts the answer to black and white by itself"
    cure = f"take `{node.op}` away"
    return [fault(study, "S278", message, node.path, "changes the range", ("why", why), ("help", cure))]


def losses(study: Study) -> list[Diagnostic]:
    """What: a loss that does not compare images.

    Why: what comes out are values of pixels, not classes; `mean_squared_error` leads to the highest PSNR,
    `mean_absolute_error` and `charbonnier` to edges that are a little sharper.

    Bad:

        task: super_resolution
        loss: binary_cross_entropy

    Good:

        task: super_resolution
        loss: mean_absolute_error
    """
    found: list[Diagnostic] = []
    for call in (study.spec.loss or {}).get("network", ()):
        if call.name in LOSSES or study.registry.owners.get(("losses", call.name)) not in ("specc", "core", None):
            continue
        message = f"`{call.name}` does not compare images"
        cure = f"take {', '.join(f'`{name}`' for name in LOSSES[:-1])} or `{LOSSES[-1]}`"
        found.append(
            fault(
                study, "S279", message, call.path, "is for other answers", ("help", cure), span=call_span(study, call)
            )
        )
    return found


RULES = (
    Rule("S276", "restored_filters", filters, TASKS),
    Rule("S277", "restored_size", lengths, TASKS),
    Rule("S278", "unbounded_pixels", activation, TASKS),
    Rule("S279", "loss_of_images", losses, TASKS),
)
