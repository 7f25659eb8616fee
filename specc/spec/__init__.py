"""Strict, frozen models of a spec, built from a registry: one root model for each task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from specc.errors import Diagnostic, Fix, Note, Path, SpeccError, has_errors
from specc.plugin import Call, Task
from specc.source import Document, Mapping_, Scalar
from specc.spec.faults import fields, listed, missing_key, nearest, translate
from specc.spec.reader import Reader, word_span
from specc.spec.root import build
from specc.spec.schema import json_schema
from specc.spec.version import no_version

if TYPE_CHECKING:
    from specc.registry import Registry

__all__ = ["Call", "build", "json_schema", "read", "word_span"]


def read(document: Document, registry: Registry) -> Any:
    """The spec as a frozen model. Raises SpeccError with every S1xx fault found."""
    faults = _plugins(document, registry)
    name, unknown = _task(document, registry)
    faults += unknown
    if name is None:
        raise SpeccError(tuple(faults), texts={document.file: document.text})
    task = registry.tasks[name]
    reader = Reader(document, replace(registry, losses={**registry.losses, **{own.name: own for own in task.losses}}))
    model = build(registry, task)
    spec, more = None, list[Diagnostic]()
    try:
        spec = model.model_validate(reader.value(document.tree, model, ()))
    except ValidationError as error:
        more = translate(document, error.errors(include_url=False), model, ())
    more = [_advised(document, fault, task, model) for fault in more]
    faults = [*faults, *_hiding(document, registry), *reader.faults, *more]
    if spec is None or has_errors(faults):
        raise SpeccError(tuple(sorted(faults, key=_order)), texts={document.file: document.text})
    return spec


def _order(fault: Diagnostic) -> tuple[int, int]:
    return (fault.span.line, fault.span.column) if fault.span else (0, 0)


def _task(document: Document, registry: Registry) -> tuple[str | None, list[Diagnostic]]:
    """The task's name, and what is wrong with it; of an unknown name the nearest, so that the rest can be read."""
    node = document.tree.get("task")
    if isinstance(node, Scalar) and node.raw in registry.tasks:
        return node.raw, []
    known = listed(sorted(registry.tasks))
    more = Note("more", "specc explain classification")
    if node is None:
        fault = Diagnostic(
            "S103",
            "`task` is missing: it belongs into the top level of the spec",
            document.span(()),
            ("task",),
            "needs `task`",
            notes=(
                Note("note", f"tasks: {known}"),
                Note("help", "for one class per image: `task: classification`"),
                more,
            ),
        )
        return None, [fault]
    word = node.raw if isinstance(node, Scalar) else ""
    hits = nearest(word, registry.tasks)
    notes = (Note("note", f"tasks: {known}"), Note("help", "a plugin's task is there once the plugin is enabled"), more)
    fixes = (Fix(f"did you mean `{hits[0]}`?"),) if hits else ()
    return (hits[0] if hits else None), [
        Diagnostic(
            "S101",
            f"unknown task `{word}`" if word else "`task` must be the name of a task",
            document.span(("task",)),
            ("task",),
            "no task or plugin has this name",
            notes=notes,
            fixes=fixes,
        )
    ]


def _plugins(document: Document, registry: Registry) -> list[Diagnostic]:
    """A plugin that the spec needs and the project does not enable."""
    node = document.tree.get("plugins")
    items = [] if node is None else [node] if isinstance(node, Scalar) else list(getattr(node, "items", ()))
    faults = []
    for i, item in enumerate(items):
        if not isinstance(item, Scalar) or item.raw in registry.plugins or not item.raw:
            continue
        path: Path = ("plugins",) if item is node else ("plugins", i)
        if item.raw in registry.installed:
            help_ = f'enable it in specc.toml beside the spec: [plugins] enabled = ["{item.raw}"]'
        else:
            help_ = f"install the distribution that brings `{item.raw}`, then enable it in specc.toml"
        state = "installed, but not enabled" if item.raw in registry.installed else "not installed"
        faults.append(
            Diagnostic(
                "S107",
                f"this spec needs the plugin `{item.raw}`, which is {state}",
                item.span,
                path,
                state,
                notes=(
                    Note("why", "a spec must not run code: only the project's own specc.toml enables plugins"),
                    Note("help", help_),
                    Note("more", "specc explain S107"),
                ),
            )
        )
    return faults


def _hiding(document: Document, registry: Registry) -> list[Diagnostic]:
    """Blocks with the name of a layer."""
    return [
        Diagnostic(
            "S108",
            f"the block `{name}` has the name of a layer",
            span,
            ("blocks", name),
            "is a layer already",
            notes=(Note("help", "give the block another name"), Note("more", "specc explain S108")),
        )
        for name, span in document.blocks.items()
        if name in registry.layers
    ]


def _advised(document: Document, fault: Diagnostic, task: Task, model: type[BaseModel]) -> Diagnostic:
    """Says of a missing root key what the task's row of Table 1 would have there; names keys of other tasks."""
    if fault.code == "S104" and fault.path[:1] == ("specc",):
        return no_version(document)
    if fault.code == "S103" and len(fault.path) == 1:
        rows = tuple(Note("rule", f"Table 1: {row}") for row in task.table)
        if fault.path[0] in ("loss", "output", "model") and rows:
            return missing_key(document, fault.path, model, rows)
        advice = _USUAL.get(str(fault.path[0]))
        if advice:
            return missing_key(document, fault.path, model, (Note("help", f"usual: `{advice}`"),))
    if fault.code == "S102" and fault.path == ("output",) and "output" not in fields(model):
        return Diagnostic(
            fault.code, f"the task `{task.name}` has no `output`", fault.span, fault.path, "not a key of this task"
        )
    if fault.code == "S102" and fault.path in (("model",), ("networks",)):
        right = f"`networks: {{{', '.join(task.networks)}}}`" if task.networks else "`model`"
        number = f"{len(task.networks)} networks" if task.networks else "one network"
        help_ = Note("help", f"write {right}")
        return replace(fault, message=f"the task `{task.name}` has {number}, under {right}", notes=(help_,), fixes=())
    return fault


_USUAL = {
    "specc": "specc: 1",
    "optimizer": "optimizer: adam",
    "train": "train: {epochs: 20, batch_size: 32}",
    "input": "input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}",
    "data": "data: {folders: DIR, split: {train: 80, val: 20, group: none}}",
}


def network_paths(spec: Any, document: Document) -> dict[str, Path]:
    """Where each network stands: {"network": ("model",)} or {"generator": ("networks", "generator")}."""
    if isinstance(document.tree.get("networks"), Mapping_):
        return {name: ("networks", name) for name in type(spec.networks).model_fields}
    return {"network": ("model",)}
