"""The proof that torch and onnxruntime find the same boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from specc.pieces import export
from specc_probe.pieces.deploy import Detector

KEPT = ("boxes", "scores", "classes", "count")
EVERY = ("every_box", "every_score")


class Every(nn.Module):
    """What boxes are chosen from."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, read: Tensor) -> tuple[Tensor, Tensor]:
        return self.detector.every(read)


class BoxCertificate(export.Certificate):
    """Where two scores differ by rounding alone, torch and onnxruntime may put boxes in another order.

    So what each default box says is held against torch number by number, and what was chosen from it must be exactly
    what torch chooses from the numbers of onnxruntime.
    """

    def __init__(self, deploy: nn.Module, model: bytes, outputs: Sequence[str], spread: Any = 0.0) -> None:
        assert isinstance(deploy, Detector), "what it certifies"
        super().__init__(Every(deploy), model, EVERY)
        self.detector = deploy

    @torch.no_grad()
    def run(self, name: str, *inputs: Tensor) -> dict[str, np.ndarray[Any, Any]]:
        """What the ONNX file finds in one image; `name` is what a difference is reported under."""
        theirs = super().run(name, *inputs)
        found = self.session.run(list(KEPT), {"pixels": inputs[0].numpy()})
        ours = self.detector.kept(inputs[0], *(torch.from_numpy(theirs[output]) for output in EVERY))
        for output, one, other in zip(KEPT, ours, found, strict=True):
            if not np.array_equal(one.numpy(), other):
                self.wrong.append(f"{name}: {output}")
        return dict(zip(KEPT, found, strict=True))
