"""Figures of merit with intervals from a bootstrap over patients.

Point values come from scikit-learn. Images of one patient are not independent, so the bootstrap draws whole patients
with replacement (Efron 1979; percentile intervals of 95 %): a draw is a weight for each patient, and every metric is
computed for all draws at once from weighted counts or sums. A figure that does not exist (AUC with one class, R2 of
constant targets) is None, and its interval counts only the draws in which it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Points = dict[str, float | None]
    Draws = dict[str, list[Floats]]  # parts of (DRAWS,); no part where one patient says nothing about others

DRAWS = 1000
LEVEL = 0.95
AT_ONCE = 2_000_000  # weights held at a time


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and the interval around it; None where it does not exist."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def plain(self) -> dict[str, float | None]:
        """As metrics.json holds it."""
        return {"value": self.value, "low": self.low, "high": self.high}


def classification(
    targets: Sequence[int],
    answers: Sequence[int],
    probabilities: Sequence[Sequence[float]],
    patients: Sequence[str],
    positive: int = 1,
    seed: int = 42,
) -> dict[str, Figure]:
    """Accuracy, balanced accuracy, AUC, sensitivity and specificity.

    `targets` and `answers` (N,) are class indices, `probabilities` (N, K). With two classes AUC, sensitivity and
    specificity are those of the positive class; with more, each is the mean over the classes that occur, one class
    against the rest.
    """
    import numpy as np

    t, a = np.asarray(targets, dtype=np.int64), np.asarray(answers, dtype=np.int64)
    return _figures(*class_draws(t, a, np.asarray(probabilities, dtype=np.float64), patients, positive, seed))


def class_draws(t: Ints, a: Ints, p: Floats, patients: Sequence[str], positive: int, seed: int) -> tuple[Points, Draws]:
    """Points of `classification`, and of every draw; the same patients in the same order are drawn alike."""
    import numpy as np

    classes = p.shape[1]
    points = class_points(t, a, p, positive)
    groups, members = _groups(patients)
    tables = np.zeros((groups, classes, classes))
    np.add.at(tables, (members, t, a), 1.0)
    draws: Draws = {name: [] for name in points}
    for weights in _weights(groups, len(t), seed):
        confusion = np.tensordot(weights, tables, axes=1)
        for name, column in _from_confusion(confusion, positive).items():
            draws[name].append(column)
        draws["auc"].append(_mean_auc(t, p, weights[:, members], positive))
    return points, draws


def class_points(t: Ints, a: Ints, p: Floats, positive: int) -> dict[str, float | None]:
    """Point values of `classification`, by scikit-learn."""
    import numpy as np
    from sklearn import metrics

    present = np.unique(t)
    one_class = len(present) < 2
    result: dict[str, float | None] = {"accuracy": float(metrics.accuracy_score(t, a))}
    recalls = metrics.recall_score(t, a, labels=present, average=None, zero_division=0)
    result["balanced_accuracy"] = None if one_class else float(np.mean(recalls))
    areas = [
        metrics.roc_auc_score(t == k, p[:, k]) for k in _scored(p.shape[1], positive) if 0 < (t == k).sum() < len(t)
    ]
    result["auc"] = float(np.mean(areas)) if areas else None
    confusion = metrics.confusion_matrix(t, a, labels=range(p.shape[1]))[None].astype(np.float64)
    rest = _from_confusion(confusion, positive)
    for name in ("sensitivity", "specificity"):
        value = float(rest[name][0])
        result[name] = None if np.isnan(value) else value
    return result


def confusion(targets: Sequence[int], answers: Sequence[int], classes: int) -> list[list[int]]:
    """Counts (K, K): rows are the truth, columns the answers."""
    from sklearn.metrics import confusion_matrix

    table: list[list[int]] = confusion_matrix(targets, answers, labels=range(classes)).tolist()
    return table


def regression(
    targets: Sequence[float], values: Sequence[float], patients: Sequence[str], seed: int = 42
) -> dict[str, Figure]:
    """MAE, RMSE, R2 and bias (mean of answer minus truth) in the target's unit; `targets` and `values` are (N,)."""
    import numpy as np

    t, v = np.asarray(targets, dtype=np.float64), np.asarray(values, dtype=np.float64)
    return _figures(*value_draws(t, v, patients, seed))


def value_draws(t: Floats, v: Floats, patients: Sequence[str], seed: int) -> tuple[Points, Draws]:
    """Points of `regression`, and of every draw; the same patients in the same order are drawn alike."""
    import numpy as np
    from sklearn import metrics

    constant = bool(np.all(t == t[0]))
    points: Points = {
        "mae": float(metrics.mean_absolute_error(t, v)),
        "rmse": float(np.sqrt(metrics.mean_squared_error(t, v))),
        "r2": None if constant else float(metrics.r2_score(t, v)),
        "bias": float(np.mean(v - t)),
    }
    groups, members = _groups(patients)
    terms = np.stack([np.ones_like(t), np.abs(v - t), (v - t) ** 2, v - t, t, t * t], axis=1)
    sums = np.zeros((groups, terms.shape[1]))
    np.add.at(sums, members, terms)
    draws: Draws = {name: [] for name in points}
    for weights in _weights(groups, len(t), seed):
        n, absolute, squared, signed, first, second = (weights @ sums).T
        spread = second - first**2 / n
        spread = np.where(spread > 1e-12 * np.abs(second), spread, np.nan)
        found = {"mae": absolute / n, "rmse": np.sqrt(squared / n), "r2": 1 - squared / spread, "bias": signed / n}
        for name, column in found.items():
            draws[name].append(column)
    return points, draws


def limits_of_agreement(targets: Sequence[float], values: Sequence[float]) -> tuple[float, float] | None:
    """Bland and Altman's limits: mean difference plus and minus 1.96 standard deviations (n - 1)."""
    import numpy as np

    if len(targets) < 2:
        return None
    difference = np.asarray(values, dtype=np.float64) - np.asarray(targets, dtype=np.float64)
    mean, spread = float(difference.mean()), float(difference.std(ddof=1))
    return mean - 1.96 * spread, mean + 1.96 * spread


def per_patient(patients: Sequence[str], targets: Sequence[Any], numbers: Sequence[Sequence[float]]) -> Patients:
    """One row for each patient: the mean of its numbers (probabilities or values) and its target.

    A patient whose images have different targets has no answer of its own and is counted in `mixed`.
    """
    rows: dict[str, list[int]] = {}
    for i, patient in enumerate(patients):
        rows.setdefault(patient, []).append(i)
    kept = {patient: places for patient, places in rows.items() if len({targets[i] for i in places}) == 1}
    means = [[sum(numbers[i][k] for i in p) / len(p) for k in range(len(numbers[p[0]]))] for p in kept.values()]
    return Patients(tuple(kept), [targets[p[0]] for p in kept.values()], means, len(rows) - len(kept))


@dataclass(frozen=True, slots=True)
class Patients:
    """Answers by patient: names, targets, mean numbers (P, K), and how many patients had mixed targets."""

    names: tuple[str, ...]
    targets: list[Any]
    numbers: list[list[float]]
    mixed: int


def chosen(probabilities: Sequence[Sequence[float]], positive: int = 1) -> list[int]:
    """The class of each row: with two classes the positive one from 0.5 on, else the largest, the first on ties."""
    import numpy as np

    p = np.asarray(probabilities, dtype=np.float64)
    if p.shape[1] == 2:
        return [positive if row[positive] >= 0.5 else 1 - positive for row in p]
    return [int(k) for k in p.argmax(axis=1)]


def _groups(patients: Sequence[str]) -> tuple[int, Ints]:
    """Number of patients, and the patient of every image as an index (N,)."""
    numbers: dict[str, int] = {}
    members = [numbers.setdefault(patient, len(numbers)) for patient in patients]
    import numpy as np

    return len(numbers), np.asarray(members, dtype=np.int64)


def _weights(groups: int, images: int, seed: int) -> list[Floats]:
    """How often each patient was drawn: parts of (DRAWS, groups), small enough to be spread over the images."""
    import numpy as np

    if groups < 2:
        return []  # one patient says nothing about others
    drawn = np.random.default_rng(seed).multinomial(groups, [1 / groups] * groups, size=DRAWS).astype(np.float64)
    size = max(1, AT_ONCE // max(1, images))
    return [drawn[start : start + size] for start in range(0, DRAWS, size)]


def _from_confusion(table: Floats, positive: int) -> dict[str, Floats]:
    """Metrics of (B, K, K) weighted counts; not a number where a class that they need is missing."""
    import numpy as np

    total, right = table.sum((1, 2)), np.diagonal(table, axis1=1, axis2=2)
    truth, said = table.sum(2), table.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = right / truth
        others = (total[:, None] - truth - said + right) / (total[:, None] - truth)
        several = (truth > 0).sum(1) > 1
        filled, there = np.nan_to_num(recall), np.maximum((truth > 0).sum(1), 1)
        balanced = np.where(several, filled.sum(1) / there, np.nan)
        if table.shape[1] == 2:
            sensitivity, specificity = recall[:, positive], others[:, positive]
        else:
            sensitivity = filled.sum(1) / there
            valid = np.isfinite(others) & (truth > 0)
            specificity = np.where(valid, others, 0).sum(1) / np.where(valid.any(1), valid.sum(1), np.nan)
        accuracy = right.sum(1) / total
    columns = (accuracy, balanced, sensitivity, specificity)
    return dict(zip(("accuracy", "balanced_accuracy", "sensitivity", "specificity"), columns, strict=True))


def _scored(classes: int, positive: int) -> list[int]:
    return [positive] if classes == 2 else list(range(classes))


def _mean_auc(t: Ints, p: Floats, weights: Floats, positive: int) -> Floats:
    """(B,) areas, the mean over the classes that can be scored in each draw; `weights` is (B, N)."""
    import numpy as np

    areas = np.stack([_auc(t == k, p[:, k], weights) for k in _scored(p.shape[1], positive)])
    there = np.isfinite(areas)
    counts = there.sum(0)
    return np.where(counts > 0, np.where(there, areas, 0).sum(0) / np.maximum(counts, 1), np.nan)


def _auc(truth: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """P(positive above negative) + half of P(equal) under each row of weights (B, N)."""
    import numpy as np

    _, level = np.unique(scores, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.flatnonzero(np.diff(level[order], prepend=-1))
    ordered = weights[:, order]
    positives = np.add.reduceat(ordered * truth[order], starts, axis=1)
    negatives = np.add.reduceat(ordered * ~truth[order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(1) * negatives.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, (positives * below).sum(1) / pairs, np.nan)


def _figures(points: Points, draws: Draws) -> dict[str, Figure]:
    return {name: _figure(points[name], draws[name]) for name in points}


def _figure(value: float | None, parts: list[Floats]) -> Figure:
    import numpy as np

    drawn = np.concatenate(parts) if parts else np.empty(0)
    drawn = drawn[np.isfinite(drawn)]
    if value is None or len(drawn) < DRAWS / 2:
        return Figure(value)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value, float(low), float(high))


def plain(figures: Mapping[str, Figure]) -> dict[str, dict[str, float | None]]:
    """As metrics.json holds them."""
    return {name: figure.plain() for name, figure in figures.items()}
