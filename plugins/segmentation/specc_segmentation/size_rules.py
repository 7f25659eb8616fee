"""What can be wrong with the sizes of images and maps, and with the source of masks: S266 to S268."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import Said, fault
from specc_segmentation.rules import check_map
from specc_segmentation.sizes import answered, nearest_sizes, uneven

if TYPE_CHECKING:
    from specc.study import Study


def check_part(study: Study) -> list[Diagnostic]:
    """What: the network answers more or fewer pixels than the image has.

    Why: without padding each convolution takes away a border. What is left is the middle of the image: the mask is cut
    to it (`crop: center` says that this is meant). A map that is larger than the image answers pixels that do not
    exist, and one of another size by a factor (strides without a way back up) answers no pixel of the image at all.

    Bad:

        task: segmentation
        output: {classes: [background, nucleus]}
        model: {layers: [conv2d: {filters: 1, kernel: 3, padding: 2, activation: sigmoid}]}

    Good:

        task: segmentation
        output: {classes: [background, nucleus], crop: center}
        model: {layers: [conv2d: {filters: 1, kernel: 3, activation: sigmoid}]}

    Source: Ronneberger et al. 2015, arXiv:1505.04597, Fig. 1 and 2.
    """
    graph = study.graphs.get("network")
    if graph is None or check_map(study):
        return []
    size, (_, high, wide) = study.spec.input.size, graph.shape_of(next(iter(graph.outputs.values())))
    said = f"the image has {size[0]}x{size[1]} pixels, and the network answers {high}x{wide}"
    spot = study.key_span("model")
    if high > size[0] or wide > size[1]:
        cure: Said = ("help", "`crop: {to: input}` as the last layer, at the place that the padding before it asks for")
        return [fault(study, "S266", said, ("model",), "answers pixels that do not exist", cure, span=spot)]
    if _scaled(study):
        cure = ("help", "bring the map back to the size of the image: `upsample`, `upconv2d` or `unpool`")
        return [fault(study, "S266", said, ("model",), "one answer for several pixels", cure, span=spot)]
    if (high, wide) == size or study.spec.output.crop == "center":
        return []
    top, left, *_ = answered(study)
    text = f"{said}: those in the middle, {top} rows and {left} columns from the border on"
    cure = ("help", "masks are cut to them; `output: {crop: center}` says that this is meant")
    why: Said = ("why", "to answer all, pad first: `pad: {size: N, mode: reflect}`")
    spots = fault(study, "S266", text, ("model",), "the border is not answered", cure, why, span=spot)
    return [replace(spots, severity="note")]


def _scaled(study: Study) -> bool:
    """Whether the map has another scale than the image: with images of 16 pixels more it does not grow as much."""
    graph, (height, width) = study.graphs["network"], study.spec.input.size
    here = graph.shape_of(next(iter(graph.outputs.values())))
    if here[1] * 4 > height * 3 and here[2] * 4 > width * 3:  # no factor of 2 or more has been lost
        return False
    for more in (16, 32, 64, 128):
        larger = study.graph_at((height + more, width + more))
        if larger is not None:
            return larger.shape_of(next(iter(larger.outputs.values())))[1] - here[1] < more
    return False


def check_sizes(study: Study) -> list[Diagnostic]:
    """What: the layers cannot take images of this size, and they could take a slightly smaller or larger one.

    Why: what is pooled by two and enlarged again must have been even, or it meets its skip connection with another
    size, or half a pixel beside it where that is cut out of the middle. A U-Net without padding takes 188 + 16 k
    pixels, one with padding multiples of 16.

    Bad:

        task: segmentation
        input: {format: png, size: [33, 33], channels: mono, resize: fit, scale: 0..1}
        output: {classes: [background, nucleus]}
        model:
          layers:
            - conv2d: {filters: 2, kernel: 3, padding: same, id: skip}
            - maxpool: {size: 2}
            - upsample
            - concat: {with: skip}
            - conv2d: {filters: 1, kernel: 1, activation: sigmoid}

    Good:

        task: segmentation
        input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}
        output: {classes: [background, nucleus]}
        model:
          layers:
            - conv2d: {filters: 2, kernel: 3, padding: same, id: skip}
            - maxpool: {size: 2}
            - upsample
            - concat: {with: skip}
            - conv2d: {filters: 1, kernel: 1, activation: sigmoid}

    Source: Ronneberger et al. 2015, arXiv:1505.04597, section 2 (the choice of the tile size).
    """
    graph = study.graphs.get("network")
    if study.spec.input is None or (graph is not None and not uneven(graph)):
        return []
    for side in dict.fromkeys(study.spec.input.size):
        found, step = nearest_sizes(study, side)
        if not found:
            continue
        every = f"; they fit {step} pixels apart, {found[-1] % step or step} + {step} k" if step else ""
        text = f"the layers do not fit {side} pixels, but {' and '.join(map(str, found))}{every}"
        label = "each side must fit"
        return [fault(study, "S267", text, ("input", "size"), label, ("note", "square images were tried"))]
    return []


def check_source(study: Study) -> list[Diagnostic]:
    """What: the data are a folder of images, which does not say where their masks are.

    Why: each image needs its own mask, and a name that looks alike would be a guess.

    Bad:

        task: segmentation
        output: {classes: [background, nucleus]}
        data: {images: pictures, split: {train: 80, val: 20, group: none}}

    Good:

        task: segmentation
        output: {classes: [background, nucleus]}
        data:
          manifest: table.csv
          columns: {image: file, mask: mask}
          split: {train: 80, val: 20, group: none}

    Source: the spec language, Data.
    """
    data = study.spec.data
    given = next((key for key in ("images", "folders") if data is not None and getattr(data, key)), None)
    if given is None:
        return []
    cure: Said = ("help", "`manifest: TABLE.csv` with `columns: {image: file, mask: mask}`, or `coco: FILE.json`")
    text = f"`{given}` does not say where the masks are"
    return [fault(study, "S268", text, ("data", given), "images without masks", cure)]


RULES = (
    Rule("S266", "answered_part", check_part),
    Rule("S267", "network_sizes", check_sizes),
    Rule("S268", "mask_source", check_source),
)
