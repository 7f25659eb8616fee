"""Whose code failed: what a plugin raises becomes a diagnostic that names it, wherever specc has called it.

An exception belongs to the innermost frame that is a plugin's. One without such a frame is specc's own fault, and is
left as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from specc.arguments import Call
from specc.errors import Diagnostic, Note, Path, Span, SpeccError

if TYPE_CHECKING:
    from specc.plugin import Piece
    from specc.registry import Registry

MOST = 200  # characters of what an exception says


@contextlib.contextmanager
def blamed(
    registry: Registry, span: Span | None = None, path: Path = (), texts: dict[str, str] | None = None
) -> Iterator[None]:
    """Raises SpeccError S119 where the code of a plugin raises anything else; `span` is the word that called for it."""
    try:
        yield
    except SpeccError as error:
        bare = [one.code == "S119" and one.span is None for one in error.diagnostics]
        places = zip(error.diagnostics, bare, strict=True)
        error.diagnostics = tuple(replace(one, span=span, path=path) if lone else one for one, lone in places)
        raise
    except OSError:
        raise
    except Exception as error:
        if found := raised(registry, error, span, path):
            raise SpeccError((found,), texts=texts or {}) from error
        raise


def raised(registry: Registry, error: BaseException, span: Span | None = None, path: Path = ()) -> Diagnostic | None:
    """What is said of an exception out of a plugin's code; None where it is none."""
    hit = culprit(registry, error.__traceback__)
    if hit is None:
        return None
    plugin, module, line, function = hit
    what = f"raises {type(error).__name__}" + (f": {said(str(error))}" if str(error) else "")
    return at_fault(registry, plugin, what, f"{module}, line {line}, in {function}", span, path)


def brought(registry: Registry, piece: Piece, plugin: str, span: Span | None = None, path: Path = ()) -> Any:
    """The object that a piece names, imported. Raises SpeccError S119 where it is not there."""
    try:
        return getattr(import_module(piece.module), piece.name)
    except Exception as error:
        what = (
            f"names `{piece.name}` of {piece.module}, which cannot be used: {type(error).__name__}: {said(str(error))}"
        )
        raise SpeccError((at_fault(registry, plugin, what, "", span, path),)) from error


def findings(
    registry: Registry, code: str, check: Callable[[Any], Any], asked: Any, span: Span | None, path: Path
) -> list[Diagnostic]:
    """What a rule finds; S119 where it is a plugin's and fails, or answers with anything but diagnostics."""
    try:
        with blamed(registry, span, path):
            found = check(asked)
    except SpeccError as error:
        return list(error.diagnostics)
    plugin = brought_by(registry, getattr(check, "__module__", ""))
    if plugin and not (isinstance(found, list | tuple) and all(isinstance(one, Diagnostic) for one in found)):
        what = f"has a rule {code} that answers with {said(repr(found))}, and not with a list of diagnostics"
        return [at_fault(registry, plugin, what, f"{check.__module__}, in {check.__name__}", span, path)]
    return list(found)


def at_fault(
    registry: Registry,
    plugin: str,
    what: str,
    where: str = "",
    span: Span | None = None,
    path: Path = (),
    code: str = "S119",
) -> Diagnostic:
    """What is wrong with the code of a plugin, where it stands, and who can mend it."""
    origin = registry.origins.get(plugin)
    owner = f"{origin.distribution} {origin.version}".strip() if origin is not None else ""
    who = (
        f"the authors of {owner}" if owner else f"whoever wrote {origin.place}" if origin is not None else "its author"
    )
    notes = [Note("where", where)] if where else []
    notes += [
        Note("why", "this is a fault of the plugin, not of your spec"),
        Note("help", f"tell {who}, or do without it: take `{plugin}` out of specc.toml"),
        Note("more", f"specc explain {code}"),
    ]
    label = "asked of the plugin here" if span is not None else ""
    return Diagnostic(code, f"the plugin `{plugin}` {what}", span, path, label, notes=tuple(notes))


def said(text: str) -> str:
    """The text of an exception on one line that cannot disturb a terminal."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= MOST else f"{text[:MOST]}..."


def culprit(registry: Registry, back: TracebackType | None) -> tuple[str, str, int, str] | None:
    """The plugin whose code was running, its module, line and function: the innermost that is no code of specc."""
    found = None
    while back is not None:
        module = back.tb_frame.f_globals.get("__name__", "")
        if plugin := brought_by(registry, module):
            found = (plugin, module, back.tb_lineno, back.tb_frame.f_code.co_name)
        back = back.tb_next
    return found


def brought_by(registry: Registry, module: str) -> str:
    """The plugin that a module belongs to; empty for those of specc and of anybody else."""
    from specc.local import module_name

    for origin in registry.origins.values():
        package = module_name(origin.name) if origin.kind == "local" else origin.place.partition(".")[0]
        if origin.kind != "core" and f"{module}.".startswith(f"{package}."):
            return origin.name
    return ""


def words_of(registry: Registry, spec: Any) -> dict[str, Path]:
    """The plugins whose words a spec uses, each with the place of the first such word."""
    found: dict[str, Path] = {}
    if plugin := owner_of(registry, "tasks", spec.task):
        found[plugin] = ("task",)
    for call in _calls(spec):
        for kind in ("layers", "losses", "optimizers", "schedules", "augmentations", "initializers", "edits"):
            if plugin := owner_of(registry, kind, call.name):
                found.setdefault(plugin, call.path)
    return found


def _calls(value: Any) -> Iterator[Call]:
    """The words with arguments in a spec."""
    if isinstance(value, Call):
        yield value
        yield from _calls(value.args)
    elif isinstance(value, BaseModel):
        yield from _calls(list(vars(value).values()))
    elif isinstance(value, dict):
        yield from _calls(list(value.values()))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _calls(item)


def owner_of(registry: Registry, kind: str, name: str) -> str:
    """The plugin that brought a word; empty where the core did."""
    plugin = registry.owners.get((kind, name), "")
    return "" if plugin == registry.plugins[0] else plugin
