"""2,000 layers, 2,000 lines, 2,000 diagnostics, 100 levels of blocks: the work grows with the spec and no faster.

Work is counted, not timed: lines of Python that are executed. benchmarks/front_end_time.py has the seconds.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from front_end import FILE, examine

from specc.emit.program import linked
from specc.fix import apply_safe
from specc.render import FORMATS, render

BENCHMARK = Path(__file__).resolve().parent.parent / "benchmarks" / "front_end_time.py"
MOST = 2.35  # times the work for twice the spec; 4 where something is quadratic


def benchmark() -> Any:
    """The program that has the specs of any size."""
    found = importlib.util.spec_from_file_location("front_end_benchmark", BENCHMARK)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


MAKE = benchmark()


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python are executed, each turn of a loop counted."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def whole(text: str) -> None:
    """All stages that look at a spec, and the program where it has no faults."""
    study, found = examine(text)
    if study is not None:
        linked(study)
    for format in FORMATS:  # noqa: A001
        render(found, {FILE: text}, format)
    apply_safe(text, FILE, found)


MANY = {
    "layers": MAKE.plain,
    "layers out of blocks": MAKE.used,
    "levels of blocks": lambda size: MAKE.nested(size // 4),
    "unknown names": MAKE.wrong,
    "warnings": lambda size: MAKE.plain(size).replace(", bias: false", ""),
    "open ends": lambda size: MAKE.plain(size).replace("add: {with", "from: {source"),
    "branches": lambda size: MAKE.plain(size).replace(
        "    - relu\n", "    - from: input\n    - conv2d: {filters: 8, kernel: 1}\n"
    ),
    "sizes that do not fit": lambda size: MAKE.plain(size).replace(", padding: same", ""),
    "dense layers on maps": lambda size: MAKE.plain(size).replace(
        "conv2d: {filters: 8, kernel: 3, padding: same, bias: false}", "dense: {units: 8}"
    ),
    "ids given twice": lambda size: MAKE.plain(size).replace("- relu", "- relu: {id: twice}"),
    "ids that are not there": lambda size: MAKE.plain(size).replace("with: b", "with: c"),
    "missing spaces": lambda size: "a:\n" + "".join(f"  k{n}:{n}\n" for n in range(size)),
    "keys twice": lambda size: "a: 1\n" * size,
    "full-width signs": lambda size: "".join(f"k{n}：{n}\n" for n in range(size)),
    "unknown variables": lambda size: MAKE.plain(size).replace("filters: 8", "filters: $w"),
    "unknown arguments": lambda size: MAKE.plain(size).replace("kernel:", "kernle:"),
    "variables": lambda size: (
        MAKE.plain(4) + "vars:\n  v0: 1\n" + "".join(f"  v{n + 1}: $(v{n} + 1)\n" for n in range(size))
    ),
    "classes": lambda size: MAKE.plain(4).replace("[a, b]", f"[{', '.join(f'c{n}' for n in range(size))}]"),
}


@pytest.mark.parametrize("name", MANY)
def test_twice_the_spec_is_twice_the_work(name: str) -> None:
    make = MANY[name]
    whole(make(40))  # what is imported and built once
    small, large = (lines_run(partial(whole, make(size))) for size in (200, 400))
    assert large <= MOST * small, f"{small:,} and {large:,} lines"


def test_the_measure_tells_a_square() -> None:
    """A test of the test."""

    def square(size: int) -> int:
        return sum(1 for a in range(size) for b in range(size))

    assert lines_run(lambda: square(200)) > 3 * lines_run(lambda: square(100))


def test_two_thousand_layers_and_a_hundred_levels() -> None:
    for text, nodes in ((MAKE.plain(2000), 2000), (MAKE.used(2000), 2000), (MAKE.nested(100), 201)):
        study, found = examine(text)
        assert study is not None, found
        assert len(study.passed["network"].nodes) == nodes + 2
        linked(study)


def test_two_thousand_faults_are_all_told() -> None:
    assert len(examine(MAKE.wrong(2000))[1]) == 2000
