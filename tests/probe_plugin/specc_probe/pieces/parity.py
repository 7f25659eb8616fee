"""The way out of a detector, and the proof that torch and onnxruntime find the same boxes."""

from collections import deque
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from specc.pieces import export
from specc.pieces.pixels import Images
from specc.pieces.slots import TRUTH
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

    def __init__(self, detector: Detector, model: bytes) -> None:
        super().__init__(Every(detector), model, EVERY)
        self.detector = detector

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


def export_boxes(detector: Detector, images: Images, options: Any) -> bool:
    """Write the detector; certify it on the files of every part and on noise of many sizes; whether parity holds."""
    run, (low, high, samples) = options.run, images.edits.values
    contract = export.read_contract()
    reading = {**contract["input"], **export.accepted(images, contract["input"].get("channels"))}
    resized, contract = reading["resize"] is not None, {**contract, "input": reading}
    height, width = (61, 50) if resized else reading["size"]
    axes = {0: "batch", 2: "height", 3: "width"} if resized else {0: "batch"}
    example = [torch.zeros(2, samples, height, width)]
    model = export.to_onnx(detector, example, {"pixels": axes}, (*KEPT, *EVERY), contract)
    export.save_model(run, model, contract)
    certificate, dice = BoxCertificate(detector, model), np.random.default_rng(0)
    for size in export.SIZES if resized else ((height, width),):
        noise = dice.uniform(low, high, (1, samples, *size)).astype(np.float32)
        certificate.run(f"noise of {size[0]}x{size[1]}", torch.from_numpy(noise))
    deque(export.certified(certificate, contract, images, options), 0)
    (run / "eval").mkdir(exist_ok=True)
    export.write_images(run / "eval" / "images.csv", images, TRUTH)
    return certificate.save(run)
