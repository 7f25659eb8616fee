"""feature_extraction: an autoencoder, whose code describes an image in few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from specc.plugin import IDENTITY, STEP, Arguments, Column, Piece, Program, Task
from specc_features import rules
from specc_features.losses import LOSSES

if TYPE_CHECKING:
    from specc.study import Study

_PIECES = "specc_features.pieces"
_HOMES = {
    f"{_PIECES}.training": "train",
    f"{_PIECES}.objectives": "objective",
    f"{_PIECES}.losses": "metrics",
    f"{_PIECES}.deploy": "deploy",
    f"{_PIECES}.export": "leave",
    f"{_PIECES}.data": "data",
}
_BLACK = {"0..1": 0.0, "-1..1": -1.0}
_PEAK = {"0..1": "1.0", "-1..1": "2.0"}
OUTPUTS = ("code", "reconstruction", "image", "error", "accepted")


class Noise(Arguments):
    """What is done to an image before the encoder sees it, while it learns; what is to come out stays clean."""

    sd: Annotated[float, Field(gt=0, le=10)] | None = Field(
        default=None, description="standard deviation of Gaussian noise, on the scale of `input: scale`"
    )
    mask: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="share of the pixels that become black"
    )


class Sparsity(Arguments):
    """A penalty on codes that are not sparse, which is added to the loss."""

    weight: float = Field(gt=0, le=1e6, description="what the penalty is multiplied by")
    kind: Literal["l1", "kl"] = Field(
        default="l1",
        description="`l1`: mean absolute value of the code; `kl`: divergence of each number's mean over the batch from "
        "`target`, for a code that ends in a sigmoid",
    )
    target: float = Field(default=0.05, gt=0, lt=1, description="mean of each number of the code, with `kl`")


class Variational(Arguments):
    """The code is a normal distribution, which is held near the standard one; the layer is `gaussian`."""

    beta: float = Field(default=1.0, ge=0, le=1e6, description="weight of the divergence; 1 is the bound of the paper")


def code_size(study: Study) -> int:
    """How many numbers the code has."""
    graph, size = study.passed["network"], 1
    for axis in graph.shape_of(graph.code):
        size *= axis
    return size


def _program(study: Study) -> Program:
    spec, graph = study.spec, study.passed["network"]
    scale, noise, sparsity, variational = spec.input.scale, spec.noise, spec.sparsity, spec.variational
    symbols: dict[str, Piece | str] = {
        "build": Piece(f"{_PIECES}.training", "build"),
        "export_model": Piece(f"{_PIECES}.export", "export_coder"),
        "targets_of": Piece(f"{_PIECES}.data", "no_targets"),
        "objective": Piece(f"{_PIECES}.objectives", f"{'variational' if variational else 'plain'}_objective"),
        "middle": Piece(f"{_PIECES}.objectives", "mean_of") if variational else IDENTITY,
        "shown": Piece(f"{_PIECES}.losses", "from_logits") if graph.activation == "sigmoid" else IDENTITY,
        "hidden": Piece(f"{_PIECES}.losses", "to_logits") if graph.activation == "sigmoid" else IDENTITY,
        "bounds": Piece(f"{_PIECES}.training", f"{'no' if noise or sparsity or variational else 'plain'}_bounds"),
        "disturbed": IDENTITY,
        "sparse": IDENTITY,
        "BETA": repr(variational.beta if variational else 0.0),
        "BLACK": repr(_BLACK.get(scale, 0.0)),
        "PEAK": _PEAK.get(scale, "float(known.max() - known.min())"),
        "CODE": repr(code_size(study)),
        "OUTPUTS": repr(OUTPUTS),
    }
    if noise:
        name = "with_noise" if noise.sd is not None else "with_holes"
        symbols |= {"disturbed": Piece(f"{_PIECES}.objectives", name)}
        symbols |= {"NOISE": repr(noise.sd), "HOLES": repr(noise.mask)}
    if sparsity:
        name = {"l1": "small_sums", "kl": "seldom_active"}[sparsity.kind]
        symbols |= {"sparse": Piece(f"{_PIECES}.objectives", name)}
        symbols |= {"SPARSITY": repr(sparsity.weight), "TARGET": repr(sparsity.target)}
    given = spec.data.columns or {}
    columns = {word: given[word] for word in ("label", "patient") if word in given}
    return Program(symbols, _HOMES, columns=columns)


def _contract(study: Study) -> Mapping[str, Any]:
    graph, scale = study.passed["network"], study.spec.input.scale
    return {
        "code": list(graph.shape_of(graph.code)),
        "reconstruction": list(graph.inputs["image"]),
        "error": f"mean squared error over pixels and channels of the edited image, scale {scale}",
    }


TASK = Task(
    "feature_extraction",
    "Few numbers that describe an image (a code), learned without labels: an autoencoder gives the image back from "
    "them. The layer with `id: code` is the code; the network ends in the form of the image.",
    _program,
    _contract,
    keys={
        "noise": (
            Noise | None,
            Field(default=None, description="a denoising autoencoder: `{sd: 0.1}` or `{mask: 0.3}`"),
        ),
        "sparsity": (Sparsity | None, Field(default=None, description="a sparse autoencoder: `{weight: 0.001}`")),
        "variational": (
            Variational | None,
            Field(default=None, description="a variational autoencoder: `{beta: 1}`, with the layer `gaussian`"),
        ),
    },
    lifts=frozenset({"output"}),
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("label", "a class, by which codes are coloured and judged; nothing is learned from it", required=False),
        Column("patient", "who it is; keeps one patient on one side of the split", required=False),
    ),
    rules=rules.RULES,
    table=("feature extraction: an image of the input's form, sigmoid for `0..1`, `mean_squared_error`",),
    example="plugins/features/specs/pneumonia_codes.yaml",
    metrics={"mse": -1, "psnr": 1},
    heeds=STEP - {"mixup"},
    losses=LOSSES,
    code="code",
    answering=Piece("specc_features.answering", "ANSWERING"),
)
