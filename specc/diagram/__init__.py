"""The network diagram: a graph becomes cells, cells become rows with frames, rows become SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.cost import shapes_of
from specc.diagram.cells import cells
from specc.diagram.frames import fold
from specc.diagram.layout import arrange
from specc.diagram.svg import Panel, picture

if TYPE_CHECKING:
    from specc.ir import Graph
    from specc.study import Study

__all__ = ["draw"]


def draw(study: Study) -> str:
    """The study's networks as one SVG picture, beside each other. The same study gives the same bytes."""
    return picture([_panel(study, graph) for graph in study.graphs.values()])


def _panel(study: Study, graph: Graph) -> Panel:
    name = str(study.spec.name)
    title = f"{name}: {graph.name}" if len(study.graphs) > 1 else name
    drawn, shapes, ops = cells(study, graph), shapes_of(graph), study.registry.ops
    work = sum(ops[n.op].multiply_adds(n.attrs, tuple(shapes[source] for source in n.inputs)) for n in graph.nodes)
    return Panel(title, sum(cell.parameters for cell in drawn), work, arrange(fold(drawn)))
