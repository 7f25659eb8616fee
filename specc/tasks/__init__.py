"""The tasks that come with specc."""

from specc.tasks.classification import TASK as CLASSIFICATION
from specc.tasks.regression import TASK as REGRESSION

TASKS = (CLASSIFICATION, REGRESSION)

__all__ = ["TASKS"]
