"""The data of a spec on the host side: read the table, index the files, check both against the spec."""

from specc.data.check import check_data, look_at, reader_window
from specc.data.look import DataRule, Look
from specc.data.rules import RULES as DATA_RULES
from specc.data.summary import Summary

__all__ = ["DATA_RULES", "DataRule", "Look", "Summary", "check_data", "look_at", "reader_window"]
