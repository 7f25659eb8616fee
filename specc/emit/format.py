"""Formats emitted files as `ruff format` does, imports sorted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory

from ruff import find_ruff_bin


@cache
def _commands(own: tuple[str, ...]) -> tuple[list[str], list[str]]:
    binary, common = find_ruff_bin(), ["--isolated", "--quiet", "--no-cache", "--config", "line-length=120"]
    first = "lint.isort.known-first-party=[" + ", ".join(f'"{name}"' for name in own) + "]"
    sort = [binary, "check", *common, "--fix", "--exit-zero", "--select", "I", "--config", "src=[]", "--config", first]
    return sort, [binary, "format", *common]


def tidy(files: Mapping[str, str], others: Iterable[str] = ()) -> dict[str, str]:
    """The files, name -> text, with sorted imports, formatted. All at once: starting the formatter takes longest.

    `others` are modules that will stand beside them.
    """
    own = tuple(sorted({name.removesuffix(".py") for name in files} | set(others)))
    with TemporaryDirectory(prefix="specc-") as folder:
        places = {name: FilePath(folder) / f"file{number}.py" for number, name in enumerate(files)}
        for name, place in places.items():
            place.write_text(files[name], encoding="utf-8", newline="")
        for command in _commands(own):
            subprocess.run([*command, *map(str, places.values())], cwd=folder, capture_output=True, check=True)
        return {name: place.read_bytes().decode("utf-8") for name, place in places.items()}
