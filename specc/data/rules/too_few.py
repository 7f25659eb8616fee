"""D418."""

from __future__ import annotations

from collections import Counter

from specc.data.look import DataRule, Look, found
from specc.errors import Diagnostic
from specc.rules.common import plural

FEW = 10


def check(look: Look) -> list[Diagnostic]:
    """What: too few images: none at all, fewer than one batch where the rest is dropped, or (a warning) so few in
    validation that one image moves its accuracy by ten points or more.

    Why: with no full batch no step is ever made; with a handful of images the best epoch is chosen by chance.

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
    if 0 < tally["val"] < FEW:
        return found(
            look,
            "D418",
            f"{plural(tally['val'], 'image')} in validation: too few to choose the best epoch by",
            ("data", "split"),
            ", ".join(f"{part} {count:,}" for part, count in tally.items()),
            ("why", f"one image more or less moves its accuracy by {100 / tally['val']:.0f} points"),
            ("help", "add images, or give validation a larger share"),
            severity="warning",
        )
    return []


RULE = DataRule(
    "D418", "too_few", check, ("D403", "D404", "D405", "D406", "D407", "D408", "D410", "D411", "D421", "D424", "D416")
)
