"""`specc eval RUN`: figures with intervals, beside a baseline."""

from __future__ import annotations

import json

from specc.cli import edge
from specc.cli.options import Data, Json, RunFolder


def eval_(run: RunFolder, data: Data = None, as_json: Json = False) -> None:
    """Evaluate a run on its validation and test images, with intervals over patients and a baseline."""
    from specc.api.evaluation import evaluate

    result = evaluate(run, data=data)
    if as_json:
        edge.say(json.dumps(result.plain(), allow_nan=False))
    else:
        for line in result.lines():
            edge.say(line)
    edge.then(f"specc predict {run / 'model.onnx'} FILES", as_json)
