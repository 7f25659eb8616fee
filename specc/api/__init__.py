"""The commands as Python calls with the same results; `specc.check` and its like are these.

import specc
result = specc.train("lenet.yaml")
result                      # in a notebook: the learning curve
specc.predict(result.run, ["a.png"])
"""

from specc.api.notebook import told
from specc.errors import SpeccError

SpeccError.drawn = staticmethod(told)
