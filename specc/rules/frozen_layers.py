"""S251."""

from __future__ import annotations

from collections.abc import Iterator

from specc.errors import Diagnostic, Edit, Fix
from specc.freezing import frozen, ids, learns, named
from specc.plugin import Rule
from specc.rules.common import Said, fault
from specc.spec.faults import listed, nearest
from specc.study import Study


def check(study: Study) -> list[Diagnostic]:
    """What: `freeze` names no layer, a layer without weights, or all that could learn.

    Why: what is frozen keeps its weights. A name that is not there freezes nothing in silence; with everything frozen
    a phase changes nothing.

    Bad:

        model:
          layers:
            - conv2d: {id: stem, filters: 6, kernel: 5, activation: relu}
            - flatten
            - dense: {units: 1, activation: sigmoid}
        train: {phases: [{epochs: 5, freeze: [stm]}, {epochs: 15}], batch_size: 32}

    Good:

        model:
          layers:
            - conv2d: {id: stem, filters: 6, kernel: 5, activation: relu}
            - flatten
            - dense: {units: 1, activation: sigmoid}
        train: {phases: [{epochs: 5, freeze: [stem]}, {epochs: 15}], batch_size: 32}

    Source: Yosinski et al. 2014, arXiv:1411.1792 (layers that are kept, layers that learn).
    """
    train = study.spec.train
    if train is None or not train.phases or not study.graphs:
        return []
    return [fault_ for number, phase in enumerate(train.phases) for fault_ in _phase(study, number, phase.freeze or ())]


def _phase(study: Study, number: int, names: tuple[str, ...]) -> Iterator[Diagnostic]:
    path = ("train", "phases", number, "freeze")
    known = [name for graph in study.graphs.values() for name in ids(study, graph)]
    wrong = False
    for place, name in enumerate(names):
        if any(named(study, graph, name) for graph in study.graphs.values()):
            continue
        wrong, at = True, (*path, place) if study.document.node((*path, place)) is not None else path
        if name in known:
            yield fault(study, "S251", f"`{name}` has nothing that learns", at, "has no weights",
                        ("help", "leave it out"))  # fmt: skip
            continue
        hits = nearest(name, known)
        fixes = (Fix(f"write `{hits[0]}`", (Edit(study.at(at), hits[0]),)),) if hits else ()
        notes: list[Said] = [("note", f"ids of this network: {listed(known)}" if known else "no layer has an id")]
        notes.append(("help", "give a layer or the use of a block a name with `id: NAME`"))
        yield fault(study, "S251", f"no layer or block has the id `{name}`", at, "not an id", *notes, fixes=fixes)
    learning = sum(learns(study, graph, node) for graph in study.passed.values() for node in graph.nodes)
    if names and not wrong and len(frozen(study, names)) == learning:
        yield fault(study, "S251", "this phase freezes all that could learn", path, "nothing is left",
                    ("help", "leave out the id of what is to learn, as the last layer"))  # fmt: skip


RULE = Rule("S251", "frozen_layers", check)
