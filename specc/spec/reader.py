"""From the source tree to what the models take: raw text for text fields, checked calls for words of the registry."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, create_model
from pydantic_core import CoreSchema, core_schema

from specc.errors import Diagnostic, Edit, Fix, Note, Path
from specc.plugin import Arguments, Call, Kind
from specc.source import Document, Mapping_, Node, Scalar, Sequence_
from specc.spec.faults import fields, listed, nearest, same_letters, translate, unknown_key

if TYPE_CHECKING:
    from specc.registry import Registry


@dataclass(frozen=True, slots=True)
class PerNetwork:
    """Marks `loss` and `optimizer`: one value, or one for each network by its name."""

    kind: str
    networks: tuple[str, ...]
    many: bool

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A finished mapping of network name to calls."""
        return core_schema.dict_schema()

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """One value, a list where several are summed, or a mapping by network."""
        one: dict[str, Any] = {"x-kind": self.kind}
        if self.many:
            one = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
        if not self.networks:
            return one
        named = {"type": "object", "properties": dict.fromkeys(self.networks, one), "additionalProperties": False}
        return {"anyOf": [*one.get("anyOf", [one]), named]}


def table(registry: Registry, kind: str) -> Mapping[str, Any]:
    """The words of a kind."""
    if kind == "activation":
        return {name: layer for name, layer in registry.layers.items() if layer.activation}
    tables: dict[str, Mapping[str, Any]] = {
        "layer": registry.layers,
        "loss": registry.losses,
        "optimizer": registry.optimizers,
        "schedule": registry.schedules,
        "edit": registry.edits,
        "explainer": registry.explainers,
        "augmentation": registry.augmentations,
        "init": registry.initializers,
    }
    return tables[kind]


def words(registry: Registry, kind: str) -> Mapping[str, Any]:
    """The words of a kind that people write."""
    return {name: record for name, record in table(registry, kind).items() if not getattr(record, "internal", False)}


_COMMON: dict[str, dict[str, Any]] = {
    "layer": {"id": (str | None, Field(default=None, description="a name for this layer's output"))},
    "loss": {"weight": (float, Field(default=1.0, gt=0, description="factor in a sum of losses"))},
}


@lru_cache(maxsize=1024)
def arguments_model(kind: str, record: Any) -> type[Arguments]:
    """The arguments of a word, with those that every word of its kind takes."""
    base: type[Arguments] = record.arguments
    extra = {name: field for name, field in _COMMON.get(kind, {}).items() if name not in base.model_fields}
    if not extra:
        return base
    model: type[Arguments] = create_model(base.__name__, __base__=base, __module__=base.__module__, **extra)
    return model


class Reader:
    """Reads one document against one registry and collects what is wrong."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self.document, self.registry = document, registry
        self.faults: list[Diagnostic] = []
        self._models: dict[tuple[str, str], type[Arguments]] = {}

    def model(self, model: type[BaseModel], path: Path) -> Any:
        """An instance of `model` from the mapping at a path, or None with the faults collected."""
        node = self.document.node(path)
        data = self.value(node, model, path) if node is not None else {}
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.faults += translate(self.document, error.errors(include_url=False), model, path)
            return None

    def value(self, node: Node | None, annotation: Any, path: Path) -> Any:
        """What pydantic gets for a node: shaped by the field's annotation, never interpreted beyond it."""
        if get_origin(annotation) is Annotated:
            inner, *marks = get_args(annotation)
            return self._marked(node, inner, marks, path)
        if get_origin(annotation) in (Union, types.UnionType):
            return self._union(node, get_args(annotation), path)
        if isinstance(node, Mapping_):
            return self._mapping(node, annotation, path)
        if isinstance(node, Sequence_):
            return self._sequence(node, annotation, path)
        return self._scalar(node, annotation, path)

    def _marked(self, node: Node | None, inner: Any, marks: list[Any], path: Path) -> Any:
        for mark in marks:
            if isinstance(mark, Kind):
                return self.call(mark.name, node, path)
            if isinstance(mark, PerNetwork):
                return self._per_network(mark, node, path)
        return self.value(node, inner, path)

    def _union(self, node: Node | None, members: tuple[Any, ...], path: Path) -> Any:
        if isinstance(node, Scalar) and node.value is None and not node.raw:
            return None
        return self.value(node, _member(node, members), path)

    def _mapping(self, node: Mapping_, annotation: Any, path: Path) -> Any:
        items = node.items.items()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            known = fields(annotation)
            return {key: self._field(entry.node, known.get(key), (*path, key)) for key, entry in items}
        if get_origin(annotation) is dict:
            inner = get_args(annotation)[1]
            return {key: self.value(entry.node, inner, (*path, key)) for key, entry in items}
        return {key: self.value(entry.node, Any, (*path, key)) for key, entry in items}

    def _field(self, node: Node, field: Any, path: Path) -> Any:
        if field is None:
            return None
        for mark in field.metadata:
            if isinstance(mark, Kind | PerNetwork):
                return self._marked(node, field.annotation, [mark], path)
        return self.value(node, field.annotation, path)

    def _sequence(self, node: Sequence_, annotation: Any, path: Path) -> Any:
        inner = _items(annotation)
        values = [self.value(item, next(inner), (*path, i)) for i, item in enumerate(node.items)]
        return values if get_origin(annotation) is list else tuple(values)

    def _scalar(self, node: Scalar | None, annotation: Any, path: Path) -> Any:
        if node is None:
            return None
        if isinstance(annotation, type) and issubclass(annotation, Arguments) and annotation.shorthand:
            key = annotation.shorthand
            return {key: self._field(node, annotation.model_fields[key], path)} if node.raw else {}
        if node.value is None and not node.raw and not node.quoted:
            return None
        if get_origin(annotation) in (tuple, list):
            return self.value(node, next(_items(annotation)), path)
        if annotation is str:
            return node.raw
        if get_origin(annotation) is Literal and node.raw in get_args(annotation):
            return node.raw
        return node.value

    def _per_network(self, mark: PerNetwork, node: Node | None, path: Path) -> dict[str, Any]:
        if mark.networks and isinstance(node, Mapping_) and set(node.items) & set(mark.networks):
            return self._by_network(mark, node, path)
        values = self._several(mark, node, path)
        return dict.fromkeys(mark.networks or ("network",), values)

    def _by_network(self, mark: PerNetwork, node: Mapping_, path: Path) -> dict[str, Any]:
        strange = [key for key in node.items if key not in mark.networks]
        self.faults += [unknown_key(self.document, (*path, key), mark.networks) for key in strange]
        return {
            key: self._several(mark, entry.node, (*path, key))
            for key, entry in node.items.items()
            if key in mark.networks
        }

    def _several(self, mark: PerNetwork, node: Node | None, path: Path) -> Any:
        if not mark.many:
            return self.call(mark.kind, node, path)
        if isinstance(node, Sequence_) and node.items:
            return tuple(self.call(mark.kind, item, (*path, i)) for i, item in enumerate(node.items))
        return (self.call(mark.kind, node, path),)

    def call(self, kind: str, node: Node | None, path: Path) -> Call:
        """A bare name or one key with named arguments; faults are collected and a Call comes back anyway."""
        name, inner = _name(kind, node)
        if name is None:
            self.faults.append(_not_a_call(self.document, kind, node, path))
            return Call("", Arguments(), path)
        record = table(self.registry, kind).get(name)
        if record is None:
            self.faults.append(unknown_word(self.document, self.registry, kind, name, path))
            meant = same_letters(name, words(self.registry, kind))
            if meant is None:
                return Call(name, Arguments(), path)
            record = table(self.registry, kind)[meant]
        model = self._models.get((kind, record.name))
        if model is None:
            model = self._models[kind, record.name] = arguments_model(kind, record)
        return Call(record.name, self._arguments(model, inner, path, name), path)

    def _arguments(self, model: type[Arguments], node: Node | None, path: Path, name: str) -> Any:
        stands = self.document.node(path)
        base = (*path, name) if isinstance(stands, Mapping_) and name in stands.items else path
        empty = node is None or (isinstance(node, Scalar) and node.value is None and not node.quoted)
        data = {} if empty else self.value(node, model, base)
        before = len(self.faults)
        try:
            return model.model_validate(data)
        except ValidationError as error:
            if len(self.faults) == before:
                self.faults += translate(self.document, error.errors(include_url=False), model, base, name)
            return Arguments()


def _name(kind: str, node: Node | None) -> tuple[str | None, Node | None]:
    if isinstance(node, Scalar) and node.raw:
        return node.raw, None
    if isinstance(node, Mapping_) and kind == "init" and node.items and set(node.items) <= {"weights", "bias"}:
        return "values", node
    if isinstance(node, Mapping_) and len(node.items) == 1:
        name, entry = next(iter(node.items.items()))
        return name, entry.node
    return None, None


def _member(node: Node | None, members: tuple[Any, ...]) -> Any:
    """The member of a union that a node can only mean, by its form."""

    def plain(member: Any) -> Any:
        return get_args(member)[0] if get_origin(member) is Annotated else member

    def marked(member: Any) -> bool:
        return get_origin(member) is Annotated and any(isinstance(mark, Kind) for mark in get_args(member)[1:])

    calls = [member for member in members if marked(member)]
    groups = [
        member
        for member in members
        if get_origin(plain(member)) is dict
        or (isinstance(plain(member), type) and issubclass(plain(member), BaseModel))
    ]
    lists = [member for member in members if get_origin(plain(member)) in (tuple, list)]
    if isinstance(node, Mapping_):
        deep = bool(node.items) and all(isinstance(entry.node, Mapping_) for entry in node.items.values())
        groups.sort(key=lambda member: deep is not (get_origin(plain(member)) is dict))  # else in their own order
        return next(iter([*groups, *calls]), Any)
    if isinstance(node, Sequence_):
        return next(iter(lists), Any)
    return next(iter([*calls, *_scalar_members(node, members, plain), *lists]), Any)


def _scalar_members(node: Node | None, members: tuple[Any, ...], plain: Any) -> Iterator[Any]:
    if not isinstance(node, Scalar):
        return
    for member in members:
        if get_origin(plain(member)) is Literal and node.raw in get_args(plain(member)):
            yield member
    if not isinstance(node.value, str) and {int, float, bool} & {plain(member) for member in members}:
        yield Any
    if str in [plain(member) for member in members]:
        yield str


def _items(annotation: Any) -> Iterator[Any]:
    """Annotations of the items of a list or tuple, without end."""
    inner = get_args(annotation)
    if get_origin(annotation) is tuple and inner and inner[-1] is not Ellipsis:
        yield from inner
    while True:
        yield inner[0] if inner and get_origin(annotation) in (tuple, list) else Any


def _not_a_call(document: Document, kind: str, node: Node | None, path: Path) -> Diagnostic:
    second = list(node.items)[1] if isinstance(node, Mapping_) and len(node.items) > 1 else None
    return Diagnostic(
        "S105",
        f"{_article(kind)} is a bare name or one key with named arguments",
        document.span(path) if second is None else document.key_span((*path, second)),
        path,
        "a second key" if second is not None else "this is neither",
        notes=(
            Note("help", "arguments go into braces after the name: `name: {argument: value}`"),
            Note("more", "specc explain S105"),
        ),
    )


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def word_span(document: Document, path: Path, name: str) -> Any:
    """Where the name of a call stands."""
    node = document.node(path)
    return document.key_span((*path, name)) if isinstance(node, Mapping_) else document.span(path)


def unknown_word(document: Document, registry: Registry, kind: str, name: str, path: Path) -> Diagnostic:
    """A name that the registry does not have; another library's spelling of a loss has a code of its own."""
    span, known = word_span(document, path, name), words(registry, kind)
    own = () if document.node(path) is None or document.definition(path) is not None else (span,)
    for loss in known.values() if kind == "loss" else ():
        if name.lower() in loss.spellings:
            return Diagnostic(
                "S106",
                f"`{name}` is another library's name for `{loss.name}`",
                span,
                path,
                f"here it is called `{loss.name}`",
                notes=(Note("more", f"specc explain {loss.name}"),),
                fixes=(Fix(f"write `{loss.name}`", tuple(Edit(place, loss.name) for place in own), safe=True),),
            )
    same = same_letters(name, known)
    hits = [same] if same else nearest(name, known)
    others = f"also close: {', '.join(hits[1:])}. " if len(hits) > 1 else ""
    return Diagnostic(
        "S101",
        f"unknown {kind} `{name}`",
        span,
        path,
        f"no {'layer, block' if kind == 'layer' else kind} or plugin has this name",
        labels=document.labels(path),
        notes=(
            Note("note", f"{others}known: {listed(known)}"),
            Note("more", "specc explain S101"),
        ),
        fixes=(Fix(f"did you mean `{hits[0]}`?", tuple(Edit(place, hits[0]) for place in own), bool(same)),)
        if hits
        else (),
    )
