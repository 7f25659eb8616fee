"""The whole spec as YAML with every default written out and without variables, blocks and repeats.

specc reads it back to the same networks and the same program. Ids inside of blocks (`enc1.conv`) become plain ones
(`enc1_conv`): the names that they have in the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from specc.errors import Path
from specc.ir import Graph, Node
from specc.lower.initial import DEFAULT
from specc.plugin import Call
from specc.source import value_of
from specc.study import Study
from specc.text.definitions import REFERENCES

_PLAIN = re.compile(r"-?[A-Za-z0-9_][A-Za-z0-9_./-]*")
_ORDER = (
    "specc", "name", "task", "input", "output", "data", "augment", "init", "model", "networks", "loss", "optimizer",
)  # fmt: skip
_LONGEST = 64  # of an id


def resolved(study: Study) -> str:
    """The text. Paths in it start where those of the spec do: it belongs into the same folder."""
    head = [f"# `{study.spec.name}` with every default written out; keep it beside the original: paths start there."]
    return "\n".join([*head, *_Writer(study).root()]) + "\n"


@dataclass
class _Item:
    """One layer that is written: its call, the name of its output ("" while nothing needs one), its own node."""

    call: Call
    id: str
    node: Node | None


class _Writer:
    def __init__(self, study: Study) -> None:
        self.study = study

    def root(self) -> Iterator[str]:
        values = dict(_fields(self.study.spec))
        keys = [*(key for key in _ORDER if key in values), *(key for key in values if key not in _ORDER)]
        for key in keys:
            value = values[key]
            if key == "init" and value is None:
                value = Call(DEFAULT, None)
            if isinstance(value, BaseModel):
                yield f"{key}:"
                yield from self._group(value, (key,), "  ")
            else:
                yield from self._entry(key, value, (key,), "")
        yield from _unset(values, "")

    def _group(self, model: BaseModel, path: Path, indent: str) -> Iterator[str]:
        if isinstance(getattr(model, "layers", None), tuple):
            yield from self._network(model, path, indent)
            return
        for key, value in _fields(model):
            if isinstance(getattr(value, "layers", None), tuple):
                yield f"{indent}{key}:"
                yield from self._group(value, (*path, key), indent + "  ")
            else:
                yield from self._entry(key, value, (*path, key), indent)
        yield from _unset(dict(_fields(model)), indent)

    def _entry(self, key: str, value: Any, path: Path, indent: str) -> Iterator[str]:
        if value is not None:
            yield f"{indent}{_text(key)}: {self._flow(value, path)}"

    def _network(self, network: Any, path: Path, indent: str) -> Iterator[str]:
        graph = self.study.graphs[str(path[-1]) if path[0] == "networks" else "network"]
        lines, names = _Layers(graph, network.layers, network.outputs or {}).lines()
        for key, value in _fields(network):
            if key == "layers":
                yield f"{indent}layers:"
                yield from (f"{indent}  - {line}" for line in lines)
            elif key == "outputs" and value is not None:
                ends = {name: names.get(end, end) for name, end in value.items()}
                yield from self._entry(key, ends, (*path, key), indent)
            else:
                yield from self._entry(key, value, (*path, key), indent)

    def _flow(self, value: Any, path: Path) -> str:
        if isinstance(value, Mapping) and set(value) == {"network"} and path[0] in ("loss", "optimizer"):
            value = value["network"]
        if isinstance(value, tuple) and len(value) == 1 and path[0] == "loss":
            value = value[0]
        return flow(value)


class _Layers:
    """The layers of one network, with plain ids."""

    def __init__(self, graph: Graph, layers: tuple[Call, ...], outputs: Mapping[str, str]) -> None:
        self.layers, self.outputs = layers, outputs
        own: dict[Path, Node] = {}
        for node in graph.nodes:
            own[node.path] = node  # the last one of a layer that is no activation: the one that an id names
        self.own = own
        self.targets: dict[str, _Item | str] = {name: name for name in (*graph.inputs, "input")}
        self.taken = {call.args.id for call in layers if call.name != "mark" and getattr(call.args, "id", None)}

    def lines(self) -> tuple[list[str], dict[str, str]]:
        """Each layer as it is written, and what became of the ids."""
        items = self._items()
        for item in items:  # those that are referred to need a name before any line is written
            self._refer(item)
        for end in self.outputs.values():
            self._named(end)
        names = {old: target if isinstance(target, str) else target.id for old, target in self.targets.items()}
        return [self._line(item, names) for item in items], names

    def _items(self) -> list[_Item]:
        items: list[_Item] = []
        current: _Item | str = "input"
        for call in self.layers:
            id_ = getattr(call.args, "id", None) or ""
            if call.name == "from":
                current = self.targets[call.args.source]
                items.append(_Item(call, "", None))
            elif call.name != "mark":
                current = _Item(call, "", self.own.get(call.path))
                items.append(current)
            if id_:
                self.targets[id_] = current
                if isinstance(current, _Item) and call.name not in ("mark", "from"):
                    current.id = self._name(id_, current)
        return items

    def _named(self, old: str) -> None:
        target = self.targets.get(old)
        if isinstance(target, _Item) and not target.id:
            target.id = self._name("", target)

    def _refer(self, item: _Item) -> None:
        for key, value in _fields(item.call.args):
            if key in (*REFERENCES, "source"):
                for old in value if isinstance(value, tuple) else (value,):
                    if isinstance(old, str):
                        self._named(old)

    def _name(self, old: str, item: _Item) -> str:
        """An id as written, else the node's name, so that the program stays the same; short and new in any case."""
        if old and "." not in old:
            return old
        name = item.node.name if item.node else (old or item.call.name).replace(".", "_").replace("@", "")
        name, number = name[:_LONGEST], 1
        base = name
        while name in self.taken:
            number += 1
            name = f"{base[: _LONGEST - 6]}_{number}"
        self.taken.add(name)
        return name

    def _line(self, item: _Item, names: Mapping[str, str]) -> str:
        if item.call.name == "from":
            return f"from: {_text(names[item.call.args.source])}"
        given: dict[str, Any] = {}
        for key, value in _fields(item.call.args):
            if key == "id":
                value = item.id or None
            elif key in REFERENCES:
                value = tuple(names.get(v, v) for v in value) if isinstance(value, tuple) else names.get(value, value)
            elif value is None and item.node is not None:
                value = item.node.attrs.get(key)  # a default that follows from another argument
            if value is not None:
                given[key] = value
        return f"{item.call.name}: {flow(given)}" if given else item.call.name


def _unset(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    """What is left out has no value: a remark names it."""
    names = [key for key, value in values.items() if value is None and key != "init"]
    if names:
        yield f"{indent}# not set: {', '.join(names)}"


def _fields(model: Any) -> Iterator[tuple[str, Any]]:
    """Fields by the names that stand in a spec."""
    for name, info in type(model).model_fields.items():
        yield info.alias or name, getattr(model, name)


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    if isinstance(value, Call):
        inner = {} if value.args is None else {k: v for k, v in _fields(value.args) if v is not None}
        return _text(value.name) if not inner else flow(inner if value.name == "values" else {value.name: inner})
    if isinstance(value, BaseModel):
        value = {key: item for key, item in _fields(value) if item is not None}
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    """Plain where YAML reads it as text, else in double quotation marks, with all that cannot be seen as escapes."""
    if _PLAIN.fullmatch(text) and isinstance(value_of(text), str):
        return text
    signs = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(signs.get(c) or (c if c.isprintable() else f"\\U{ord(c):08X}") for c in text) + '"'
