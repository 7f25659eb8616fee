"""Graph in, valid graph out. The passes in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from specc.ir import Graph, verify
from specc.ops import OPS
from specc.passes.head_on_logits import head_on_logits
from specc.passes.pool_first import pool_first
from specc.plugin import Op

Pass = Callable[[Graph, Mapping[str, Op]], Graph]

PASSES: tuple[Pass, ...] = (head_on_logits, pool_first)

__all__ = ["PASSES", "run"]


def run(
    graphs: Mapping[str, Graph], ops: Mapping[str, Op] | None = None, logits: tuple[str, ...] | None = None
) -> dict[str, Graph]:
    """Every graph through every pass; `ops` are the registry's (None: the built-in ones).

    `logits` names the graphs that may lose their final activation (None: all).
    """
    table = {op.name: op for op in OPS} if ops is None else ops
    done: dict[str, Graph] = {}
    for name, graph in graphs.items():
        for step in PASSES:
            if step is head_on_logits and logits is not None and name not in logits:
                continue
            graph = step(graph, table)
            verify(graph)
        done[name] = graph
    return done
