"""From a spec's text to a checked study: expansion, models, graphs, rules, passes. Reads no image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from specc import expand
from specc.blame import blamed, culprit, findings, raised, words_of
from specc.errors import Diagnostic, SpeccError, has_errors
from specc.lower import at_size, attempt
from specc.passes import run
from specc.rules.unheeded_keys import unheeded
from specc.spec import names, read
from specc.spec.version import other_version
from specc.study import Study

if TYPE_CHECKING:
    from specc.registry import Registry
    from specc.source import Document


def front(document: Document, registry: Registry) -> tuple[Study | None, tuple[Diagnostic, ...]]:
    """The study (None where an error forbids it) and everything found. A stage's faults do not hide a later stage's,
    as far as that one can still look.
    """
    other = other_version(document)
    if other is not None:
        return None, (other,)
    document, unfolded = expand.attempt(document)
    document, unread = names.attempt(document)
    unfolded = (*unfolded, *unread)
    at, path = document.span(("task",)), ("task",)
    try:
        with blamed(registry, at, path):
            spec = read(document, registry)
    except SpeccError as error:
        return None, _together(unfolded, error.diagnostics)
    if unfolded:
        return None, unfolded
    task = registry.tasks[spec.task]
    try:
        graphs, found = attempt(document, spec, registry, task)
        passed = run(graphs, registry.ops, task.logits)
    except SpeccError as error:
        return None, tuple(replace(fault, span=fault.span or document.span(fault.path)) for fault in error.diagnostics)
    except Exception as error:
        place = words_of(registry, spec).get((culprit(registry, error.__traceback__) or ("",))[0], path)
        if (fault := raised(registry, error, document.span(place), place)) is None:
            raise
        return None, (fault,)
    study = Study(document, spec, registry, task, graphs, passed, partial(at_size, document, spec, registry, task))
    for rule in registry.rules:
        if not rule.tasks or task.name in rule.tasks:
            found += findings(registry, rule.code, rule.check, study, at, path)
    found += unheeded(study)
    return (None if has_errors(found) else study), _in_order(found)


def _together(unfolded: tuple[Diagnostic, ...], read: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Faults of the expansion, and of what remains, less those that only follow from the former."""
    lines = {fault.span.line for fault in unfolded if fault.span}
    rest = [
        fault
        for fault in read
        if not unfolded or not (fault.span is None or fault.span.line in lines or fault.path[-1:] == ("layers",))
    ]
    return _in_order((*unfolded, *rest))


def _in_order(faults: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By place; what two uses of one definition show is said once."""
    once: dict[object, Diagnostic] = {}
    for fault in faults:
        once.setdefault((fault.code, fault.span, fault.message), fault)
    return tuple(
        sorted(once.values(), key=lambda fault: (fault.span.line, fault.span.column) if fault.span else (0, 0))
    )
