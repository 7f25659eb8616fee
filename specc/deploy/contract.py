"""contract.json, also the metadata `specc.contract` of an ONNX file: what goes into a model and what comes out.

    {"format_version": 1, "name": "t1-or-t2", "task": "classification",
     "input": {"format": "png", "size": [32, 32], "channels": "mono", "resize": "fit", "scale": "0..1",
               "window": null, "modality": null, "frame": null, "accepts": {"bits": [8]}},
     "output": {"classes": ["T1", "T2"], "positive": "T2", "aggregate": null}}

Several findings in one image are `{"labels": ["effusion", "nodule"]}`; a regression's output is
`{"target": "age", "unit": "years"}` or `{"targets": {"age": "years"}}`. `accepts` lists what the training images had
(`bits`, `samples`, `photometric`, `modality`); a missing list restricts nothing. Where channels are files of their own,
`channels` lists their names, `columns` those of the study's table in the same order, a fixed `window` may be one for
each name, and `accepts_by_channel` stands in the place of `accepts`. With `multiple` the graph takes images of any size
whose sides are multiples of it; with `tiled` the task brings images of any size to one that it takes. `plugin` names
the plugin whose task gives answers of its own kind (`Task.answering`); what it says of them in `output` stands in
`plain`, and `words` are the task's columns as the study's table calls them.
Other keys that this version does not know are passed over.
"""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from specc.deploy.faults import fault

FORMAT_VERSION = 1
LARGEST = 1_000_000  # characters of a contract that are read at most


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Window(_Part):
    """A fixed display window in modality values; applied inside the graph."""

    center: float
    width: float = Field(gt=0)


class Accepts(_Part):
    """What the training images had; `None` restricts nothing."""

    bits: tuple[int, ...] | None = None
    signed: bool | None = None
    samples: tuple[int, ...] | None = None
    photometric: tuple[str, ...] | None = None
    modality: tuple[str, ...] | None = None


class Input(_Part):
    """What an image must be. `size` is [height, width]; without `resize` an image must have exactly that size."""

    format: str
    size: tuple[int, int]
    channels: Literal["mono", "rgb"] | tuple[str, ...] = "mono"
    from_mono: str | None = None
    window: Literal["auto", "none"] | Window | dict[str, Window] | None = None
    scale: str = "0..1"
    resize: Literal["fit", "crop", "stretch"] | None = None
    modality: str | tuple[str, ...] | None = None
    frame: int | None = None
    accepts: Accepts = Accepts()
    accepts_by_channel: dict[str, Accepts] = Field(default_factory=dict)
    columns: tuple[str, ...] = ()
    multiple: int | None = Field(default=None, ge=1)
    tiled: bool = False

    @property
    def stack(self) -> tuple[str, ...]:
        """The channels that are files of their own, in their order; empty where a file is a case."""
        return () if isinstance(self.channels, str) else self.channels

    def accepted(self, channel: str) -> Accepts:
        """What a file must be like; `channel` is empty where a file is a case."""
        return self.accepts_by_channel.get(channel, self.accepts)

    def edges(self, channel: str) -> tuple[float, float] | None:
        """Center and width of the fixed window of a channel; None where there is none."""
        window = self.window.get(channel) if isinstance(self.window, dict) else self.window
        return (window.center, window.width) if isinstance(window, Window) else None

    @property
    def modalities(self) -> tuple[str, ...]:
        """The DICOM modalities that are accepted; empty means any."""
        listed = self.modality if self.modality is not None else self.accepts.modality
        return (listed,) if isinstance(listed, str) else tuple(listed or ())

    @property
    def reader_window(self) -> Literal["auto", "none"]:
        """What the reader has to do; a fixed window belongs to the graph. DICOM: `auto` unless the spec says more."""
        if self.window is None:
            return "auto" if self.format == "dicom" else "none"
        return "auto" if self.window == "auto" else "none"


class Output(_Part):
    """What the numbers mean: classes or findings in the order of `probabilities`, targets in the order of `values`."""

    classes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    positive: str | None = None
    target: str | None = None
    unit: str | None = None
    targets: dict[str, str | None] = Field(default_factory=dict)
    aggregate: Literal["patient"] | None = None

    @property
    def units(self) -> dict[str, str | None]:
        """Unit of every target by name, in the order of the model's `values`; empty for a classifier."""
        return self.targets or ({self.target: self.unit} if self.target is not None else {})

    @property
    def likely(self) -> tuple[str, ...]:
        """What has a probability: classes or findings; empty for a regression."""
        return self.classes or self.labels

    @property
    def names(self) -> tuple[str, ...]:
        """What each number of the model is called."""
        return self.likely or tuple(self.units)


class Contract(_Part):
    """The whole contract. Raises nothing but pydantic's ValidationError; `parse` turns that into a diagnostic."""

    format_version: int
    name: str
    task: str
    input: Input
    output: Output = Output()
    plugin: str = ""
    words: dict[str, str] = Field(default_factory=dict)
    plain: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_something(self) -> Contract:
        if self.task == "classification" and len(self.output.classes) < 2 and not self.output.labels:
            raise ValueError("a classifier's contract names at least two classes, or findings")
        if self.output.classes and self.output.labels:
            raise ValueError("a classifier's contract names classes or findings, not both")
        if self.task == "regression" and not self.output.units:
            raise ValueError("a regression's contract names a target")
        if self.output.positive is not None and self.output.positive not in self.output.classes:
            raise ValueError("the positive class is not one of the classes")
        return self


def parse(text: str) -> Contract:
    """The contract in a JSON text. Raises SpeccError P845 where it is damaged or of a newer version."""
    try:
        data: Any = json.loads(text[: LARGEST + 1])
    except (ValueError, RecursionError) as error:
        raise fault("P845", "the model's contract is not JSON", _again(), exit_code=5) from error
    version = data.get("format_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        message = f"the model's contract has version {version}, and this specc reads up to version {FORMAT_VERSION}"
        raise fault("P845", message, "install a newer specc", exit_code=5)
    if isinstance(data, dict) and "task" in data and "input" not in data:
        raise _other_task(str(data["task"]))
    try:
        own = isinstance(data, dict) and data.get("plugin")
        return Contract.model_validate({**data, "output": {}, "plain": data.get("output", {})} if own else data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "contract"
        message = f"the model's contract is damaged at `{place}`: {first['msg']}"
        raise fault("P845", message, _again(), exit_code=5) from None


def read(file: FilePath) -> Contract:
    """The contract in a run's contract.json. Raises SpeccError P844 or P845."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise fault("P844", f"cannot read the contract {file}: {reason}", _again(), exit_code=5) from error
    return parse(text)


def check_answers(contract: Contract) -> None:
    """Raise SpeccError P848 unless the model answers about images with classes, findings or values."""
    if not contract.output.names and not contract.plugin:
        raise _other_task(contract.task)


def _other_task(task: str) -> Exception:
    cure = "its outputs are named in the ONNX file; onnxruntime runs it directly"
    return fault("P848", f"a model for the task `{task}` gives no classes or values for an image", cure, exit_code=5)


def _again() -> str:
    return "export the model again: `specc export RUN`"
