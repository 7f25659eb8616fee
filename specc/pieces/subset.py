"""A part of the training images, as if fewer patients had been collected; more of them always hold the fewer."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

LEFT_OUT = "left out"


def train_on(
    parts: Sequence[str], marks: Sequence[Sequence[str]], groups: Sequence[str], percent: float, seed: int
) -> list[str]:
    """The part of each row, where only the first `percent` of the training groups train and the others are left out.

    `marks` are the classes of each row. Validation and test stay as they are.
    """
    held = defaultdict[str, set[str]](set)
    for part, of, group in zip(parts, marks, groups, strict=True):
        if part == "train":
            held[group].update(of)
    order = in_line(held, seed)
    kept = set(order[: max(1, int(len(order) * percent / 100 + 0.5))])
    pairs = zip(parts, groups, strict=True)
    return [LEFT_OUT if part == "train" and group not in kept else part for part, group in pairs]


def in_line(held: dict[str, set[str]], seed: int) -> list[str]:
    """Groups in an order of which every beginning is like the whole. `held` are the classes of each group.

    Groups that hold the same classes are drawn by a hash of the seed and their name, and spread evenly over the line;
    those that bring a class for the first time come before all others.
    """
    alike = defaultdict[frozenset[str], list[str]](list)
    for group in sorted(held, key=lambda name: _draw(seed, name)):
        alike[frozenset(held[group])].append(group)
    places = {group: (n + 0.5) / len(of) for of in alike.values() for n, group in enumerate(of)}
    line = sorted(places, key=lambda group: (places[group], _draw(seed, group)))
    seen: set[str] = set()
    first = set()
    for group in line:
        if not held[group] <= seen:
            first.add(group)
            seen |= held[group]
    return sorted(line, key=lambda group: group not in first)


def _draw(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed} in line {group}".encode("utf-8", "surrogateescape")).digest()
