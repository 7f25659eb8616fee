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
MARGIN = 0.02  # a gain worth having, of an accuracy, an area or an overlap
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


class Bootstrap:
    """How often each patient is drawn, the same for every figure; `members` (N,) is the patient of every image."""

    def __init__(self, patients: Sequence[str], seed: int) -> None:
        import numpy as np

        numbers: dict[str, int] = {}
        self.members: Ints = np.asarray([numbers.setdefault(who, len(numbers)) for who in patients], dtype=np.int64)
        self.patients, self.seed = len(numbers), seed

    def weights(self) -> list[Floats]:
        """Parts of (DRAWS, patients), small enough to be spread over the images; none with one patient."""
        import numpy as np

        if self.patients < 2:
            return []  # one patient says nothing about others
        dice = np.random.default_rng(self.seed)
        drawn = dice.multinomial(self.patients, [1 / self.patients] * self.patients, size=DRAWS).astype(np.float64)
        size = max(1, AT_ONCE // max(1, len(self.members)))
        return [drawn[start : start + size] for start in range(0, DRAWS, size)]

    def of(self, kept: Sequence[int]) -> Bootstrap:
        """The same draws of the same patients for some of the images."""
        import numpy as np

        part = Bootstrap((), self.seed)
        part.members, part.patients = self.members[np.asarray(kept, dtype=np.int64)], self.patients
        return part


def classification(
    targets: Sequence[int],
    answers: Sequence[int],
    probabilities: Sequence[Sequence[float]],
    patients: Sequence[str],
    positive: int = 1,
    seed: int = 42,
) -> dict[str, Figure]:
    """Accuracy, balanced accuracy, AUC, sensitivity, specificity and F1; with two classes, predictive values (PPV,
    NPV) and average precision, too.

    `targets` and `answers` (N,) are class indices, `probabilities` (N, K). With two classes all but the accuracies are
    those of the positive class; with more, each is the mean over the classes that occur, one class against the rest.
    """
    import numpy as np

    t, a = np.asarray(targets, dtype=np.int64), np.asarray(answers, dtype=np.int64)
    return figures(*class_draws(t, a, np.asarray(probabilities, dtype=np.float64), patients, positive, seed))


def class_draws(
    t: Ints, a: Ints, p: Floats, patients: Sequence[str] | Bootstrap, positive: int, seed: int
) -> tuple[Points, Draws]:
    """Points of `classification`, and of every draw; the same patients in the same order are drawn alike."""
    import numpy as np

    bootstrap = patients if isinstance(patients, Bootstrap) else Bootstrap(patients, seed)
    classes = p.shape[1]
    points = class_points(t, a, p, positive)
    tables = np.zeros((bootstrap.patients, classes, classes))
    np.add.at(tables, (bootstrap.members, t, a), 1.0)
    draws: Draws = {name: [] for name in points}
    for weights in bootstrap.weights():
        columns = _from_confusion(np.tensordot(weights, tables, axes=1), positive)
        images = weights[:, bootstrap.members]
        columns["auc"] = _mean_auc(t, p, images, positive)
        if classes == 2:
            columns["average_precision"] = _average_precision(t == positive, p[:, positive], images)
        for name in points:
            draws[name].append(columns[name])
    return points, draws


def mean_draws(several: Sequence[tuple[Points, Draws]]) -> tuple[Points, Draws]:
    """Each metric's mean over the questions for which it exists, at its point and in every draw.

    All must be drawn alike (one Bootstrap); a draw counts where the metric exists for all of these questions.
    """
    import numpy as np

    points: Points = {}
    draws: Draws = {}
    for name in several[0][0] if several else ():
        known = [(value, d[name]) for p, d in several for value in (p[name],) if value is not None]
        points[name] = sum(value for value, _ in known) / len(known) if known else None
        whole = [np.concatenate(parts) for _, parts in known if parts]  # questions differ in the size of their parts
        draws[name] = [np.mean(whole, axis=0)] if whole else []
    return points, draws


def case_means(values: Floats, known: NDArray[np.bool_], draw: Bootstrap) -> tuple[Floats, Floats]:
    """(F,) the means of values (N, F) over the cases that are `known`, nan where none is; and (DRAWS, F) the same in
    every draw of patients, nan where none of a figure's patients is drawn (no draws with one patient).
    """
    import numpy as np

    sums, counts = np.zeros((2, draw.patients, values.shape[1]))
    np.add.at(sums, draw.members, np.where(known, values, 0.0))
    np.add.at(counts, draw.members, known)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = [(weights @ sums) / (weights @ counts) for weights in draw.weights()]
        return sums.sum(0) / counts.sum(0), np.concatenate(parts) if parts else np.empty((0, values.shape[1]))


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
    table = metrics.confusion_matrix(t, a, labels=range(p.shape[1]))[None].astype(np.float64)
    for name, column in _from_confusion(table, positive).items():
        result.setdefault(name, None if np.isnan(column[0]) else float(column[0]))
    if p.shape[1] == 2:
        truth = t == positive
        precision = metrics.average_precision_score(truth, p[:, positive]) if 0 < truth.sum() < len(t) else None
        result["average_precision"] = None if precision is None else float(precision)
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
    return figures(*value_draws(t, v, patients, seed))


def value_draws(t: Floats, v: Floats, patients: Sequence[str] | Bootstrap, seed: int) -> tuple[Points, Draws]:
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
    bootstrap = patients if isinstance(patients, Bootstrap) else Bootstrap(patients, seed)
    terms = np.stack([np.ones_like(t), np.abs(v - t), (v - t) ** 2, v - t, t, t * t], axis=1)
    sums = np.zeros((bootstrap.patients, terms.shape[1]))
    np.add.at(sums, bootstrap.members, terms)
    draws: Draws = {name: [] for name in points}
    for weights in bootstrap.weights():
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
        harmonic, precision = 2 * right / (truth + said), right / said
        result = {"accuracy": right.sum(1) / total, "balanced_accuracy": balanced}
        if table.shape[1] == 2:
            result |= {"sensitivity": recall[:, positive], "specificity": others[:, positive]}
            result |= {"ppv": precision[:, positive], "npv": precision[:, 1 - positive], "f1": harmonic[:, positive]}
            return result
        valid = np.isfinite(others) & (truth > 0)
        specificity = np.where(valid, others, 0).sum(1) / np.where(valid.any(1), valid.sum(1), np.nan)
        f1 = np.where(truth > 0, np.nan_to_num(harmonic), 0).sum(1) / there
    return result | {"sensitivity": filled.sum(1) / there, "specificity": specificity, "f1": f1}


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


def _average_precision(truth: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Precision at each score, weighted by the recall that it adds, under each row of weights (B, N)."""
    import numpy as np

    _, level = np.unique(-scores, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.flatnonzero(np.diff(level[order], prepend=-1))
    ordered = weights[:, order]
    positives = np.add.reduceat(ordered * truth[order], starts, axis=1)
    everything = np.cumsum(np.add.reduceat(ordered, starts, axis=1), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(everything > 0, np.cumsum(positives, axis=1) / everything, 0)
        mixed = (positives.sum(1) > 0) & (positives.sum(1) < everything[:, -1])
        return np.where(mixed, (positives * precision).sum(1) / positives.sum(1), np.nan)


def roc_band(
    truth: Sequence[int], scores: Sequence[float], patients: Sequence[str], seed: int = 42, points: int = 101
) -> tuple[Floats, Floats, Floats] | None:
    """False alarms (points,), and between which sensitivities the middle `LEVEL` of the draws of patients lies there.

    None where fewer than half of the draws have a curve.
    """
    import numpy as np

    positive, bootstrap = np.asarray(truth, dtype=bool), Bootstrap(patients, seed)
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    ends = np.flatnonzero(np.diff(np.asarray(scores, dtype=np.float64)[order], append=np.inf))  # ties move together
    grid = np.linspace(0, 1, points)
    curves = []
    for weights in bootstrap.weights():
        for row in weights:
            drawn = row[bootstrap.members][order]
            hits, alarms = np.cumsum(drawn * positive[order])[ends], np.cumsum(drawn * ~positive[order])[ends]
            if hits[-1] and alarms[-1]:
                curves.append(np.interp(grid, np.r_[0, alarms / alarms[-1]], np.r_[0, hits / hits[-1]]))
    if len(curves) < DRAWS / 2:
        return None
    low, high = np.quantile(curves, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return grid, low, high


def figures(points: Points, draws: Draws) -> dict[str, Figure]:
    """Values with the middle `LEVEL` of their draws; none where fewer than half of the draws have a value."""
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
