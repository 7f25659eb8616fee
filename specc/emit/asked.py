"""What a plugin gives for a program, held to the interface before it is printed; and whose fault it is where it fails.

Pieces are read and never imported, so that a wrong signature is seen in their text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from specc.blame import at_fault, blamed, brought_by, culprit, owner_of, raised, said, words_of
from specc.emit.link import LinkFault, Module, parse_module, read_module
from specc.emit.literal import literal
from specc.errors import Diagnostic, Path, SpeccError
from specc.plugin import Call, Piece, Program
from specc.records import faults_of

if TYPE_CHECKING:
    from specc.study import Study

TASKS_OWN = {"build": 3, "export_model": 3, "targets_of": 1}  # symbols of every task, and how much each is given


def program_of(study: Study) -> Program:
    """What the study's task puts into the emitted files. Raises SpeccError S117, S119 where a plugin is at fault."""
    program = study.task.program(study)
    plugin = owner_of(study.registry, "tasks", study.task.name)
    if not plugin:
        return program
    if not isinstance(program, Program):
        raise _fault(
            study,
            plugin,
            f"`program` of the task returns {said(repr(program))}, which is no Program record",
            code="S119",
        )
    if wrong := faults_of(program, "Program"):
        raise _fault(study, plugin, f"`program` of the task returns what cannot be used: {wrong[0]}", code="S119")
    for symbol, count in TASKS_OWN.items():
        if (piece := program.symbols.get(symbol)) is None:
            raise _fault(study, plugin, f"`program` of the task binds nothing to `{symbol}`", code="S119")
        if isinstance(piece, Piece) and piece.module not in program.printed:
            _require(study, plugin, piece, count, (), ("task",))
    return program


def require_words(study: Study) -> None:
    """Raises SpeccError S117, S119 at the first word of a plugin whose record gives no literals for the program, or
    whose piece is not there or takes other arguments.
    """
    own = {loss.name for loss in study.task.losses}
    for call in (call for calls in (study.spec.loss or {}).values() for call in calls):
        kind, name = ("tasks", study.task.name) if call.name in own else ("losses", call.name)
        record = study.loss(call.name)
        if (plugin := owner_of(study.registry, kind, name)) and record.compose is None:
            _require(study, plugin, record.piece, 2, _given(study, plugin, call, record.bind), call.path)
    for call in getattr(study.spec.input, "edits", ()):
        if plugin := owner_of(study.registry, "edits", call.name):
            edit = study.registry.edits[call.name]
            _require(study, plugin, edit.piece, 1, _given(study, plugin, call, edit.bind), call.path)
    for call in study.spec.augment:
        if plugin := owner_of(study.registry, "augmentations", call.name):
            change = study.registry.augmentations[call.name]
            given = _given(study, plugin, call, change.bind)
            if not change.mixes:
                _require(study, plugin, change.piece, 3 if change.moves else 2, given, call.path)
    for call in study.spec.optimizer.values():
        if plugin := owner_of(study.registry, "optimizers", call.name):
            optimizer = study.registry.optimizers[call.name]
            if optimizer.piece is not None:
                _require(study, plugin, optimizer.piece, 0, None, call.path)
            if "lr" not in _given(study, plugin, call, optimizer.keywords):
                what = f"has an optimizer `{call.name}` whose `keywords` gives no `lr`, the learning rate"
                raise _fault(study, plugin, what, call.path)

    for node in (node for graph in study.passed.values() for node in graph.nodes):
        plugin, piece = owner_of(study.registry, "ops", node.op), study.registry.ops[node.op].piece
        if plugin and piece is not None:
            _require(study, plugin, piece, 0, None, node.path)


def _given(study: Study, plugin: str, call: Call, bind: Callable[[Any], Any]) -> tuple[str, ...]:
    """The keywords that a record gives for a word, each of them a literal. Raises SpeccError S117, S119."""
    with blamed(study.registry, study.span(*call.path), call.path, {study.document.file: study.document.text}):
        given = bind(call.args)
    what = f"gives for `{call.name}` what cannot stand in a program: "
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise _fault(study, plugin, f"{what}{said(repr(given))}, and not keywords with their values", call.path)
    for name, value in given.items():
        try:
            literal(value)
        except ValueError as error:
            raise _fault(study, plugin, f"{what}`{name}`, of which {error}", call.path) from error
    return tuple(given)


def _require(study: Study, plugin: str, piece: Piece, count: int, named: tuple[str, ...] | None, path: Path) -> None:
    """Raises SpeccError S117 unless the piece is there and takes so many arguments and these keywords (None: any)."""
    text = study.registry.texts.get(piece.module)
    try:
        module = read_module(piece.module) if text is None else parse_module(text, piece.module)
    except LinkFault as fault:
        raise _fault(study, plugin, f"names the piece `{piece.name}`: {fault}", path) from fault
    if wrong := misfit(module, piece, count, named):
        raise _fault(study, plugin, wrong, path)


def misfit(module: Module, piece: Piece, count: int, named: tuple[str, ...] | None) -> str:
    """Why a piece cannot be called with so many arguments and these keywords; empty where it can, or is no function."""
    node = module.definitions.get(piece.name)
    if node is None:
        return f"names a piece that is not there: {piece.module} has no `{piece.name}`"
    if not isinstance(node, ast.FunctionDef) or named is None:
        return ""
    signature, told = node.args, f"has a piece `{piece.name}` ({piece.module}, line {node.lineno})"
    placed = [argument.arg for argument in (*signature.posonlyargs, *signature.args)]
    free = placed[: len(placed) - len(signature.defaults)]
    free += [a.arg for a, d in zip(signature.kwonlyargs, signature.kw_defaults, strict=True) if d is None]
    if len(placed) < count and signature.vararg is None:
        return f"{told} that takes {len(placed)} arguments, and it is given {count}"
    known = {*placed[count:], *(argument.arg for argument in signature.kwonlyargs)}
    if signature.kwarg is None and (extra := [name for name in named if name not in known]):
        return f"{told} that has no argument `{extra[0]}`, and it is given one"
    if lacks := [name for name in free if name not in placed[:count] and name not in named]:
        return f"{told} that needs `{lacks[0]}`, which nothing gives it"
    return ""


def told(study: Study, error: Exception) -> SpeccError | None:
    """What is said where no program can be written: S119 where a plugin's code raises, else S117 on the plugin that is
    at fault, at a word of it; None where no plugin takes part.
    """
    registry, suspects = study.registry, words_of(study.registry, study.spec)
    if (hit := culprit(registry, error.__traceback__)) is not None:
        path = suspects.get(hit[0], ("task",))
        found = raised(registry, error, study.span(*path), path)
        return SpeccError((found,), texts={study.document.file: study.document.text}) if found else None
    if isinstance(error, LinkFault) and (plugin := brought_by(registry, error.module)):
        what = f"has a piece that cannot stand in a program: {error}"
        return _fault(study, plugin, what, suspects.get(plugin, ("task",)))
    if not suspects:
        return None
    plugin, path = next(iter(suspects.items()))
    others = f" (or `{'`, `'.join(list(suspects)[1:])}`)" if len(suspects) > 1 else ""
    what = f"gives what cannot stand in a program{others}: {type(error).__name__}: {said(str(error))}"
    return _fault(study, plugin, what, path)


def _fault(study: Study, plugin: str, what: str, path: Path = ("task",), code: str = "S117") -> SpeccError:
    found: Diagnostic = at_fault(study.registry, plugin, what, "", study.span(*path), path, code)
    return SpeccError((found,), texts={study.document.file: study.document.text})
