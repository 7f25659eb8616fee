"""What a finished run is worth: figures on its validation and test images, beside what a baseline gets on the same.

The answers are those that the exported file gave to every image (eval/predictions.csv), so nothing is computed again.
Validation figures are labelled so: they chose the epoch. Test figures exist only where the spec has a test split.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specc.pieces.findings import finding
from specc.run import baseline, metrics
from specc.run.faults import fault
from specc.run.folders import Run, replace

ROLES = {"val": "validation (these images chose the epoch)", "test": "test (never seen in training)"}
FOREST = "intensity forest"
MEAN = "mean of the findings"
FIRST = 18  # columns of the names of metrics
AGAIN = "`specc export RUN` writes them again"


@dataclass(frozen=True, slots=True)
class Question:
    """What the model answers: `classes` in order with the index of the positive one, `targets` with their units, or
    `labels`: findings, each of which is a question of its own with the answers no and yes.
    """

    classes: tuple[str, ...] = ()
    positive: int = 1
    targets: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    by_patient: bool = False
    labels: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What each number of the model is called."""
        return self.classes or self.labels or self.targets

    @property
    def several(self) -> tuple[str, ...]:
        """The questions, where there are several: findings, or more than one target."""
        return self.labels or (self.targets if len(self.targets) > 1 else ())


@dataclass(frozen=True, slots=True)
class Images:
    """How the baseline reads images: the folder of the files, the window, and a frame number."""

    root: FilePath
    window: baseline.Window = "none"
    fixed: tuple[float, float] | None = None
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Lines of predictions.csv of one split: files, targets (class index or value) and the model's numbers (N, K)."""

    files: list[str]
    patients: list[str]
    targets: list[list[Any]]
    numbers: list[list[float]]
    answers: list[int]


def evaluate(
    run: Run,
    question: Question,
    images: Images,
    patient_of: Callable[[str], str] | None = None,
    seed: int = 42,
) -> dict[str, Any]:
    """Figures of every split but the training one; written to eval/metrics.json and returned.

    `patient_of` names the patient of a file where predictions.csv does not. Raises SpeccError T658.
    """
    splits = read_predictions(run.eval / "predictions.csv", question, patient_of)
    if not {"val", "test"} & splits.keys():
        raise fault("T658", "the run has neither validation nor test answers", AGAIN)
    rivals = _baselines(splits, question, images, seed)
    parts: dict[str, Any] = {
        name: _split(name, splits[name], question, rivals[name], seed) for name in ("val", "test") if name in splits
    }
    result: dict[str, Any] = {
        "format_version": 1,
        "run": "/".join(run.folder.resolve().parts[-2:]),  # not where it lies: this file may be sent on
        "draws": metrics.DRAWS,
        "level": metrics.LEVEL,
        **parts,
    }
    replace(run.eval / "metrics.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
    return result


def read_predictions(
    file: FilePath, question: Question, patient_of: Callable[[str], str] | None = None
) -> dict[str, Rows]:
    """Rows by split: columns split, file, [patient], a target each, answer, then a number a class or target.

    Raises SpeccError T658 when the file is missing or is not one of this model's.
    """
    count, targets = len(question.names), max(1, len(question.targets or question.labels))
    splits: dict[str, Rows] = {}
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            names = next(reader)
            named = "patient" in names[:3]
            first = 3 if named else 2
            for cells in reader:
                rows = splits.setdefault(cells[0], Rows([], [], [], [], []))
                truth = [_target(cell, question) for cell in cells[first : first + targets]]
                numbers = [float(cell) for cell in cells[len(names) - count :]]
                if all(value is None for value in truth) or (None in truth and not question.labels):
                    continue  # an image without a target is answered, and nothing can be said of the answer
                rows.files.append(cells[1])
                who = cells[2] if named else cells[1]
                who = patient_of(who) if who == cells[1] and patient_of else who  # a file that names nobody
                rows.patients.append(who)
                rows.targets.append(truth)
                rows.numbers.append(numbers)
                answer = cells[first + targets]
                rows.answers.append(question.classes.index(answer) if question.classes else 0)
    except (OSError, StopIteration, csv.Error, ValueError, IndexError) as error:
        reason = "the run was stopped before its export" if isinstance(error, FileNotFoundError) else "it is damaged"
        raise fault("T658", f"cannot read {file}: {reason}", AGAIN) from error
    return {name: rows for name, rows in splits.items() if rows.files}


def _target(cell: str, question: Question) -> Any:
    if not cell:
        return None
    if question.labels:
        truth = finding(cell)
        return None if truth < 0 else truth
    return question.classes.index(cell) if question.classes else float(cell)


def _split(name: str, rows: Rows, question: Question, rivals: Mapping[str, Rows], seed: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "role": ROLES[name],
        "images": len(rows.files),
        "patients": len(set(rows.patients)),
        "metrics": _figures(rows, question, seed),
        "baseline": {rival: _figures(other, question, seed) for rival, other in rivals.items()},
    }
    if question.labels:
        result["findings"] = {
            name: {"yes": sum(told[0] == 1 for told in one.targets), "no": sum(told[0] == 0 for told in one.targets)}
            for name, one in _each(rows, question)
        }
    elif question.classes:
        truth = [target[0] for target in rows.targets]
        table = metrics.confusion(truth, rows.answers, len(question.classes))
        result["confusion"] = {"classes": list(question.classes), "counts": table}
    else:
        pairs = [_column(rows, k) for k in range(len(question.targets))]
        result["limits_of_agreement"] = {
            target: metrics.limits_of_agreement(*pair) for target, pair in zip(question.targets, pairs, strict=True)
        }
    if question.by_patient:
        result["by_patient"] = _of_patients(rows, question, seed)
    return result


def _of_patients(rows: Rows, question: Question, seed: int) -> dict[str, Any] | None:
    """Figures with one answer a patient, and how many patients have images with different truths."""
    if not question.labels:
        joined, mixed = _by_patient(rows, question)
        return {"mixed": mixed, "metrics": _figures(joined, question, seed)} if joined.files else None
    each, count = {}, 0
    for name, one in _each(rows, question):
        joined, mixed = _by_patient(one, FINDING)
        count += mixed
        each[name] = _figures(joined, FINDING, seed) if joined.files else {}
    return {"mixed": count, "metrics": _with_mean(each)}


FINDING = Question(("no", "yes"))


def _each(rows: Rows, question: Question) -> list[tuple[str, Rows]]:
    """Each finding as a question of two classes, on the images of which it is known."""
    found = []
    for k, name in enumerate(question.labels):
        kept = [i for i, target in enumerate(rows.targets) if target[k] is not None]
        numbers = [[1 - rows.numbers[i][k], rows.numbers[i][k]] for i in kept]
        one = Rows([rows.files[i] for i in kept], [rows.patients[i] for i in kept], [], numbers, [])
        one.targets.extend([rows.targets[i][k]] for i in kept)
        one.answers.extend(int(rows.numbers[i][k] > 0.5) for i in kept)
        found.append((name, one))
    return found


def _with_mean(each: Mapping[str, Any]) -> dict[str, Any]:
    """Figures by finding, and the mean over the findings for which there are any."""
    names = next((list(figures) for figures in each.values() if figures), [])
    mean = {}
    for name in names:
        known = [figures[name]["value"] for figures in each.values() if figures and figures[name]["value"] is not None]
        mean[name] = {"value": sum(known) / len(known) if known else None, "low": None, "high": None}
    return {
        MEAN: mean,
        **{name: figures or {n: metrics.Figure(None).plain() for n in names} for name, figures in each.items()},
    }


def _column(rows: Rows, k: int) -> tuple[list[float], list[float]]:
    return [target[k] for target in rows.targets], [numbers[k] for numbers in rows.numbers]


def _figures(rows: Rows, question: Question, seed: int) -> dict[str, Any]:
    """Metrics by name; with several targets or findings, by target and name."""
    if question.labels:
        each = {name: _figures(one, FINDING, seed) if one.files else {} for name, one in _each(rows, question)}
        return _with_mean(each)
    if question.classes:
        truth = [target[0] for target in rows.targets]
        found = metrics.classification(truth, rows.answers, rows.numbers, rows.patients, question.positive, seed)
        return metrics.plain(found)
    each = {
        name: metrics.plain(metrics.regression(*_column(rows, k), rows.patients, seed))
        for k, name in enumerate(question.targets)
    }
    return each if len(each) > 1 else next(iter(each.values()))


def _by_patient(rows: Rows, question: Question) -> tuple[Rows, int]:
    keys = [tuple(target) for target in rows.targets]
    joined = metrics.per_patient(rows.patients, keys, rows.numbers)
    names = list(joined.names)
    answers = metrics.chosen(joined.numbers, question.positive) if question.classes and names else [0] * len(names)
    return Rows(names, names, [list(key) for key in joined.targets], joined.numbers, answers), joined.mixed


def _baselines(splits: Mapping[str, Rows], question: Question, images: Images, seed: int) -> dict[str, dict[str, Rows]]:
    """What the trivial answer and the intensity forest say to the images of every split but the training one."""
    train = splits.get("train")
    others = {name: rows for name, rows in splits.items() if name != "train"}
    if train is None:
        return {name: {} for name in others}
    bars = {
        name: baseline.histograms([images.root / f for f in rows.files], images.window, images.fixed, images.frame)
        for name, rows in splits.items()
    }
    result = {}
    for name, rows in others.items():
        trivial = [_trivial(train, question)] * len(rows.files)
        forest = _forest(bars["train"], train, bars[name], question, seed)
        result[name] = {
            "trivial": _said(rows, trivial, question),
            FOREST: _said(rows, forest, question),
        }
    return result


def _trivial(train: Rows, question: Question) -> list[float]:
    if question.labels:
        known = [[told[0] for told in one.targets] for _, one in _each(train, question)]
        return [baseline.mean(truth) if truth else 0.5 for truth in known]
    if question.classes:
        return baseline.majority([target[0] for target in train.targets], len(question.classes))
    return [baseline.mean(_column(train, k)[0]) for k in range(len(question.targets))]


def _forest(bars: Any, train: Rows, others: Any, question: Question, seed: int) -> list[list[float]]:
    if question.classes:
        return baseline.classify(bars, [target[0] for target in train.targets], others, len(question.classes), seed)
    if question.labels:
        return baseline.findings(bars, train.targets, others, seed)
    columns = [baseline.regress(bars, _column(train, k)[0], others, seed) for k in range(len(question.targets))]
    return [list(row) for row in zip(*columns, strict=True)]


def _said(rows: Rows, numbers: list[list[float]], question: Question) -> Rows:
    answers = metrics.chosen(numbers, question.positive) if question.classes else rows.answers
    return Rows(rows.files, rows.patients, rows.targets, numbers, answers)


def table(result: Mapping[str, Any], question: Question) -> list[str]:
    """Lines for a terminal: one block a split, one row a metric, the baselines beside the model."""
    lines: list[str] = []
    for name in ("test", "val"):
        if name not in result:
            continue
        part = result[name]
        units = sorted(set(filter(None, question.units)))
        unit = f"; in {units[0]}" if len(units) == 1 else ""
        lines += [f"{part['role']}: {part['images']} images, {part['patients']} patients{unit}"]
        for target in ((MEAN, *question.labels) if question.labels else question.several) or (None,):
            lines += _block(part, target)
        if "findings" in part:
            lines += _counts(part["findings"])
        if "confusion" in part:
            lines += _confusion(part["confusion"])
        lines += [_beside(part, question), ""]
    return lines[:-1]


def _beside(part: Mapping[str, Any], question: Question) -> str:
    """Whether the network is worth more than the forest, which knows how bright an image is and sees no shape."""
    name, sign = ("auc", 1) if question.labels else ("balanced_accuracy", 1) if question.classes else ("mae", -1)
    model, rival = part["metrics"], part["baseline"][FOREST]
    if question.several:
        first = MEAN if question.labels else question.targets[0]
        model, rival = model[first], rival[first]
    mine, other = model[name], rival[name]["value"]
    if None in (mine["value"], other):
        return f"  nothing to compare with the {FOREST}"
    edge = mine["low"] if sign > 0 else mine["high"]
    what = f"the {FOREST}, which knows the brightness and sees no shape"
    if sign * (mine["value"] - other) <= 0:
        return f"  no better than {what}"
    return (
        f"  better than {what}"
        if edge is not None and sign * (edge - other) > 0
        else f"  not clearly better than {what}"
    )


def _block(part: Mapping[str, Any], target: str | None) -> list[str]:
    def of(figures: Mapping[str, Any]) -> Mapping[str, Any]:
        return figures if target is None else figures[target]

    columns = {"": of(part["metrics"]), **{name: of(figures) for name, figures in part["baseline"].items()}}
    if part.get("by_patient"):
        columns = {"": columns.pop(""), "by patient": of(part["by_patient"]["metrics"]), **columns}
    rows = [[target or "", "model", *(name for name in columns if name)]]
    for metric, figure in columns[""].items():
        rows.append([_label(metric), _interval(figure), *(_value(columns[n][metric]) for n in columns if n)])
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    widths[0] = max(widths[0], FIRST)
    return ["  " + "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _label(metric: str) -> str:
    words = (word.upper() if word in ("auc", "mae", "rmse", "r2") else word for word in metric.split("_"))
    return " ".join(words)


def _counts(findings: Mapping[str, Any]) -> list[str]:
    """How many images say yes and no to each finding; those where it is not known are left out."""
    width = max(FIRST, *(len(name) + 1 for name in findings))
    lines = [f"  {'images':<{width}}{'yes':>8}{'no':>8}"]
    return lines + [f"  {name:<{width}}{count['yes']:>8}{count['no']:>8}" for name, count in findings.items()]


def _confusion(confusion: Mapping[str, Any]) -> list[str]:
    names = [str(name)[:14] for name in confusion["classes"]]
    width = max(8, *(len(name) + 2 for name in names))
    lines = [f"  {'truth / answer':<{FIRST}}" + "".join(f"{name:>{width}}" for name in names)]
    for name, row in zip(names, confusion["counts"], strict=True):
        lines.append(f"  {name:<{FIRST}}" + "".join(f"{count:>{width}}" for count in row))
    return lines


def _value(figure: Mapping[str, Any]) -> str:
    value = figure["value"]
    return "-" if value is None or not math.isfinite(value) else f"{round(value, 3) + 0.0:.3f}"


def _interval(figure: Mapping[str, Any]) -> str:
    low, high = figure["low"], figure["high"]
    return _value(figure) + (
        "" if low is None or high is None else f" ({_value({'value': low})} to {_value({'value': high})})"
    )


def headline(part: Mapping[str, Any]) -> Sequence[str]:
    """The two or three numbers of a split that a person asks for first."""
    figures = part["metrics"].get(MEAN, part["metrics"])
    names = ("balanced_accuracy", "auc") if "balanced_accuracy" in figures else ("mae", "r2")
    return [f"{name.replace('_', ' ')} {_interval(figures[name])}" for name in names if name in figures]
