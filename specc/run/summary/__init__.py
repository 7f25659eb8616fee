"""What several runs of one spec say together: seeds, folds, parts of the training images.

`figures` pools the answers of the runs, `gain` says whether more cases would help, `build` puts the summary together,
`table` and `picture` show it.
"""

from specc.run.summary.build import Finished, build
from specc.run.summary.picture import draw
from specc.run.summary.table import markdown, table

__all__ = ["Finished", "build", "draw", "markdown", "table"]
