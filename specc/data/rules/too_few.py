"""D418."""

from __future__ import annotations

from collections import Counter

from specc.data.look import DataRule, Look, found
from specc.errors import Diagnostic
from specc.rules.common import plural

FEW = 10


def check(look: Look) -> list[Diagnostic]:
    """What: too few images: none at all, fewer than one batch where the rest is dropped, a last batch of one image for
    a batch normalization of vectors, or (a warning) so few in validation that each is more than a tenth of
    every figure.

    Why: with no full batch no step is ever made; one number has no deviation to be divided by; with a handful of images
    the best epoch is chosen by chance.

    Bad: 20 training images.

        train: {epochs: 20, batch_size: 32, drop_last: true}

    Good:

        train: {epochs: 20, batch_size: 8}
    """
    if look.table.problem:
        return []
    if not look.table.rows:
        return found(look, "D418", "there is no image", look.table.path, "empty", ("help", "is this the right place?"))
    tally = Counter(look.parts)
    train = look.study.spec.train
    if look.parts and train is not None and train.drop_last and 0 < tally["train"] < train.step_size:
        return found(
            look,
            "D418",
            f"{plural(tally['train'], 'training image')} do not fill one step of {train.step_size:,}",
            ("train", "batch_size"),
            "larger than the training part",
            ("why", "`drop_last` leaves out what does not fill a batch, so that no step would be made"),
            ("help", f"`batch_size: {max(1, tally['train'] // (2 * train.accumulate))}` or less"),
        )
    alone = _alone(look, tally["train"]) if look.parts and train is not None else None
    if alone:
        return found(
            look,
            "D418",
            f"`{alone}` would have to normalise one image by itself",
            ("train", "batch_size"),
            f"{plural(tally['train'], 'training image')}: the last batch of an epoch has one",
            ("why", "batch normalisation needs several numbers to take a mean of, and here an image gives one"),
            ("help", f"`batch_size: {train.batch_size + 1}`, or `drop_last: true`"),
        )
    if 0 < tally["val"] < FEW:
        return found(
            look,
            "D418",
            f"{plural(tally['val'], 'image')} in validation: too few to choose the best epoch by",
            ("data", "split"),
            ", ".join(f"{part} {count:,}" for part, count in tally.items()),
            ("why", f"each image is {100 / tally['val']:.0f} % of every figure: chance would choose the epoch"),
            ("help", "add images, or give validation a larger share"),
            severity="warning",
        )
    return []


def _alone(look: Look, images: int) -> str:
    """The batch normalization that gets a single number of each channel in the last step; empty where none does."""
    train = look.study.spec.train
    last = images % train.step_size or train.step_size
    parts = -(-last // train.batch_size)
    if not images or last // parts > 1 or (train.drop_last and images >= train.step_size and images % train.step_size):
        return ""
    for graph in look.study.graphs.values():
        for node in graph.nodes:
            if node.op.startswith("batchnorm") and all(size == 1 for size in node.shape[1:]):
                return node.name
    return ""


RULE = DataRule(
    "D418", "too_few", check, ("D403", "D404", "D405", "D406", "D407", "D408", "D410", "D411", "D421", "D424", "D416")
)
