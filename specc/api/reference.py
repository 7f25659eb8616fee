"""The reference that `specc explain` shows: gathered from the records themselves, so that it cannot go stale."""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from specc.data import DATA_RULES
from specc.deploy import faults as deploy_faults
from specc.plugin import Call
from specc.registry import Registry, enabled
from specc.rules import pages as pages_of_names
from specc.run import faults as run_faults
from specc.run.faults import fault
from specc.text import pages as pages_of_text

WIDTH = 100
PART = re.compile(r"(What|Why|Bad|Good|Cure|Source|classification|regression)\b[^.]*?:")
INDENT = " " * 6
KINDS = ("task", "layer", "loss", "optimizer", "augmentation", "initializer", "key", "code")
PLURAL = {"loss": "losses"}
FAMILIES = {
    "S0": "text", "S1": "names", "S2": "task", "S3": "shapes", "D4": "data", "E5": "computer", "T6": "training",
    "X7": "export", "P8": "prediction",
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """One word: what it is, what it means, its arguments (name, type and default, meaning), an example, a source."""

    word: str
    kind: str
    text: str
    arguments: tuple[tuple[str, str, str], ...] = ()
    example: str = ""
    source: str = ""

    def lines(self) -> list[str]:
        """The page for a terminal."""
        lines = [f"{self.word} ({self.kind})", "", *flowed(self.text.strip())]
        if self.arguments:
            lines += ["", "arguments:"]
        for name, kind, doc in self.arguments:
            lines += [
                f"  {name}: {kind}".rstrip(": "),
                *textwrap.wrap(doc, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT),
            ]
        if self.example:
            lines += ["", "example:", *(f"  {line}" for line in self.example.strip().splitlines())]
        return [*lines, *(["", f"source: {self.source}"] if self.source else []), ""]


def flowed(text: str) -> list[str]:
    """Paragraphs broken anew at the width of a page; indented lines, and those that begin as `Why:`, stay their own."""
    lines: list[str] = []
    for line in text.splitlines():
        follows = lines and lines[-1] and not lines[-1].startswith(" ")
        if follows and line and not line.startswith(" ") and not PART.match(line) and not lines[-1].endswith(":"):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return [part for line in lines for part in (textwrap.wrap(line, WIDTH) if line[:1].strip() else [line])]


def pages(folder: FilePath) -> list[Page]:
    """Every page, of specc and of the plugins that are enabled from a folder upwards."""
    registry = enabled(folder)
    return [*_words(registry), *_keys(), *_codes(registry)]


def find(pages: Iterable[Page], word: str) -> Page:
    """The page of a word (codes in any case). Raises SpeccError T661 with the nearest words."""
    known = list(pages)
    for page in known:
        if page.word == word or (page.kind == "code" and page.word == word.upper()):
            return page
    near = difflib.get_close_matches(word, [page.word for page in known], 3, 0.5)
    cures = [f"did you mean {' or '.join(f'`{name}`' for name in near)}?"] if near else []
    raise fault("T661", f"there is no page for `{word[:80]}`", *cures, "`specc explain` lists all words")


def contents(pages: Iterable[Page]) -> list[str]:
    """All words by kind, codes with their families."""
    known = list(pages)
    lines = []
    for kind in KINDS:
        words = [page.word for page in known if page.kind == kind]
        if kind != "code":
            lines += [f"{PLURAL.get(kind, kind + 's')}:", f"  {', '.join(words)}"] if words else []
            continue
        for family, name in FAMILIES.items():
            codes = [word for word in words if word.startswith(family)]
            lines += [f"codes, {name}:", f"  {', '.join(codes)}"] if codes else []
    return lines


def _words(registry: Registry) -> list[Page]:
    found: list[Page] = []
    tables: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("task", registry.tasks),
        ("layer", registry.layers),
        ("loss", registry.losses),
        ("optimizer", registry.optimizers),
        ("augmentation", registry.augmentations),
        ("initializer", registry.initializers),
    )
    for kind, table in tables:
        for name, record in sorted(table.items()):
            if getattr(record, "internal", False):
                continue
            model = record.output if kind == "task" else getattr(record, "arguments", None)
            text = record.doc + ("\n" + "\n".join(record.table) if kind == "task" and record.table else "")
            found.append(
                Page(name, kind, text, _arguments(model), getattr(record, "example", ""), getattr(record, "source", ""))
            )
    return found


def _keys() -> list[Page]:
    from specc.spec.keys import FIXED

    found = []
    for name, (annotation, field) in FIXED.items():
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
        found.append(Page(name, "key", field.description or "", _arguments(model)))
    return found


def _codes(registry: Registry) -> list[Page]:
    found = {rule.code: Page(rule.code, "code", inspect.cleandoc(rule.doc)) for rule in registry.rules}
    found |= {rule.code: Page(rule.code, "code", inspect.cleandoc(rule.doc)) for rule in DATA_RULES}
    for docs in (pages_of_names.DOCS, pages_of_text.DOCS, run_faults.DOCS, deploy_faults.DOCS):
        for code, text in docs.items():
            found.setdefault(code, Page(code, "code", inspect.cleandoc(text)))
    return [found[code] for code in sorted(found)]


def _arguments(model: type[BaseModel] | None) -> tuple[tuple[str, str, str], ...]:
    if model is None:
        return ()
    rows = []
    for name, field in model.model_fields.items():
        kind = type_name(field.annotation)
        default = (
            "required" if field.default is PydanticUndefined and not field.default_factory else _shown(field.default)
        )
        rows.append((field.alias or name, f"{kind}, {default}" if default else kind, field.description or ""))
    return tuple(rows)


def _shown(default: Any) -> str:
    if default is None or default is PydanticUndefined or default == ():
        return ""
    if isinstance(default, Call):
        return default.name
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def type_name(annotation: Any) -> str:
    """A type in the words of the language: `number`, `whole number`, `text`, `a or b`."""
    plain = {int: "whole number", float: "number", str: "text", bool: "true or false", Call: "name", type(None): ""}
    if annotation in plain:
        return plain[annotation]
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_name(parts[0])
    if origin is typing.Literal:
        return " or ".join(str(part) for part in parts)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(filter(None, map(type_name, parts))))
    if origin in (tuple, list):
        names = list(dict.fromkeys(type_name(part) for part in parts if part is not Ellipsis))
        return f"[{', '.join(type_name(p) for p in parts)}]" if Ellipsis not in parts else f"list of {names[0]}"
    if origin is dict:
        return f"{{name: {type_name(parts[1])}}}"
    return "group" if isinstance(annotation, type) and issubclass(annotation, BaseModel) else "value"
