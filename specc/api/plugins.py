"""Plugins of a project: what is there, and what one brings."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from specc import local, registry, settings
from specc.api.notebook import Shown
from specc.errors import SpeccError
from specc.plugin import API, Call, Plugin
from specc.records import faults_of
from specc.run.faults import fault
from specc.text.picture import clean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from specc.study import Study

BROKEN = "broken"
KINDS = {
    "tasks": "task", "layers": "layer", "losses": "loss", "optimizers": "optimizer", "schedules": "schedule",
    "augmentations": "augmentation", "initializers": "initializer", "edits": "edit", "forms": "form",
    "explainers": "explainer", "ops": "operation",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A plugin: `state` is own, enabled, local, broken, or says why it is not used; `reason` is what is wrong."""

    name: str
    version: str
    distribution: str
    state: str
    place: str
    reason: str = ""

    def plain(self) -> dict[str, str | None]:
        """For JSON."""
        return {name: getattr(self, name) or None for name in ("name", "version", "distribution", "state", "place")} | {
            "reason": self.reason or None
        }


@dataclass(frozen=True, repr=False)
class Plugins(Shown):
    """The plugins that a project can use, from metadata; only those that it enables are imported."""

    rows: tuple[Row, ...]
    settings: FilePath | None = None

    @property
    def next(self) -> str:
        """What to do now."""
        bad = next((row.name for row in self.rows if row.state == BROKEN), "")
        off = next((row.name for row in self.rows if row.state == "installed, not enabled"), "")
        if bad or not off:
            first = bad or next((row.name for row in self.rows), "")
            return f"specc plugins info {clean(first)}" if first else "specc plugins new NAME"
        return f'enable it in specc.toml:  [plugins]  and below it  enabled = ["{clean(off)}"]'

    def lines(self) -> list[str]:
        """A plugin a line, and below it what is wrong."""
        cells = [
            tuple(map(clean, (row.name, row.state, f"{row.distribution or row.place} {row.version}".strip())))
            for row in self.rows
        ]
        wide = [max((len(line[place]) for line in cells), default=0) for place in (0, 1)]
        lines = []
        for row, (name, state, where) in zip(self.rows, cells, strict=True):
            lines.append(f"{name:<{wide[0]}}  {state:<{wide[1]}}  {where}")
            lines += [f"{'':<{wide[0]}}  {clean(row.reason)}"] if row.reason else []
        return lines or ["no plugins"]

    def plain(self) -> dict[str, Any]:
        """As `plugins list --json` prints it."""
        return {"plugins": [row.plain() for row in self.rows]}


@dataclass(frozen=True)
class Word:
    """What a plugin brings: a name (of a rule its code), its kind, and one line on it."""

    kind: str
    name: str
    doc: str


@dataclass(frozen=True, repr=False)
class Info(Shown):
    """All about one plugin. `words` are unknown (None) while it is not enabled: nothing of it is imported then."""

    row: Row
    entry: str = ""
    folder: str = ""
    licence: str = ""
    summary: str = ""
    api: int | None = None
    words: tuple[Word, ...] | None = None

    @property
    def next(self) -> str:
        """What to do now."""
        if self.row.state == "installed, not enabled":
            return f'enable it in specc.toml:  [plugins]  and below it  enabled = ["{clean(self.row.name)}"]'
        if self.row.state == BROKEN:
            place = clean(self.row.place)
            return f"specc plugins enable {place}" if place.endswith(".py") else "mend or uninstall it"
        word = next((word.name for word in self.words or () if word.kind != "rule"), "")
        return f"specc explain {word}" if word else "specc plugins list"

    def lines(self) -> list[str]:
        """For a terminal."""
        row = self.row
        facts = {
            "state": row.state,
            "reason": row.reason,
            "distribution": f"{row.distribution} {row.version}".strip(),
            "summary": self.summary,
            "licence": self.licence,
            "entry point": self.entry,
            "lies in": self.folder,
            "interface": "" if self.api is None else str(self.api),
        }
        lines = [clean(row.name), *(f"  {name:<13} {clean(text)}" for name, text in facts.items() if text)]
        if self.words is None:
            why = "  its words are known once it is enabled: nothing of it was imported"
            return lines if row.state == BROKEN else [*lines, why]
        return [*lines, *described(self.words)]

    def plain(self) -> dict[str, Any]:
        """As `plugins info --json` prints it."""
        words = None if self.words is None else [vars(word) for word in self.words]
        facts = {"entry_point": self.entry, "folder": self.folder, "licence": self.licence, "summary": self.summary}
        return {**self.row.plain(), **{k: v or None for k, v in facts.items()}, "api": self.api, "words": words}


def used(study: Study) -> set[str]:
    """The plugins that bring a word of a study."""
    names = {
        study.task.name,
        *(name for graph in study.graphs.values() for n in graph.nodes for name in (n.layer, n.op)),
    }
    names |= set(called(study.spec))
    return {"specc", *(owner for (_, word), owner in study.registry.owners.items() if word in names)}


def called(value: Any) -> Iterator[str]:
    """The words of the registry in a part of a spec."""
    if isinstance(value, Call):
        yield value.name
        yield from called(value.args)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from called(getattr(value, name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from called(one)
    elif isinstance(value, tuple):
        for one in value:
            yield from called(one)


def words(plugin: Plugin) -> tuple[Word, ...]:
    """The words and the rules of a plugin, each with the first line of its page."""
    found = [
        Word(kind, record.name, first_line(record.doc))
        for table, kind in KINDS.items()
        for record in getattr(plugin, table)
        if not getattr(record, "internal", False)
    ]
    for task in plugin.tasks:
        found += [Word("loss", f"{record.name} (in {task.name})", first_line(record.doc)) for record in task.losses]
        found += [Word("source", record.name, first_line(record.doc)) for record in task.sources]
    rules: list[Any] = [*plugin.rules, *(rule for task in plugin.tasks for rule in (*task.rules, *task.checks))]
    return (*found, *(Word("rule", rule.code, first_line(rule.doc)) for rule in rules))


def described(found: tuple[Word, ...]) -> list[str]:
    """Words as lines."""
    wide = max((len(word.name) for word in found), default=0)
    kinds = max((len(word.kind) for word in found), default=0)
    lines = [f"  {word.kind:<{kinds}}  {word.name:<{wide}}  {word.doc}".rstrip() for word in found]
    return [clean(line) for line in lines] or ["  no words"]


def first_line(doc: str) -> str:
    """The first sentence of a page."""
    text = " ".join(doc.split("\n\n")[0].split()).removeprefix("What: ")
    return text if len(text) <= 100 else text.partition(". ")[0][:160]


def plugins(folder: FilePath | str = ".") -> Plugins:
    """The plugins of the project that a folder belongs to: own, enabled, local, and those that are installed only.

    Names, versions and states come from metadata and from the bytes of files: of what is not specc's own nothing is
    imported or run, enabled or not. Raises SpeccError S111.
    """
    file = settings.find(FilePath(folder))
    project = settings.Settings(FilePath(folder) / settings.NAME) if file is None else settings.read(file)
    rows = [own_row(name, point, project) for name, point in registry.own().items()]
    there = registry.found()
    for name, points in there.items():
        if name in registry.own():
            points = [point for point in points if registry.owner(point) != registry.owner(registry.own()[name])]
        for point in points:
            rows.append(installed_row(name, point, project, len(there[name]) > 1))
    for name in project.enabled:
        if name not in there and name not in registry.own():
            rows.append(Row(name, "", "", BROKEN, "", "specc.toml enables it, and it is not installed"))
    rows += [local_row(entry, project) for entry in project.local.values()]
    return Plugins(tuple(rows), file)


def own_row(name: str, point: EntryPoint, project: settings.Settings) -> Row:
    """One of specc's own."""
    state, reason = "own", ""
    if name in project.disabled:
        state = "own, disabled"
    else:
        try:
            state = "own" if registry.load(point, absent=True) else "own, not there"
        except SpeccError as error:
            state, reason = BROKEN, error.diagnostics[0].message
    return row_of(point, state, reason)


def installed_row(name: str, point: EntryPoint, project: settings.Settings, twice: bool) -> Row:
    """One of another distribution."""
    if name not in project.enabled:
        return row_of(point, "installed, not enabled", "another plugin has this name, too" if twice else "")
    if twice:
        return row_of(point, BROKEN, "another plugin has this name, too: uninstall one of them")
    return row_of(point, "enabled")


def row_of(point: EntryPoint, state: str, reason: str = "") -> Row:
    """A row from an entry point."""
    distribution, version = (point.dist.name, point.dist.version) if point.dist is not None else ("", "")
    return Row(point.name, version, distribution, state, point.value.partition(":")[0], reason)


def local_row(entry: settings.Local, project: settings.Settings) -> Row:
    """A file beside the specs."""
    if entry.name in registry.own():
        return Row(entry.name, "", "", BROKEN, entry.file, "one of specc's own plugins has this name, too")
    try:
        local.look(project, entry)
    except SpeccError as error:
        return Row(entry.name, "", "", BROKEN, entry.file, error.diagnostics[0].message)
    return Row(entry.name, "", "", "local", entry.file)


def plugin_info(name: str, folder: FilePath | str = ".") -> Info:
    """All about the plugin of that name. One that is not enabled is not imported. Raises SpeccError T663, S111."""
    found = [row for row in plugins(folder).rows if row.name == name]
    if name == "specc":
        core = registry.core().origins["specc"]
        found = [Row("specc", core.version, core.distribution, "core", core.place)]
    if not found:
        raise fault("T663", f"there is no plugin `{name[:80]}` here", "`specc plugins list` names them all")
    row = next((row for row in found if row.state in ("enabled", "local")), found[0])
    points = [point for point in registry.found().get(name, ()) if row_of(point, row.state, row.reason) == row]
    points = points or [point for point in registry.own().values() if point.name == name and row.state != "local"]
    entry, licence, summary = metadata_of(points[0]) if points and row.state != "core" else ("", "", "")
    file, plugin, place = settings.find(FilePath(folder)), None, ""
    try:
        if row.state == "local" and file is not None:
            project = settings.read(file)
            place = (project.folder / row.place).as_posix()
            plugin = local.load(project, project.local[name])[0]
        elif row.state == "core":
            plugin = registry.records(registry.core())[0]
        elif row.state in ("own", "enabled"):
            plugin = registry.load(points[0])
        if plugin is not None and plugin.api == API and (wrong := faults_of(plugin, "PLUGIN")):
            row, plugin = replace(row, state=BROKEN, reason=f"has a record that cannot be used: {wrong[0]}"), None
    except SpeccError as error:
        row = replace(row, state=BROKEN, reason=error.diagnostics[0].message)
    place = place or folder_of(row.place)
    if plugin is None:
        return Info(row, entry, place, licence, summary)
    summary = plugin.doc or ("" if row.state in ("own", "core") else summary)
    return Info(row, entry, place, licence, summary, plugin.api, words(plugin))


def metadata_of(point: EntryPoint) -> tuple[str, str, str]:
    """Entry point, licence and summary, from metadata."""
    about: Mapping[str, Any] = point.dist.metadata.json if point.dist is not None else {}
    licence = str(about.get("license_expression") or about.get("license") or "")
    kinds = [line.rpartition(" :: ")[2] for line in about.get("classifier", ()) if line.startswith("License")]
    licence = licence.strip().partition("\n")[0] or ", ".join(kinds) or "not stated"
    return point.value, licence, str(about.get("summary") or "")


def folder_of(module: str) -> str:
    """Where a top-level package lies; empty where it cannot be said without importing."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return ""
    return str(FilePath(spec.origin).parent.as_posix()) if spec is not None and spec.origin else ""
