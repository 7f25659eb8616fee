"""What labels say of codes: classifiers that know nothing but the codes of the training images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specc.run.metrics import classification
from specc_features.reference import Reference

Floats = NDArray[np.floating[Any]]
NEAREST = 10  # training images that a nearest-neighbour classifier asks
CLASSES = 10  # more kinds of labels that are all numbers are no classes: an age, a volume
SCORES = ("balanced_accuracy", "auc", "accuracy")


def numbers(labels: Sequence[str]) -> NDArray[np.float64] | None:
    """What labels say as numbers (N,), NaN where there is none; None where they are names, or few as classes are."""
    if len(set(labels) - {""}) <= CLASSES:
        return None
    try:
        found = np.array([float(label or "nan") for label in labels])
    except ValueError:
        return None
    return None if np.isinf(found).any() else found


def judged(
    codes: Floats, pca_codes: Floats, labels: Sequence[str], patients: Sequence[str], reference: Reference, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Balanced accuracy, AUC and accuracy of a logistic regression (`linear_probe`) and of the nearest neighbours, on
    the codes and on those of the PCA, fitted to the training images alone; nothing where labels are missing, or are
    numbers that measure something.
    """
    train = reference.train
    if reference.labels is None or not len(train):
        return {}, {}
    known = reference.labels[train]
    classes = sorted(set(known.tolist()) - {""})
    kept = [place for place, label in enumerate(labels) if label in classes]
    learned = np.flatnonzero(np.isin(known, classes))
    if len(classes) < 2 or not kept or numbers(classes) is not None:
        return {}, {}
    truth = [classes.index(labels[place]) for place in kept]
    taught = np.array([classes.index(label) for label in known[learned]])
    who = [patients[place] for place in kept]
    found: list[dict[str, Any]] = []
    for own, theirs in ((reference.code, codes), (reference.pca, pca_codes)):
        mean, deviation = own[train].mean(0), np.maximum(own[train].std(0), 1e-6)
        fitted, asked = (own[train][learned] - mean) / deviation, (theirs[kept] - mean) / deviation
        figures: dict[str, Any] = {}
        for name, model in models(len(fitted)).items():
            chances = model.fit(fitted, taught).predict_proba(asked)
            said = chances.argmax(1).tolist()
            scores = classification(truth, said, chances.tolist(), who, len(classes) - 1, seed)
            figures |= {f"{name}_{score}": scores[score].plain() for score in SCORES}
        found.append(figures)
    return found[0], found[1]


def models(images: int) -> dict[str, Any]:
    """Classifiers of standardized codes by their names in the figures."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    return {
        "linear_probe": LogisticRegression(max_iter=2000),
        "neighbours": KNeighborsClassifier(min(NEAREST, images)),
    }
