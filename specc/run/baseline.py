"""What anybody would get without a network: the yardstick beside every figure.

`trivial` answers with the training split's majority class (or mean); `intensity forest` is a random forest (Breiman
2001) on a histogram of 64 bins of each image's values, scaled roughly as the network's are, and sees nothing of
where they lie. A network that does not beat the second one has learned brightness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 64
TREES = 200
MOST = 5_000  # training images that the forest learns from; more change little and cost minutes

Window = Literal["auto", "none"]


def majority(targets: Sequence[int], classes: int) -> list[float]:
    """Shares of the classes (K,): the probabilities that the trivial answer gives for every image."""
    counts = Counter(targets)
    return [counts[k] / len(targets) for k in range(classes)]


def mean(targets: Sequence[float]) -> float:
    """The trivial answer of a regression."""
    return sum(targets) / len(targets)


def histograms(
    files: Sequence[FilePath], window: Window, fixed: tuple[float, float] | None = None, frame: int | None = None
) -> NDArray[np.float64]:
    """(N, 64) shares of values between 0 and 1; a file that cannot be read gets an even histogram.

    `fixed` is (center, width) of a window in modality values; without one the type's own range counts.
    """
    import numpy as np

    from specc.pieces import readers

    rows = np.full((len(files), BINS), 1 / BINS)
    for place, file in enumerate(files):
        try:
            pixels, facts = readers.read(file, window=window, frame=frame)
        except (readers.ReadError, OSError):
            continue
        values = pixels.mean(axis=2).reshape(-1)
        low, high = _range(values, facts, window, fixed)
        scaled = np.clip((values - low) / (high - low), 0, 1)
        rows[place] = np.histogram(scaled, bins=BINS, range=(0, 1))[0] / scaled.size
    return rows


def _range(
    values: NDArray[np.float32], facts: Any, window: Window, fixed: tuple[float, float] | None
) -> tuple[float, float]:
    if fixed is not None:
        return fixed[0] - fixed[1] / 2, fixed[0] + fixed[1] / 2
    if facts.format == "dicom" and window == "auto":
        return 0.0, 1.0
    if facts.format == "dicom" or facts.floating:
        low, high = float(values.min()), float(values.max())
        return low, high if high > low else low + 1.0
    return 0.0, 255.0 if facts.bits <= 8 else 65535.0


def classify(
    train: NDArray[np.float64], targets: Sequence[int], others: NDArray[np.float64], classes: int, seed: int
) -> list[list[float]]:
    """Probabilities (M, K) of the forest for `others` (M, 64)."""
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(n_estimators=TREES, class_weight="balanced", random_state=seed, min_samples_leaf=2)
    kept = _some(len(targets), seed)
    forest.fit(train[kept], np.asarray(targets)[kept])
    result = np.zeros((len(others), classes))
    result[:, forest.classes_.astype(int)] = forest.predict_proba(others)
    rows: list[list[float]] = result.tolist()
    return rows


def findings(
    train: NDArray[np.float64], targets: Sequence[Sequence[int | None]], others: NDArray[np.float64], seed: int
) -> list[list[float]]:
    """Probabilities (M, L) of a forest for each finding, from the images of which it is known; 0.5 without any."""
    columns = []
    for k in range(len(targets[0])):
        known = [i for i, target in enumerate(targets) if target[k] is not None]
        truth = [int(targets[i][k] or 0) for i in known]
        rows = classify(train[known], truth, others, 2, seed) if known else [[0.5, 0.5]] * len(others)
        columns.append([row[1] for row in rows])
    return [list(row) for row in zip(*columns, strict=True)]


def regress(
    train: NDArray[np.float64], targets: Sequence[float], others: NDArray[np.float64], seed: int
) -> list[float]:
    """Values (M,) of the forest for `others` (M, 64)."""
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_estimators=TREES, random_state=seed, min_samples_leaf=2)
    kept = _some(len(targets), seed)
    forest.fit(train[kept], np.asarray(targets)[kept])
    values: list[float] = forest.predict(others).tolist()
    return values


def _some(count: int, seed: int) -> NDArray[np.int64]:
    import numpy as np

    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST, replace=False))
