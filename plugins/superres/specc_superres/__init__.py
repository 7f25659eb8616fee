"""Images of more pixels than came in, and images that are mended."""

from specc.plugin import Plugin

PLUGIN = Plugin("superres")
