"""A local file is enabled as it is: its name and SHA-256 go into specc.toml."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from specc import local, registry, settings
from specc.api.notebook import Shown
from specc.api.plugins import described, words
from specc.errors import Span, SpeccError
from specc.plugin import Plugin
from specc.run.faults import diagnostic, fault

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, repr=False)
class Enabled(Shown):
    """A local plugin as it is in specc.toml now; `before` is the hash that stood there."""

    plugin: Plugin
    file: FilePath
    sha256: str
    settings: FilePath
    before: str = ""

    @property
    def next(self) -> str:
        """What to do now."""
        return "specc check SPEC"

    def lines(self) -> list[str]:
        """What the file brings, and what was done."""
        done = "was enabled as it is" if self.before == self.sha256 else "enabled anew" if self.before else "enabled"
        lines = [f"{self.file.name}: the plugin `{self.plugin.name}`", *described(words(self.plugin))]
        return [*lines, f"{done} in {near(self.settings)}: SHA-256 {self.sha256}"]

    def plain(self) -> dict[str, Any]:
        """As `plugins enable --json` prints it."""
        return {
            "name": self.plugin.name,
            "file": self.file.as_posix(),
            "sha256": self.sha256,
            "before": self.before or None,
            "settings": self.settings.as_posix(),
            "words": [vars(word) for word in words(self.plugin)],
        }


def enable_plugin(file: FilePath | str) -> Enabled:
    """Write a local plugin's name and SHA-256 into the nearest specc.toml, made beside it where there is none.

    The file is read once; its record is made as a check makes it. Comments of specc.toml stay. Raises SpeccError
    S114, S115, S111, T659, T664.
    """
    from specc.run.folders import replace as write

    wanted = FilePath(file)
    there = settings.find(wanted.parent)
    toml = there or wanted.parent.resolve() / settings.NAME
    name, data = inner_path(wanted, toml.parent), b""
    try:
        data = local.content(toml.parent, name)
        plugin = local.plugin_of(data, wanted.stem, wanted.name, exact=False)
        if plugin.name != wanted.stem:
            plugin = local.plugin_of(data, plugin.name, wanted.name)
    except local.LocalFault as error:
        raise unfit(wanted, error, data) from error
    if not NAME.fullmatch(plugin.name) or plugin.name in (*registry.own(), "specc"):
        raise fault(
            "T664", f"`{plugin.name}` is no name for a plugin of your own", "call it otherwise in `Plugin(...)`"
        )
    text = settings.text_of(toml) if there else ""
    registry.merge([*others(there, plugin.name), plugin])  # another interface, words that are taken
    digest = hashlib.sha256(data).hexdigest()
    before, after = settings.with_local(toml, text, settings.Local(plugin.name, name, digest))
    if after != text:
        try:
            write(toml, after)
        except OSError as error:
            raise fault("T659", f"cannot write {toml}: {error.strerror}", "write the entry by hand") from error
    return Enabled(plugin, wanted, digest, toml, before)


def others(file: FilePath | None, name: str) -> list[Plugin]:
    """The plugins that stand beside one of that name: those of the project, or specc's own where these are not all as
    they were enabled, too.
    """
    try:
        if file is not None:
            project = settings.read(file)
            rest = {other: entry for other, entry in project.local.items() if other != name}
            return registry.brought(replace(project, local=rest))[0]
    except SpeccError:
        pass  # said by the next check
    return registry.records(registry.usual())


def inner_path(file: FilePath, folder: FilePath) -> str:
    """A file's path from a folder on. Raises SpeccError S114 where it leads out of it."""
    place = FilePath(file.parent.resolve(), file.name)
    if not place.is_relative_to(folder.resolve()):
        raise unfit(file, local.LocalFault("S114", "lies outside of the project's folder"))
    return place.relative_to(folder.resolve()).as_posix()


def unfit(file: FilePath, error: local.LocalFault, data: bytes = b"") -> SpeccError:
    """What is said of a file that cannot be enabled, with the line that is at fault."""
    again = f"mend it, then `specc plugins enable {file}` again" if data else "name a Python file of this project"
    found = diagnostic(error.code, f"{file} {error.reason}", again, "`specc plugins new NAME` writes one that works")
    if not error.line:
        return SpeccError((found,))
    place = Span(str(file), error.line, 1, error.line, 1)
    return SpeccError((replace(found, span=place),), texts={str(file): data.decode("utf-8-sig", errors="replace")})


def near(file: FilePath) -> str:
    """A file's path from the current folder on, where it lies below."""
    here = FilePath.cwd().resolve()
    return file.relative_to(here).as_posix() if file.is_relative_to(here) else file.as_posix()
