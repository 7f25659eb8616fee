"""Numbers that describe an image, learned without labels."""

from specc.plugin import Plugin

PLUGIN = Plugin("features")
