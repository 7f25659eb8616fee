"""What several test files need: specs in, diagnostics and studies out; cases in Markdown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from specc import source
from specc.errors import Diagnostic, SpeccError
from specc.lower.front import front
from specc.registry import Registry, core
from specc.study import Study

CASES = Path(__file__).resolve().parent / "cases"
FILE = "example.yaml"
UPDATE = bool(os.environ.get("SPECC_UPDATE_CASES"))  # writes what is rendered into the case files
_ASSERTION = re.compile(r"\s*# (error|warning|note): ((?:\[[A-Z]\d+\]\s*)+)$")


def examine(text: str, registry: Registry | None = None) -> tuple[Study | None, tuple[Diagnostic, ...]]:
    """The front end on a text: the study, or None, and all diagnostics."""
    try:
        document = source.parse(text, FILE)
    except SpeccError as error:
        return None, error.diagnostics
    return front(document, registry or core())


def found(text: str, registry: Registry | None = None) -> tuple[Diagnostic, ...]:
    """All diagnostics of a text."""
    return examine(text, registry)[1]


def study(text: str, registry: Registry | None = None) -> Study:
    """The study of a text that has no errors."""
    result, diagnostics = examine(text, registry)
    assert result is not None, [(d.code, d.message) for d in diagnostics]
    return result


@dataclass(frozen=True)
class Case:
    """One YAML block of a case file, the diagnostics that it states by line, and the rendering that follows it."""

    text: str
    stated: tuple[tuple[int, str, str], ...]  # line of the block from 0, severity, code
    rendering: str | None


def cases(path: Path) -> list[Case]:
    """The blocks of a case file."""
    parts = re.findall(r"^```(yaml|text)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    result: list[Case] = []
    for kind, body in parts:
        if kind == "text":
            last = result.pop()
            result.append(Case(last.text, last.stated, body))
            continue
        lines, stated = [], []
        for number, line in enumerate(body.splitlines()):
            match = _ASSERTION.search(line)
            if match:
                stated += [(number, match[1], code) for code in re.findall(r"\[(\w+)\]", match[2])]
            lines.append(_ASSERTION.sub("", line))
        result.append(Case("\n".join(lines) + "\n", tuple(stated), None))
    return result


def update(path: Path, old: str, new: str) -> None:
    """Replace the rendering in a case file."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f"```text\n{old}```", f"```text\n{new}```", 1), encoding="utf-8")
