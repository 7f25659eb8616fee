"""Ordinal regression for specc: a task, its layer, its loss, its rules."""

from specc.plugin import Example, Piece, Plugin
from specc_ordinal.layers import LAYERS, OPS
from specc_ordinal.task import EXAMPLE, LOSSES, TASK

PLUGIN = Plugin(
    "ordinal",
    layers=LAYERS,
    ops=OPS,
    losses=LOSSES,
    tasks=(TASK,),
    examples=(Example(EXAMPLE, Piece("specc_ordinal.examples", "graded")),),
    doc="Grades that have an order, as none, mild, moderate, severe.",
)
