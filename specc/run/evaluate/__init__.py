"""What a finished model is worth: figures on images with known truth, beside what a baseline gets on the same.

One way for all: rows of truth and answers (`rows`) become figures (`judge`), lines (`table`) and pictures (`pictures`,
`worst`), whether they are the validation and test images of a run (`runs`) or images from elsewhere.
"""

from specc.run.evaluate.judge import EXTERNAL, judge, method
from specc.run.evaluate.rivals import FOREST, Images, Rivals
from specc.run.evaluate.rows import MEAN, Question, Rows, cases_of, read_predictions
from specc.run.evaluate.runs import evaluate
from specc.run.evaluate.table import headline, table

__all__ = [
    "EXTERNAL", "FOREST", "MEAN", "Images", "Question", "Rivals", "Rows",
    "cases_of", "evaluate", "headline", "judge", "method", "read_predictions", "table",
]  # fmt: skip
