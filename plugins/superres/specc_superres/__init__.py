"""Super-resolution, and other images out of images."""

from specc.plugin import Plugin
from specc_superres.losses import CHARBONNIER
from specc_superres.task import TASK

PLUGIN = Plugin("superres", losses=(CHARBONNIER,), tasks=(TASK,))
