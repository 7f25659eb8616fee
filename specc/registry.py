"""Plugins merged into tables of words. A registry is a value that is passed on, never a global."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal

from specc import local, settings
from specc.errors import Diagnostic, Note, SpeccError
from specc.plugin import (
    API,
    Augmentation,
    Edit,
    Explainer,
    Form,
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

    from specc.data.look import DataRule
    from specc.settings import Settings

GROUP = "specc.plugins"
CORE = "specc.core"  # the module whose PLUGIN holds the built-ins; loaded like any other
DISTRIBUTION = "specc-compiler"  # its own plugins come with it and are enabled by default
_TABLES = (
    "layers",
    "ops",
    "losses",
    "optimizers",
    "schedules",
    "augmentations",
    "initializers",
    "tasks",
    "edits",
    "explainers",
    "forms",
)


@dataclass(frozen=True)
class Origin:
    """Where a plugin comes from. `place` is the module that its entry point names, or its file; `sha256` is that of
    a local file.
    """

    name: str
    kind: Literal["core", "own", "installed", "local"]
    place: str
    distribution: str = ""
    version: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Registry:
    """Every word by its name. `owners` says which plugin brought it: ("layers", "conv2d") -> "specc".

    `texts` are the sources of modules that are no files of Python's path: those of local plugins.
    """

    layers: Mapping[str, Layer] = field(default_factory=dict)
    ops: Mapping[str, Op] = field(default_factory=dict)
    losses: Mapping[str, Loss] = field(default_factory=dict)
    optimizers: Mapping[str, Optimizer] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    augmentations: Mapping[str, Augmentation] = field(default_factory=dict)
    initializers: Mapping[str, Initializer] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    edits: Mapping[str, Edit] = field(default_factory=dict)
    explainers: Mapping[str, Explainer] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    owners: Mapping[tuple[str, str], str] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)

    @property
    def installed(self) -> tuple[str, ...]:
        """Plugins that are there, enabled or not; their metadata are looked up when this is asked."""
        return tuple(sorted(installed()))


def merge(
    plugins: Iterable[Plugin], origins: Iterable[Origin] = (), texts: Mapping[str, str] | None = None
) -> Registry:
    """One registry out of plugins. Raises SpeccError S109 (a clash, naming both owners) or S110 (another interface)."""
    known = {origin.name: origin for origin in origins}
    tables: dict[str, dict[str, Any]] = {name: {} for name in _TABLES}
    owners: dict[tuple[str, str], str] = {}
    codes: dict[str, str] = {}
    rules: list[Rule] = []
    pages: dict[str, str] = {}
    names: list[str] = []
    faults: list[Diagnostic] = []
    for plugin in plugins:
        if plugin.name in names:
            faults.append(_clash("plugins", plugin.name, plugin.name, plugin.name))
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
        for rule in _rules(plugin):
            if codes.setdefault(rule.name, plugin.name) != plugin.name:
                faults.append(_clash("rules", rule.name, codes[rule.name], plugin.name))
            rules.append(rule)
        for code in dict.fromkeys([rule.code for rule in _rules(plugin)] + [rule.code for rule in _checks(plugin)]):
            if codes.setdefault(code, plugin.name) != plugin.name:
                faults.append(_clash("codes", code, codes[code], plugin.name))
        pages |= plugin.pages
    if faults:
        raise SpeccError(tuple(faults))
    return Registry(
        **tables, rules=tuple(rules), owners=owners, plugins=tuple(names), origins=known, texts=texts or {}, pages=pages
    )


def _rules(plugin: Plugin) -> list[Rule]:
    """Its rules, and those that its tasks bring: each for its own task, unless it names others."""
    own = [replace(rule, tasks=rule.tasks or (task.name,)) for task in plugin.tasks for rule in task.rules]
    return [*plugin.rules, *own]


def _checks(plugin: Plugin) -> list[DataRule]:
    """The rules on data that its tasks bring."""
    return [rule for task in plugin.tasks for rule in task.checks]


@lru_cache(maxsize=1)
def core() -> Registry:
    """What is part of specc itself, without any plugin."""
    return merge([import_module(CORE).PLUGIN], [_core_origin()])


def _core_origin() -> Origin:
    from specc import __version__

    return Origin("specc", "core", CORE, DISTRIBUTION, __version__)


def found() -> dict[str, list[EntryPoint]]:
    """Plugins of all distributions by name, from their metadata: nothing is imported. More than one point: a clash."""
    from importlib.metadata import entry_points

    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        points.setdefault(point.name, []).append(point)
    return dict(sorted(points.items()))


def installed() -> dict[str, EntryPoint]:
    """The first plugin of each name, from the metadata of distributions."""
    return {name: points[0] for name, points in found().items()}


@lru_cache(maxsize=1)
def own() -> Mapping[str, EntryPoint]:
    """specc's own plugins, by name, from the metadata of its own distribution; none in a tree without metadata."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        points = distribution(DISTRIBUTION).entry_points.select(group=GROUP)
    except PackageNotFoundError:
        return {}
    return {point.name: point for point in sorted(points, key=lambda point: point.name)}


@lru_cache(maxsize=8)
def usual(disabled: frozenset[str] = frozenset()) -> Registry:
    """The core and specc's own plugins, less those that are disabled and those whose package is not there."""
    plugins, origins = [import_module(CORE).PLUGIN], [_core_origin()]
    for name, point in own().items():
        plugin = load(point, absent=True) if name not in disabled else None
        if plugin is not None:
            plugins.append(plugin)
            origins.append(_origin(point, "own"))
    return merge(plugins, origins) if len(plugins) > 1 else core()


def enabled(folder: FilePath | str, files: bool = True) -> Registry:
    """What a project uses: the core, specc's own plugins, and what the nearest specc.toml, from a folder upwards,
    enables. Raises SpeccError S109 to S116.

    Without `files` none of its local ones is run: where a model lies that may come from elsewhere. No file can bring
    what a model is asked with (`local.plugin_of`).
    """
    file = settings.find(FilePath(folder))
    if file is None:
        return usual()
    project = settings.read(file)
    return of_settings(project if files else replace(project, local={}))


find_settings = settings.find


def of_settings(project: Settings) -> Registry:
    """What a specc.toml enables. Raises SpeccError S109 to S116, S120."""
    plugins, origins, texts = brought(project)
    own_alone = len(texts) == 0 and all(origin.kind in ("core", "own") for origin in origins)
    return usual(_off(project)) if own_alone else merge(plugins, origins, texts)


def _off(project: Settings) -> frozenset[str]:
    """specc's own plugins that a project does without."""
    return frozenset(project.disabled) - frozenset(project.enabled)


def brought(project: Settings) -> tuple[list[Plugin], list[Origin], dict[str, str]]:
    """The records that a specc.toml enables, where they come from, and the texts of local files. Raises SpeccError S111
    to S116, S120; nothing is imported where a name is not settled.
    """
    unknown = [_not_own(project, name) for name in project.disabled if name not in own()]
    names = [name for name in project.enabled if name not in own() or name in project.disabled]
    there = found() if project.enabled else {}
    unknown += [_not_installed(project, name, there) for name in names if name not in there]
    owners = {name: [owner(point) for point in there.get(name, ())] for name in project.enabled}
    for name, entry in project.local.items():
        owners.setdefault(
            name, ["specc"] if name == core().plugins[0] else [owner(own()[name])] if name in own() else []
        )
        owners[name].append(f"the local file {entry.file}")
    unknown += [_two(project, name, brought) for name, brought in owners.items() if len(brought) > 1]
    if unknown:
        raise project.fault(*unknown)
    base = usual(_off(project))
    plugins, origins, texts = records(base), list(base.origins.values()), dict[str, str]()
    for name in names:
        if name not in base.origins:
            origins.append(_origin(there[name][0], "installed"))
            plugins.append(_sound(project, _required(there[name][0]), origins[-1]))
    for entry in project.local.values():
        plugin, texts[local.module_name(entry.name)] = local.load(project, entry)
        origins.append(Origin(entry.name, "local", entry.file, sha256=entry.sha256))
        plugins.append(plugin)
    return plugins, origins, texts


def _sound(project: Settings, plugin: Plugin, origin: Origin) -> Plugin:
    """The plugin. Raises SpeccError S120 where its records are not what the interface asks for."""
    from specc.records import faults_of

    if plugin.api != API or not (wrong := faults_of(plugin, "PLUGIN")):
        return plugin
    more = f", and {len(wrong) - 4} more" if len(wrong) > 4 else ""
    who = f"{origin.distribution} {origin.version}".strip()
    found = Diagnostic(
        "S120",
        f"the plugin `{plugin.name}` has a record that cannot be used: {wrong[0]}",
        project.span(plugin.name),
        label="enabled here",
        notes=(
            Note("where", f"{origin.place} of {who}"),
            *(Note("note", f"also: {text}{more if text is wrong[3] else ''}") for text in wrong[1:4]),
            Note("help", f"tell the authors of {who}, or take `{plugin.name}` out of specc.toml"),
            Note("more", "specc explain S120"),
        ),
    )
    raise project.fault(found)


def records(registry: Registry) -> list[Plugin]:
    """The records that a registry of specc's own is made of."""
    return [_required(own()[name]) if name in own() else import_module(CORE).PLUGIN for name in registry.plugins]


def _origin(point: EntryPoint, kind: Literal["own", "installed"]) -> Origin:
    name, version = (point.dist.name, point.dist.version) if point.dist is not None else ("", "")
    return Origin(point.name, kind, point.value.partition(":")[0], name, version)


def _required(point: EntryPoint) -> Plugin:
    plugin = load(point)
    assert plugin is not None
    return plugin


def load(point: EntryPoint, absent: bool = False) -> Plugin | None:
    """The record that an entry point names; with `absent`, None where its package is not there. Raises S112."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            plugin = point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a package may raise anything when it is imported
        top = point.value.partition(":")[0].partition(".")[0]
        if absent and isinstance(error, ModuleNotFoundError) and error.name == top:
            return None
        raise _broken(point, f"cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(plugin, Plugin):
        raise _broken(point, f"`{point.value}` is not a Plugin record")
    if plugin.name != point.name:
        raise _broken(point, f"calls itself `{plugin.name}`")
    return plugin


def owner(point: EntryPoint) -> str:
    """The distribution of an entry point: its name and version."""
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def _broken(point: EntryPoint, reason: str) -> SpeccError:
    notes = (
        Note("where", f"distribution {owner(point)}"),
        Note("help", "take it out of specc.toml, or install it again"),
        Note("more", "specc explain S112"),
    )
    return SpeccError((Diagnostic("S112", f"the plugin `{point.name}` {reason}", notes=notes),))


def _not_installed(project: Settings, name: str, there: Mapping[str, object]) -> Diagnostic:
    known = ", ".join(f"`{other}`" for other in sorted(there)) or "none"
    return Diagnostic(
        "S111",
        f"specc.toml enables the plugin `{name}`, which is not installed",
        project.span(name),
        label="enabled here",
        notes=(
            Note("note", f"installed: {known}"),
            Note(
                "help",
                "take it out of `enabled`: a local file is enabled by its entry below [plugins.local]"
                if name in project.local
                else "install it, or take it out of specc.toml",
            ),
        ),
    )


def _not_own(project: Settings, name: str) -> Diagnostic:
    known = ", ".join(f"`{other}`" for other in own()) or "none"
    return Diagnostic(
        "S111",
        f"specc.toml disables the plugin `{name}`, which is none of specc's own",
        project.span(name),
        notes=(Note("note", f"specc's own: {known}"), Note("help", "others are off unless `enabled` names them")),
    )


def _two(project: Settings, name: str, owners: Iterable[str]) -> Diagnostic:
    return Diagnostic(
        "S116",
        f"two plugins are called `{name}`, of {' and of '.join(owners)}",
        project.span(name, local=name in project.local),
        notes=(
            Note("why", "which of them is used must not depend on the order in which they are found"),
            Note("note", "none of them was imported"),
            Note("help", "uninstall one of them (`pip uninstall NAME`), or take it out of specc.toml"),
            Note("more", "specc explain S116"),
        ),
    )


def _other_api(plugin: Plugin) -> Diagnostic:
    other = isinstance(plugin.api, int) and not isinstance(plugin.api, bool)
    cure = f"install a newer {'version of the plugin' if other and plugin.api < API else 'specc'}"
    return Diagnostic(
        "S110",
        f"the plugin `{plugin.name}` is made for plugin interface {plugin.api!r}, and this specc has {API}",
        notes=(Note("help", cure if other else f"its `api` must be a whole number, as `api={API}`"),),
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
