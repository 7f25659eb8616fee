"""How the time of each stage of the compiler grows with the spec: 250, 500, 1,000 and 2,000 layers, a line each.

    python benchmarks/front_end_time.py [-n 5]

Run it with the Python that has specc. Nothing is asserted: the table is for people, and the exit code is 0. The last
column is the time of the longest spec divided by that of the one half as long: 2 where a stage is linear.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from specc import expand
from specc.compile import compile as compile_study
from specc.errors import SpeccError
from specc.lower import attempt
from specc.lower.front import front
from specc.passes import run
from specc.registry import core
from specc.render import render
from specc.source import parse
from specc.spec import read

SIZES = (250, 500, 1000, 2000)
LEVELS = (12, 25, 50, 100)
GOAL = 0.2  # seconds to read 2,000 lines
FILE = "spec.yaml"
HEAD = """specc: 1
name: scale
task: classification
input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}
output: {classes: [a, b]}
data: {manifest: a.csv, columns: {image: f, label: l, patient: p}, split: {train: 80, val: 20, group: patient}}
loss: binary_cross_entropy
optimizer: adam
train: {epochs: 1, batch_size: 8}
"""
END = "    - global_avgpool\n    - dense: {units: 1, activation: sigmoid}\n"


def plain(size: int) -> str:
    """Layers in a row, every fourth one with an id that the one after it adds."""
    group = (
        "    - conv2d: {filters: 8, kernel: 3, padding: same, bias: false}\n"
        "    - batchnorm: {id: bN}\n"
        "    - relu\n"
        "    - add: {with: bN}\n"
    )
    return f"{HEAD}model:\n  layers:\n{''.join(group.replace('N', str(n)) for n in range(size // 4))}{END}"


def used(size: int) -> str:
    """A block of four layers, used again and again."""
    block = plain(4).split("layers:\n")[1].removesuffix(END).replace("    - ", "      - ").replace("bN", "b")
    uses = "    - block\n" * (size // 4)
    return f"{HEAD}blocks:\n  block:\n    layers:\n{block.replace('b0', 'b')}model:\n  layers:\n{uses}{END}"


def nested(levels: int) -> str:
    """Blocks in blocks: each one holds a layer and the next block."""
    blocks = "".join(
        f"  b{n}: {{params: {{f: 8}}, layers: [conv2d: {{filters: $f, kernel: 3, padding: same, id: c}}, "
        f"{f'b{n + 1}: {{f: $f}}' if n + 1 < levels else 'relu'}, add: {{with: c}}]}}\n"
        for n in range(levels)
    )
    return f"{HEAD}blocks:\n{blocks}model:\n  layers:\n    - b0\n{END}"


def wrong(size: int) -> str:
    """A fault on every line."""
    return f"{HEAD}model:\n  layers:\n{'    - conv2d: {filtrs: 8, kernel: 3}' + chr(10)}" + "".join(
        f"    - rleu{n % 7}\n" for n in range(size - 1)
    ) + END  # fmt: skip


def stages(text: str) -> dict[str, float]:
    """Seconds of every stage for a spec without faults."""
    taken: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        taken[name] = time.perf_counter() - start
        return result

    registry = core()
    document = timed("parse", lambda: parse(text, FILE))
    unfolded, _ = timed("expand", lambda: expand.attempt(document))
    spec = timed("read", lambda: read(unfolded, registry))
    task = registry.tasks[spec.task]
    graphs, faults = timed("lower", lambda: attempt(unfolded, spec, registry, task))
    timed("passes", lambda: run(graphs, registry.ops, task.logits))
    study, found = timed("all but emit", lambda: front(document, registry))
    assert study is not None, (faults, found)
    timed("emit", lambda: compile_study(study))
    return taken


def faults(text: str) -> dict[str, float]:
    """Seconds to find and to show every fault of a spec."""
    start = time.perf_counter()
    try:
        found = front(parse(text, FILE), core())[1]
    except SpeccError as error:
        found = error.diagnostics
    between = time.perf_counter()
    render(found, {FILE: text})
    return {"find": between - start, f"show ({len(found)})": time.perf_counter() - between}


def least(work: Callable[[str], dict[str, float]], text: str, n: int) -> dict[str, float]:
    """The least time of every stage in n turns."""
    turns = [work(text) for _ in range(n)]
    return {name: min(turn[name] for turn in turns) for name in turns[0]}


def table(title: str, sizes: tuple[int, ...], columns: list[dict[str, float]]) -> None:
    """Seconds by stage and size."""
    print(f"\n{title:24}" + "".join(f"{size:>9}" for size in sizes) + f"{'ratio':>8}")
    for stage in zip(*columns, strict=True):
        values = [column[name] for column, name in zip(columns, stage, strict=True)]
        print(f"{stage[-1]:24}" + "".join(f"{value:9.3f}" for value in values) + f"{values[-1] / values[-2]:8.2f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-n", type=int, default=5, help="turns, of which the least time counts (default 5)")
    n = parser.parse_args().n
    stages(plain(40))  # what is imported late
    for title, make, work, sizes in (
        ("layers, a line each", plain, stages, SIZES),
        ("layers out of blocks", used, stages, SIZES),
        ("levels of blocks", nested, stages, LEVELS),
        ("lines with a fault", wrong, faults, SIZES),
    ):
        table(title, sizes, [least(work, make(size), n) for size in sizes])
    seconds = least(stages, plain(SIZES[-1]), n)["parse"]
    print(
        f"\nparsing {plain(SIZES[-1]).count(chr(10)):,} lines: {seconds:.3f} s (the goal is {GOAL:g})", file=sys.stdout
    )


if __name__ == "__main__":
    main()
