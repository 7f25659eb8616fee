"""The command line of a program. Nothing of a spec enters here."""

import argparse
import os
from pathlib import Path

from specc.pieces import runtime as rt


def options(workers: int | None) -> argparse.Namespace:
    """What the command line says; refuses to write over another training."""
    parser = argparse.ArgumentParser(description="Train, then export to ONNX.")
    parser.add_argument("--data", type=Path, default=Path(), help="folder in which the paths of the data start")
    parser.add_argument("--run", type=Path, default=Path("run"), help="folder for checkpoints, curves and the model")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="folder for decoded images")
    parser.add_argument("--workers", type=int, default=workers or os.cpu_count(), help="threads that read files")
    parser.add_argument("--checkpoint-seconds", type=float, default=60.0, help="save at least this often")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--sanity", action="store_true", help="only try the first loss and learn one batch by heart")
    given = parser.parse_args()
    log, found = given.run / "metrics.jsonl", any((given.run / "checkpoints").glob("last-*.safetensors"))
    if found and not (given.resume or given.sanity):
        rt.fail("T602", f"{given.run} already holds a training", "go on with `--resume`, or name another `--run`", 2)
    if given.resume and not found and log.exists() and log.stat().st_size:
        rt.fail("T603", f"{given.run} has lost its checkpoints", "train anew, into another run folder", 2)
    for folder in (given.run / "checkpoints", given.cache):
        folder.mkdir(parents=True, exist_ok=True)
    return given
