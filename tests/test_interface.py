"""What people and programs rely on, as committed in tests/cases/interface.txt: commands, Python names, JSON."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import re
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from front_end import CASES, UPDATE

import specc
from specc import errors, plugin
from specc.cli import edge
from specc.cli.app import app
from specc.render import render

PINNED = CASES / "interface.txt"
CHANGED = """{what} is not what tests/cases/interface.txt says:

{difference}

Others call these commands and names: a change breaks their scripts and notebooks. If it is meant, write it anew with
    SPECC_UPDATE_CASES=1 pytest tests/test_interface.py
and say in CHANGELOG.md what changed and what to write instead. New names and options need the
first step only. Where a field of the JSON changes or goes, FORMAT_VERSION in specc/render.py grows by one."""


def command_line() -> Iterator[str]:
    """Every command with its arguments and options, and the exit codes."""
    assert app.registered_callback is not None
    yield "specc"
    yield from parameters(app.registered_callback.callback)
    for command in app.registered_commands:
        yield f"specc {command.name}"
        yield from parameters(command.callback)
    yield from (f"exit {code}: {meaning}" for code, meaning in edge.EXITS.items())


def parameters(function: Any) -> Iterator[str]:
    """The parameters of a command, one a line: `-o, --output DIR = program`."""
    function = inspect.unwrap(function)
    hints = typing.get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind, info = typing.get_args(hints[name])
        words = [", ".join(one for one in (info.default, *(info.param_decls or ())) if isinstance(one, str))]
        members = [one for one in (kind, *typing.get_args(kind)) if isinstance(one, type)]
        words.append("|".join(one.value for m in members if issubclass(m, Enum) for one in m) or info.metavar or "")
        if not words[-1] and bool not in members:
            words[-1] = members[0].__name__
        words.append("(several)" if list in [typing.get_origin(one) for one in (kind, *typing.get_args(kind))] else "")
        default = parameter.default.value if isinstance(parameter.default, Enum) else parameter.default
        words.append("required" if default is parameter.empty else "" if default in (None, False) else f"= {default}")
        yield f"  {' '.join(word for word in words if word)}"


def python_names() -> Iterator[str]:
    """The calls of `specc`, what they give, the records of plugins, and diagnostics."""
    results: dict[str, type] = {}
    for name in sorted(set(specc.__all__) - {"__version__"}):
        call = getattr(specc, name)
        yield f"specc.{name}{signature(call)}"
        module = inspect.getmodule(call)
        for given in str(inspect.signature(call).return_annotation).split(" | "):
            if module is not None and isinstance(getattr(module, given, None), type):
                results[given] = getattr(module, given)
    for name, record in sorted(results.items()):
        yield from members(f"specc.{name}", record)
    for module in (plugin, errors):
        for name, value in sorted(own(module)):
            yield from members(f"{module.__name__}.{name}", value)


def signature(function: Any) -> str:
    """Parameters and result as they are written; of a default that is a function its name."""
    return re.sub(r"<function (\w+) at 0x\w+>", r"\1", str(inspect.signature(function)).replace("'", ""))


def own(module: ModuleType) -> Iterator[tuple[str, type]]:
    """The public classes that a module defines."""
    for name, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_"):
            yield name, value


def members(name: str, record: type) -> Iterator[str]:
    """The fields and methods of a class."""
    yield name
    fields = dataclasses.fields(record) if dataclasses.is_dataclass(record) else ()
    for field in fields:
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        yield f"  {field.name}: {field.type}{'' if needed else ' = ...'}"
    for key, value in sorted(vars(record).items()):
        made = key == "__init__" and not fields and not getattr(record, "_is_protocol", False)
        if inspect.isfunction(value) and (made or not key.startswith("_")):
            yield f"  {key}{signature(value)}"
        elif isinstance(value, property) and value.fget is not None:
            yield f"  {key}: {inspect.signature(value.fget).return_annotation}"


def diagnostics() -> Iterator[str]:
    """One diagnostic that has everything, as `specc check --format json` writes it."""
    place = errors.Span("spec.yaml", 3, 5, 3, 9)
    one = errors.Diagnostic(
        "S000", "message", place, ("model", "layers", 0), "label", (errors.Label(place, "second label"),),
        tuple(errors.Note(kind, kind) for kind in typing.get_args(errors.NoteKind)),
        (errors.Fix("a fix", (errors.Edit(place, "text"),), safe=True),),
    )  # fmt: skip
    yield from render((one, errors.Diagnostic("S001", "no place", severity="warning")), {}, "json").splitlines()


PARTS = {
    "The command line": command_line,
    "The Python names": python_names,
    "The diagnostics as JSON": diagnostics,
}


@pytest.mark.parametrize("what", PARTS)
def test_interface(what: str) -> None:
    now = "\n".join(PARTS[what]())
    pages = dict(page.split("\n\n", 1) for page in PINNED.read_text(encoding="utf-8").strip().split("\n\n\n"))
    pages.setdefault(what, "")
    if UPDATE:
        pages[what] = now
        text = "\n\n\n".join(f"{title}\n\n{pages[title].strip()}" for title in PARTS if title in pages)
        PINNED.write_text(text + "\n", encoding="utf-8")
    if now.strip() != pages[what].strip():
        lines = difflib.unified_diff(pages[what].splitlines(), now.splitlines(), "committed", "now", lineterm="", n=0)
        pytest.fail(CHANGED.format(what=what, difference="\n".join(lines)), pytrace=False)


def test_no_other_exit_codes() -> None:
    """Whatever number stands as an exit code anywhere in specc has a meaning in the table."""
    for path in sorted(Path(specc.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given: list[ast.expr] = []
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("SystemExit", "sys.exit", "typer.Exit"):
                given = node.args
            elif isinstance(node, ast.keyword) and node.arg == "exit_code":
                given = [node.value]
            codes = {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, int)}
            assert codes <= edge.EXITS.keys(), path
