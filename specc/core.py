"""The built-ins as a plugin record: they enter by the same door as everybody else's."""

from specc.augmentations import AUGMENTATIONS
from specc.edits import EDITS
from specc.explainers import EXPLAINERS
from specc.layers import INITIALIZERS, LAYERS
from specc.losses import LOSSES
from specc.ops import OPS
from specc.optimizers import OPTIMIZERS
from specc.plugin import Plugin
from specc.rules import RULES
from specc.schedules import SCHEDULES
from specc.tasks import TASKS

PLUGIN = Plugin(
    "specc",
    layers=LAYERS,
    ops=OPS,
    losses=LOSSES,
    optimizers=OPTIMIZERS,
    schedules=SCHEDULES,
    edits=EDITS,
    explainers=EXPLAINERS,
    augmentations=AUGMENTATIONS,
    initializers=INITIALIZERS,
    tasks=TASKS,
    rules=RULES,
)
