"""Figures as lines for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from specc.run.evaluate.judge import EXTERNAL, FEW, OWN, TEST, VAL
from specc.run.evaluate.rivals import FOREST, TRIVIAL
from specc.run.evaluate.rows import MEAN, Question

FIRST = 18  # columns of the names of metrics, at least
WIDEST = 24  # columns of the name of a class
MOST = 12  # classes whose tables fit a terminal; the pictures and metrics.json have all
SHORT = {"auc", "mae", "rmse", "r2", "ppv", "npv", "f1"}
Grid = Sequence[Sequence[str]]


def table(result: Mapping[str, Any], question: Question) -> list[str]:
    """One block a part, one row a metric, the baselines beside the model."""
    lines: list[str] = []
    for name in (EXTERNAL, TEST, VAL):
        if name not in result:
            continue
        part = result[name]
        units = sorted(set(filter(None, question.units)))
        unit = f"; in {units[0]}" if len(units) == 1 else ""
        lines += [f"{part['role']}: {counted(part['images'], 'image')}, {counted(part['patients'], 'patient')}{unit}"]
        for target in targets_of(question):
            lines += _block(part, target)
        lines += _details(part, question)
        lines += [f"  note: {text}" for text in part["remarks"]]
        lines += [_beside(part), ""]
    return [*lines[:-1], f"({result['intervals']})"]


def targets_of(question: Question) -> tuple[str | None, ...]:
    """The questions that have a block of their own; None for the only one."""
    return ((MEAN, *question.labels) if question.labels else question.several) or (None,)


def counted(number: int, what: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _details(part: Mapping[str, Any], question: Question) -> list[str]:
    lines: list[str] = []
    if "findings" in part:
        lines += _counts(part["findings"])
    if "classes" in part:
        lines += _classes(part["classes"])
    if "confusion" in part:
        lines += _confusion(part["confusion"])
    if "limits_of_agreement" in part:
        lines += _limits(part["limits_of_agreement"], question)
    if "by" in part:
        lines += _groups(part["by"], question)
    return lines


def _beside(part: Mapping[str, Any]) -> str:
    """Whether the network is worth more than the forest, which knows how bright an image is and sees no shape."""
    rival_name = FOREST if FOREST in part["baseline"] else TRIVIAL
    gain = part["better_by"][rival_name]
    if gain["value"] is None:
        return f"  nothing to compare with the {rival_name}"
    what = f"the {FOREST}, which knows the brightness and sees no shape"
    if rival_name == TRIVIAL:
        what = f"the trivial answer (from {part['baseline_from']})"
    if gain["value"] <= 0:
        return f"  no better than {what}"
    clearly = gain["low"] is not None and gain["low"] > 0
    if clearly and part.get("patients", FEW) < FEW:
        return f"  better than {what}; with {part['patients']} patients it may be chance"
    return f"  {'better' if clearly else 'not clearly better'} than {what}"


def _block(part: Mapping[str, Any], target: str | None) -> list[str]:
    def of(figures: Mapping[str, Any]) -> Mapping[str, Any]:
        return figures if target is None else figures[target]

    columns = {"": of(part["metrics"]), **{name: of(figures) for name, figures in part["baseline"].items()}}
    if part.get("by_patient"):
        columns = {"": columns.pop(""), "by patient": of(part["by_patient"]["metrics"]), **columns}
    rows = [[target or "", "model", *(name for name in columns if name)]]
    for metric, figure in columns[""].items():
        rows.append([label(metric), interval(figure), *(value(columns[n].get(metric)) for n in columns if n)])
    return grid(rows)


def _limits(limits: Mapping[str, Any], question: Question) -> list[str]:
    """Between which errors 19 of 20 answers lie."""
    rows = [["limits of agreement", "error of 95 % of the answers"]]
    units = dict(zip(question.targets, question.units, strict=False))
    for target in question.targets:
        found = limits[target]
        words = "-" if found is None else f"{found[0]:.3f} to {found[1]:.3f} {units.get(target, '')}".rstrip()
        rows.append([cut(target, FIRST), words])
    return grid(rows)


def grid(rows: Grid, right: bool = False) -> list[str]:
    """Rows in columns of one width each, the first to the left."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    widths[0] = max(widths[0], FIRST)
    side = ">" if right else "<"
    return [
        "  "
        + "  ".join(f"{c:{side if k else '<'}{w}}" for k, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]


def label(metric: str) -> str:
    """`balanced accuracy`, `AUC`."""
    return " ".join(word.upper() if word in SHORT else word for word in metric.split("_"))


def _counts(findings: Mapping[str, Any]) -> list[str]:
    """How many images say yes and no to each finding; those where it is not known are left out."""
    rows = [["images", "yes", "no"]]
    return grid([*rows, *([name, f"{n['yes']:>6}", f"{n['no']:>6}"] for name, n in findings.items())], right=True)


def _classes(classes: Mapping[str, Any]) -> list[str]:
    """Each class against the rest; of very many those that the model knows least."""
    shown = list(classes.items())
    if len(shown) > MOST:
        shown = sorted(shown, key=lambda item: (item[1]["images"] == 0, item[1]["f1"]["value"] or 0))[:MOST]
    rows = [["each class" if len(classes) <= MOST else "lowest F1", "images", *(label(name) for name in OWN)]]
    for name, own in shown:
        rows.append([cut(name, WIDEST), str(own["images"]), *(interval(own[metric]) for metric in OWN)])
    return grid(rows)


def _confusion(confusion: Mapping[str, Any]) -> list[str]:
    names, counts = [str(name) for name in confusion["classes"]], confusion["counts"]
    if len(names) <= MOST:
        heads, lead = numbered(names, WIDEST)
        rows = [[name, *(f"{count:>6}" for count in row)] for name, row in zip(lead, counts, strict=True)]
        return grid([["truth / answer", *heads], *rows], right=True)
    pairs = [(n, names[t], names[k]) for t, row in enumerate(counts) for k, n in enumerate(row) if k != t and n]
    rows = [[cut(t, WIDEST), cut(k, WIDEST), str(n)] for n, t, k in sorted(pairs, key=lambda p: (-p[0], *p[1:]))[:8]]
    return grid([["most mixed up", "answered as", "images"], *rows]) if rows else []


def _groups(by: Mapping[str, Any], question: Question) -> list[str]:
    names = next((tuple(_first(group, question)) for group in by["groups"].values()), ())
    rows = [[f"by {by['column']}", "images", "patients", *(label(name) for name in names)]]
    for entry, group in by["groups"].items():
        found = _first(group, question)
        counts = (str(group["images"]), str(group["patients"]))
        rows.append([cut(entry or "(blank)", FIRST), *counts, *(interval(found[name]) for name in names)])
    return grid(rows)


def _first(part: Mapping[str, Any], question: Question) -> dict[str, Any]:
    """The few figures that a row of a subgroup holds."""
    found = part["metrics"]
    if question.targets and question.several:
        return {f"{target} mae": found[target]["mae"] for target in question.targets}
    wanted: tuple[str, ...] = ("balanced_accuracy", "auc", "sensitivity", "specificity")
    if question.labels:
        found = found[MEAN]
    elif question.targets:
        wanted = ("mae", "rmse", "bias")
    return {name: found[name] for name in wanted if name in found}


def numbered(names: Sequence[str], width: int) -> tuple[list[str], list[str]]:
    """Heads of columns and names of rows; names that would take too much room as heads are numbers there."""
    short = [cut(name, width) for name in names]
    if len(names) * max(map(len, short)) <= 36:
        return short, short
    heads = [f"({k})" for k in range(1, len(names) + 1)]
    return heads, [f"{head} {name}" for head, name in zip(heads, short, strict=True)]


def cut(name: str, width: int) -> str:
    """A name in at most so many letters, the middle left out: the end often tells names apart."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    head = (width - 1) // 2
    return name if len(name) <= width else f"{name[:head]}…{name[len(name) - (width - 1 - head) :]}"


def tail(name: str, width: int) -> str:
    """The end of a file's name, which tells it from the others."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    return name if len(name) <= width else f"…{name[1 - width :]}"


def value(figure: Mapping[str, Any] | None) -> str:
    """Three digits after the point; `-` where there is no value."""
    found = None if figure is None else figure["value"]
    return "-" if found is None or not math.isfinite(found) else f"{round(found, 3) + 0.0:.3f}"


def interval(figure: Mapping[str, Any]) -> str:
    """`0.912 (0.871 to 0.950)`."""
    low, high = figure["low"], figure["high"]
    return value(figure) + (
        "" if low is None or high is None else f" ({value({'value': low})} to {value({'value': high})})"
    )


def headline(part: Mapping[str, Any]) -> list[str]:
    """The two or three numbers of a part that a person asks for first."""
    figures = part["metrics"].get(MEAN, part["metrics"])
    names = ("balanced_accuracy", "auc") if "balanced_accuracy" in figures else ("mae", "r2")
    return [f"{name.replace('_', ' ')} {interval(figures[name])}" for name in names if name in figures]
