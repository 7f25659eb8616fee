"""The way out of every program: the module as ONNX with its contract, and proof that both give the same answers."""

import csv
import json
import logging
import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from specc.pieces import runtime as rt
from specc.pieces.index import several
from specc.pieces.pixels import files_of, pixels_of

TOLERANCE = 1e-5  # times max(1, |value|), and of a quantity times its deviation, where that is more
MAPS = 1e-4  # of an answer for each pixel: the largest of a million roundings is not that of ten
LOOSE = {"ood_score": 1e-4}  # it divides by the small spread of the training images, and with it what is rounding
SIZES = ((1, 1), (1, 7), (9, 1), (2, 3), (31, 33), (64, 64), (200, 90), (333, 512))


def write_atomic(path: Path, data: bytes) -> None:
    """The file is there whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        os.fsync(file.fileno())
    part.replace(path)


def to_onnx(
    deploy: nn.Module,
    example: Sequence[Tensor],
    inputs: Mapping[str, Mapping[int, str]],
    outputs: Sequence[str],
    contract: Mapping[str, Any],
    multiple: int = 1,
) -> bytes:
    """The module as an ONNX file that holds its contract and nothing of this computer: no paths, no stack traces.

    Axes that `inputs` names may have any length; those of an image, from the third on, multiples of `multiple`.
    """
    axes = {name: torch.export.Dim(name, min=1) for names in inputs.values() for name in names.values()}
    shapes = tuple(
        {axis: axes[name] if axis < 2 or multiple == 1 else multiple * axes[name] for axis, name in names.items()}
        for names in inputs.values()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        exported = torch.onnx.export(
            deploy,
            tuple(example),
            dynamo=True,
            opset_version=18,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            external_data=False,
            verbose=False,
            optimize=True,
        )
        logging.disable(logging.NOTSET)
    assert exported is not None
    model = exported.model_proto
    for graph in (model.graph, *model.functions):
        forget(graph)
    del model.metadata_props[:]
    model.producer_name, model.doc_string, model.graph.name = "specc", "", "deploy"
    onnx.helper.set_model_props(model, {"specc.contract": json.dumps(contract)})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def forget(graph: Any) -> None:
    """Take out of a graph, and of the bodies of its loops and branches, what tells of the computer that made it."""
    whole = isinstance(graph, onnx.GraphProto)
    ends = (graph, *graph.input, *graph.output, *graph.initializer) if whole else ()
    for item in (*graph.node, *graph.value_info, *ends):
        if hasattr(item, "metadata_props"):
            del item.metadata_props[:]
        item.doc_string = ""
    for attribute in (one for node in graph.node for one in node.attribute):
        for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            forget(inner)


def clear(probabilities: np.ndarray[Any, Any], each: bool) -> np.ndarray[Any, Any]:
    """Where rounding cannot change the answer: probabilities (1, K, ...) -> (1, ...), which is the largest; or for each
    (1, K, ...) whether it is above one half.
    """
    least = TOLERANCE if probabilities.ndim < 3 else MAPS
    if each or probabilities.shape[1] == 1:
        sure = np.asarray(np.abs(probabilities - 0.5) > least)
        return sure if each else np.asarray(sure[:, 0])
    top = np.sort(probabilities, 1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0] > 2 * least)


def alike_where(said: np.ndarray[Any, Any], other: np.ndarray[Any, Any], likely: np.ndarray[Any, Any] | None) -> bool:
    """Whether two answers in whole numbers agree wherever their probabilities leave no doubt."""
    if likely is None or said.ndim not in (likely.ndim, likely.ndim - 1):
        return bool(np.array_equal(said, other))
    sure = clear(likely, said.ndim == likely.ndim)
    return sure.shape != said.shape or bool(np.array_equal(said[sure], other[sure]))


class Certificate:
    """Runs torch and onnxruntime side by side and remembers the largest difference of each output.

    `spread` (T,) is how far the targets of a regression are apart: 0 degrees of 60 are rounded as 60 are.
    """

    def __init__(self, deploy: nn.Module, model: bytes, outputs: Sequence[str], spread: Any = 0.0) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.deploy, self.outputs, self.spread = deploy, list(outputs), np.maximum(1, spread)
        self.largest, self.cases, self.wrong = dict.fromkeys(outputs, 0.0), 0, list[str]()

    @torch.no_grad()
    def run(self, name: str, *inputs: Tensor) -> dict[str, np.ndarray[Any, Any]]:
        """The ONNX file's outputs for one case (batch of 1); `name` is what a difference is reported under."""
        rt.leave_if_asked()
        ours = dict(zip(self.outputs, (value.numpy() for value in self.deploy(*inputs)), strict=True))
        feed = {place.name: value.numpy() for place, value in zip(self.session.get_inputs(), inputs, strict=True)}
        theirs = dict(zip(self.outputs, self.session.run(self.outputs, feed), strict=True))
        for output, value in ours.items():
            other = theirs[output]
            if value.shape != other.shape:
                self.wrong.append(f"{name}: shape of {output}")
            elif value.dtype.kind == "f":
                least = self.spread if output in ("answer", "values") else 1
                ratio = np.abs(value - other) / np.maximum(least, np.abs(value))
                worst = float(np.where(value == other, 0, ratio).max(initial=0))
                self.largest[output] = max(self.largest[output], worst)
                small = worst <= LOOSE.get(output, TOLERANCE if value.ndim < 3 else MAPS)
                self.wrong += [] if small else [f"{name}: {output} differs by {worst:.2g}"]
            elif not alike_where(value, other, ours.get("probabilities")):
                self.wrong.append(f"{name}: {output}")
        self.cases += 1
        return theirs

    def save(self, run: Path) -> bool:
        """Write parity.json; whether every case agreed."""
        row = {"passed": not self.wrong, "tolerance": TOLERANCE, "images": self.cases, "largest": self.largest}
        row |= {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__, "different": self.wrong[:20]}
        write_atomic(run / "parity.json", json.dumps(row, indent=1).encode())
        rt.event("parity", **row)
        if self.wrong:
            os.replace(run / "model.onnx", run / "model.refused.onnx")
            cure = "keep this run and report it: torch and onnxruntime must give the same answers"
            rt.event(
                "error", code="X701", message=f"the ONNX file differs from the network: {self.wrong[0]}", help=cure
            )
        return not self.wrong


def accepted(images: Any, channels: Any) -> dict[str, Any]:
    """What the images of this run are like, and so what the model takes; by channel, where each is a file."""
    files = [files_of(entry) for entry in images.entries]
    if isinstance(channels, list):
        each = {name: alike([case[place].facts for case in files], 1) for place, name in enumerate(channels)}
        return {"accepts_by_channel": each}
    return {"accepts": alike([case[0].facts for case in files], images.edits.values[2])}


def alike(facts: Sequence[Any], samples: int) -> dict[str, list[Any]]:
    """What files have: samples of a pixel (a grey file fits among coloured ones), bits, of DICOM the modality, too."""
    seen = {name: sorted({getattr(fact, name) for fact in facts}) for name in ("bits", "photometric", "modality")}
    return {"samples": [1, samples] if samples > 1 else [1], **{k: values for k, values in seen.items() if any(values)}}


def read_contract() -> dict[str, Any]:
    """What the exported model promises as far as the spec tells it."""
    contract: dict[str, Any] = json.loads(Path(__file__).with_name("contract.json").read_bytes())
    return contract


def save_model(run: Path, model: bytes, contract: Mapping[str, Any]) -> None:
    """Write model.onnx and contract.json."""
    write_atomic(run / "model.onnx", model)
    write_atomic(run / "contract.json", json.dumps(contract, indent=1).encode())
    rt.event("exported", file="model.onnx")


def export_images(
    deploy: nn.Module,
    outputs: Sequence[str],
    images: Any,
    truth: Sequence[str],
    options: Any,
    multiple: int = 0,
    tiled: bool = False,
    proof: type[Certificate] = Certificate,
) -> bool:
    """Export a module that takes images; certify it on the files of every part and on synthetic sizes.

    With `multiple` a module whose images are not resized takes any height and width that are multiples of it. `tiled`
    says that the task brings images of any size to one that the module takes. `proof` compares outputs that only the
    task understands.
    eval/predictions.csv gets what the ONNX file says of every file, if it has an `answer` of a usual kind; else
    eval/images.csv says which files are whose. Whether parity holds.
    """
    run, samples = options.run, images.edits.values[2]
    low, high = (np.reshape(edge, (-1, 1, 1)) for edge in images.edits.values[:2])
    contract = read_contract()
    reading = {**contract["input"], **accepted(images, contract["input"].get("channels"))}
    resized, free = reading["resize"] is not None, reading["resize"] is None and multiple > 0
    reading |= {"multiple": multiple} if free else {}
    reading |= {"tiled": True} if tiled and not resized else {}
    height, width = (61, 50) if resized else reading["size"]
    axes = {0: "batch", 2: "height", 3: "width"} if resized or free else {0: "batch"}
    example = torch.zeros(2, samples, height, width)
    contract = {**contract, "input": reading}
    model = to_onnx(deploy.eval(), [example], {"pixels": axes}, outputs, contract, multiple if free else 1)
    save_model(run, model, contract)
    known = images.targets["target"][: len(images.parts["train"])] if "values" in outputs else torch.zeros(1)
    certificate = proof(deploy, model, outputs, known.float().std(0, correction=0).cpu().numpy())
    dice = np.random.default_rng(0)
    other = ((height, width), (height + multiple, width + 2 * multiple), (height, width + multiple))
    for size in SIZES if resized else other[: 3 if free else 1]:
        noise = dice.uniform(1.1 * low - 0.1 * high, 1.1 * high - 0.1 * low, (1, samples, *size))
        certificate.run(f"noise of {size[0]}x{size[1]}", torch.from_numpy(noise.astype(np.float32)))
    said = certified(certificate, contract, images, options)
    (run / "eval").mkdir(exist_ok=True)
    if "answer" not in outputs or "plugin" in contract:  # that one reads the answers
        deque(said, 0)
        write_images(run / "eval" / "images.csv", images, truth)
        return certificate.save(run)
    with (run / "eval" / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
        write_predictions(csv.writer(file), said, contract["output"], images, truth)
    return certificate.save(run)


def write_images(file: Path, images: Any, truth: Sequence[str]) -> None:
    """A line a case: part, file (and `file.CHANNEL`, where it has several), patient, what is known of it."""
    parts = [part for part, places in images.parts.items() for _ in places]
    others = [name for name in (images.rows or ({},))[0] if name.startswith("image.")]
    with file.open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        more = [f"file.{name.removeprefix('image.')}" for name in others]
        writer.writerow(["split", "file", *more, "patient", *truth])
        for part, row, entry in zip(parts, images.rows, images.entries, strict=True):
            patient = row.get("patient") or entry.facts.patient or row["image"]
            writer.writerow(
                [part, *(row[name] for name in ("image", *others)), patient, *(row[name] for name in truth)]
            )


def certified(
    certificate: Certificate, contract: Mapping[str, Any], images: Any, options: Any
) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    """What the ONNX file says of every file, in the order of the rows, each held against torch."""
    samples, frame = images.edits.values[2], contract["input"]["frame"]
    window = "auto" if contract["input"]["window"] == "auto" else "none"
    read = several(
        lambda entry: pixels_of(entry, window, frame, samples, options.cache), images.entries, options.workers
    )
    for row, pixels in zip(images.rows, read, strict=True):
        yield certificate.run(row["image"], pixels)


def write_predictions(
    writer: Any,
    answers: Iterable[Mapping[str, np.ndarray[Any, Any]]],
    output: Mapping[str, Any],
    images: Any,
    truth: Sequence[str],
) -> None:
    """A line a file: part, file, patient, truth, answer, then the probability of each class or finding, or each value.

    Where a case has several files, `file` is the first, and `file.CHANNEL` are the others. Findings that are there are
    named in the answer, with `;` between them.
    """
    parts = [part for part, places in images.parts.items() for _ in places]
    classes, labels = output.get("classes"), output.get("labels")
    names = classes or labels or [f"answer.{name.removeprefix('targets.')}" for name in truth]
    others = [name for name in (images.rows or ({},))[0] if name.startswith("image.")]
    more = [f"file.{name.removeprefix('image.')}" for name in others]
    writer.writerow(["split", "file", *more, "patient", *truth, "answer", *names])
    for place, said in enumerate(answers):
        row = images.rows[place]
        numbers = said["probabilities" if classes or labels else "values"][0].tolist()
        answer = classes[int(said["answer"][0])] if classes else numbers[0]
        if labels:
            answer = ";".join(name for name, there in zip(labels, said["answer"][0], strict=True) if there)
        patient = row.get("patient") or images.entries[place].facts.patient or row["image"]
        files = [row[name] for name in ("image", *others)]
        writer.writerow([parts[place], *files, patient, *(row[name] for name in truth), answer, *numbers])
