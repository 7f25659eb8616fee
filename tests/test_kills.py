"""SIGKILL at any point: every published checkpoint is readable, and the finished run is the same to the bit.

`pytest tests/test_kills.py` kills 35 times; `pytest -m slow tests/test_kills.py` another 280 times.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any

import pytest
from killing import (
    ADAM,
    PLATEAU,
    RICH,
    SGD,
    USUAL,
    Hurt,
    Running,
    Study,
    differences,
    finish,
    make_study,
    outcome,
    published,
    unreadable,
)

# Where a program is killed, and how often at most it comes there first. "clock" is a kill of all processes from
# outside, at a random time within an epoch; the others kill one process; "cut" leaves half a file.
PLACES = (
    *[("clock", "kill", 1)] * 4,
    *[("share_gradients", "kill", 8)] * 3,  # in a step
    *[("share_buffers", "kill", 2)] * 2,  # in a validation
    ("position after", "kill", 8),  # the log is longer than the newest checkpoint says
    ("save", "kill", 8),
    ("fsync", "kill", 25),
    *[("replace", "kill", 8)] * 2,  # written, not published
    *[("replace", "cut", 8)] * 2,  # half written
    ("replace after", "kill", 8),  # published, and the one before the last is still there
    ("unlink", "kill", 6),
    ("restore after", "kill", 1),  # while a resume begins
    ("pixels_of", "kill", 100),  # while images are decoded
)
Place = tuple[str, str, int]
Kind = tuple[int, int, str, str, str]  # ranks, workers, optimizer, train, an augmentation that mixes


def deal(seed: int, hands: int, size: int) -> list[list[Place]]:
    """`hands` lists of `size` places each, every place as often as the others.

    Images are decoded in a first start only, and checkpoints restored only after that.
    """
    dice = random.Random(seed)
    cards: Iterator[Place] = cycle(dice.sample(PLACES, len(PLACES)))
    dealt = [[next(cards) for _ in range(size)] for _ in range(hands)]
    return [sorted(hand, key=lambda card: (card[0] == "restore after") - (card[0] == "pixels_of")) for hand in dealt]


def kill(running: Running, place: str, dice: random.Random) -> bool:
    """Kill a program by the clock, or wait until it has killed itself; False when its training had ended before."""
    if place == "clock" and running.until("epoch"):
        time.sleep(dice.random() * running.told("epoch")["seconds"])
        running.kill()
    elif running.until("trained"):
        running.kill()
    else:
        running.end()
    return not running.told("trained")


def chain(study: Study, whole: Mapping[str, bytes], hand: list[Place], ranks: int, workers: int, seed: int) -> int:
    """Kill a run again and again, look at its checkpoints each time, finish it; how many kills were in time."""
    dice = random.Random(seed)
    options = ("--workers", str(workers), "--checkpoint-seconds", ("0", "0.02")[seed % 2], "--resume")
    run, cache, kills = study.run(f"hurt {seed}"), study.run(f"cache {seed}"), 0
    for place, how, most in hand:
        rank = dice.randrange(ranks) if place.startswith("share") else 0
        hurt = None if place == "clock" else Hurt(place, dice.randint(1, most), how, rank)
        kills += kill(Running(study, run, *options, ranks=ranks, hurt=hurt, cache=cache), place, dice)
        assert not unreadable(run), hurt
    finish(study, run, *options, ranks=ranks, cache=cache)
    assert not differences(run, whole), hand
    assert not unreadable(run) and len(published(run)) == 4
    assert not list((run / "checkpoints").glob("*.damaged"))
    return kills


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], tuple[Study, Mapping[str, bytes]]]:
    """A study of a kind, and what it comes to when nothing happens; each made once."""

    @functools.cache
    def made(kind: Kind) -> tuple[Study, Mapping[str, bytes]]:
        folder, (ranks, workers, optimizer, train, mixing) = tmp_path_factory.mktemp("kills") / "study", kind
        study = make_study(folder, optimizer, train=train, mixing=mixing)
        finish(study, study.run("whole"), "--workers", str(workers), ranks=ranks)
        return study, outcome(study.run("whole"))

    return made


KINDS: list[Kind] = [
    (1, 0, SGD, USUAL % 20, ""),
    (1, 2, ADAM, USUAL % 20, ""),
    (2, 0, SGD, USUAL % 20, ""),
    (2, 2, ADAM, USUAL % 20, ""),
    (1, 0, SGD, RICH % (8, 12), "  - mixup"),
    (2, 0, ADAM, RICH % (8, 12), "  - mixup: {alpha: 1}"),
    (1, 0, SGD, PLATEAU % 20, ""),
]


@pytest.mark.parametrize(("number", "kind"), list(enumerate(KINDS)))
def test_killed_runs_end_as_if_nothing_had_happened(studies: Any, number: int, kind: Kind) -> None:
    study, whole = studies(kind)
    assert chain(study, whole, deal(1, len(KINDS), 5)[number], kind[0], kind[1], number) == 5


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4 * len(KINDS)))
def test_and_ten_times_as_often(studies: Any, number: int) -> None:
    kind = KINDS[number // 4]
    study, whole = studies(kind)
    assert chain(study, whole, deal(2, 4 * len(KINDS), 10)[number], kind[0], kind[1], 100 + number) == 10
