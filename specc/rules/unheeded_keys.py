"""S254: what the spec asks of a training step, and the step of the task does not do."""

from __future__ import annotations

from specc.errors import Diagnostic, Path
from specc.rules.common import fault
from specc.study import Study

_USUAL = {"schedule": None, "phases": None, "grad_clip": None, "accumulate": 1, "ema": None, "precision": "auto"}


def unheeded(study: Study) -> list[Diagnostic]:
    """S254 for each key of `train`, and each augmentation that mixes images, that the task does not heed."""
    train, task = study.spec.train, study.task
    if train is None:
        return []
    asked: dict[str, Path] = {key: ("train", key) for key, usual in _USUAL.items() if getattr(train, key) != usual}
    if train.precision == "float32":
        del asked["precision"]
    for place, call in enumerate(study.spec.augment or ()):
        if study.registry.augmentations[call.name].mixes:
            asked[call.name] = ("augment", place)
    return [
        fault(
            study,
            "S254",
            f"the task `{task.name}` does not heed `{word}`",
            path,
            "would change nothing",
            ("help", f"leave it out; `specc explain {task.name}` says how the task trains"),
        )
        for word, path in asked.items()
        if word not in task.heeds
    ]
