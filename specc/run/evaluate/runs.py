"""The validation and test images of a run, from the answers that its exported file gave (eval/predictions.csv).

Nothing is computed again. Validation figures are labelled so: they chose the epoch. Test figures exist only where the
spec has a test split.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from specc.run.evaluate.judge import TEST, VAL, judge, method
from specc.run.evaluate.rivals import Images, Rivals
from specc.run.evaluate.rows import AGAIN, Question, Rows, read_predictions
from specc.run.faults import fault
from specc.run.folders import Run, replace

Draw = Callable[[str, Rows, Mapping[str, Any]], list[str]]  # part, rows, figures -> names of the pictures


def no_pictures(name: str, rows: Rows, part: Mapping[str, Any]) -> list[str]:
    """Draws nothing."""
    return []


def evaluate(
    run: Run,
    question: Question,
    images: Images,
    patient_of: Callable[[str], str] | None = None,
    seed: int = 42,
    by: tuple[str, Callable[[str], str]] | None = None,
    draw: Draw = no_pictures,
) -> dict[str, Any]:
    """Figures of every split but the training one; written to eval/metrics.json and returned.

    `patient_of` names the patient of a file where predictions.csv does not; `by` is a column and the entry of a file.
    Raises SpeccError T658.
    """
    splits = read_predictions(run.eval / "predictions.csv", question, patient_of)
    if not {VAL, TEST} & splits.keys():
        raise fault("T658", "the run has neither validation nor test answers", AGAIN)
    train = splits.get("train")
    rivals = Rivals(question, seed, train, None if train is None else images.bars(train))
    parts: dict[str, Any] = {}
    for name in (VAL, TEST):
        if name in splits:
            rows = splits[name]
            groups = None if by is None else (by[0], [by[1](file) for file in rows.files])
            parts[name] = judge(name, rows, question, rivals, images, groups)
            parts[name]["pictures"] = draw(name, rows, parts[name])
    result: dict[str, Any] = {
        "format_version": 1,
        "run": "/".join(run.folder.resolve().parts[-2:]),  # not where it lies: this file may be sent on
        **method(seed),
        **parts,
    }
    replace(run.eval / "metrics.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
    return result
