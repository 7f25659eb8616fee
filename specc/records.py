"""Whether the records of a plugin are what the interface asks for: said before any of them is used."""

from __future__ import annotations

import dataclasses
import keyword
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
CODE = re.compile(r"[A-Z][0-9]{3,4}")


def faults_of(record: Any, place: str) -> list[str]:
    """What is wrong with a record of the interface and those in it, in words; each says where it stands."""
    return list(_record(record, place))


def _record(record: Any, place: str) -> Iterator[str]:
    hints = _hints(type(record))
    for field in dataclasses.fields(record):
        value, at = getattr(record, field.name), f"{place}.{field.name}"
        parts = _records_in(hints[field.name])
        if parts and isinstance(value, Sequence) and not isinstance(value, str):
            for number, item in enumerate(value):
                if isinstance(item, parts):
                    yield from _record(item, f"{at}[{number}]")
                else:
                    yield f"{at}[{number}] must be a {parts[0].__name__} record, and is {_shown(item)}"
        elif not fits(value, hints[field.name]):
            lone = parts and isinstance(value, parts)
            cure = f": write ({parts[0].__name__}(...),) with a comma" if lone else ""
            yield f"{at} must be {_wanted(hints[field.name])}, and is {_shown(value)}{cure}"
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from _record(value, at)
    yield from _names(record, place)


def _names(record: Any, place: str) -> Iterator[str]:
    kind = type(record).__name__
    name = getattr(record, "name", None)
    if kind == "Setting" and isinstance(name, str) and (not name.isidentifier() or keyword.iskeyword(name)):
        yield f"{place}.name must be a name of Python, and is {_shown(name)}"
    free = kind in ("Piece", "Rule", "DataRule", "Setting", "Plugin")
    if not free and isinstance(name, str) and not (WORD.fullmatch(name) if kind == "Layer" else is_word(name)):
        yield f'{place}.name must be a word of small letters, digits and "_", and is {_shown(name)}'
    if kind in ("Rule", "DataRule") and isinstance(record.code, str) and not CODE.fullmatch(record.code):
        yield f"{place}.code must be a capital letter and three or four digits, and is {_shown(record.code)}"
    if kind == "Task":
        for key in ("networks", "keys", "metrics"):
            words = getattr(record, key)
            for word in words if isinstance(words, Mapping | Sequence) and not isinstance(words, str) else ():
                if not is_word(word):
                    yield f'{place}.{key}: {_shown(word)} must be a word of small letters, digits and "_"'


def is_word(name: object) -> bool:
    """Whether something can be a word of a spec, and the name of a thing in a program."""
    return isinstance(name, str) and WORD.fullmatch(name) is not None and not keyword.iskeyword(name)


def fits(value: object, annotation: Any) -> bool:
    """Whether a value is of the form that an annotation of the interface names; what is beyond it may be anything."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation is Any or isinstance(annotation, TypeVar | str):
        return True
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in inner)
    if origin is Literal:
        return value in inner
    if origin is Callable:
        return callable(value)
    if origin is type:
        return isinstance(value, type) and (inner[0] is Any or issubclass(value, inner[0]))
    if origin is frozenset:
        return isinstance(value, frozenset | set) and all(fits(item, inner[0]) for item in value)
    if origin is tuple:
        if not isinstance(value, tuple | list):
            return False
        each = inner[:1] * len(value) if inner[1:] == (...,) else inner
        return len(each) == len(value) and all(map(fits, value, each))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items())
    if annotation in (None, NoneType):
        return value is None
    if annotation in (int, float):
        return isinstance(value, (int, annotation)) and not isinstance(value, bool)
    return isinstance(value, annotation) if isinstance(annotation, type) else True


def _records_in(annotation: Any) -> tuple[type, ...]:
    """The records that a tuple of the interface holds."""
    inner = get_args(annotation)
    return inner[:1] if get_origin(annotation) is tuple and dataclasses.is_dataclass(inner[0]) else ()


_HINTS: dict[type, dict[str, Any]] = {}


def _hints(record: type) -> dict[str, Any]:
    """The annotations of a record's fields."""
    if record not in _HINTS:
        look, study = import_module("specc.data.look"), import_module("specc.study")
        names = {"Study": study.Study, "DataRule": look.DataRule, "Look": look.Look}
        known = {**vars(sys.modules[record.__module__]), **names}
        _HINTS[record] = get_type_hints(record, known)
    return _HINTS[record]


def _wanted(annotation: Any) -> str:
    """An annotation as an author would write it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is tuple and inner[1:] == (...,):
        return f"a tuple of {_wanted(inner[0]).removeprefix('a ')}"
    if origin in (Union, UnionType):
        return " or ".join(_wanted(part) for part in inner)
    if origin is not None and "Callable" in str(origin):
        return "a function"
    if origin is type:
        return f"a class made from {inner[0].__name__}"
    if isinstance(origin, type):
        return f"a {origin.__name__}"
    plain = {None: "None", NoneType: "None", str: "text", int: "a whole number", bool: "True or False"}
    if annotation in plain:
        return plain[annotation]
    return f"a {annotation.__name__}" if isinstance(annotation, type) else str(annotation)


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:60] + '...'} ({type(value).__name__})"
