"""The keys that every spec has: input, data, train, model. Tasks, layers, losses and the like come from a registry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

from specc.plugin import Arguments, Call, Count, Kind

Pixels = Annotated[int, Field(ge=1, le=16_384)]
Share = Annotated[float, Field(gt=0, lt=100)]


def _one(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _whole(value: object) -> object:
    """True and 1.0 equal 1 in Python, and not in this language."""
    return value if type(value) is int else str(value)


def _no_address(value: str) -> str:
    """Refuse what has the form of an address on a network."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", value):
        raise ValueError("this is an address, and specc opens no connection: copy the data here and name the path")
    return value


Place = Annotated[str, Field(min_length=1), AfterValidator(_no_address)]


def _modality(value: str) -> str:
    """A value of the DICOM attribute Modality (0008,0060), a code string."""
    if not re.fullmatch(r"[A-Z0-9_ ]{1,16}", value):
        raise ValueError("a modality is a code of DICOM in capital letters, as CR, CT, DX, MG, MR or US")
    return value


_TEXT = {"type": "string"}
Texts = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_one),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]


Modalities = Annotated[
    tuple[Annotated[str, AfterValidator(_modality)], ...],
    Field(min_length=1),
    BeforeValidator(_one),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]


class Window(Arguments):
    """A fixed window of grey values, after modality LUT or rescale."""

    center: float = Field(description="value that becomes mid-grey")
    width: float = Field(gt=0, description="distance between black and white")


def _window_form(value: object) -> str:
    """A word, one window, or one for each channel: what a value can only mean, by its form."""
    if not isinstance(value, Mapping):
        return "nothing" if value is None else "one" if isinstance(value, Window) else "word"
    return "each" if value and all(isinstance(inner, Mapping | Window) for inner in value.values()) else "one"


class _AnyOf:
    """Says of a choice by form what editors and messages understand: `anyOf`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """As it is."""
        return handler(source)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The members, of which one holds."""
        return {"anyOf": handler(schema)["oneOf"]}


Windows = Annotated[
    Annotated[Literal["auto", "none"], Tag("word")]
    | Annotated[Window, Tag("one")]
    | Annotated[dict[str, Window], Field(min_length=1), Tag("each")]
    | Annotated[None, Tag("nothing")],
    Discriminator(_window_form),
    _AnyOf(),
]
Stack = Annotated[tuple[str, ...], Field(min_length=1, max_length=64)]


class Input(Arguments):
    """What goes in: the images' format and what is done before the network sees them."""

    format: Literal["png", "jpeg", "tiff", "dicom"] = Field(description="file format of the images")
    size: tuple[Pixels, Pixels] = Field(description="[height, width] = DICOM Rows, Columns")
    channels: Literal["mono", "rgb"] | Stack = Field(
        description="`mono`: one grey value a pixel; `rgb`: red, green and blue; or a list of names, as "
        "`[flair, t1, t2]`: that many mono files a case, each of them a channel"
    )
    from_mono: Literal["repeat"] | None = Field(
        default=None, description="`repeat` lets mono images into an rgb network, the grey value three times"
    )
    window: Windows = Field(
        default=None,
        description="`auto` (VOI LUT, else the first centre and width, else the range of the pixels), "
        "{center, width}, {CHANNEL: {center, width}, ...} for stacked files, or `none`; DICOM: `auto` by default, "
        "CT must say",
    )
    scale: Literal["0..1", "-1..1", "standardize", "standardize_image"] = Field(
        description="numbers that the network sees: the window's edges (else the type's range) to 0..1 or -1..1; "
        "`standardize` by mean and deviation of the training split; `standardize_image` by each image's own"
    )
    edits: tuple[Annotated[Call, Kind("edit")], ...] = Field(
        default=(),
        description="changes to every image, in this order, after window and channels and before `resize`: `invert`, "
        "`power`, `smooth` and those of plugins; the exported model makes them, too",
    )
    resize: Literal["fit", "crop", "stretch"] | None = Field(
        default=None,
        description="`fit` keeps proportions and fills with black, `crop` cuts the middle, `stretch` distorts; "
        "without it an image of another size is an error",
    )
    modality: Modalities | None = Field(default=None, description="DICOM modalities that are let in (default: any one)")
    frame: Count | None = Field(default=None, description="which frame of a multi-frame file, counted from 1")


class Before(Arguments):
    """`group: {before: "_"}`: the part of the file name before a mark is the patient."""

    before: str = Field(min_length=1, max_length=16, description="mark that ends the patient's part of the file name")


class Split(Arguments):
    """Which images train, which validate, which test."""

    train: Share | None = Field(default=None, description="percent of the images (or groups) that train")
    val: Share | None = Field(default=None, description="percent that validate: they choose the epoch")
    test: Share | None = Field(default=None, description="percent that are held out to the end")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(default=42, description="which of the possible splits")
    group: str | Before | None = Field(
        default=None,
        description="what stays on one side: a column, `folder`, {before: `_`} or `none`; DICOM: PatientID by default",
    )
    column: str | None = Field(default=None, description="column of the manifest that says train, val or test")
    folds: Annotated[int, Field(ge=2, le=100)] | None = Field(
        default=None,
        description="cross-validation: so many folds, each of which validates once while the others train; `test` "
        "(a percentage, or that of `column`) stays apart; `specc train` trains all folds and sums them up",
    )
    fold: Count | None = Field(
        default=None,
        description="only this fold validates, from 1 (default: each in turn; a single program: the first)",
    )
    folds_column: str | None = Field(
        default=None, description="column of the manifest that says the fold of each image, 1 to `folds`, or test"
    )
    use: Annotated[float, Field(gt=0, le=100)] | None = Field(
        default=None,
        description="percent of the training groups (patients) that train, the others are left out; validation and "
        "test stay; `specc train --fractions` sets it",
    )


class Data(Arguments):
    """Where the images are and what is known about each."""

    folders: Place | None = Field(default=None, description="folder with one folder per class")
    manifest: Place | None = Field(default=None, description="CSV table with one line per image")
    images: Place | None = Field(default=None, description="folder of images without labels")
    columns: dict[str, str | Stack | dict[str, str]] | None = Field(
        default=None,
        description="our word: your column (image, label, target, patient, ...); `image` is a list of columns where "
        "`input.channels` is a list, in the same order",
    )
    split: Split | None = Field(default=None, description="which images train, validate and test")
    skip: Literal["other_modality"] | None = Field(
        default=None, description="leave images of another modality out instead of stopping"
    )


class EarlyStop(Arguments):
    """When to stop before the last epoch."""

    watch: str = Field(default="val_loss", description="what must improve: val_loss or a metric of the task")
    patience: Count = Field(description="epochs without improvement before training stops")
    min_delta: float = Field(default=0.0, ge=0, description="a smaller improvement does not count")


class Clip(Arguments):
    """What gradients are kept below."""

    by: Literal["norm", "value"] = Field(
        default="norm", description="`norm` shortens all gradients together, `value` cuts every number by itself"
    )
    most: float = Field(gt=0, description="the largest norm, or the largest number")


class Phase(Arguments):
    """A part of the training that begins with a new optimizer."""

    epochs: Count = Field(description="at most so many times through the training images")
    freeze: Texts | None = Field(
        default=None, description="ids of layers or blocks that do not learn; their batch norm keeps its statistics"
    )
    learning_rate: float | None = Field(default=None, gt=0, description="instead of the optimizer's own")


class Train(Arguments):
    """How training runs."""

    epochs: Count | None = Field(
        default=None, description="at most so many times through the training images; required without `phases`"
    )
    phases: Annotated[tuple[Phase, ...], Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="trainings one after the other, each from the weights that the last one left: "
        "`{epochs, freeze, learning_rate}`",
    )
    batch_size: Count = Field(description="images that go through the network together, over all processes")
    accumulate: Annotated[int, Field(ge=1, le=65_536)] = Field(
        default=1, description="batches whose gradients are summed before the weights change"
    )
    early_stop: EarlyStop | None = Field(default=None, description="when to stop early (default: never)")
    schedule: Annotated[Call, Kind("schedule")] | None = Field(
        default=None, description="how the learning rate changes, in each phase anew (default: constant)"
    )
    grad_clip: Annotated[float, Field(gt=0)] | Clip | None = Field(
        default=None, description="longest gradient, all weights together; or `{by: value, most: 0.5}` (default: any)"
    )
    ema: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="keep a moving average of the weights, of which this part stays in each step, as 0.999; it is "
        "what is judged and exported",
    )
    precision: Literal["auto", "float32", "bf16", "float16"] = Field(
        default="auto",
        description="numbers in the forward pass of training: `auto` is float32 on the CPU and for small networks, "
        "else bf16 on GPUs that have it and float16 on others; weights, evaluation and the exported model are float32",
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(default=42, description="start of all random numbers")
    repeats: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1,
        description="train so many times, with the seeds `seed`, `seed` + 1, ..., the split being the same, and sum up",
    )
    shuffle: bool = Field(default=True, description="another order of images in each epoch")
    drop_last: bool = Field(default=False, description="leave out the last step where it is not full")
    workers: Literal["auto"] | Annotated[int, Field(ge=0, le=256)] = Field(
        default="auto", description="threads that read and decode images; `auto`: one a processor core"
    )

    @property
    def length(self) -> int:
        """Epochs of the whole training, at most."""
        return sum(phase.epochs for phase in self.phases) if self.phases else self.epochs or 0

    @property
    def step_size(self) -> int:
        """Images between two updates of the weights."""
        return self.batch_size * self.accumulate


class Network(Arguments):
    """One network: its layers from input to output."""

    input: Texts | None = Field(default=None, description="name of what goes in, or a list of names")
    layers: Annotated[tuple[Annotated[Call, Kind("layer")], ...], Field(min_length=1)] = Field(
        description="the layers in the order of data flow"
    )
    outputs: dict[str, str] | None = Field(default=None, description="name of an output: id of the layer that gives it")


def description(model: type[Arguments], key: str) -> str:
    """What a key means. Raises KeyError."""
    return model.model_fields[key].description or ""


FIXED: dict[str, tuple[Any, Any]] = {
    "specc": (Annotated[Literal[1], BeforeValidator(_whole)], Field(description="version of this language: 1")),
    "name": (
        Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")],
        Field(description="name of the study: letters, digits, `-` and `_`; runs are kept in runs/NAME/"),
    ),
    "task": (str, Field(description="what the network is to do")),
    "input": (Input, Field(description="what goes in")),
    "data": (Data, Field(description="where the images are")),
    "augment": (
        tuple[Annotated[Call, Kind("augmentation")], ...],
        Field(
            default=(),
            description="changes to training images, in this order, anew in each epoch. Those of place (rotate, zoom, "
            "...) that follow each other are made in one step, which keeps images sharp",
        ),
    ),
    "train": (Train, Field(description="how training runs")),
    "allow": (
        dict[str, Annotated[str, Field(min_length=1)]],
        Field(default_factory=dict, description="sound choices outside of Table 1, each with its reason"),
    ),
    "card": (
        str | dict[str, str] | None,
        Field(default=None, description="free text for the report: background, source, eligibility, ..."),
    ),
    "plugins": (tuple[str, ...], Field(default=(), description="plugins that this spec needs; it enables nothing")),
    "init": (
        Annotated[Call, Kind("init")] | None,
        Field(default=None, description="how weights start (default: glorot_uniform, bias 0)"),
    ),
}  # root keys that no task changes
