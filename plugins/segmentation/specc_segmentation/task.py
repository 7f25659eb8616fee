"""segmentation: a class for every pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specc.plugin import IDENTITY, STEP, Column, Piece, Program, Source, Task
from specc_segmentation import checks, loss_words, rules, size_rules
from specc_segmentation.output import Output, meanings, names, values
from specc_segmentation.sizes import answered, multiple_of

if TYPE_CHECKING:
    from specc.study import Study

_AT = "specc_segmentation.pieces"
_HOMES = {
    f"{_AT}.learner": "train",
    f"{_AT}.losses": "metrics",
    f"{_AT}.scores": "metrics",
    f"{_AT}.masks": "masks",
    f"{_AT}.coco": "masks",
    f"{_AT}.known": "masks",
    f"{_AT}.samples": "masks",
    f"{_AT}.answers": "deploy",
    f"{_AT}.parity": "parity",
    "specc.pieces.answers": "deploy",
    "specc.pieces.supervised": "train",
}
_METRICS = {"dice": 1, "iou": 1, "mean_iou": 1, "dice_per_image": 1, "pixel_accuracy": 1}
_OUTPUTS = ("probabilities", "mask", "ood_score", "accepted")


def _program(study: Study) -> Program:
    """Symbols of the program, by the form of `output`."""
    output, graph = study.spec.output, study.passed["network"]
    labels, binary = bool(output.labels), graph.activation == "sigmoid"
    height, width = study.spec.input.size
    top, left, high, wide = answered(study)
    whole, still = (high, wide) == (height, width), Piece(f"{_AT}.learner", "still_masks")
    moves = any(study.registry.augmentations[call.name].moves for call in study.spec.augment)
    columns, multiple = _columns(study), multiple_of(study)
    unpools = any(node.op == "unpool" for node in graph.nodes)
    border = _border(study)
    counted = any(getattr(call.args, "class_weights", None) == "balanced" for call in study.spec.loss["network"])
    coco = getattr(study.spec.data, "coco", None) is not None
    symbols: dict[str, Piece | str] = {
        "build": Piece(f"{_AT}.learner", "build"),
        "export_model": Piece(f"{_AT}.learner", "export_masks"),
        "targets_of": Piece(f"{_AT}.masks", "read_later"),
        "truth_of": Piece(f"{_AT}.learner", "seen_masks") if moves else IDENTITY if whole else still,
        "overlaid": Piece(f"{_AT}.samples", "masked"),
        "cropped": IDENTITY if whole else Piece(f"{_AT}.learner", "centre"),
        "CROP": repr((top, left, high, wide)),
        "weighed": Piece(f"{_AT}.losses", "median_frequency") if counted else IDENTITY,
        "masks_of": Piece(f"{_AT}.masks", "from_outlines" if coco else "from_files"),
        "with_border": IDENTITY if border is None else Piece(f"{_AT}.masks", "with_closeness"),
        "SIGMA": repr(5.0 if border is None else border),
        "MASKS": repr(tuple(word for word in columns if word.partition(".")[0] == "mask")),
        "SHAPES": _texts(names(output) if labels else names(output)[1:]),
        "VALUES": repr(dict(meanings(output))),
        "CLASSES": repr(2 if labels else len(output.classes)),
        "RULE": repr(study.spec.input.resize or "none"),
        "MULTIPLE": repr(multiple),
        "answers_of": Piece(f"{_AT}.scores", "of_labels" if binary else "of_classes"),
        "likelihoods": Piece(f"{_AT}.answers", "sigmoid" if labels else "pair" if binary else "softmax"),
        "Proof": Piece(f"{_AT}.parity", "PutBack") if unpools else Piece("specc.pieces.export", "Certificate"),
        "Deploy": Piece(f"{_AT}.answers", "LabelMasks" if labels else "ClassMasks"),
        "OUTPUTS": repr(_OUTPUTS),
    }
    if multiple:
        symbols["resize"] = IDENTITY  # images of training have the right size, or are refused with their file
    if coco:
        symbols["TRUTH"] = repr(("size", "shapes"))
    return Program(symbols, _HOMES, columns=columns)


def _texts(words: tuple[str, ...]) -> str:
    """A tuple of text in ASCII."""
    return "(" + "".join(f"{word!a}, " for word in words) + ")"


def _columns(study: Study) -> dict[str, str]:
    """Keys of a row -> columns of the manifest."""
    output, given = study.spec.output, study.spec.data.columns or {}
    if not study.spec.data.manifest:
        return {}
    if output.labels:
        named = given.get("mask", {})
        columns = {f"mask.{name}": named.get(name, name) for name in output.labels}
    else:
        columns = {"mask": given.get("mask", "mask")}
    return columns | {word: given[word] for word in ("instances", "patient") if word in given}


def _border(study: Study) -> float | None:
    """Sigma of border weights, where a loss has them."""
    borders = [border for call in study.spec.loss["network"] if (border := getattr(call.args, "border", None))]
    return float(borders[0].sigma) if borders else None


def _contract(study: Study) -> Mapping[str, Any]:
    """What masks mean, and which part of an image is answered."""
    output = study.spec.output
    top, left, high, wide = answered(study)
    given = study.spec.data.columns or {}
    told: dict[str, Any] = {"labels": list(output.labels)} if output.labels else {"classes": list(output.classes)}
    if output.classes:
        told["values"] = list(values(output))
    return told | {
        "ignore": output.ignore,
        "spacing": list(output.spacing) if output.spacing else None,
        "tolerance": float(output.tolerance),
        "map": [top, left, high, wide],
        "columns": {"mask": given.get("mask", "mask")},
    }


TASK = Task(
    "segmentation",
    "A class for every pixel (`classes`, the first is the background), or labels that may lie on top of each other "
    "(`labels`). The network ends in a map: one channel with sigmoid for the second of two classes, one a class with "
    "softmax, one a label with sigmoid. The truth are masks, PNG or TIFF, in the grid of their images: "
    "`columns: {image: file, mask: mask}`; `output: {values: [0, 255]}` says what their numbers mean.",
    _program,
    _contract,
    output=Output,
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("mask", "file name of the mask, which has a number a pixel", form="classes", file=True),
        Column(
            "mask",
            "for labels: name: column of the masks, 0 and 1 (or 255); without an entry nothing is known of the label",
            form="labels",
            each=True,
            file=True,
            blank=True,
        ),
        Column(
            "instances",
            "file name of a mask in which each thing has a number of its own, for `border` weights",
            required=False,
            file=True,
        ),
        Column("patient", "who it is; keeps one patient on one side of the split", required=False),
    ),
    rules=(*rules.RULES, *size_rules.RULES),
    table=(
        "segmentation, two classes: 1 map, sigmoid, `binary_cross_entropy`, `dice`, `focal` or `tversky`, or their sum",
        "segmentation, two or more classes: one map a class, softmax, `categorical_cross_entropy`, `dice`, `focal` or "
        "`tversky`, or their sum",
        "segmentation, labels: one map a label, sigmoid, the losses of two classes",
    ),
    example="plugins/segmentation/specs/nuclei.yaml",
    metrics=_METRICS,
    heeds=STEP - {"mixup"},
    losses=loss_words.OWN,
    sources=(
        Source(
            "coco",
            Piece(f"{_AT}.coco", "read_coco"),
            "an annotation file of COCO: outlines and run-length codes by category; a category is a class, or a label",
            words=("size", "shapes", "patient", "part"),
            source="Lin et al. 2014, arXiv:1405.0312",
        ),
    ),
    checks=checks.CHECKS,
    answering=Piece("specc_segmentation.answering", "ANSWERING"),
)
