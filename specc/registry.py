"""Plugins merged into tables of words. A registry is a value that is passed on, never a global."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.errors import Diagnostic, Note, Span, SpeccError
from specc.plugin import (
    API,
    Augmentation,
    Initializer,
    Layer,
    Loss,
    Op,
    Optimizer,
    Plugin,
    Rule,
    Schedule,
    Task,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "specc.plugins"
CORE = "specc.core"  # the module whose PLUGIN holds the built-ins; loaded like any other
_TABLES = ("layers", "ops", "losses", "optimizers", "schedules", "augmentations", "initializers", "tasks")


@dataclass(frozen=True)
class Registry:
    """Every word by its name. `owners` says which plugin brought it: ("layers", "conv2d") -> "specc"."""

    layers: Mapping[str, Layer] = field(default_factory=dict)
    ops: Mapping[str, Op] = field(default_factory=dict)
    losses: Mapping[str, Loss] = field(default_factory=dict)
    optimizers: Mapping[str, Optimizer] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    augmentations: Mapping[str, Augmentation] = field(default_factory=dict)
    initializers: Mapping[str, Initializer] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    owners: Mapping[tuple[str, str], str] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()

    @property
    def installed(self) -> tuple[str, ...]:
        """Plugins that are there, enabled or not; their metadata are looked up when this is asked."""
        return tuple(sorted(installed()))


def merge(plugins: Iterable[Plugin]) -> Registry:
    """One registry out of plugins. Raises SpeccError S109 (a clash, naming both owners) or S110 (another interface)."""
    tables: dict[str, dict[str, Any]] = {name: {} for name in _TABLES}
    owners: dict[tuple[str, str], str] = {}
    codes: dict[str, str] = {}
    rules: list[Rule] = []
    names: list[str] = []
    faults: list[Diagnostic] = []
    for plugin in plugins:
        names.append(plugin.name)
        if plugin.api != API:
            faults.append(_other_api(plugin))
            continue
        for kind in _TABLES:
            for record in getattr(plugin, kind):
                if record.name in tables[kind]:
                    faults.append(_clash(kind, record.name, owners[kind, record.name], plugin.name))
                    continue
                tables[kind][record.name] = record
                owners[kind, record.name] = plugin.name
        for rule in (*plugin.rules, *_task_rules(plugin)):
            if codes.setdefault(rule.name, plugin.name) != plugin.name:
                faults.append(_clash("rules", rule.name, codes[rule.name], plugin.name))
            rules.append(rule)
    if faults:
        raise SpeccError(tuple(faults))
    return Registry(**tables, rules=tuple(rules), owners=owners, plugins=tuple(names))


def _task_rules(plugin: Plugin) -> list[Rule]:
    """The rules that tasks bring: each for its own task, unless it names others."""
    return [replace(rule, tasks=rule.tasks or (task.name,)) for task in plugin.tasks for rule in task.rules]


@lru_cache(maxsize=1)
def core() -> Registry:
    """What comes with specc."""
    return merge([import_module(CORE).PLUGIN])


def installed() -> dict[str, EntryPoint]:
    """Plugins that are there, by name, from the metadata of distributions: nothing is imported."""
    from importlib.metadata import entry_points  # 20 ms that a project without plugins need not wait for

    return {point.name: point for point in entry_points(group=GROUP)}


def enabled(folder: FilePath | str) -> Registry:
    """The core and what the nearest specc.toml, from a folder upwards, enables. Raises SpeccError S110 to S112."""
    settings = find_settings(FilePath(folder))
    if settings is None:
        return core()
    names = _enabled_names(settings)
    if not names:
        return core()
    there = installed()
    unknown = [name for name in names if name not in there]
    if unknown:
        raise SpeccError(tuple(_not_installed(settings, name, there) for name in unknown))
    plugins = [import_module(CORE).PLUGIN, *(_load(there[name]) for name in dict.fromkeys(names))]
    return merge(plugins)


def find_settings(folder: FilePath) -> FilePath | None:
    """The nearest specc.toml from a folder upwards, or None."""
    start = folder.resolve()
    for place in (start, *start.parents):
        if (place / "specc.toml").is_file():
            return place / "specc.toml"
    return None


def _enabled_names(settings: FilePath) -> tuple[str, ...]:
    try:
        table = tomllib.loads(settings.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _settings_fault(settings, f"cannot be read: {error}") from error
    section = table.get("plugins", {})
    names = section.get("enabled", []) if isinstance(section, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _settings_fault(settings, "`[plugins] enabled` must be a list of names")
    return tuple(names)


def _settings_fault(settings: FilePath, reason: str) -> SpeccError:
    note = Note("help", 'write it as:  [plugins]  and below it  enabled = ["name"]')
    return SpeccError((Diagnostic("S111", f"{settings.name} {reason}", _top(settings), notes=(note,)),))


def _top(settings: FilePath) -> Span:
    return Span(str(settings), 1, 1, 1, 1)


def _load(point: EntryPoint) -> Plugin:
    try:
        plugin = point.load()
    except (ImportError, AttributeError) as error:
        raise _broken(point, f"cannot be imported: {error}") from error
    if not isinstance(plugin, Plugin):
        raise _broken(point, f"`{point.value}` is not a Plugin record")
    return plugin


def _broken(point: EntryPoint, reason: str) -> SpeccError:
    owner = point.dist.name if point.dist is not None else point.value
    notes = (Note("where", f"distribution {owner}"), Note("help", "take it out of specc.toml, or install it again"))
    return SpeccError((Diagnostic("S112", f"the plugin `{point.name}` {reason}", notes=notes),))


def _not_installed(settings: FilePath, name: str, there: Mapping[str, EntryPoint]) -> Diagnostic:
    known = ", ".join(f"`{other}`" for other in sorted(there)) or "none"
    return Diagnostic(
        "S111",
        f"specc.toml enables the plugin `{name}`, which is not installed",
        _top(settings),
        notes=(Note("note", f"installed: {known}"), Note("help", "install it, or take it out of specc.toml")),
    )


def _other_api(plugin: Plugin) -> Diagnostic:
    older = isinstance(plugin.api, int) and plugin.api < API
    return Diagnostic(
        "S110",
        f"the plugin `{plugin.name}` is made for plugin interface {plugin.api}, and this specc has {API}",
        notes=(Note("help", f"install {'a newer version of the plugin' if older else 'a newer specc'}"),),
    )


def _clash(kind: str, name: str, first: str, second: str) -> Diagnostic:
    return Diagnostic(
        "S109",
        f"two plugins bring `{name}` ({kind}): `{first}` and `{second}`",
        notes=(
            Note("why", "a word must mean one thing, whatever the order in which plugins are found"),
            Note("help", "enable only one of them in specc.toml, or ask an author to rename theirs"),
        ),
    )
