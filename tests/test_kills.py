"""SIGKILL at any point: every published checkpoint is readable, and the finished run is the same to the bit.

`pytest tests/test_kills.py` kills 20 times; `pytest -m slow tests/test_kills.py` another 200 times.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from killing import ADAM, SGD, Hurt, Running, differences, finish, make_study, outcome, published, unreadable

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
    ("edited", "kill", 100),  # while images are decoded
)
FIRST = ("edited", "restore after")  # the one comes only in a first start, the other only after that


def deal(seed: int, hands: int, size: int) -> list[list[tuple[str, str, int]]]:
    """`hands` lists of `size` places each, every place as often as the others."""
    dice = random.Random(seed)
    cards: Iterator[tuple[str, str, int]] = cycle(dice.sample(PLACES, len(PLACES)))
    dealt = [[next(cards) for _ in range(size)] for _ in range(hands)]
    return [sorted(hand, key=lambda card: (card[0] == "restore after") - (card[0] == "edited")) for hand in dealt]


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


def chain(folder: Path, hand: list[tuple[str, str, int]], ranks: int, workers: int, seed: int) -> int:
    """Kill a run again and again, look at its checkpoints each time, finish it; how many kills were in time."""
    dice = random.Random(seed)
    study = make_study(folder, (SGD, ADAM)[workers > 0])
    options = ("--workers", str(workers), "--checkpoint-seconds", ("0", "0.02")[seed % 2], "--resume")
    run, kills = study.run("hurt"), 0
    for place, how, most in hand:
        rank = dice.randrange(ranks) if place.startswith("share") else 0
        hurt = None if place == "clock" else Hurt(place, dice.randint(1, most), how, rank)
        kills += kill(Running(study, run, *options, ranks=ranks, hurt=hurt), place, dice)
        assert not unreadable(run), hurt
    finish(study, run, *options, ranks=ranks)
    finish(study, study.run("whole"), *options, ranks=ranks)
    assert not differences(run, outcome(study.run("whole"))), hand
    assert not unreadable(run) and len(published(run)) == 4
    assert not list((run / "checkpoints").glob("*.damaged"))
    return kills


@pytest.mark.parametrize(("ranks", "workers"), [(1, 0), (1, 2), (2, 0), (2, 2)])
def test_killed_runs_end_as_if_nothing_had_happened(tmp_path: Path, ranks: int, workers: int) -> None:
    number = 2 * (ranks - 1) + workers // 2
    assert chain(tmp_path / "study", deal(1, 4, 5)[number], ranks, workers, number) == 5
