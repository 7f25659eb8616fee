"""What a learning curve says, in plain words (Wataya et al., Jpn J Radiol 2020, Fig. 14 and "Program execution").

    diverged          a loss is not finite, or the training loss ends at more than twice its first value
    dead              the training loss never moved: less than 1 % below its first value after three epochs or more;
                      or the network gives the same answer to every validation image, whatever the loss does
    overfitting       since the best epoch the validation loss rises and so does its distance to the training loss
    overfitting risk  the training loss still falls, the validation loss does not: the distance grows
    underfitting      a finished run whose training loss still falls by 1 % or more of its first value an epoch
    learning          the same while the run goes on, or too few epochs to tell
    converged         neither loss moves any more, and they stay together; where they settled apart it is overfitting
    not judged        the training has no `loss` that ought to fall, as where two networks work against each other

Falls are measured against the first loss, not the last: a cross entropy near 0 always falls by some percent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Literal

Word = Literal[
    "learning", "converged", "overfitting", "overfitting risk", "underfitting", "diverged", "dead", "not judged"
]
BLOWN = 2.0  # times the first training loss
STILL = 0.01  # of the first training loss, an epoch: what counts as falling; in all: what counts as dead
NOISE = 0.02  # of the best validation loss: a smaller rise says nothing
APART = 0.25  # of the first training loss: settled losses farther from each other than this are not together
RECENT = 3  # epochs that "at the end" means
FLAT = 1e-3  # deviation of the outputs over the images (of logits; of values: times the error) that is none
CONSTANT = "the network gives the same answer to every image"

SAYS: dict[Word, tuple[str, str]] = {
    "learning": ("both losses still fall", "train on"),
    "converged": ("the losses have settled together", "evaluate the model"),
    "overfitting": (
        "the network learns the training images by heart",
        "more images, augmentation, dropout or weight decay; the best epoch is kept",
    ),
    "overfitting risk": (
        "the training loss falls and the validation loss does not",
        "stop early, or add augmentation, dropout or weight decay",
    ),
    "underfitting": (
        "the training loss was still falling at the end",
        "more epochs, a higher learning rate or a larger net",
    ),
    "diverged": ("the loss grew without bound", "a learning rate ten times lower"),
    "not judged": ("there is no loss that ought to fall", "look at the curve, and at what the model gives"),
    "dead": ("the loss never moved", "check the labels; another learning rate or activation"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word`, the position in the curve from which it holds, and that of the least validation loss (both from 0).

    `seen` says what is seen where that is not what the word mostly stands for.
    """

    word: Word
    since: int
    best: int
    seen: str = ""

    @property
    def reason(self) -> str:
        """What is seen."""
        return self.seen or SAYS[self.word][0]

    @property
    def advice(self) -> str:
        """What to do about it."""
        return SAYS[self.word][1]


def judge(train: Sequence[float | None], val: Sequence[float | None], finished: bool = True) -> Verdict:
    """The verdict on two curves, one loss an epoch; `val` may be empty. None counts as not finite."""
    losses = [math.nan if x is None else x for x in train]
    checks = [math.nan if x is None else x for x in val] or losses
    best = best_position(checks)
    bad = next(
        (i for i, pair in enumerate(zip(losses, checks, strict=False)) if not all(map(math.isfinite, pair))), None
    )
    if bad is not None:
        return Verdict("diverged", bad, best)
    if len(losses) < 2:
        return Verdict("learning", 0, best)
    last, first = len(losses) - 1, abs(losses[0]) or 1.0
    if losses[-1] > losses[0] + (BLOWN - 1) * first:
        return Verdict("diverged", next(i for i, x in enumerate(losses) if x > losses[0] + (BLOWN - 1) * first), best)
    if len(losses) > RECENT and losses[0] - min(losses) < STILL * first:
        return Verdict("dead", 0, best)
    recent = min(RECENT, last)
    falling = (losses[-1 - recent] - losses[-1]) / recent >= STILL * first
    if val and (since := _overfits(losses, checks, best)) is not None:
        return Verdict("overfitting", since, best)
    stalled = len(checks) > RECENT and min(checks[-RECENT:]) > min(checks[:-RECENT]) - NOISE * abs(min(checks))
    if val and stalled and losses[best] - losses[-1] >= STILL * first * max(1, last - best) and last - best >= RECENT:
        return Verdict("overfitting risk", best + 1, best)
    if falling:
        return Verdict("underfitting" if finished else "learning", max(0, last - recent), best)
    gap = sum(gaps(losses[-RECENT:], checks[-RECENT:])) / RECENT
    if val and stalled and gap > APART * first:
        return Verdict("overfitting", min(best + 1, last), best)
    return Verdict("converged" if len(losses) > RECENT else "learning", max(0, last - recent), best)


def best_position(val: Sequence[float], min_delta: float = 0.0) -> int:
    """Where the smallest loss stands: the first on ties; an improvement must exceed `min_delta`."""
    best, where = math.inf, 0
    for position, loss in enumerate(val):
        if loss < best - min_delta:
            best, where = loss, position
    return where


def stop_position(val: Sequence[float], patience: int, min_delta: float = 0.0) -> int | None:
    """After which epoch early stopping ends a run: `patience` epochs without improvement; None when it never does."""
    for end in range(len(val)):
        if end - best_position(val[: end + 1], min_delta) >= patience:
            return end
    return None


def gaps(train: Sequence[float], val: Sequence[float]) -> list[float]:
    """Validation loss minus training loss, an epoch each."""
    return [b - a for a, b in zip(train, val, strict=True)]


def _overfits(train: Sequence[float], val: Sequence[float], best: int) -> int | None:
    """The first epoch after the best one, when the validation loss and the gap rise from there to the end."""
    after = val[best:]
    if len(after) < 3:
        return None
    end = sum(after[-RECENT:]) / len(after[-RECENT:])
    risen = end - val[best] > NOISE * abs(val[best]) and _slope(after) > 0
    return best + 1 if risen and _slope(gaps(train[best:], after)) > 0 else None


def _slope(values: Sequence[float]) -> float:
    """Of the least-squares line through values at 0, 1, 2, ..."""
    n = len(values)
    middle, mean = (n - 1) / 2, sum(values) / n
    above = sum((i - middle) * (value - mean) for i, value in enumerate(values))
    return above / sum((i - middle) ** 2 for i in range(n))


@dataclass(frozen=True, slots=True)
class Curve:
    """metrics.jsonl as columns: epochs, the two losses, and every metric by name (None where a line lacks it).

    `kept` is the position of the epoch whose weights are kept, None where the lines do not tell; `rate` are learning
    rates, `spread` the deviations of the outputs over the validation images; both empty where no line has one.
    """

    epochs: tuple[int, ...]
    train: tuple[float | None, ...]
    val: tuple[float | None, ...]
    metrics: dict[str, tuple[float | None, ...]]
    kept: int | None = None
    rate: tuple[float | None, ...] = ()
    spread: tuple[float | None, ...] = ()

    def verdict(self, finished: bool = True) -> Verdict:
        """What the losses say, and whether the network answers the same to every image."""
        if self.epochs and all(loss is None for loss in self.train):
            return Verdict("not judged", 0, len(self.epochs) - 1)
        told = judge(self.train, self.val if any(x is not None for x in self.val) else (), finished)
        since = self.constant_since()
        return told if since is None or told.word == "diverged" else Verdict("dead", since, told.best, CONSTANT)

    def constant_since(self) -> int | None:
        """From which position on, to the end, all images get the same answer; None for fewer than `RECENT` epochs."""
        errors = self.metrics.get("rmse", (1.0,) * len(self.epochs))
        flat = [s is not None and s < FLAT * (e or 1.0) for s, e in zip(self.spread, errors, strict=False)]
        since = next((place + 1 for place in reversed(range(len(flat))) if not flat[place]), 0)
        return since if len(flat) - since >= RECENT else None


def read_curve(file: FilePath) -> Curve:
    """The curve of a run; a torn last line is left out, and an epoch written twice counts once, the later one."""
    rows: dict[int, dict[str, Any]] = {}
    for text in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            row = json.loads(text)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("epoch"), int):
            rows[row["epoch"]] = row
    ordered = [rows[epoch] for epoch in sorted(rows)]
    beside = {"epoch", "train_loss", "val_loss", "step", "stage", "total", "passes", "best", "seconds"}
    own = ("learning_rate", "output_spread")
    names = dict.fromkeys(
        name for row in ordered for name, value in row.items() if name not in beside and _is_number(value)
    )
    asked = dict.fromkeys(("train_loss", "val_loss", *names, *own))
    columns = {name: tuple(_number(row.get(name)) for row in ordered) for name in asked}
    train, val, rate, spread = (columns.pop(name) for name in ("train_loss", "val_loss", *own))
    kept = next((place for place in reversed(range(len(ordered))) if ordered[place].get("best") is True), None)
    rate, spread = (column if any(x is not None for x in column) else () for column in (rate, spread))
    return Curve(tuple(sorted(rows)), train, val, columns, kept, rate, spread)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    return float(value) if _is_number(value) else None
