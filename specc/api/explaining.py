"""Pictures of what answers hang on: `specc eval --explain`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.deploy.faults import Refusal
from specc.deploy.predict import read_case
from specc.deploy.seen import Ask, network_of
from specc.deploy.session import Session, runtime_errors
from specc.errors import SpeccError
from specc.plugin import Call, Explainer
from specc.registry import enabled
from specc.run.evaluate import Question, Rows, explained
from specc.run.faults import fault
from specc.source import parse
from specc.spec.reader import Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Asked = tuple[Explainer, Call]


def asked(texts: Iterable[str], folder: FilePath) -> list[Asked]:
    """The explainers that `--explain` names, each a word or `word: {argument: value}`. Raises SpeccError S1xx."""
    found = []
    for text in texts:
        document = parse(f"explain: {text}\n" if ":" not in text else f"explain: {{{text}}}\n", "--explain")
        registry = enabled(folder, files=False)
        reader = Reader(document, registry)
        call = reader.call("explainer", document.tree.get("explain"), ("explain",))
        if reader.faults:
            raise SpeccError(tuple(reader.faults), 2, {document.file: document.text})
        found.append((registry.explainers[call.name], call))
    return found


def refused(calls: Sequence[Asked], task: str) -> None:
    """Raise SpeccError T676 where a task with answers of its own kind is to be explained."""
    for record, _ in calls:
        message = f"`{record.name}` explains classes, findings and values, and the task `{task}` answers none"
        raise fault("T676", message, "leave `--explain` out")


def drawing(
    calls: Sequence[Asked],
    model: FilePath,
    session: Session,
    question: Question,
    files: Callable[[str], tuple[FilePath, ...]],
    folder: FilePath,
) -> Callable[[Rows, Mapping[str, Any], str], list[str]]:
    """What draws the explanations of a part; its last argument ends the names of the pictures.

    Raises SpeccError T676 for a model whose network cannot be asked by itself.
    """
    halves = network_of(model) if calls else None
    if calls and halves is None:
        raise fault("T676", f"the network inside {model.name} cannot be asked by itself", "export the model again")

    def draw(rows: Rows, part: Mapping[str, Any], tail: str) -> list[str]:
        drawn = []
        for record, call in calls:
            assert halves is not None, "a model without halves was refused"
            one = partial(_one, record, dict(record.bind(call.args)), session, halves, files)
            drawn += explained.draw(rows, question, part, folder, f"{record.name}{tail}", one)
        return drawn

    return draw


def _one(
    record: Explainer,
    given: Mapping[str, Any],
    session: Session,
    halves: tuple[Ask, Ask],
    files: Callable[[str], tuple[FilePath, ...]],
    file: str,
    column: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """An image as the network sees it, and the map of one of its answers; None where the file cannot be read."""
    seen, answer = halves
    explain = getattr(import_module(record.piece.module), record.piece.name)
    try:
        pixels, _ = read_case(session, files(file))
        image = seen(pixels[None])[0]
    except Refusal:
        return None
    except runtime_errors():
        return None
    return image, explain(lambda images: answer(images)[:, column], image, **given)
