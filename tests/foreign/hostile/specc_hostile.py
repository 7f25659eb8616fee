"""Its import leaves a file: nobody may import it unasked."""

import os
from pathlib import Path

from specc.plugin import Plugin

Path(os.environ["HOSTILE"]).write_text("imported", encoding="utf-8")
PLUGIN = Plugin("hostile")
