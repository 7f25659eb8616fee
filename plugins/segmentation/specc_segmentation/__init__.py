"""A class for every pixel."""

from specc.plugin import Plugin

PLUGIN = Plugin("segmentation")
