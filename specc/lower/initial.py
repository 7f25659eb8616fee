"""How weights start, in the form that a graph holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specc.plugin import Call

if TYPE_CHECKING:
    from specc.registry import Registry


def initial(registry: Registry, call: Call | None) -> dict[str, Any]:
    """How weights and biases start, as `Graph.init` holds it."""
    if call is None:
        call = Call("glorot_uniform", None)
    if call.name == "values":
        return {**initial(registry, call.args.weights), "bias": call.args.bias}
    record = registry.initializers[call.name]
    return {"weights": record.torch, "keywords": dict(record.keywords(call.args)), "bias": 0.0}
