"""S218."""

from __future__ import annotations

from specc.errors import Diagnostic
from specc.plugin import Rule
from specc.rules.common import argument_path, call_span, fault
from specc.study import Study

_USUAL = {"adam": (1e-6, 0.1, "0.001"), "sgd": (1e-6, 1.0, "0.01 to 0.1")}  # smallest, largest, usual


def check(study: Study) -> list[Diagnostic]:
    """What: a learning rate far from any that has trained a network of this kind.

    Why: too large, and the loss jumps or becomes infinite; too small, and nothing moves in a day. Adam divides by the
    size of the gradient, so that its rate is the size of a step: 0.1 a step already is coarse.

    Bad:

        optimizer: {adam: {learning_rate: 1}}

    Good:

        optimizer: {adam: {learning_rate: 0.001}}

    Source: Kingma and Ba 2015, arXiv:1412.6980, section 2; Bengio 2012, arXiv:1206.5533, section 3.1.
    """
    faults = []
    for call in dict.fromkeys((study.spec.optimizer or {}).values()):
        low, high, usual = _USUAL.get(call.name, (1e-9, 10.0, "0.001 to 0.1"))
        rates = [(getattr(call.args, "learning_rate", None), argument_path(study, call, "learning_rate"))]
        for place, phase in enumerate((study.spec.train and study.spec.train.phases) or ()):
            rates.append((phase.learning_rate, ("train", "phases", place, "learning_rate")))
        for rate, path in rates:
            if rate is None or low <= rate <= high:
                continue
            written = study.document.node(path) is not None
            faults.append(
                fault(
                    study,
                    "S218",
                    f"a learning rate of {rate:g} is very {'large' if rate > high else 'small'} for {call.name}",
                    path,
                    f"usual: {usual}",
                    ("why", "the loss would jump or become infinite" if rate > high else "nothing would move"),
                    span=None if written else call_span(study, call),
                    severity="error" if rate > 10 * high else "warning",
                )
            )
    return faults


RULE = Rule("S218", "learning_rate", check)
