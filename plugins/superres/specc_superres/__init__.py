"""Images of more pixels than came in, and images that are mended: super-resolution and images out of images."""

from specc.plugin import Plugin
from specc_superres.examples import EXAMPLES
from specc_superres.losses import CHARBONNIER
from specc_superres.task import TASK

PAGES = {
    "P885": "The folder that the images of a prediction go to is not named, or cannot be written.",
}
PLUGIN = Plugin("superres", losses=(CHARBONNIER,), tasks=(TASK,), examples=EXAMPLES, doc=__doc__, pages=PAGES)
