"""An ONNX file is checked before the runtime sees it, then opened on what the computer really has.

The file is read once: the bytes that were checked are the bytes that onnxruntime gets.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.deploy.contract import LARGEST, Contract, check_answers, parse
from specc.deploy.faults import fault
from specc.errors import Diagnostic, Note

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

DOMAINS = frozenset({"", "ai.onnx"})
LARGEST_FILE = 2**31 - 1  # bytes: protobuf's own limit, as no weights may lie outside the file
DEEPEST = 16  # graphs within graphs
KEY = "specc.contract"
KNOWN = frozenset(
    {"answer", "probabilities", "values", "ood_score", "accepted", "code"}
)  # outputs of the core's own tasks


@dataclass(frozen=True)
class Session:
    """A model that is ready to answer. `warnings` say what could not be used (a graphics card, for one)."""

    runtime: Any
    contract: Contract
    outputs: tuple[str, ...]
    channels: int | None
    device: str
    warnings: tuple[Diagnostic, ...] = ()
    folder: FilePath | None = None  # that the model lies in

    def run(self, pixels: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Outputs by name for `pixels` (B, C, H, W) of modality values. Raises onnxruntime's exceptions."""
        return dict(zip(self.outputs, self.runtime.run(list(self.outputs), {"pixels": pixels}), strict=True))


def open_model(file: FilePath, device: str = "auto") -> Session:
    """Check the file and open it on `auto`, `cpu` or `cuda`. Raises SpeccError P84x."""
    data = load_bytes(file)
    contract = inspect(data, file.name)
    with quiet():
        import onnxruntime as ort

        cuda, warnings = cuda_state(ort) if device != "cpu" else (False, ())
        if device == "cuda" and not cuda:
            reason = warnings[0].message if warnings else "onnxruntime sees no graphics card"
            raise fault("P846", f"cannot answer on a graphics card: {reason}", "use `--device cpu`", exit_code=4)
        runtime = _start(ort, data, cuda, file.name)
    if cuda and runtime.get_providers()[0] != "CUDAExecutionProvider":
        warnings = (*warnings, _slow("onnxruntime could not load its CUDA libraries"))
    return replace(_described(runtime, contract, file.name, warnings), folder=file.resolve().parent)


def load_bytes(file: FilePath) -> bytes:
    """The file's bytes, within the size limit. Raises SpeccError P840 or P841."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise fault("P840", f"cannot read the model {file}: {error.strerror}", _meant(file)) from error
    if len(data) > LARGEST_FILE:
        raise fault("P841", f"{file.name} is larger than 2 GiB", "only models with all weights inside are accepted")
    return data


def _meant(file: FilePath) -> str:
    """Which model may have been meant by a name that is not there."""
    folder = next((place for place in file.parents if place.is_dir()), file.parent)
    if file.parent == folder and (folder / "model.refused.onnx").is_file():
        return "the model of this run was refused: its answers are not those of the network (parity.json)"
    if (folder / "spec.lock.yaml").is_file() and file.parent == folder:
        return f"this run was stopped before its export: `specc train --resume {folder}`"
    patterns = ("*.onnx", "*/model.onnx", "*/*/model.onnx", "*/*/*/model.onnx")
    near = sorted({str(found) for pattern in patterns for found in folder.glob(pattern)})[:4]
    if near:
        return f"models near there: {', '.join(f'`{name}`' for name in near)}"
    return "the model comes first, then the images; a run keeps its model as `runs/NAME/001/model.onnx`"


def _not_onnx(name: str) -> Exception:
    cure = "the model comes first, then the images: `specc predict runs/NAME/001/model.onnx FILES`"
    return fault("P840", f"{name} is not an ONNX file", cure)


def inspect(data: bytes, name: str) -> Contract:
    """The contract of an ONNX file that is safe to open. Raises SpeccError P840, P842, P843, P844, P845."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise _not_onnx(name) from error
    if not model.HasField("graph") or not model.opset_import:
        raise _not_onnx(name)
    _check_operators(model, name)
    texts = [entry.value for entry in model.metadata_props if entry.key == KEY]
    if len(texts) != 1 or len(texts[0]) > LARGEST:
        cure = "export the model with specc: `specc export RUN`"
        raise fault("P844", f"{name} carries no contract: what its numbers mean is not known", cure, exit_code=5)
    return parse(texts[0])


def _check_operators(model: ModelProto, name: str) -> None:
    from onnx import defs

    if len(model.training_info):
        raise fault("P842", f"{name} holds training graphs", "give the `model.onnx` of a run")
    own = {(function.domain, function.name) for function in model.functions}
    nodes = [*_nodes(model.graph, 0, name)]
    for function in model.functions:
        nodes += [found for node in function.node for found in _inner(node, 0, name)]
    for node in nodes:
        known = node.domain in DOMAINS and defs.has(node.op_type)
        if not known and (node.domain, node.op_type) not in own:
            word = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            why = "operators outside the standard set are foreign code, and specc never exports any"
            raise fault("P842", f"{name} uses the operator {_plain(word)}, which is not standard ONNX", why=why)


def _nodes(graph: GraphProto, depth: int, name: str) -> Iterator[NodeProto]:
    if depth > DEEPEST:
        raise fault("P842", f"{name} nests graphs more than {DEEPEST} deep")
    tensors = [*graph.initializer, *(t for s in graph.sparse_initializer for t in (s.values, s.indices))]
    _check_inside(tensors, name)
    for node in graph.node:
        yield from _inner(node, depth, name)


def _inner(node: NodeProto, depth: int, name: str) -> Iterator[NodeProto]:
    yield node
    for attribute in node.attribute:
        sparse = [*attribute.sparse_tensors, attribute.sparse_tensor]
        _check_inside([*attribute.tensors, attribute.t, *(t for s in sparse for t in (s.values, s.indices))], name)
        for graph in _graphs(attribute):
            yield from _nodes(graph, depth + 1, name)


def _graphs(attribute: AttributeProto) -> list[GraphProto]:
    return [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def _check_inside(tensors: list[TensorProto], name: str) -> None:
    from onnx import TensorProto

    for tensor in tensors:
        if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
            why = "such a file could name any file on this computer"
            raise fault("P843", f"{name} keeps weights in another file", "export with all weights inside", why=why)


def _start(ort: Any, data: bytes, cuda: bool, name: str) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = processors()
    providers: list[Any] = ["CPUExecutionProvider"]
    if cuda:
        providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
    try:
        return ort.InferenceSession(data, options, providers=providers)
    except runtime_errors() as error:
        first = _plain(str(error).splitlines()[0] if str(error) else type(error).__name__)
        cure = "export the model again with specc, or install a newer onnxruntime"
        raise fault("P846", f"onnxruntime cannot open {name}: {first}", cure, exit_code=5) from error


def _described(runtime: Any, contract: Contract, name: str, warnings: tuple[Diagnostic, ...]) -> Session:
    check_answers(contract)
    inputs = {value.name: value for value in runtime.get_inputs()}
    outputs = tuple(value.name for value in runtime.get_outputs())
    wanted = "probabilities" if contract.output.likely else "values"
    if set(inputs) != {"pixels"} or (wanted not in outputs and not contract.plugin):
        message = f"{name} does not have the input `pixels` and the output `{wanted}` that its contract promises"
        raise fault("P845", message, "export the model again: `specc export RUN`", exit_code=5)
    shape = inputs["pixels"].shape
    channels = shape[1] if len(shape) == 4 and isinstance(shape[1], int) else None
    kept = tuple(n for n in outputs if n in KNOWN or contract.plugin)
    device = "cuda" if runtime.get_providers()[0] == "CUDAExecutionProvider" else "cpu"
    return Session(runtime, contract, kept, channels, device, warnings)


def runtime_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises, want of memory included; its exceptions share no base but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NotImplemented")
    found = (getattr(state, name, None) for name in (*names, "RuntimeException", "EPFail", "EngineError"))
    return (RuntimeError, ValueError, MemoryError, *(kind for kind in found if kind is not None))


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing that the runtime's C++ part writes to standard error while it starts reaches the user."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # no standard error at all, as under pythonw
        yield
        return
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def cuda_state(ort: Any) -> tuple[bool, tuple[Diagnostic, ...]]:
    """Whether to ask for CUDA, and why not where a card is there: its runtime must have the CUDA major of the build."""
    driver = _driver_version()
    if driver is None:
        return False, ()
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        return False, (_slow("this onnxruntime is a build without CUDA"),)
    build = _build_version()
    if build is None:
        return True, ()
    if driver < build:
        return False, (_slow(f"onnxruntime needs CUDA {build}, and the driver offers CUDA {driver}"),)
    others = _installed_majors()
    if others and build not in others:
        found = " and ".join(str(major) for major in sorted(others))
        return False, (_slow(f"onnxruntime was built for CUDA {build}, and the libraries installed are CUDA {found}"),)
    if hasattr(ort, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):
            ort.preload_dlls()
    return True, ()


def _slow(reason: str) -> Diagnostic:
    cure = "install the onnxruntime-gpu release whose CUDA major fits, or ask for `--device cpu` to silence this"
    return Diagnostic("P847", f"answering on the processor: {reason}", notes=(Note("help", cure),), severity="warning")


def _driver_version() -> int | None:
    """The CUDA major that the driver offers; None without a usable card."""
    name = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return None
    count, version = ctypes.c_int(0), ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    return version.value // 1000 if not driver.cuDriverGetVersion(ctypes.byref(version)) else None


def _build_version() -> int | None:
    from onnxruntime.capi import build_and_package_info as info

    found = re.match(r"\d+", str(getattr(info, "cuda_version", "")))
    return int(found[0]) if found else None


def _installed_majors() -> set[int]:
    """CUDA majors of the runtime libraries that pip installed (as torch does); empty where the system has them."""
    majors: set[int] = set()
    for package in ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu13"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            majors.add(int(metadata.version(package).split(".")[0]))
    return majors


def _plain(text: str) -> str:
    """A line without control characters, at most 200 long."""
    return "".join(c if c.isprintable() else "?" for c in text)[:200]
