"""What is printed of augmentation: the order of the changes, each with its own random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.emit.literal import literal
from specc.emit.printed import shape
from specc.plugin import Call

if TYPE_CHECKING:
    from specc.study import Study


def changes(study: Study) -> bool:
    """Whether training images are changed one by one."""
    return any(not study.registry.augmentations[call.name].mixes for call in study.spec.augment)


def augmentation(study: Study) -> str:
    """`augment`: each change with its own uniform numbers, which follow from (seed, stage, epoch), place and sample.

    Changes of place that follow each other are one function of points, and one reading of the images. `look` is all
    of them, for what moves with the images.
    """
    head = ["from torch import Tensor\n", "from specc.pieces import runtime as rt"]
    head.append("from specc.pieces.augment import sometimes")
    head.append("from specc.pieces.augment_places import bilinear, middles\n")
    text, lines, moves = "", list[str](), list[list[str]]()
    for place, call in enumerate(study.spec.augment):
        record = study.registry.augmentations[call.name]
        if record.mixes:
            continue  # it takes the place of the loss
        head.append(f"from {record.piece.module} import {record.piece.name}")
        if not record.moves:
            lines += _change(study, place, call, "images")
        elif place and study.registry.augmentations[study.spec.augment[place - 1].name].moves:
            moves[-1] = _change(study, place, call, "points") + moves[-1]
        else:
            moves.append(_change(study, place, call, "points"))
            lines.append(f"images = bilinear(images, look@{len(moves)}(middles(images, SIZE), ids, key), SIZE)")
    for number, steps in enumerate(moves, 1):
        text += _function(f"look@{number}", "points", "Where points of changed images lie in those before.", steps)
    if len(moves) > 1:
        steps = [f"points = look@{number}(points, ids, key)" for number in range(len(moves), 0, -1)]
        text += _function("look", "points", "Where points of changed images lie in the images as they were.", steps)
    elif moves:
        text, lines = text.replace("look@1", "look"), [line.replace("look@1", "look") for line in lines]
    scale = study.spec.input.scale
    if scale == "-1..1":
        lines = ["images = (images + 1) / 2", *lines, "images = images * 2 - 1"]
    elif scale != "0..1":
        black = ["black = images.amin((2, 3), keepdim=True)", "images = images - black"]
        lines = [*black, *lines, "images = images + black"]
    doc = "Training images as the network sees them; what happens to one follows from the key and its id."
    size = f"\n\nSIZE = {literal(tuple(study.spec.input.size))}  # height and width of the images\n"
    return "\n".join(head) + size + (text + _function("augment", "images", doc, lines)).replace("look@", "look_")


def _change(study: Study, place: int, call: Call, what: str) -> list[str]:
    """The lines of one change, of images or of points."""
    record, probability = study.registry.augmentations[call.name], getattr(call.args, "probability", 1.0)
    given = "".join(f", {name}={literal(value)}" for name, value in record.bind(call.args).items())
    draws, own = record.draws(call.args, shape(study)), "u"
    if probability < 1:  # one more number says whether
        draws, own = draws + 1, "u[:, :-1]"
    changed = f"{record.piece.name}({what}, {own}{', SIZE' if record.moves else ''}{given})"
    if probability < 1:
        changed = f"sometimes({changed}, {what}, u, {literal(probability)})"
    return [f"u = rt.uniform((*key, 2, {place}), ids, {draws})", f"{what} = {changed}"]


def _function(name: str, what: str, doc: str, lines: list[str]) -> str:
    """The text of a function of images or points, ids and key."""
    text = f'\n\ndef {name}({what}: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:\n    """{doc}"""\n'
    return text + "".join(f"    {line}\n" for line in [*lines, f"return {what}"])
