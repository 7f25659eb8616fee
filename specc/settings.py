"""specc.toml: what a project enables. Its entries keep their lines, so that a fault has a place."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from specc.errors import Diagnostic, Note, Span, SpeccError

NAME = "specc.toml"
_SHA = re.compile(r"[0-9a-f]{64}")
_FORMS = {
    "enabled": 'enabled = ["name"]',
    "disabled": 'disabled = ["name"]',
    "local": 'name = {file = "name.py", sha256 = "..."}  below  [plugins.local]',
}


@dataclass(frozen=True)
class Local:
    """A plugin that is one file beside the specs: `file` from the folder of specc.toml on, its SHA-256 as enabled."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Settings:
    """`[plugins]` of a specc.toml: names that are switched on and off, and local files."""

    file: FilePath
    text: str = ""
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    local: Mapping[str, Local] = field(default_factory=dict)

    @property
    def folder(self) -> FilePath:
        """The folder of the project."""
        return self.file.parent

    def span(self, word: str, local: bool = False) -> Span:
        """Where a name stands: as a key below `[plugins.local]`, else as text in quotes; the first line otherwise."""
        quoted = rf"[\"']{re.escape(word)}[\"']"
        start = r"(?:^\s*|^\s*\[+\s*|plugins\.|local\.|\{\s*|,\s*)"
        pattern = rf"{start}({re.escape(word)}|{quoted})\s*[=.\]]" if local else f"({quoted})"
        for number, line in enumerate(self.text.split("\n"), 1):
            hit = re.search(pattern, line.partition(" #")[0])
            if hit and not line.lstrip().startswith("#"):
                return Span(str(self.file), number, hit.start(1) + 1, number, hit.end(1) + 1)
        return Span(str(self.file), 1, 1, 1, 1)

    def fault(self, *faults: Diagnostic) -> SpeccError:
        """An error that shows lines of this file."""
        return SpeccError(faults, texts={str(self.file): self.text})


def find(folder: FilePath) -> FilePath | None:
    """The nearest specc.toml from a folder upwards, or None. One that somebody else has put into a folder for all, as
    /tmp, is passed over: it would enable plugins for whoever works below.
    """
    start = folder.resolve()
    for place in (start, *start.parents):
        if (place / NAME).is_file() and not _planted(place / NAME):
            return place / NAME
    return None


def _planted(file: FilePath) -> bool:
    """Whether a file lies in a folder where all users may write and none may remove what is another's, and belongs to
    somebody else than this user and the administrator; Windows has no such folders.
    """
    if not hasattr(os, "geteuid"):
        return False
    shared = stat.S_ISVTX | stat.S_IWOTH
    try:
        return file.parent.stat().st_mode & shared == shared and file.stat().st_uid not in (os.geteuid(), 0)
    except OSError:
        return True


def text_of(file: FilePath) -> str:
    """The text of a specc.toml. Raises SpeccError S111."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Settings(file).fault(_wrong(Settings(file), f"cannot be read: {error}", "enabled")) from error


def read(file: FilePath) -> Settings:
    """What a specc.toml says of plugins. Raises SpeccError S111."""
    text = text_of(file)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        bare, at = Settings(file, text), re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(at[1]), int(at[2])) if at else (1, 1)
        wrong = replace(
            _wrong(bare, f"cannot be read: {error}", "enabled"), span=Span(str(file), line, column, line, column)
        )
        raise bare.fault(wrong) from error
    bare = Settings(file, text)
    if other := next((name for name in table if name != "plugins"), ""):
        raise bare.fault(
            _wrong(bare, f"has no key or table `{other}`: all that it says stands below [plugins]", "enabled", other)
        )
    section = table.get("plugins", {})
    if not isinstance(section, dict):
        raise bare.fault(_wrong(bare, "`[plugins] enabled` must be a list of names", "enabled", "plugins"))
    unknown = [name for name in section if name not in _FORMS]
    if unknown:
        known = ", ".join(f"`{name}`" for name in _FORMS)
        raise bare.fault(_wrong(bare, f"`[plugins]` has no key `{unknown[0]}`; its keys: {known}", "local", unknown[0]))
    lists = {word: _names(bare, section.get(word, []), word) for word in ("enabled", "disabled")}
    return Settings(file, text, lists["enabled"], lists["disabled"], _local(bare, section.get("local", {})))


def with_local(file: FilePath, text: str, entry: Local) -> tuple[str, str]:
    """The SHA-256 that a local plugin has in the text of a specc.toml, and the text with the entry as it shall be.

    Every other line stays as it is. Raises SpeccError S111 where that cannot be done: a person must.
    """
    if "\n" in text and text.count("\r\n") == text.count("\n"):  # as Windows ends lines
        before, after = with_local(file, text.replace("\r\n", "\n"), entry)
        return before, after.replace("\n", "\r\n")
    try:
        table = tomllib.loads(text)
        section = table.setdefault("plugins", {}).setdefault("local", {})
        old = section.get(entry.name)
        section[entry.name] = {"file": entry.file, "sha256": entry.sha256}
    except (tomllib.TOMLDecodeError, AttributeError) as error:
        known = isinstance(error, tomllib.TOMLDecodeError)
        what = f"cannot be read: {error}" if known else "has no table [plugins.local] where the entry can stand"
        raise Settings(file, text).fault(_wrong(Settings(file, text), what, "local")) from error
    file_name = json.dumps(entry.file, ensure_ascii=False)  # TOML escapes as JSON does
    line = f'{entry.name} = {{file = {file_name}, sha256 = "{entry.sha256}"}}'
    for new in (_replaced(text, entry.name, line), _added(text, line)):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(new) == table:
                before = old.get("sha256", "") if isinstance(old, dict) else ""
                return str(before), new
    bare = Settings(file, text)
    raise bare.fault(_wrong(bare, f"has no line that can be changed; write it by hand:  {line}", "local", entry.name))


def _replaced(text: str, name: str, line: str) -> str:
    """The text with another line in the place of a local plugin's; what stands behind it as a comment stays."""
    key = re.compile(rf"^\s*(?:{re.escape(name)}|\"{re.escape(name)}\")\s*=[^#\n]*?(\s*#[^\n]*)?$", re.MULTILINE)
    head = re.search(r"^\s*\[\s*plugins\s*\.\s*local\s*\]", text, re.MULTILINE)
    hit = key.search(text, head.end()) if head else None
    return (
        text[: hit.start()] + "\n" * hit[0].startswith("\n") + line + (hit[1] or "") + text[hit.end() :]
        if hit
        else text
    )


def _added(text: str, line: str) -> str:
    """The text with one more line below `[plugins.local]`, which is added where it is missing."""
    head = re.search(r"^[ \t]*\[\s*plugins\s*\.\s*local\s*\][^\n]*$", text, re.MULTILINE)
    if head:
        return f"{text[: head.end()]}\n{line}{text[head.end() :]}"
    rest = text if not text or text.endswith("\n") else f"{text}\n"
    return f"{rest}{chr(10) if rest else ''}[plugins.local]\n{line}\n"


def _names(settings: Settings, value: Any, word: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise settings.fault(_wrong(settings, f"`[plugins] {word}` must be a list of names", word, word))
    return tuple(dict.fromkeys(value))


def _local(settings: Settings, table: Any) -> dict[str, Local]:
    found = {}
    if not isinstance(table, dict):
        raise settings.fault(_wrong(settings, "`[plugins.local]` must name files", "local", "local"))
    for name, entry in table.items():
        whole = isinstance(entry, dict) and entry.keys() == {"file", "sha256"}
        if not whole or not isinstance(entry["file"], str) or not _SHA.fullmatch(str(entry["sha256"])):
            what = f"`[plugins.local] {name}` must name a file and its SHA-256 (64 digits from 0 to f)"
            raise settings.fault(_wrong(settings, what, "local", name))
        found[name] = Local(name, entry["file"], entry["sha256"])
    return found


def _wrong(settings: Settings, reason: str, form: str, word: str = "") -> Diagnostic:
    cure = (
        f"write it as:  {_FORMS[form]}" if form == "local" else f"write it as:  [plugins]  and below it  {_FORMS[form]}"
    )
    notes = [Note("help", cure)]
    if form == "local":
        notes.append(Note("help", "`specc plugins enable FILE.py` writes it"))
    return Diagnostic("S111", f"{NAME} {reason}", settings.span(word, local=True), notes=tuple(notes))
