"""Cross-validation: each image validates in exactly one fold, and what belongs together in the same one."""

from collections.abc import Sequence

from specc.pieces import tables


def held_out(marks: Sequence[Sequence[str]], groups: Sequence[str], percent: float, seed: int) -> list[bool]:
    """Which rows stay apart as the test part. `marks` are the classes of each row, `groups` what stays together.

    It is the same part for every number of folds.
    """
    return [part == "test" for part in _shared(marks, groups, {"rest": 100 - percent, "test": percent}, seed)]


def dealt(
    marks: Sequence[Sequence[str]], groups: Sequence[str], apart: Sequence[bool], count: int, seed: int
) -> list[int]:
    """The fold of each row, 1 to `count`, and 0 for those that stay apart.

    No group in two folds, images and classes shared out evenly as far as the groups allow, in any order of the rows.
    """
    rest = [place for place, out in enumerate(apart) if not out]
    shares = {str(fold): 1.0 for fold in range(1, count + 1)}
    numbers = _shared([marks[place] for place in rest], [groups[place] for place in rest], shares, seed)
    fold_of = dict(zip(rest, map(int, numbers), strict=True))
    return [fold_of.get(place, 0) for place in range(len(groups))]


def told(words: Sequence[str], count: int) -> list[int]:
    """The fold of each row as a column tells it: 1 to `count`, or `test`. Raises ValueError for another word."""
    known = {"test": 0, **{str(fold): fold for fold in range(1, count + 1)}}
    for number, word in enumerate(words, 1):
        if word.strip() not in known:
            raise ValueError(f"row {number}: {word!r} is neither a fold from 1 to {count} nor test")
    return [known[word.strip()] for word in words]


def parts(folds: Sequence[int], fold: int) -> list[str]:
    """The part of each row when `fold` validates: the other folds train."""
    return ["test" if number == 0 else "val" if number == fold else "train" for number in folds]


def _shared(marks: Sequence[Sequence[str]], groups: Sequence[str], shares: dict[str, float], seed: int) -> list[str]:
    """As `tables.split_grouped`, where a row counts once by itself and once for each of its classes."""
    rows = [(place, "") for place in range(len(groups))]
    rows += [(place, mark) for place, of in enumerate(marks) for mark in of]
    found = tables.split_grouped([mark for _, mark in rows], [groups[place] for place, _ in rows], shares, seed)
    return found[: len(groups)]
