"""Tasks that specc does not know: two GANs, a detector, a segmenter, and a network with scikit-learn behind it."""

from specc.plugin import Plugin
from specc_probe import cyclegan, gan, layers, losses, segmenter, ssd, staged

PLUGIN = Plugin(
    "probe",
    layers=layers.LAYERS,
    ops=layers.OPS,
    losses=losses.LOSSES,
    tasks=(gan.TASK, cyclegan.TASK, ssd.TASK, segmenter.TASK, staged.TASK),
)
