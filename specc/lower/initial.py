"""How weights start, in the form that a graph holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specc.blame import at_fault, owner_of, said
from specc.errors import SpeccError
from specc.plugin import Call

if TYPE_CHECKING:
    from specc.registry import Registry

DEFAULT = "glorot_uniform"  # with bias 0, where neither the spec nor the layer says more


def initial(registry: Registry, call: Call | None) -> dict[str, Any]:
    """How weights and biases start, as `Graph.init` holds it. Raises SpeccError S119 at a plugin's fault."""
    if call is None:
        call = Call(DEFAULT, None)
    if call.name == "values":
        return {**initial(registry, call.args.weights), "bias": call.args.bias}
    record = registry.initializers[call.name]
    keywords: object = record.keywords(call.args)
    if not isinstance(keywords, Mapping) and (plugin := owner_of(registry, "initializers", call.name)):
        what = f"has an init `{call.name}` whose `keywords` returns {said(repr(keywords))}, and not a Mapping"
        raise SpeccError((at_fault(registry, plugin, what, path=call.path),))
    assert isinstance(keywords, Mapping), "what records of specc give"
    start = {"weights": record.torch, "keywords": dict(keywords), "bias": 0.0}
    return start | ({"module": record.piece.module} if record.piece else {})


def misfit(registry: Registry, call: Call | None, op: str) -> Call | None:
    """The word of an `init` that cannot fill the weights of an operation (empty: of some), if there is one."""
    if call is None:
        return None
    if call.name == "values":
        return misfit(registry, call.args.weights, op)
    ops = registry.initializers[call.name].ops
    return call if ops and op not in ops else None
