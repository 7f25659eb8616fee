"""What can be wrong with a spec of the task super_resolution."""

from specc_superres.rules import ends, images

RULES = (*images.RULES, *ends.RULES)

__all__ = ["RULES"]
