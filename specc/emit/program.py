"""Puts a program together: which piece stands where, in which file, and what is bound to each slot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specc.cost import shapes_of
from specc.emit import printed, training
from specc.emit.asked import program_of
from specc.emit.augmentation import augmentation, changes
from specc.emit.edits import edits
from specc.emit.format import tidy
from specc.emit.inert import placeholder, require_inert
from specc.emit.link import Linker
from specc.emit.literal import literal
from specc.emit.model import class_name, print_model
from specc.emit.parts import parts_of
from specc.plugin import IDENTITY, Piece, Program

if TYPE_CHECKING:
    from specc.study import Study

PIECES = "specc.pieces"
WHOLE = {
    f"{PIECES}.{name}": name
    for name in (
        *("runtime", "command", "checkpoints", "readers", "tables", "folds", "subset"),
        *("cache", "index", "pixels", "export"),
    )
}
HOMES = {
    f"{PIECES}.loop": "train",
    f"{PIECES}.losses": "metrics",
    f"{PIECES}.metrics": "metrics",
    f"{PIECES}.images": "data",
    f"{PIECES}.stacks": "data",
    f"{PIECES}.augment": "augment",
    f"{PIECES}.augment_places": "augment",
    f"{PIECES}.augment_fields": "augment",
    f"{PIECES}.preview": "preview",
    f"{PIECES}.edits": "deploy",
    f"{PIECES}.resize": "deploy",
    **training.HOMES,
    printed.TRAIN: "train",
    printed.DATA: "data",
    printed.EDITS: "deploy",
    printed.AUGMENT: "augment",
    printed.MODEL: "model",
}
EDITS = {
    "0..1": "UnitEdits",
    "-1..1": "SymmetricEdits",
    "standardize": "UnitEdits",
    "standardize_image": "ImageStandardizedEdits",
}


def emit(study: Study) -> dict[str, str]:
    """The files of a study's program: name -> text. The same spec gives the same text.

    Raises NotInert if a text of the spec would be more than a string constant.
    """
    linker, raw = linked(study)
    files, plain = tidy(raw, WHOLE.values()), linked(placeholder(study))[1]
    require_inert(files, plain | {name: files[name] for name in raw if raw[name] == plain.get(name)})
    waiting = sorted(linker.copied)
    for module in waiting:
        files[f"{WHOLE[module]}.py"] = linker.copy(module)
        waiting += sorted(linker.copied - set(waiting))
    return files | {"contract.json": json.dumps(contract(study), indent=1) + "\n"}


def linked(study: Study) -> tuple[Linker, dict[str, str]]:
    """The files that are this program's own, before they are formatted, and the linker that made them."""
    linker = link(study, program_of(study))
    files = {}
    for name in linker.files:
        head, foot = (
            (f"{heading(study)}\nimport sys", FOOT)
            if name == "train"
            else (f'"""{TITLES.get(name, "Of the task.")}"""', "")
        )
        files[f"{name}.py"] = linker.text(name, head, foot)
    return linker, files


TITLES = {
    "model": "The spec's networks; each line of a forward pass ends in the shape that comes out.",
    "data": "The data of the spec: which file is what, edited images, batches.",
    "augment": "Changes to training images.",
    "mixup": "Blends of training images.",
    "schedule": "How the learning rate changes.",
    "updates": "What happens to gradients and weights beside the optimizer's own step.",
    "precision": "Forward passes in 16 bits.",
    "preview": "What the network really sees: some training images as edited, and as changed in the first epochs.",
    "metrics": "How wrong an answer is, and how good the network is on a part of the data.",
    "deploy": "The module that leaves: from pixels as read to an answer.",
}
FOOT = '\n\nif __name__ == "__main__":\n    sys.exit(rt.run(main))\n'


def heading(study: Study) -> str:
    """The docstring of train.py. Of the spec's text it holds checked names and numbers only."""
    from specc import __version__

    counts = [f"{graph.name} {parameters(study, graph.name):,}" for graph in study.passed.values()]
    return (
        f'"""Trains `{study.spec.name}`: {study.task.name}; parameters: {", ".join(counts)}.\n\n'
        f"Compiled by specc {__version__} from the spec with SHA-256 {study.document.sha256[:16]}.\n"
        "    python train.py                           on one GPU, or on the CPU; `--resume` after an interruption\n"
        "    torchrun --nproc-per-node 8 -- train.py   on eight; paths of the data start in `--data`, else here\n"
        '"""\n'
    )


def parameters(study: Study, network: str) -> int:
    """Trainable numbers of a network."""
    graph = study.passed[network]
    shapes = shapes_of(graph)
    return sum(
        study.registry.ops[node.op].parameters(node.attrs, tuple(shapes[name] for name in node.inputs))
        for node in graph.nodes
    )


def link(study: Study, task: Program) -> Linker:
    """Bind every slot and take `main` with all that it needs."""
    columns, parts = parts_of(study)
    bound, losses = printed.losses(study)
    texts = {
        printed.TRAIN: "\n\n".join([printed.config(study, task), printed.optimizers(study), losses]),
        printed.DATA: "\n\n".join([printed.table(study, {**task.columns, **columns}), parts, *value_range(study)]),
        printed.EDITS: edits(study),
        printed.AUGMENT: augmentation(study),
        training.SCHEDULE: training.schedule(study),
        printed.MODEL: print_model(study.passed, study.registry.ops),
    }
    truth = literal(tuple(word for word in task.columns if word != "patient"))
    symbols: dict[str, Piece | str] = {**core_symbols(study), "TRUTH": truth, **task.symbols}
    for slot, piece in bound.items():
        symbols.setdefault(slot, piece)
    for network in study.spec.loss or {}:
        slot = "loss_of" if network == "network" else f"{network}_loss"
        symbols.setdefault(slot, Piece(printed.TRAIN, slot))
    homes = {**HOMES, **{name: file for name, (file, _) in task.printed.items()}, **task.homes}
    for loss in study.registry.losses.values():
        homes.setdefault(loss.piece.module, "metrics")
    for edit in study.registry.edits.values():
        homes.setdefault(edit.piece.module, "deploy")
    for change in study.registry.augmentations.values():
        homes.setdefault(change.piece.module, "augment")
    for own in study.task.losses:
        homes.setdefault(own.piece.module, "metrics")
    for source in study.task.sources:
        homes.setdefault(source.piece.module, "data")
    for op in study.registry.ops.values():
        if op.piece is not None:
            homes.setdefault(op.piece.module, "model")
    for start in study.registry.initializers.values():
        if start.piece is not None:
            homes.setdefault(start.piece.module, "model")
    for optimizer in study.registry.optimizers.values():
        if optimizer.piece is not None:
            homes.setdefault(optimizer.piece.module, "train")
    texts |= {**study.registry.texts, **{name: text for name, (_, text) in task.printed.items()}}
    linker = Linker(homes, WHOLE, symbols, texts)
    linker.take(Piece(printed.TRAIN, "Config"))
    for root in (symbols["build"], Piece(f"{PIECES}.loop", "fit"), Piece(f"{PIECES}.loop", "main")):
        assert isinstance(root, Piece)
        linker.take(root)
    for network in study.passed:
        linker.take(Piece(printed.MODEL, class_name(network)))
    return linker


def value_range(study: Study) -> list[str]:
    """`value_range`, where it follows from the spec: a fixed window, or a window that the reader applies."""
    inputs = study.spec.input
    window, channels = inputs.window, inputs.channels
    if window is None or isinstance(window, str):
        if inputs.format != "dicom":
            return []
        edges, why = [(0.0, 1.0)], "The reader has applied the header's window, or the spec has none."
    else:
        each = [window[name] for name in channels] if isinstance(window, Mapping) else [window]
        edges = [(one.center - one.width / 2, one.center + one.width / 2) for one in each]
        why = "The spec's window." if len(each) == 1 else "The spec's window of each channel."
    kind, ends = "float", tuple[Any, ...](edges[0])
    if not isinstance(channels, str):
        edges = edges * len(channels) if len(edges) == 1 else edges
        kind, ends = "tuple[float, ...]", tuple(zip(*edges, strict=True))
    return [
        "from specc.pieces import readers\n\n\n"
        f"def value_range(facts: list[readers.Facts]) -> tuple[{kind}, {kind}]:\n"
        f'    """{why}"""\n    return {literal(ends)}\n'
    ]


def core_symbols(study: Study) -> dict[str, Piece | str]:
    """What the core binds for every task."""
    spec, images, own_edits = study.spec, f"{PIECES}.images", f"{PIECES}.edits"
    inputs, data, train = spec.input, spec.data, spec.train
    dicom, (height, width) = inputs.format == "dicom", inputs.size
    read = "auto" if dicom and inputs.window in (None, "auto") else "none"
    bare = dicom and inputs.window == "none"
    skips = bool(data.skip and inputs.modality)
    watch = train.early_stop.watch if train.early_stop else "val_loss"
    stack = not isinstance(inputs.channels, str)
    free = inputs.format == "tiff" and inputs.window in (None, "none") and inputs.scale.startswith("standardize")
    own = Piece(f"{PIECES}.stacks", "ranges_of_types") if stack else None
    own = own or Piece(images, "range_of_numbers" if free else "range_of_type")
    ranged = Piece(printed.DATA, "value_range") if value_range(study) else own
    clip = ("scale_each" if free else "clip_each") if stack else ("scale_only" if free else "clip_window")
    symbols: dict[str, Piece | str] = {
        "Config": Piece(printed.TRAIN, "Config"),
        "HEIGHT": literal(height),
        "WIDTH": literal(width),
        "BEST": literal((watch, {"val_loss": -1, **study.task.metrics}[watch])),
        "SHAPE": literal(printed.shape(study)),
        "WORKERS": literal(None if train.workers == "auto" else max(1, train.workers)),
        "FRAME": literal(inputs.frame),
        "READ_WINDOW": literal(read),
        "MODALITIES": literal(tuple(inputs.modality or ())),
        "rows": Piece(printed.DATA, "rows"),
        "parts_of": Piece(printed.DATA, "parts_of"),
        "chosen": Piece(images, "files_of_modality") if skips else Piece(f"{PIECES}.pixels", "every_file"),
        "value_range": ranged,
        "window": Piece(own_edits, "as_read" if bare else clip),
        "mixing": Piece(own_edits, "as_stacked" if stack else f"to_{inputs.channels}"),
        "resize": Piece(f"{PIECES}.resize", f"resize_{inputs.resize or 'none'}"),
        "Edits": Piece(own_edits, EDITS[inputs.scale]),
        "edited": Piece(printed.EDITS, "edited") if inputs.edits else IDENTITY,
        "edit_all": Piece(images, "edit_standardized" if inputs.scale == "standardize" else "edit_once"),
        "shuffle": Piece(images, "shuffled" if train.shuffle else "in_order"),
        "steps": Piece(images, "whole_steps" if train.drop_last else "all_steps"),
        "augment": Piece(printed.AUGMENT, "augment") if changes(study) else IDENTITY,
        **training.symbols(study),
    }
    moves = any(study.registry.augmentations[call.name].moves for call in spec.augment)
    symbols["look"] = Piece(printed.AUGMENT, "look") if moves else IDENTITY
    symbols["overlaid"] = IDENTITY
    for name in ("moved_images", "moved_masks", "moved_boxes"):
        symbols[name] = Piece(f"{PIECES}.augment_fields", name) if moves else IDENTITY
    symbols["Edge"] = "tuple[float, ...]" if stack else "float"
    for slot in ("file_by_file", "stacked", "each_file"):
        symbols[slot] = Piece(f"{PIECES}.stacks", slot) if stack else IDENTITY
    if stack:
        symbols["FILES"] = literal(printed.file_keys(study))
    for network in study.passed:
        symbols[class_name(network)] = Piece(printed.MODEL, class_name(network))
    for network in spec.optimizer or {}:
        symbols[f"{network}_optimizer"] = Piece(printed.TRAIN, f"{network}_optimizer")
    return symbols


def contract(study: Study) -> dict[str, Any]:
    """What the exported model promises; what only the data tells is added when it is exported."""
    from specc import __version__

    inputs = study.spec.input
    window: Any = inputs.window or ("auto" if inputs.format == "dicom" else "none")
    if isinstance(window, Mapping):
        window = {name: {"center": one.center, "width": one.width} for name, one in window.items()}
    elif not isinstance(window, str):
        window = {"center": window.center, "width": window.width}
    stack = None if isinstance(inputs.channels, str) else list(inputs.channels)
    return {
        "format_version": 1,
        "name": study.spec.name,
        "task": study.task.name,
        **_own_answers(study),
        "specc": __version__,
        "spec_sha256": study.document.sha256,
        "input": {
            "format": inputs.format,
            "size": list(inputs.size),
            "channels": stack or inputs.channels,
            **({"columns": list(printed.image_columns(study))} if stack else {}),
            "from_mono": inputs.from_mono,
            "window": window,
            "scale": inputs.scale,
            **({"edits": [call.name for call in inputs.edits]} if inputs.edits else {}),
            "resize": inputs.resize,
            "modality": list(inputs.modality) if inputs.modality else None,
            "frame": inputs.frame,
        },
        "output": dict(study.task.contract(study)),
    }


def _own_answers(study: Study) -> dict[str, Any]:
    """Whose task it is and which columns it reads, where its answers are of its own kind."""
    if study.task.answering is None:
        return {}
    words = {word: column for word, column in study.task.program(study).columns.items() if word != "patient"}
    return {"plugin": study.registry.owners["tasks", study.task.name], "words": words}


def digest(files: Mapping[str, str]) -> str:
    """SHA-256 over names and texts."""
    return hashlib.sha256("".join(f"{name}\0{files[name]}\0" for name in sorted(files)).encode()).hexdigest()
