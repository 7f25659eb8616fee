"""Proof that the text of a spec is only data in its program: the program of a study and that of the same study with
placeholders for every free text are one program, string constants apart.

Free text is what a spec's model annotates as `str`: class names, paths, columns, units, marks. Words out of a closed
set (`Literal`), names that specc has checked (the study's, ids, networks) and numbers stay.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from specc.plugin import Call

if TYPE_CHECKING:
    from specc.study import Study

CHECKED = frozenset({"specc", "name", "task", "train", "model", "networks", "plugins"})  # keys without free text
WORDS = frozenset({"folder", "none", "patient", "image"})  # of `group` and `columns`, beside those of the task


class NotInert(Exception):
    """A text of the spec would be more than data: a mistake of whoever prints it."""


def placeholder(study: Study) -> Study:
    """The study with `text1`, `text2`, ... for its texts; equal texts stay equal."""
    names = {*WORDS, *study.task.networks, *study.passed, *(column.name for column in study.task.columns)}
    known = {name: name for name in names}
    kept = {name: value for name in CHECKED if (value := getattr(study.spec, name, None)) is not None}
    return replace(study, spec=_plain(study.spec, known, frozenset()).model_copy(update=kept))


def _plain(value: Any, known: dict[str, str], closed: frozenset[object]) -> Any:
    if isinstance(value, str):
        return value if value in closed else known.setdefault(value, f"text{len(known)}")
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        words = {name: _closed(field.annotation) for name, field in fields.items()}
        return value.model_copy(update={name: _plain(getattr(value, name), known, words[name]) for name in fields})
    if isinstance(value, Call):
        return Call(value.name, _plain(value.args, known, frozenset()), value.path)
    if isinstance(value, Mapping):
        return {_plain(key, known, frozenset()): _plain(item, known, closed) for key, item in value.items()}
    return tuple(_plain(item, known, closed) for item in value) if isinstance(value, tuple) else value


def _closed(annotation: Any) -> frozenset[object]:
    """The words that an annotation lists."""
    if get_origin(annotation) is Literal:
        return frozenset(get_args(annotation))
    return frozenset().union(*(_closed(part) for part in get_args(annotation)))


def form(text: str) -> tuple[list[str], set[str], list[str]]:
    """What a file is without its string constants: statements, imported names, comments. Docstrings count.

    Formatting does not change it. Raises SyntaxError, ValueError or tokenize.TokenError for what is no Python.
    """
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    documents = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(node) is not None
        and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in documents:
            node.value = ""
    imports = {
        f"{getattr(node, 'module', '')} {name.name} {name.asname}"
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    rest = [ast.dump(node) for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return rest, imports, [token.string for token in tokens if token.type == tokenize.COMMENT]


def require_inert(files: Mapping[str, str], plain: Mapping[str, str]) -> None:
    """Raises NotInert unless the files differ from those of the placeholder in string constants only."""
    if files.keys() != plain.keys():
        raise NotInert(f"files depend on the spec's text: {sorted(files.keys() ^ plain.keys())}")
    for name, text in files.items():
        if not text.isascii():
            raise NotInert(f"{name} holds characters that are not ASCII")
        try:
            equal = text == plain[name] or form(text) == form(plain[name])
        except (SyntaxError, ValueError, tokenize.TokenError) as fault:
            raise NotInert(f"{name} is no Python: {fault}") from fault
        if not equal:
            raise NotInert(f"{name} depends on the spec's text by more than its string constants")
