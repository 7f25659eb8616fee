"""Plugins that are one file beside the specs. Of the file, read once, only what its PLUGIN record needs is run.

The file holds torch functions for the program and the record that names them. Checking must never load torch, so that
`import torch` and the functions of the program stay text: the linker takes them from there.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from types import ModuleType
from typing import TypeVar

from specc.errors import Diagnostic, Label, Note, Span, SpeccError
from specc.plugin import API, Plugin
from specc.records import faults_of
from specc.settings import Local, Settings

PACKAGE = "specc_local"  # modules of local plugins are called `specc_local.NAME`: no file can be imported as that
MOST = 1 << 20  # bytes of a file
RECORD = "PLUGIN"
HEAVY = ("torch", "torchvision")
T = TypeVar("T")


class LocalFault(Exception):
    """What is wrong with a local file: a code, a reason, and the line in it (0: none)."""

    def __init__(self, code: str, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.code, self.reason, self.line = code, reason, line


def module_name(name: str) -> str:
    """The `__name__` of a local plugin's file while it is read."""
    return f"{PACKAGE}.{name}"


def load(settings: Settings, local: Local) -> tuple[Plugin, str]:
    """A local plugin that specc.toml enables, and the text of its file. Raises SpeccError S114, S115, S120."""
    return held(settings, local, lambda data: plugin_of(data, local.name, local.file))


def look(settings: Settings, local: Local) -> None:
    """Raises SpeccError S114, S115 where a file is not as it was enabled, or no plugin. Nothing of it is run."""
    held(settings, local, lambda data: read(data, local.file))


def held(settings: Settings, local: Local, use: Callable[[bytes], T]) -> tuple[T, str]:
    """What is made of the bytes of a file that are as enabled, and its text. Raises SpeccError at a LocalFault."""
    text = ""
    try:
        data = content(settings.folder, local.file)
        text = data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
        if (found := hashlib.sha256(data).hexdigest()) != local.sha256:
            raise LocalFault("S114", f"has changed since it was enabled: its SHA-256 is now {found}")
        return use(data), text
    except LocalFault as error:
        raise _told(settings, local, error, text) from error


def content(folder: FilePath, file: str) -> bytes:
    """The bytes of a file inside the project's folder. Raises LocalFault S114."""
    path = PurePosixPath(file)
    inside = not path.is_absolute() and ".." not in path.parts and "\\" not in file and ":" not in file
    place = folder / path
    try:
        if not inside or not place.resolve().is_relative_to(folder.resolve()):
            raise LocalFault("S114", "lies outside of the project's folder")
        if not place.is_file():
            raise LocalFault("S114", "is not there" if not place.exists() else "is no file")
        with place.open("rb") as opened:
            data = opened.read(MOST + 1)
    except (OSError, ValueError, RuntimeError) as error:  # links in a circle, names that no system has
        raise LocalFault("S114", f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MOST:
        raise LocalFault("S114", "has more than 1 MiB")
    return data


def read(data: bytes, file: str) -> list[ast.stmt]:
    """The statements of a file that PLUGIN needs. Nothing is run. Raises LocalFault S115."""
    try:
        text = data.decode("utf-8-sig")  # a mark of the order of bytes, as Windows writes it, is no part of the text
        tree = ast.parse(text, file)
    except UnicodeDecodeError as error:
        raise LocalFault("S115", "is not UTF-8 text", data[: error.start].count(b"\n") + 1) from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise LocalFault("S115", f"is not Python: {getattr(error, 'msg', error)}", line) from error
    if not any(RECORD in bound(node) for node in tree.body):
        raise LocalFault("S115", f"has no `{RECORD} = Plugin(...)` at its top level")
    needed = statements(tree.body)
    for node in needed:
        if heavy := [module for module in imported(node) if module.partition(".")[0] in HEAVY]:
            reason = f"needs {heavy[0]} for its record, and a check must never load it: name what uses it in a Piece"
            raise LocalFault("S115", reason, node.lineno)
    return needed


def plugin_of(data: bytes, name: str, file: str, exact: bool = True) -> Plugin:
    """The record in the bytes of a file, with `exact` of the name `name`. Raises LocalFault S115, S120."""
    needed = read(data, file)
    plugin = run(ast.Module(needed, []), name, file)
    if not isinstance(plugin, Plugin):
        raise LocalFault("S115", f"has a `{RECORD}` that is no Plugin record")
    if plugin.api != API:
        return plugin  # refused where plugins are merged, whatever its records are like
    if wrong := faults_of(plugin, RECORD):
        line = next(node.lineno for node in needed if RECORD in bound(node))
        raise LocalFault("S120", f"has a record that cannot be used: {wrong[0]}", line)
    if exact and plugin.name != name:
        reason = f"holds the plugin `{plugin.name}`, and specc.toml calls it `{name}`"
        raise LocalFault("S115", reason, next(node.lineno for node in needed if RECORD in bound(node)))
    asked = [f"the task `{task.name}`" for task in plugin.tasks if task.answering or task.sources]
    asked += [f"`{record.name}`" for records in (plugin.forms, plugin.explainers) for record in records]
    if asked:
        reason = f"brings {asked[0]}, which is imported when a model or its data are read: make it a distribution"
        raise LocalFault("S115", reason)
    return plugin


def run(tree: ast.Module, name: str, file: str) -> object:
    """Execute statements as a module of their own; what PLUGIN is then. Raises LocalFault S115."""
    module = ModuleType(module_name(name))
    module.__file__ = file
    sys.modules[module.__name__] = module  # classes look up the names of their annotations there
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            exec(compile(tree, file, "exec", dont_inherit=True), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a file may raise anything, SystemExit included
        line, back = 0, error.__traceback__
        while back is not None:
            line = back.tb_lineno if back.tb_frame.f_code.co_filename == file else line
            back = back.tb_next
        raise LocalFault("S115", f"cannot be run: {type(error).__name__}: {error}", line) from error
    finally:
        del sys.modules[module.__name__]
    return module.__dict__.get(RECORD)


def statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """The top-level statements that PLUGIN needs, by the names that they use, in their order."""
    late = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in body)
    binders: dict[str, list[ast.stmt]] = {}
    for node in body:
        for name in bound(node):
            binders.setdefault(name, []).append(node)
    wanted, chosen = [RECORD], set[ast.stmt]()
    while wanted:
        for node in binders.pop(wanted.pop(), []):
            if node not in chosen:
                chosen.add(node)
                wanted += used(node, late)
    future = [node for node in body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    return [node for node in body if node in chosen or node in future]


def bound(node: ast.stmt) -> set[str]:
    """The names of the module that a top-level statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    inner += [line for part in ast.iter_child_nodes(node) if isinstance(part, ast.ExceptHandler) for line in part.body]
    own = [child for child in walk(node) if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)]
    return {child.id for child in own} | {name for line in inner for name in bound(line)}


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """A statement without the inside of functions and classes."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from walk(child)


def used(node: ast.stmt, late: bool) -> list[str]:
    """The names that a statement reads; with `late` annotations, those of functions are never looked up."""
    skipped: set[ast.AST] = set()
    for child in ast.walk(node):
        if late and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.arg):
            notes: Iterable[ast.AST | None] = (child.annotation if isinstance(child, ast.arg) else child.returns,)
            skipped |= {part for note in notes if note is not None for part in ast.walk(note)}
    return [child.id for child in ast.walk(node) if isinstance(child, ast.Name) and child not in skipped]


def imported(node: ast.stmt) -> list[str]:
    """The modules that a top-level statement imports when it runs."""
    found = []
    for child in walk(node):
        if isinstance(child, ast.Import):
            found += [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            found.append(child.module or ".")
    return found


def _told(settings: Settings, local: Local, error: LocalFault, text: str) -> SpeccError:
    """The diagnostic at the entry in specc.toml, with the line of the file where there is one."""
    shown = (settings.folder / local.file).as_posix()
    labels = [Label(Span(shown, error.line, 1, error.line, 1), error.reason)] if error.line else []
    changed, named = error.reason.startswith("has changed"), error.reason.startswith("holds the plugin")
    enable, out = f"specc plugins enable {local.file}", f"take `{local.name}` out of {settings.file.name}"
    cure = f"read what changed, then `{enable}`" if changed else f"mend it, then `{enable}`"
    if named:
        cure = f"{out}, and `{enable}`"
    elif error.code == "S114" and not changed:
        cure = f"put it there, or {out}; where it has another place now, `specc plugins enable` that"
    why = "a file is run only as it was when you enabled it"
    found = Diagnostic(
        error.code,
        f"the local plugin `{local.name}`: {local.file} {error.reason}",
        settings.span(local.name, local=True),
        label="enabled here",
        labels=tuple(labels),
        notes=(
            *((Note("why", why),) if changed else ()),
            Note("help", cure),
            Note("more", f"specc explain {error.code}"),
        ),
    )
    raised = settings.fault(found)
    raised.texts |= {shown: text} if text else {}
    return raised
