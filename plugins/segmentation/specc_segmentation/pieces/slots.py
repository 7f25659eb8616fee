"""Names that the pieces of a segmentation use and its program binds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from specc.pieces.slots import unbound

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from specc.pieces.export import Certificate

    Proof = Certificate
else:

    def Proof(*given: object) -> object:
        """How torch and onnxruntime are held against each other."""
        unbound("Proof")


RULE: str = "none"  # how images are brought to the network's size: fit, crop, stretch or none
MASKS: tuple[str, ...] = ("mask",)  # keys of a row that name the files of its masks
SHAPES: tuple[str, ...] = ()  # names of a row's outlines that are drawn, in the order of classes or labels
VALUES: Mapping[int, int] = {}  # what a number in a mask means: place of the class, or IGNORE
CLASSES: int = 2  # classes that exclude each other; 2 for each label
CROP: tuple[int, int, int, int] = (0, 0, 1, 1)  # top, left, height and width of the part that the network answers
MULTIPLE: int = 0  # of the sides of images that the exported graph takes; 0: one size only
SIGMA: float = 5.0  # pixels


def masks_of(row: Mapping[str, str], root: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """(C, h, w) places of classes, as the files or outlines of a case tell them."""
    unbound("masks_of")


def with_border(
    masks: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", row: Mapping[str, str], root: str
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    """(C, h, w) -> (C + 1, h, w): the last one is how close two things are to each pixel."""
    unbound("with_border")


def cropped(masks: "Tensor") -> "Tensor":
    """The part of masks that the network answers."""
    unbound("cropped")


def answers_of(outputs: "Tensor") -> "Tensor":
    """Logits -> places of classes (B, 1, h, w), or 1 and 0 for each label (B, L, h, w)."""
    unbound("answers_of")


def likelihoods(outputs: "Tensor") -> "Tensor":
    """Logits -> probabilities of the classes (B, K, h, w), or of the labels."""
    unbound("likelihoods")
