"""What is printed of a spec's edits: `edited`, the functions that it names one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.emit.literal import literal

if TYPE_CHECKING:
    from specc.study import Study


def edits(study: Study) -> str:
    """`edited`: images (B, C, H, W) in 0..1 after the edits of the spec, in its order."""
    head, lines = ["from torch import Tensor"], list[str]()
    for call in study.spec.input.edits:
        record = study.registry.edits[call.name]
        head.append(f"from {record.piece.module} import {record.piece.name}")
        given = "".join(f", {name}={literal(value)}" for name, value in record.bind(call.args).items())
        lines.append(f"    images = {record.piece.name}(images{given})\n")
    text = '\n\n\ndef edited(images: Tensor) -> Tensor:\n    """The edits of the spec, on values from 0 to 1."""\n'
    return "\n".join(head) + text + "".join(lines) + "    return images\n"
