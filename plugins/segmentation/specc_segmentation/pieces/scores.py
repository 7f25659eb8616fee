"""How good masks are: everything from one table of pixels, rows the truth, columns the answer."""

import torch
from torch import Tensor

from specc_segmentation.pieces.known import IGNORE
from specc_segmentation.pieces.slots import CLASSES


def of_classes(outputs: Tensor) -> Tensor:
    """(B, K, h, w) -> (B, 1, h, w): the class with the largest logit."""
    return outputs.argmax(1, keepdim=True)


def of_labels(outputs: Tensor) -> Tensor:
    """(B, K, h, w) -> 1 where a logit is above 0, else 0."""
    return (outputs > 0).long()


def confusion(answers: Tensor, truth: Tensor) -> Tensor:
    """(B, C, h, w) twice -> (B, C, CLASSES, CLASSES) pixels, rows the truth; what is not known does not count."""
    batch, channels = answers.shape[:2]
    known = truth != IGNORE
    first = torch.arange(batch * channels, device=answers.device).view(batch, channels, 1, 1) * CLASSES**2
    cells = (first + torch.where(known, truth, 0).long() * CLASSES + answers)[known]
    counts = torch.bincount(cells, minlength=batch * channels * CLASSES**2)
    return counts.view(batch, channels, CLASSES, CLASSES).double()


def shares(table: Tensor) -> tuple[Tensor, Tensor]:
    """Dice and intersection over union (..., classes) of tables (..., classes, classes); NaN where a class is neither
    there nor answered.

    Dice = 2 n_ii / (t_i + a_i), IoU = n_ii / (t_i + a_i - n_ii).
    """
    right = table.diagonal(dim1=-2, dim2=-1)
    both = table.sum(-1) + table.sum(-2)
    return 2 * right / both, right / (both - right)


def mean_there(values: Tensor) -> float:
    """The mean without NaN; 1 where nothing is left: nothing was there, and nothing was answered."""
    there = values[~values.isnan()]
    return there.mean().item() if len(there) else 1.0


def mask_scores(tables: Tensor) -> dict[str, float]:
    """Metrics of a part of the data from the tables of its images (N, C, classes, classes).

    `dice` and `iou` are means over the classes but the first, or over the labels, each from one table of all images;
    `mean_iou` takes in the first class; `dice_per_image` is the mean over images of what `dice` is for each, and 1
    where nothing is there nor answered; images of which nothing is known do not count. `output_spread` is the deviation
    of the answers over all pixels, the largest of the classes: 0 where all pixels get the same.
    """
    whole = tables.sum(0)
    dices, ious = shares(whole)
    each = shares(tables[tables.sum((1, 2, 3)) > 0])[0][..., 1:].flatten(1)
    right = whole.diagonal(dim1=-2, dim2=-1).sum() / whole.sum().clamp(min=1)
    answered = whole.sum(-2) / whole.sum((-2, -1)).clamp(min=1)[:, None]
    return {
        "dice": mean_there(dices[:, 1:]),
        "iou": mean_there(ious[:, 1:]),
        "mean_iou": mean_there(ious),
        "dice_per_image": sum(mean_there(image) for image in each) / max(1, len(each)),
        "pixel_accuracy": right.item(),
        "output_spread": (answered * (1 - answered)).max().clamp(min=0).sqrt().item(),
    }
