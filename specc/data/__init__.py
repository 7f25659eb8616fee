"""The data of a spec on the host side: read the table, index the files, check both against the spec.

What is named here is imported when it is first used: a check without data, and plugins that bring rules on data, need
no more than what such a rule looks at.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specc.data.check import check_data as check_data
    from specc.data.check import look_at as look_at
    from specc.data.check import reader_window as reader_window
    from specc.data.look import DataRule as DataRule
    from specc.data.look import Look as Look
    from specc.data.rules import RULES as DATA_RULES
    from specc.data.summary import Summary as Summary

__all__ = ["DATA_RULES", "DataRule", "Look", "Summary", "check_data", "look_at", "reader_window"]

_NAMES = {
    **dict.fromkeys(("check_data", "look_at", "reader_window"), ("specc.data.check", "")),
    **dict.fromkeys(("DataRule", "Look"), ("specc.data.look", "")),
    "DATA_RULES": ("specc.data.rules", "RULES"),
    "Summary": ("specc.data.summary", ""),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    if name not in _NAMES:
        raise AttributeError(f"module 'specc.data' has no attribute {name!r}")
    module, inner = _NAMES[name]
    return getattr(import_module(module), inner or name)
