"""Tasks that specc does not know: a GAN, a detector, a segmenter, and a network with a scikit-learn model behind it."""

from specc.plugin import Plugin
from specc_probe import detector, gan, layers, segmenter, staged

PLUGIN = Plugin(
    "probe", layers=layers.LAYERS, ops=layers.OPS, tasks=(gan.TASK, detector.TASK, segmenter.TASK, staged.TASK)
)
