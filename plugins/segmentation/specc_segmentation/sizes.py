"""What a network does to the size of an image: the part that it answers, and which sizes it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.plugin import ShapeFault

if TYPE_CHECKING:
    from specc.ir import Graph
    from specc.study import Study

MOST = 128  # pixels: a network whose size must be a multiple of more counts as one of a fixed size


def answered(study: Study) -> tuple[int, int, int, int]:
    """Top, left, height and width of the part of the image that the network answers: the middle."""
    graph, (height, width) = study.passed["network"], study.spec.input.size
    (end,) = graph.outputs.values()
    _, high, wide = graph.shape_of(end)
    return (height - high) // 2, (width - wide) // 2, high, wide


def multiple_of(study: Study) -> int:
    """The network takes images of any height and width that are multiples of it, and answers all their pixels; 0 where
    it takes one size only, or where all images are resized to one.
    """
    graph, (height, width) = study.passed["network"], study.spec.input.size
    if study.spec.input.resize is not None:
        return 0
    for step in range(1, min(MOST, height, width) + 1):
        if height % step or width % step:
            continue
        sizes = [(height + a * step, width + b * step) for a, b in ((1, 2), (2, 1), (3, 3), (2, 5))]
        if all(_fits(study, graph, size) for size in sizes):
            return step
    return 0


def _fits(study: Study, graph: Graph, size: tuple[int, int]) -> bool:
    """Whether the same weights answer all pixels of images of this size."""
    ops = study.registry.ops
    (image,) = graph.inputs
    shapes: dict[str, tuple[int, ...]] = {image: (graph.inputs[image][0], *size)}
    known = dict(graph.inputs) | {node.name: node.shape for node in graph.nodes}
    for node in graph.nodes:
        inputs = tuple(shapes[name] for name in node.inputs)
        try:
            shapes[node.name] = ops[node.op].infer(node.attrs, inputs)
        except ShapeFault:
            return False
        weights = ops[node.op].parameters
        if weights(node.attrs, inputs) != weights(node.attrs, tuple(known[name] for name in node.inputs)):
            return False
    (end,) = graph.outputs.values()
    return shapes[end][1:] == size


def uneven(graph: Graph) -> bool:
    """Whether a pool drops the last row or column of what is cropped later: the parts lie half a pixel apart."""
    if all(node.op != "crop" for node in graph.nodes):
        return False
    for node in graph.nodes:
        if node.op in ("maxpool2d", "avgpool2d") and not node.attrs["ceil"]:
            sides = zip(graph.shape_of(node.inputs[0])[1:], node.attrs["kernel"], node.attrs["padding"], strict=True)
            rest = [side + 2 * padding - kernel for side, kernel, padding in sides]
            if any(left % stride for left, stride in zip(rest, node.attrs["stride"], strict=True)):
                return True
    return False


def nearest_sizes(study: Study, length: int) -> tuple[list[int], int]:
    """The next smaller and larger sides of a square image that the layers take, and how far sides that fit are apart
    (0: unknown).
    """

    def fits(side: int) -> bool:
        graph = study.graph_at((side, side))
        return graph is not None and not uneven(graph)

    below = next((side for side in range(length - 1, max(0, length - MOST - 1), -1) if fits(side)), None)
    above = next((side for side in range(length + 1, length + MOST + 1) if fits(side)), None)
    found = [side for side in (below, above) if side is not None]
    if above is None:
        return found, 0
    after = next((side for side in range(above + 1, above + MOST + 1) if fits(side)), None)
    step = after - above if after else 0
    return found, step if step and fits(above + 2 * step) else 0
