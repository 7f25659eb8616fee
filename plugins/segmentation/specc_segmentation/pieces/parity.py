"""Proof that torch and onnxruntime agree where values go back to the places of maxima."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from specc.pieces.export import MAPS, Certificate

Pooled = Tensor | tuple[Tensor, Tensor]


class PutBack(Certificate):
    """A certificate for networks with `unpool`.

    Where several values of a window are the largest but for rounding, torch and onnxruntime may choose different ones,
    and what is put back there lies a pixel beside: two right answers that differ. So onnxruntime is asked what it
    chose. Each choice must lie in its window and be the largest there but for rounding; then torch runs with the same
    choices, and everything that comes out must agree as it does without `unpool`.
    """

    def __init__(self, deploy: nn.Module, model: bytes, outputs: Sequence[str], spread: Any = 0.0) -> None:
        super().__init__(deploy, model, outputs, spread)
        graph = onnx.load_model_from_string(model)
        self.places = choices(graph)
        kind = onnx.TensorProto.INT64
        graph.graph.output.extend(onnx.helper.make_tensor_value_info(name, kind, None) for name in self.places)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self.chooser = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def run(self, name: str, *inputs: Tensor) -> dict[str, np.ndarray[Any, Any]]:
        """The ONNX file's outputs for one case, with torch held to the same choices."""
        feed = {place.name: value.numpy() for place, value in zip(self.session.get_inputs(), inputs, strict=True)}
        with held_to(self.chooser.run(self.places, feed)) as wrong:
            theirs = super().run(name, *inputs)
        self.wrong += [f"{name}: {fault}" for fault in wrong]
        return theirs


def choices(model: Any) -> list[str]:
    """The names of the places that max-pools of an ONNX file chose and somebody asks for, in the order of the pools.

    (A pool of one pixel is none: the exporter counts pixels with it.)
    """
    asked = {name for node in model.graph.node for name in node.input}
    pools = [node for node in model.graph.node if node.op_type == "MaxPool" and set(node.output[1:]) & asked]
    sizes = [next(list(one.ints) for one in node.attribute if one.name == "kernel_shape") for node in pools]
    return [node.output[1] for node, size in zip(pools, sizes, strict=True) if max(size) > 1]


@contextmanager
def held_to(found: Sequence[np.ndarray[Any, Any]]) -> Iterator[list[str]]:
    """Max-pools that are asked for places take these, one after the other (N, C, h, w), counted through the whole array
    as onnxruntime does. What is wrong with them is in the list.
    """
    usual: Any = F.max_pool2d
    left, wrong = list(found), list[str]()

    def held(x: Tensor, *window: Any, return_indices: bool = False, **more: Any) -> Pooled:
        pooled: Pooled = usual(x, *window, return_indices=return_indices, **more)
        if not isinstance(pooled, tuple):
            return pooled
        largest, own = pooled
        if not left or left[0].shape != own.shape:
            wrong.append("onnxruntime has no such pool")
            return pooled
        places = torch.from_numpy(left.pop(0)) % (x.shape[2] * x.shape[3])
        if not same_window(places, own, x.shape[3], *window, **more):
            wrong.append("a maximum lies outside of its window")
        taken = x.flatten(2).gather(2, places.flatten(2)).view_as(largest)
        if ((largest - taken) > MAPS * x.abs().amax((2, 3), keepdim=True)).any():
            wrong.append("what was chosen is not the largest of its window")
        return largest, places

    functions: Any = F
    functions.max_pool2d = held
    try:
        yield wrong
    finally:
        functions.max_pool2d = usual
    wrong += ["onnxruntime has more pools"] if left else []


def same_window(places: Tensor, own: Tensor, width: int, size: Any, stride: Any = None, **more: Any) -> bool:
    """Whether places (N, C, h, w) within a plane of so many columns lie in the windows of others; none overlap."""
    padding = more.get("padding", 0)
    for axis in (0, 1):
        step, first = pair(size if stride is None else stride)[axis], pair(padding)[axis]
        lines = [(one // width, one % width)[axis] + first for one in (places, own)]
        if not torch.equal(lines[0] // step, lines[1] // step):
            return False
    return True


def pair(value: Any) -> tuple[int, int]:
    """A number for both axes, or one for each."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
