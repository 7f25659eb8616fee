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
from pydantic.fields import FieldInfo

from specc.api import language
from specc.data import DATA_RULES
from specc.deploy import faults as deploy_faults
from specc.plugin import Call, Task
from specc.registry import Registry, enabled
from specc.rules import pages as pages_of_names
from specc.rules import table1
from specc.run import faults as run_faults
from specc.run.faults import fault
from specc.spec.keys import FIXED
from specc.spec.words import fields_of, phrase
from specc.text import pages as pages_of_text

WIDTH = 100
PART = re.compile(r"(What|Why|Bad|Good|Cure|Source|classification|regression)\b[^.]*?:")
INDENT = " " * 6
KINDS = (
    "task",
    "layer",
    "loss",
    "optimizer",
    "schedule",
    "edit",
    "augmentation",
    "explainer",
    "initializer",
    "key",
    "table",
    "code",
)
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
            lines += ["", *(["arguments:"] if self.kind != "argument" else [])]
        for name, kind, doc in self.arguments:
            lines += [
                f"  {name}: {kind}".rstrip(": "),
                *textwrap.wrap(doc, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT),
            ]
        if self.example:
            lines += ["", "example:", *(f"  {line}" for line in self.example.strip().splitlines())]
        return [*lines, *(["", f"source: {self.source}"] if self.source else []), ""]


def flowed(text: str) -> list[str]:
    """Paragraphs broken anew at the width of a page; indented lines, items and what begins as `Why:` stay alone."""
    lines: list[str] = []
    for line in text.splitlines():
        follows = lines and lines[-1] and not lines[-1].startswith(" ")
        alone = line.startswith((" ", "- ")) or PART.match(line)
        if follows and line and not alone and not lines[-1].endswith(":"):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return [part for line in lines for part in (textwrap.wrap(line, WIDTH) if line[:1].strip() else [line])]


def pages(folder: FilePath) -> list[Page]:
    """Every page, of specc and of the plugins that are enabled from a folder upwards."""
    return pages_of(enabled(folder))


def pages_of(registry: Registry) -> list[Page]:
    """Every page of a registry."""
    return [*_words(registry), *_keys(registry), *_tables(), *_codes(registry)]


def find(pages: Iterable[Page], word: str) -> Page:
    """The page of a word, of a key below another (`early_stop`) or of an argument (`stride`); capitals do not count.

    Raises SpeccError T661 with the nearest words.
    """
    known, asked = list(pages), word.strip().lower()
    for page in known:
        if page.word == word or page.word.lower() == asked:
            return page
    inner = [page for page in known if page.kind == "key" and page.word.rpartition(".")[2] == asked]
    found = inner[0] if inner else _arguments_called(known, asked)
    if found is not None:
        return found
    near = difflib.get_close_matches(asked, [page.word for page in known], 3, 0.5)
    cures = [f"did you mean {' or '.join(f'`{name}`' for name in near)}?"] if near else []
    raise fault("T661", f"there is no page for `{word[:80]}`", *cures, "`specc explain` lists all words")


def contents(pages: Iterable[Page]) -> list[str]:
    """All words by kind, codes with their families."""
    known = list(pages)
    lines = []
    for kind in KINDS:
        words = [page.word for page in known if page.kind == kind and "." not in page.word]
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
        ("schedule", registry.schedules),
        ("edit", registry.edits),
        ("explainer", registry.explainers),
        ("augmentation", registry.augmentations),
        ("initializer", registry.initializers),
    )
    for kind, table in tables:
        for name, record in sorted(table.items()):
            if getattr(record, "internal", False):
                continue
            model = record.output if kind == "task" else getattr(record, "arguments", None)
            rows = record.table if kind == "task" else ()
            text = "\n".join([record.doc, *(f"- {row}" for row in rows)])
            found.append(
                Page(name, kind, text, _arguments(model), getattr(record, "example", ""), getattr(record, "source", ""))
            )
    return found


def _keys(registry: Registry) -> list[Page]:
    """Every key of a spec by its path: `input`, `input.window`, `train.early_stop.patience`; those of tasks as well."""
    found = []
    for name, (annotation, field) in FIXED.items():
        if models := _models(annotation):
            found.append(Page(name, "key", field.description or "", _arguments(models[0])))
            found += _below(name, models[0])
        else:
            found.append(Page(name, "key", f"{field.description}"))
    found.append(Page("output", "key", "what comes out: depends on the task, see `specc explain TASK`"))
    done = {page.word for page in found}
    for task in registry.tasks.values():
        own = _below("output", task.output) if task.output else []
        own += [Page(f"data.{source.name}", "key", source.doc, source=source.source) for source in task.sources]
        for page in (*own, *_of_task(task)):
            if page.word not in done:
                found.append(page)
                done.add(page.word)
    return found + [Page(name, "key", text) for name, text in language.DOCS.items() if name not in done]


def _of_task(task: Task) -> list[Page]:
    """The keys that a task adds to the top of a spec, and those below."""
    found = []
    for name, (annotation, field) in task.keys.items():
        inner = _models(annotation)
        found.append(Page(name, "key", f"{field.description}", _arguments(inner[0] if inner else None)))
        for group in inner:
            found += _below(name, group)
    return found


def _tables() -> list[Page]:
    """Table 1 as the rules decide by it."""
    source = "Wataya et al. 2020, Jpn J Radiol 38, Table 1"
    return [Page("table1", "table", "\n".join(table1.lines()), source=source)]


def _below(path: str, model: type[BaseModel]) -> list[Page]:
    """The keys of a group, and theirs."""
    found, schemas = [], fields_of(model)
    for name, field in model.model_fields.items():
        word, inner = field.alias or name, _models(field.annotation)
        text = f"{field.description}\n\n{_kind(schemas[word], field)}"
        found.append(Page(f"{path}.{word}", "key", text, _arguments(inner[0] if inner else None)))
        for group in inner:
            found += _below(f"{path}.{word}", group)
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The groups of keys that a value may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated, tuple):
        return [model for part in typing.get_args(annotation) for model in _models(part)]
    return []


def _arguments_called(known: Iterable[Page], word: str) -> Page | None:
    """What an argument means, layer by layer (loss by loss, ...), where no page has its name."""
    there: dict[tuple[str, str], list[str]] = {}
    for page in known:
        for name, kind, doc in page.arguments:
            if name == word and "." not in page.word:
                there.setdefault((kind, doc), []).append(page.word)
    if not there:
        return None
    rows = tuple((", ".join(sorted(words)), kind, doc) for (kind, doc), words in there.items())
    return Page(word, "argument", "What it means, and where:", rows)


def _codes(registry: Registry) -> list[Page]:
    found = {rule.code: Page(rule.code, "code", inspect.cleandoc(rule.doc)) for rule in registry.rules}
    own = [rule for task in registry.tasks.values() for rule in task.checks]
    found |= {rule.code: Page(rule.code, "code", inspect.cleandoc(rule.doc)) for rule in (*DATA_RULES, *own)}
    for docs in (pages_of_names.DOCS, pages_of_text.DOCS, run_faults.DOCS, deploy_faults.DOCS, registry.pages):
        for code, text in docs.items():
            found.setdefault(code, Page(code, "code", inspect.cleandoc(text)))
    return [found[code] for code in sorted(found)]


def _arguments(model: type[BaseModel] | None) -> tuple[tuple[str, str, str], ...]:
    if model is None:
        return ()
    schemas, rows = fields_of(model), []
    for name, field in model.model_fields.items():
        word = field.alias or name
        rows.append((word, _kind(schemas[word], field), field.description or ""))
    return tuple(rows)


def _kind(schema: dict[str, Any], field: FieldInfo) -> str:
    """`a whole number of at least 1, default 1`."""
    if field.is_required():
        return f"{phrase(schema)}, required"
    default = _shown(field.get_default(call_default_factory=True))
    return f"{phrase(schema)}, default {default}" if default else phrase(schema)


def _shown(default: Any) -> str:
    """A default as a spec would have it; empty where there is none."""
    if default is None or default == () or default == {}:
        return ""
    if isinstance(default, Call):
        return default.name
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        shown = [_shown(part) for part in default]
        return shown[0] if len(set(shown)) == 1 else f"[{', '.join(shown)}]"
    return f"{default:g}" if isinstance(default, float) else str(default)
