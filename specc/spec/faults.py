"""pydantic's complaints as diagnostics: where, what was expected in plain words, the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails, PydanticUndefined

from specc.errors import Diagnostic, Edit, Fix, Note, Path
from specc.source import Document, Mapping_, Node, Scalar, Sequence_
from specc.spec.words import phrase, schema_of

_SHOWN = 8  # so many names at most in one list


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Known names that look like the word, best first."""
    pool = list(known)
    lowered = {name.lower(): name for name in pool}
    hits = difflib.get_close_matches(word.lower(), lowered, n=3, cutoff=0.6)
    hits += [name for name in lowered if name not in hits and len(word) > 2 and word.lower() in name][:2]
    return [lowered[hit] for hit in hits]


def listed(names: Iterable[str]) -> str:
    """`a`, `b`, `c` ... of them."""
    pool = list(names)
    shown = ", ".join(f"`{name}`" for name in pool[:_SHOWN])
    return shown if len(pool) <= _SHOWN else f"{shown} and {len(pool) - _SHOWN} more"


def rename(document: Document, path: Path, known: Iterable[str], *, key: bool, safe: bool = False) -> tuple[Fix, ...]:
    """The fix `did you mean`, with its edit where the text is the spec's own."""
    word = str(path[-1]) if key else ""
    node = document.node(path)
    if isinstance(node, Scalar) and not key:
        word = node.raw
    hits = nearest(word, known)
    if not hits:
        return ()
    own = document.own_span(path if not key else path[:-1])
    span = document.key_span(path) if key else document.span(path)
    return (Fix(f"did you mean `{hits[0]}`?", () if own is None else (Edit(span, hits[0]),), safe),)


def translate(
    document: Document, errors: Iterable[ErrorDetails], model: type[BaseModel], base: Path
) -> list[Diagnostic]:
    """Diagnostics for the errors of one model whose mapping stands at `base`; one for each place."""
    found: dict[Path, Diagnostic] = {}
    for error in errors:
        path, rest = follow(document, base, error["loc"])
        if error["type"] == "missing":
            path = (*path, *rest)
        if path not in found:
            owner, key = owning(model, path[len(base) :])
            found[path] = _one(document, error, path, owner, key)
    return list(found.values())


def follow(document: Document, base: Path, loc: tuple[str | int, ...]) -> tuple[Path, tuple[str | int, ...]]:
    """The part of pydantic's place that exists in the text (names of union members do not), and the rest."""
    path, node = base, document.node(base)
    rest: list[str | int] = []
    for key in loc:
        child: Node | None = None
        if isinstance(node, Mapping_) and isinstance(key, str):
            child = node.get(key)
        elif isinstance(node, Sequence_) and isinstance(key, int) and key < len(node.items):
            child = node.items[key]
        if child is None:
            rest.append(key)
        else:
            path, node = (*path, key), child
            rest.clear()
    return path, tuple(rest)


def owning(model: type[BaseModel], path: Path) -> tuple[type[BaseModel], str]:
    """The model that the last named key of a path belongs to, and that key."""
    owner, key = model, ""
    for i, part in enumerate(path):
        if isinstance(part, str):
            key = part
            inner = _inner(owner, part)
            if inner is not None and i + 1 < len(path):
                owner = inner
    return owner, key


def _inner(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    field = fields(model).get(key)
    if field is None:
        return None
    for candidate in (field.annotation, *get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def fields(model: type[BaseModel]) -> dict[str, Any]:
    """Fields by the name that stands in a spec."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _one(document: Document, error: ErrorDetails, path: Path, model: type[BaseModel], key: str) -> Diagnostic:
    where = ".".join(str(part) for part in path) or "the spec"
    if error["type"] == "extra_forbidden":
        return unknown_key(document, path, fields(model))
    if error["type"] == "missing":
        return missing_key(document, path, model)
    wanted = expected(model, key, path)
    node = document.node(path)
    notes = [Note("note", f"`{key}`: {fields(model)[key].description}")] if key in fields(model) else []
    fixes: tuple[Fix, ...] = ()
    if isinstance(node, Scalar):
        if node.quoted and error["type"] in ("int_type", "float_type", "bool_type"):
            notes.insert(0, Note("help", "quotes make it text: leave them out"))
        fixes = rename(document, path, choices(model, key), key=False)
    return Diagnostic(
        "S104",
        f"`{where}` must be {wanted}{_got(node)}" if wanted else f"`{where}`: {error['msg']}",
        document.span(path),
        path,
        f"expected {wanted}" if wanted else error["msg"],
        labels=document.labels(path),
        notes=(*notes, Note("more", "specc explain S104")),
        fixes=fixes,
    )


def _got(node: Node | None) -> str:
    if isinstance(node, Mapping_):
        return ", not a group of keys"
    if isinstance(node, Sequence_):
        return f", not a list of {len(node.items)}"
    if isinstance(node, Scalar):
        return ", and nothing stands here" if node.value is None and not node.raw else f", not `{node.raw[:60]}`"
    return ""


def unknown_key(document: Document, path: Path, known: Iterable[str]) -> Diagnostic:
    """A key that the language does not have at this place."""
    names = list(known)
    where = f" in `{path[-2]}`" if len(path) > 1 and isinstance(path[-2], str) else ""
    return Diagnostic(
        "S102",
        f"unknown key `{path[-1]}`{where}",
        document.key_span(path),
        path,
        "not a key of the language here",
        notes=(
            Note("note", f"known here: {listed(names)}" if names else "no keys are known here"),
            Note("more", "specc explain S102"),
        ),
        fixes=rename(document, path, names, key=True),
    )


def missing_key(document: Document, path: Path, model: type[BaseModel], advice: tuple[Note, ...] = ()) -> Diagnostic:
    """A required key that is absent; points at the group that it belongs into."""
    key, parent = str(path[-1]), path[:-1]
    names = [str(part) for part in parent if isinstance(part, str)]
    field = fields(model).get(key)
    text = field.description if field is not None and field.default is PydanticUndefined else ""
    into = f"`{names[-1]}`" if names else "the top level of the spec"
    span = document.key_span(parent) if parent else document.span(())
    return Diagnostic(
        "S103",
        f"`{key}` is missing: it belongs into {into}",
        span,
        path,
        f"needs `{key}`",
        notes=(
            *((Note("note", f"`{key}`: {text}"),) if text else ()),
            *advice,
            Note("more", "specc explain S103"),
        ),
    )


def choices(model: type[BaseModel], key: str) -> tuple[str, ...]:
    """The words that a key may take."""
    return tuple(_choices(schema_of(model, (key,))))


def _choices(schema: dict[str, Any]) -> list[str]:
    names = [str(name) for name in schema.get("enum", ())]
    if "const" in schema:
        names.append(str(schema["const"]))
    for part in schema.get("anyOf", ()):
        names += _choices(part)
    return names


def expected(model: type[BaseModel], key: str, path: Path) -> str:
    """What a key takes, in plain words: `a whole number of at least 1`."""
    tail: list[str | int] = [key]
    after = path[len(path) - next((i for i, part in enumerate(reversed(path)) if part == key), 0) :]
    tail += [part for part in after if isinstance(part, int)]
    return phrase(schema_of(model, tuple(tail)))
