"""probe_ssd: boxes around things of several classes, by default boxes of several scales (arXiv:1512.02325)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from specc.errors import Diagnostic, Note
from specc.plugin import STEP, Arguments, Column, Count, Piece, Program, Rule, Source, Task
from specc_probe import checks
from specc_probe.ssd_entries import fault_of

if TYPE_CHECKING:
    from specc.study import Study

_AT = "specc_probe.pieces"
_FILES = {"ssd": "train", "data": "data", "coco": "data", "boxes": "boxes", "matching": "matching",
          "found": "metrics", "deploy": "deploy", "parity": "parity"}  # fmt: skip
_HOMES = {f"{_AT}.{module}": file for module, file in _FILES.items()}
Size = Annotated[float, Field(gt=0, le=4)]


class Output(Arguments):
    """What comes out."""

    classes: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="what is found, in this order")
    keep: Count = Field(default=200, description="boxes that an image has at most")
    candidates: Count = Field(default=400, description="most certain boxes of a class among which some are kept")
    overlap: float = Field(default=0.45, ge=0, le=1, description="of two boxes of a class, above which one is left out")
    score: float = Field(default=0.01, ge=0, lt=1, description="how certain a box must be")


class DefaultBoxes(Arguments):
    """Boxes that the network starts from."""

    sizes: Annotated[tuple[Size, ...], Field(min_length=2)] = Field(
        default=(0.2, 0.9),
        description="shares of the image: of the first and of the last map, with equal steps between them (eq. 4); or "
        "one for each map and one more",
    )
    ratios: Annotated[tuple[tuple[Size, ...], ...], Field(min_length=1)] = Field(
        description="for each map, in the order of `outputs`, the ratios of width to height beside 1; each stands for "
        "its inverse, too"
    )


def sizes_of(boxes: DefaultBoxes) -> list[float]:
    """A size for each map, and the one that would follow (section 2.2, eq. 4)."""
    count, sizes = len(boxes.ratios), list(boxes.sizes)
    if count > 1 and len(sizes) == 2:
        step = (sizes[1] - sizes[0]) / (count - 1)
        return [sizes[0] + step * place for place in range(count + 1)]
    return sizes


def maps_of(study: Study) -> list[tuple[Any, ...]]:
    """What `boxes.default_boxes` takes, in the order of the outputs."""
    graph, sizes, maps = study.passed["network"], sizes_of(study.spec.default_boxes), []
    for place, (name, ratios) in enumerate(zip(names_of(graph.outputs), study.spec.default_boxes.ratios, strict=True)):
        _, rows, columns = graph.shape_of(graph.outputs[f"{name}_boxes"])
        maps.append((rows, columns, 1 / rows, 1 / columns, sizes[place], sizes[place + 1], ratios))
    return maps


def names_of(outputs: Mapping[str, object]) -> list[str]:
    """The maps that a network has: those of which an output `NAME_boxes` tells."""
    return [name.removesuffix("_boxes") for name in outputs if name.endswith("_boxes")]


def _program(study: Study) -> Program:
    output, outputs, maps = study.spec.output, list(study.passed["network"].outputs), maps_of(study)
    names = names_of(study.passed["network"].outputs)
    candidates = min(output.candidates, sum(one[0] * one[1] * (2 + 2 * len(one[6])) for one in maps))
    symbols: dict[str, Piece | str] = {
        "build": Piece(f"{_AT}.ssd", "build"),
        "export_model": Piece(f"{_AT}.ssd", "export_detector"),
        "targets_of": Piece(f"{_AT}.data", "boxes_of_table"),
        "placed": Piece(f"{_AT}.boxes", f"placed_{study.spec.input.resize or 'none'}"),
        "MAPS": repr(tuple(maps)),
        "BOXES": repr(tuple(outputs.index(f"{name}_boxes") for name in names)),
        "SCORES": repr(tuple(outputs.index(f"{name}_scores") for name in names)),
        "CLASSES": ascii(tuple(output.classes)),
        "KEEP": repr(min(output.keep, candidates * len(output.classes))),
        "CANDIDATES": repr(candidates),
        "OVERLAP": repr(float(output.overlap)),
        "LEAST_SCORE": repr(float(output.score)),
    }
    return Program(symbols, _HOMES, columns={"objects": (study.spec.data.columns or {}).get("objects", "objects")})


def _contract(study: Study) -> Mapping[str, Any]:
    return {
        "things": list(study.spec.output.classes),
        "boxes": "left, top, right, bottom in pixels of the image",
        "scores": "how certain a box is; 0 where there is none",
        "classes": "place in `things`; -1 where there is no box",
        "count": "how many boxes there are",
    }


def check_maps(study: Study) -> list[Diagnostic]:
    """What: the network's outputs are not those of the default boxes.

    Why: each map says for each of its default boxes where it lies (4 numbers) and what is in it (a number for nothing
    and one for each class): with the ratios `[2]` a cell has 4 boxes, so that `fine_boxes` has 16 channels.

    Bad:

        default_boxes: {ratios: [[2]]}
        model: {layers: [conv2d: {filters: 4, kernel: 3, id: places}], outputs: {fine_boxes: places}}

    Good:

        output: {classes: [cell]}
        default_boxes: {ratios: [[2]]}
        model:
          layers:
            - conv2d: {filters: 8, kernel: 3, id: cells}
            - conv2d: {filters: 16, kernel: 3, padding: same, id: places}
            - from: cells
            - conv2d: {filters: 8, kernel: 3, padding: same, id: certain}
          outputs: {fine_boxes: places, fine_scores: certain}
    """
    graph, boxes = study.graphs.get("network"), study.spec.default_boxes
    if graph is None:
        return []
    shapes = {name: graph.shape_of(source) for name, source in graph.outputs.items()}
    names, wanted = names_of(shapes), {}
    for name, ratios in zip(names, boxes.ratios, strict=False):
        many, grid = 2 + 2 * len(ratios), shapes[f"{name}_boxes"][1:]
        wanted[f"{name}_boxes"] = (4 * many, *grid)
        wanted[f"{name}_scores"] = ((1 + len(study.spec.output.classes)) * many, *grid)
    if len(names) == len(boxes.ratios) and shapes == wanted and all(len(shape) == 3 for shape in wanted.values()):
        return []
    found = ", ".join(f"`{name}` of {list(shape)}" for name, shape in shapes.items())
    needs = ", ".join(f"`{name}` of {list(shape)}" for name, shape in wanted.items())
    maps = f"{len(boxes.ratios)} map{'s' if len(boxes.ratios) > 1 else ''}"
    message = f"the network does not end in what the default boxes of {maps} need"
    notes = [Note("note", f"it ends in {found}")]
    notes += [Note("note", f"these ratios need {needs}")] if needs else []
    notes.append(Note("help", "`outputs: {NAME_boxes: ID, NAME_scores: ID, ...}`, both for each map"))
    return [Diagnostic("Z103", message, study.key_span("model"), ("model",), notes=tuple(notes))]


def check_sizes(study: Study) -> list[Diagnostic]:
    """What: there are more or fewer sizes than maps need.

    Why: each map has boxes of its own size and of the geometric mean with the next one.

    Bad:

        default_boxes: {sizes: [0.1, 0.2, 0.4, 0.8], ratios: [[2], [2, 3]]}

    Good:

        default_boxes: {sizes: [0.1, 0.2, 0.4], ratios: [[2], [2, 3]]}
    """
    boxes, path = study.spec.default_boxes, ("default_boxes", "sizes")
    if len(boxes.sizes) in (2, len(boxes.ratios) + 1):
        return []
    message = f"{len(boxes.sizes)} sizes for {len(boxes.ratios)} maps"
    note = Note("help", f"give 2, or {len(boxes.ratios) + 1}: one for each map and one more")
    return [Diagnostic("Z105", message, study.span(*path), path, notes=(note,))]


TASK = Task(
    "probe_ssd",
    "Boxes around things of several classes.",
    _program,
    _contract,
    output=Output,
    keys={"default_boxes": (DefaultBoxes, Field(description="boxes that the network starts from"))},
    lifts=frozenset({"loss"}),
    columns=(
        Column("image", "file name of the image, relative to the manifest"),
        Column("objects", "JSON: a list of boxes `[class, x, y, width, height]` in pixels", fault=fault_of),
    ),
    rules=(Rule("Z103", "probe_ssd_maps", check_maps), Rule("Z105", "probe_ssd_sizes", check_sizes)),
    example="task: probe_ssd",
    metrics={"map": 1},
    heeds=STEP - {"mixup"},
    sources=(
        Source(
            "coco",
            Piece(f"{_AT}.coco", "read_coco"),
            "list of images with boxes as COCO writes it (JSON)",
            ("objects",),
            source="Lin et al. 2014, arXiv:1405.0312",
        ),
    ),
    checks=checks.BOXES,
    answering=Piece("specc_probe.boxes", "BOXES"),
)
