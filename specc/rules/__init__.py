"""The rules that every spec is held against, one a file."""

from specc.plugin import Rule

RULES: tuple[Rule, ...] = ()

__all__ = ["RULES"]
