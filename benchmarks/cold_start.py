"""How long `specc check` takes from a cold start, beside a Python that only imports pydantic and yaml.

    python benchmarks/cold_start.py [-n 15]

Run it with the Python that has specc. Nothing is asserted: the table is for people, and the exit code is 0.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL = 5.0  # times the imports
LEAST = ("-c", "import pydantic, yaml")
PROBE = """
import sys
from specc.cli import main
sys.argv = ["specc", *sys.argv[1:]]
try:
    main()
finally:
    print(*(name for name in ("torch", "onnxruntime", "numpy", "pydicom") if name in sys.modules), file=sys.stderr)
"""


def seconds(arguments: Sequence[str | Path]) -> float:
    """Wall time of a fresh Python. Raises CalledProcessError unless it ends with 0."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *map(str, arguments)], check=True, capture_output=True, env=environment())
    return time.perf_counter() - start


def environment() -> dict[str, str]:
    """This one's, but compiled modules may be kept, as in ordinary life."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def imported(arguments: Sequence[str | Path]) -> str:
    """Which of the large packages the command has imported by its end."""
    words = [sys.executable, "-c", PROBE, *map(str, arguments)]
    said = subprocess.run(words, check=True, capture_output=True, text=True, env=environment()).stderr
    return said.splitlines()[-1] or "none"


def measure(spec: Path, n: int) -> dict[str, list[float]]:
    """Seconds of every command by its name, `n` of each, taken in turn."""
    commands: dict[str, Sequence[str | Path]] = {
        "import pydantic, yaml": LEAST,
        "specc check": ("-m", "specc", "check", spec),
        "specc check, images never seen": ("-m", "specc", "check", spec),
        "specc check --no-data": ("-m", "specc", "check", spec, "--no-data"),
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(n + 1):
        for name, arguments in commands.items():
            if name.endswith("never seen"):
                shutil.rmtree(spec.parent / ".specc", ignore_errors=True)  # what a check remembers of the images
            took = seconds(arguments)
            if turn:  # the first turn fills the caches of the computer
                taken[name].append(took)
    return taken


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-n", type=int, default=15, help="how often each is started, in turn (default 15)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="specc-cold-") as place:
        shutil.copytree(ROOT / "specc" / "demo" / "data", Path(place) / "specc" / "demo" / "data")
        spec = Path(shutil.copytree(ROOT / "specs", Path(place) / "specs")) / "lenet.yaml"
        taken = measure(spec, options.n)
        large = imported(("check", spec))
    print(f"{'':32}{'median s':>10}{'least s':>10}{'times':>8}")
    base = statistics.median(taken["import pydantic, yaml"])
    for name, values in taken.items():
        median = statistics.median(values)
        print(f"{name:32}{median:10.3f}{min(values):10.3f}{median / base:8.2f}")
    print(f"\nthe goal for `specc check` is at most {GOAL:g} times")
    print(f"large packages that `specc check` imported: {large} (the goal is without torch)")


if __name__ == "__main__":
    main()
