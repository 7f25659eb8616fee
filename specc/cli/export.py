"""`specc export RUN`: the model once more, with its parity check."""

from __future__ import annotations

import json

from specc.cli import edge
from specc.cli.options import Data, Json, RunFolder


def export(run: RunFolder, data: Data = None, as_json: Json = False) -> None:
    """Export a run's best network to ONNX again and hold it against torch on its own images."""
    from specc.api.training import export as export_run
    from specc.run.progress import watcher
    from specc.run.resume import told_edited

    with watcher(quiet=as_json) as watch:
        result = export_run(run, data=data, listen=watch)
    edge.show(told_edited(result["edited"]), {})
    if as_json:
        edge.say(json.dumps(result, allow_nan=False))
    else:
        edge.say(f"{run / 'model.onnx'}: torch and onnxruntime agree ({result['parity']})")
    edge.then(f"specc predict {run / 'model.onnx'} FILES", as_json)
