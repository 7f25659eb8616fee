"""What a plugin says of itself: documentation of every word, and rules whose examples run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from specc.errors import Diagnostic, SpeccError
from specc.lower.front import front
from specc.plugin import Example, Plugin
from specc.registry import Registry, core
from specc.rules.examples import complete, sections
from specc.source import parse

TABLES = (
    "tasks",
    "layers",
    "losses",
    "optimizers",
    "schedules",
    "edits",
    "augmentations",
    "explainers",
    "initializers",
)
PARTS = ("What", "Why", "Bad", "Good")
BLOCK = re.compile(r"^([a-z_]+):.*?(?=^[a-z_]+:|\Z)", re.MULTILINE | re.DOTALL)


def public(plugin: Plugin) -> Iterator[tuple[str, Any]]:
    """Each word that a spec can use, as "loss my_loss", with its record."""
    for table in TABLES:
        for record in getattr(plugin, table):
            if not getattr(record, "internal", False):
                yield f"{table.removesuffix('es' if table == 'losses' else 's')} {record.name}", record
    for task in plugin.tasks:
        yield from ((f"loss {record.name} of {task.name}", record) for record in task.losses)
        yield from ((f"source {record.name} of {task.name}", record) for record in task.sources)


def undocumented(plugin: Plugin) -> list[str]:
    """Words, arguments, columns and rules without a description."""
    faults = [f"form {form.name} has no `doc`" for form in plugin.forms if not form.doc.strip()]
    for word, record in public(plugin):
        if not record.doc.strip():
            faults.append(f"{word} has no `doc`")
        models = [getattr(record, name, None) for name in ("arguments", "output")]
        faults += [f"{word}: `{name}` has no description" for name in _bare(models)]
    for task in plugin.tasks:
        faults += [f"task {task.name}: column {c.name} has no `doc`" for c in task.columns if not c.doc.strip()]
    for op in plugin.ops:
        faults += [
            f"operation {op.name} has no `{name}`" for name in ("doc", "relevance") if not getattr(op, name).strip()
        ]
    for rule in rules(plugin):
        parts = sections(rule.doc)
        faults += [f"rule {rule.code}: its docstring has no `{part}:`" for part in PARTS if not parts.get(part)]
    return faults


def rules(plugin: Plugin) -> list[Any]:
    """Rules on specs and on data."""
    return [*plugin.rules, *(rule for task in plugin.tasks for rule in (*task.rules, *task.checks))]


def taken(plugin: Plugin) -> list[str]:
    """Codes that mean something else in specc without plugins."""
    from specc.api.reference import pages_of

    if plugin.name == core().plugins[0]:
        return []
    known = {page.word for page in pages_of(core()) if page.kind == "code"}
    used = {**{rule.code: f"rule {rule.name}" for rule in rules(plugin)}, **dict.fromkeys(plugin.pages, "a page")}
    return [f"{what} has the code {code}, which is one of specc's own" for code, what in used.items() if code in known]


def _bare(models: Iterable[Any]) -> Iterator[str]:
    """Fields without a description, those of groups in them as well."""
    for model in models:
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, field in model.model_fields.items():
                if not (field.description or "").strip():
                    yield field.alias or name
                yield from _bare([field.annotation])


def unused(plugin: Plugin, examples: Sequence[Example]) -> list[str]:
    """Words that stand in no example: neither in one of the plugin's nor in that of its own page."""
    text = "\n".join(example.spec for example in examples)
    faults = []
    for word, record in public(plugin):
        shown = f"{text}\n{getattr(record, 'example', '')}"
        if not re.search(rf"(?<![\w.-]){re.escape(record.name)}(?![\w-])", shown):
            faults.append(f"{word} stands in no example")
    return faults


def wrong_examples(plugin: Plugin, words: Registry, examples: Sequence[Example]) -> list[str]:
    """Rules on specs that are silent on their bad example, or speak on their good one."""
    faults: list[str] = []
    examples = () if plugin.name in core().plugins else examples  # the usual keys are made for its rules
    owned = [(rule, "") for rule in plugin.rules] + [(r, task.name) for task in plugin.tasks for r in task.rules]
    for rule, task in owned:
        parts = sections(rule.doc)
        if not {"Bad", "Good"} <= parts.keys():
            continue  # said by `undocumented`
        names = (task, *rule.tasks)
        codes = [fault.code for fault in asked(whole(parts["Bad"], examples, names), words)]
        if rule.code not in codes:
            faults.append(f"rule {rule.code}: its bad example gives {', '.join(codes) or 'no diagnostic'}")
        heard = [fault for fault in asked(whole(parts["Good"], examples, names), words) if fault.severity != "note"]
        spoken = [f"{fault.code} {fault.message}" for fault in heard]
        if spoken:
            faults.append(f"rule {rule.code}: its good example gives {'; '.join(spoken)}")
    return faults


def asked(text: str, words: Registry) -> tuple[Diagnostic, ...]:
    """What is found in a spec without its data."""
    try:
        return front(parse(text, "example.yaml"), words)[1]
    except SpeccError as error:
        return error.diagnostics


def whole(fragment: str, examples: Sequence[Example], tasks: Sequence[str]) -> str:
    """A fragment of a spec with the other keys of the example of its task; of the core's tasks with the usual ones."""
    blocks = {hit[1]: hit[0] for hit in BLOCK.finditer(fragment)}
    named = re.search(r"^task:\s*(\w+)", fragment, re.MULTILINE)
    wanted = {named[1]} if named else {name for name in tasks if name}
    for example in examples:
        base = {hit[1]: hit[0] for hit in BLOCK.finditer(example.spec)}
        task = base.get("task", "").partition(":")[2].split("#")[0].strip()
        if not wanted or task in wanted:
            return "".join(text for key, text in base.items() if key not in blocks) + fragment.strip("\n") + "\n"
    return complete(fragment)
