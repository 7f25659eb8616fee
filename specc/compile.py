"""The whole compiler as two functions: `check` says what is wrong with a spec, `compile` writes its program."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path as FilePath
from types import ModuleType
from typing import TYPE_CHECKING

from specc.errors import Diagnostic, SpeccError, has_errors
from specc.lower.front import front
from specc.registry import enabled
from specc.source import Document, load
from specc.study import Study

if TYPE_CHECKING:
    from specc.api.program import Files


class _Module(ModuleType):
    """This module, which has the name of a call of `specc`: whoever imports it first, `specc.compile(...)` works."""

    def __call__(self, spec: FilePath | str, *, settings: Iterable[str] = ()) -> Files:
        from importlib import import_module

        files: Files = import_module("specc.api.program").compile(spec, settings=settings)
        return files


sys.modules[__name__].__class__ = _Module


def check(
    path: FilePath | str, data: bool = True, document: Document | None = None
) -> tuple[Study | None, tuple[Diagnostic, ...]]:
    """Everything that is wrong with a spec and, with `data`, its images; the study, unless an error forbids one.

    `document` is the spec's text where it is not what the file holds. Raises SpeccError for a text that is no YAML.
    """
    document = document or load(path)
    study, found = front(document, enabled(FilePath(document.file).resolve().parent))
    if study is not None and data:
        from specc.data import check_data

        found += tuple(check_data(study)[0])
    return (None if has_errors(found) else study), found


def compile(study: Study) -> dict[str, str]:  # noqa: A001
    """The program of a study that passed its checks: text by file name. Raises SpeccError S117, S119 at a plugin's."""
    from specc.emit.asked import require_words, told  # a check needs none of it
    from specc.emit.program import emit

    try:
        require_words(study)
        return emit(study)
    except (SpeccError, OSError):
        raise
    except Exception as error:
        if fault := told(study, error):
            raise fault from error
        raise
