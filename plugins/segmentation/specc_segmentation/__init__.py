"""A class for every pixel."""

from specc.plugin import Plugin
from specc_segmentation import examples, loss_words, task

PLUGIN = Plugin(
    "segmentation",
    losses=loss_words.NEW,
    tasks=(task.TASK,),
    examples=examples.EXAMPLES,
    doc="A class for every pixel: masks, their losses and metrics, and published networks.",
)
