"""`specc show SPEC`: the layer table."""

from __future__ import annotations

import json

from specc.cli import edge
from specc.cli.options import Json, Spec


def show(spec: Spec, as_json: Json = False) -> None:
    """Show every layer with its shape, parameters, multiply-adds and receptive field."""
    from specc.api.summary import summarize

    summary = summarize(spec)
    if as_json:
        edge.say(json.dumps(summary.plain()))
    else:
        for line in summary.lines():
            edge.say(line)
    edge.then(f"specc train {spec}", as_json)
