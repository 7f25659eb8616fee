"""What a training has left beside its model: the codes of its images, and a PCA of them to compare with."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specc.answering import fault

Floats = NDArray[np.floating[Any]]
Texts = NDArray[np.str_]
FILE = "eval/codes.npz"


@dataclass(frozen=True)
class Reference:
    """Codes (N, n) and errors (N,) of a study's images with their parts, files, patients and words; small pictures of
    them (N, h, w) or (N, h, w, 3); the `mean` (D,) and `components` (k, D) of a PCA of the training images, and what it
    makes of all of them (N, k).
    """

    part: Texts
    files: Texts
    patient: Texts
    code: Floats
    error: Floats
    mean: Floats
    components: Floats
    pca: Floats
    small: NDArray[np.uint8]
    words: Mapping[str, Texts] = field(default_factory=dict)

    @property
    def train(self) -> NDArray[np.intp]:
        """Places of the training images."""
        return np.flatnonzero(self.part == "train")

    @property
    def labels(self) -> Texts | None:
        """The label of each image, where the study has one."""
        return self.words.get("label")

    def pca_errors(self, images: Floats) -> Floats:
        """(B,) mean squared error of images (B, D) given back by the PCA."""
        centred = images - self.mean
        return np.asarray(np.square(centred - (centred @ self.components.T) @ self.components).mean(1))


def read(run: FilePath | None) -> Reference:
    """What lies beside a model. Raises SpeccError P890 where there is nothing."""
    cure = "take the model where its training has left it: `runs/NAME/001/model.onnx` with `eval/codes.npz` beside it"
    if run is None or not (run / FILE).is_file():
        raise fault("P890", "the codes of the training images are not beside the model", cure)
    try:
        with np.load(run / FILE, allow_pickle=False) as arrays:
            kept = {name: arrays[name] for name in arrays.files}
        words = {name.removeprefix("word."): kept.pop(name) for name in list(kept) if name.startswith("word.")}
        return Reference(**kept, words=words)
    except (OSError, ValueError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise fault("P890", f"{run / FILE} cannot be read: {error}", "export it again: `specc export RUN`") from error


def nearest(codes: Floats, query: Floats, count: int, cosine: bool) -> tuple[NDArray[np.intp], Floats]:
    """Places of the `count` codes (N, n) nearest to one (n,), nearest first, and how far they are: 1 - cosine of the
    angle, or the Euclidean distance. Codes equally near stand in their own order.
    """
    many, one = codes.astype(np.float64), query.astype(np.float64)
    if cosine:
        lengths = np.maximum(np.linalg.norm(many, axis=1) * np.linalg.norm(one), 1e-12)
        far = np.maximum(1 - (many @ one) / lengths, 0)
    else:
        far = np.linalg.norm(many - one, axis=1)
    places = np.argsort(far, kind="stable")[:count]
    return places, far[places]
