"""Formats emitted files as `ruff format` does, imports sorted."""

from __future__ import annotations

import subprocess
from functools import cache

from ruff import find_ruff_bin

OWN = (
    "augment",
    "checkpoints",
    "data",
    "deploy",
    "export",
    "index",
    "metrics",
    "model",
    "pixels",
    "readers",
    "runtime",
    "tables",
)


@cache
def _commands() -> tuple[list[str], list[str]]:
    binary, common = find_ruff_bin(), ["--isolated", "--quiet", "--no-cache", "--stdin-filename", "program.py"]
    first = "lint.isort.known-first-party=[" + ", ".join(f'"{name}"' for name in OWN) + "]"
    sort = [
        binary,
        "check",
        *common,
        "--fix",
        "--exit-zero",
        "--select",
        "I",
        "--config",
        first,
        "--config",
        "line-length=120",
        "-",
    ]
    return sort, [binary, "format", *common, "--config", "line-length=120", "-"]


def tidy(text: str) -> str:
    """The text with sorted imports, formatted."""
    for command in _commands():
        text = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    return text
