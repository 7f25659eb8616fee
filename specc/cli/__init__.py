"""The command line: thin, one file a command; what a command needs is imported when it runs."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """The console script. `edge.EXITS` says what its exit codes mean."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # of whatever else is installed, nothing is loaded
    from specc.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="specc")
