"""How good masks are: per case, per class, with intervals over patients, beside answers that need no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from specc.answering import CaseScores, Item, Judged, Judging, PrimaryMetric, fault, mean_interval, run_cases
from specc_segmentation import pictures
from specc_segmentation.answering import at_once, counted, each, in_grid, masks_of, named, spacing_of
from specc_segmentation.grid import undone
from specc_segmentation.pieces.coco import drawn_shapes
from specc_segmentation.pieces.known import IGNORE
from specc_segmentation.pieces.masks import fitted, places, read_mask
from specc_segmentation.surfaces import surface_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Masks = NDArray[np.uint8]

BACKGROUND, MEAN = "all background", "mean training mask"
SCORES = ("dice", "iou", "hausdorff95", "surface_dice")
Values = dict[str, dict[str, float | None]]  # class -> score -> value


@dataclass
class Case:
    """One case with what came out: `values` by class, the table of pixels, and the same for answers of no network.

    `known` is False where nothing is known of any pixel: such a case has no Dice.
    """

    item: Item
    values: Values
    table: NDArray[np.int64]
    rivals: dict[str, Values] = field(default_factory=dict)
    unit: str = "px"
    known: bool = True

    @property
    def dice(self) -> float:
        """The mean Dice of the classes: what a case is ranked by."""
        return mean_dice(self.values)


def mean_dice(values: Values) -> float:
    """The mean over the classes or labels that are there or answered; 1 where none is."""
    known = [one["dice"] for one in values.values() if one["dice"] is not None]
    return float(np.mean(known)) if known else 1.0


def truth_of(item: Item, contract: Any, size: tuple[int, int] | None = None) -> Masks:
    """(1, H, W) places of classes, or (L, H, W) of 1 and 0, in the grid of the image; IGNORE where nothing is known.

    `size` is that of the image, for one of which no label has a mask. Raises ValueError.
    """
    plain = contract.plain
    if "shapes" in item.words:
        height, width = (int(side) for side in item.words["size"].split("x"))
        drawn = drawn_shapes(
            json.loads(item.words["shapes"]), (height, width), counted(contract), bool(plain.get("classes"))
        )
        return np.stack(drawn)
    unknown = {} if plain["ignore"] is None else {int(plain["ignore"]): IGNORE}
    if plain.get("classes"):
        meanings = {int(value): place for place, value in enumerate(plain["values"])} | unknown
        return places(read_mask(item.root / item.words["mask"]), meanings)[None]
    masks: dict[str, Masks] = {}
    for name in named(contract):
        if file := item.words[f"mask.{name}"]:
            masks[name] = places(read_mask(item.root / file), {0: 0, 1: 1, 255: 1} | unknown)
    sizes: set[tuple[int, ...]] = {mask.shape for mask in masks.values()} or ({size} if size else set())
    if len(sizes) != 1:
        raise ValueError("no mask is named" if not sizes else "masks of several sizes")
    empty = np.full(sizes.pop(), IGNORE, np.uint8)
    return np.stack([masks.get(name, empty) for name in named(contract)])


def compared(
    answers: Masks, truth: Masks, contract: Any, spacing: tuple[float, float] | None, far: bool = True
) -> Values:
    """The scores of each class: None where a score does not exist (no pixel there nor answered, no border).

    Pixels of which nothing is known count neither way. Distances (with `far`) are in mm, without a spacing in pixels.
    """
    known = truth != IGNORE
    answers = np.where(known, answers, 0).astype(np.uint8)
    said, there = each(answers, contract), each(np.where(known, truth, 0).astype(np.uint8), contract)
    result: Values = {}
    for place, (name, ours) in enumerate(said.items()):
        theirs = there[name]
        unknown = not contract.plain.get("classes") and not known[place].any()
        both, either = int((ours & theirs).sum()), int((ours | theirs).sum())
        values: dict[str, float | None] = dict.fromkeys(SCORES)
        if either and not unknown:
            values["dice"], values["iou"] = 2 * both / (both + either), both / either
        if far and not unknown:
            mm = spacing or (1.0, 1.0)
            scores = surface_scores(ours, theirs, contract.plain["tolerance"], mm)
            values["hausdorff95"], values["surface_dice"] = scores
        result[name] = values
    return result


def pixel_table(answers: Masks, truth: Masks, classes: int) -> NDArray[np.int64]:
    """(C, classes, classes) pixels, rows the truth; what is not known does not count."""
    tables = []
    for said, there in zip(answers, truth, strict=True):
        known = there != IGNORE
        cells = there[known].astype(np.int64) * classes + said[known]
        tables.append(np.bincount(cells, minlength=classes**2).reshape(classes, classes))
    return np.stack(tables)


def mean_mask(items: Sequence[Item], contract: Any) -> NDArray[np.float32] | None:
    """(K, h, w) how often each class is at each place of the network's canvas in the training masks that know it; None
    without any.

    Without a rule that resizes, only masks of the canvas' own size can be laid on each other.
    """
    canvas = (int(contract.input.size[0]), int(contract.input.size[1]))
    rule, total, known = contract.input.resize or "none", None, None
    for item in items:
        try:
            truth = np.stack([fitted(mask, rule, canvas) for mask in truth_of(item, contract)])
        except (OSError, ValueError):
            continue
        seen = truth != IGNORE
        if contract.plain.get("classes"):
            truth = np.stack([truth[0] == place for place in range(len(named(contract)))])
        else:
            truth = truth == 1
        total = truth.astype(np.float32) + (0 if total is None else total)
        known = seen.astype(np.float32) + (0 if known is None else known)
    return None if total is None or known is None else (total / np.maximum(known, 1)).astype(np.float32)


def rivals_of(
    mean: NDArray[np.float32] | None, size: tuple[int, int], contract: Any, shape: tuple[int, ...]
) -> dict[str, Masks]:
    """Answers that need no network."""
    rivals: dict[str, Masks] = {BACKGROUND: np.zeros(shape, np.uint8)}
    canvas = (int(contract.input.size[0]), int(contract.input.size[1]))
    if mean is None:
        return rivals
    rule = contract.input.resize or ("none" if size == canvas else "stretch")
    likely, known = undone(mean[None], canvas, (0, 0), rule, size)
    outputs = {"probabilities": likely[0], "answered": known}
    return rivals | {MEAN: masks_of(outputs, contract)}


def judge(judging: Judging) -> Judged:
    """Figures of every part, a table of its cases, overlays and the spread of Dice."""
    session, contract = in_grid(judging.session), judging.session.contract
    mean = mean_mask(judging.train, contract)
    total, done = sum(map(len, judging.parts.values())), 0
    figures: dict[str, Any] = {}
    scored: dict[str, list[CaseScores]] = {}
    lines: list[str] = []
    drawn: list[str] = []
    for part, items in judging.parts.items():
        cases = []
        runs = run_cases(session, [item.files for item in items], batch=at_once(contract))
        for item, ran in zip(items, runs, strict=True):
            if ran.outputs is None:
                code, reason = ran.refused or ("P850", "no answer")
                raise fault("P879", f"{item.file} cannot be judged: {code}: {reason}", "take it out of the table")
            try:
                truth = truth_of(item, contract, ran.size)
                if truth.shape[1:] != ran.size:
                    raise ValueError(f"has {truth.shape[1]}x{truth.shape[2]} pixels, the image {ran.size}")
            except (OSError, ValueError) as error:
                cure = "`specc check` on the spec names every mask that cannot be used"
                raise fault("P879", f"the mask of {item.file}: {error}", cure) from error
            answers = masks_of(ran.outputs, contract)
            spacing = spacing_of(session, item.files[0])
            table = pixel_table(answers, truth, len(named(contract)) if contract.plain.get("classes") else 2)
            rivals = {
                name: compared(other, truth, contract, spacing, far=False)
                for name, other in rivals_of(mean, ran.size, contract, answers.shape).items()
            }
            values = compared(answers, truth, contract, spacing)
            cases.append(Case(item, values, table, rivals, "mm" if spacing else "px", bool(table.any())))
            done += 1
            judging.tell(done, total)
        figures[part] = summary(cases, contract, judging.seed)
        lines += told(part, figures[part])
        if judging.by:
            figures[part]["by"] = {judging.by: by_group(cases, judging.seed)}
            lines += told_groups(judging.by, figures[part]["by"][judging.by])
        scored[part] = [scored_of(case) for case in cases]
        drawn += pictures.of_part(judging.folder, part, cases, session)
    return Judged(figures, lines, drawn, scored, PrimaryMetric("dice_per_image"))


def summary(cases: Sequence[Case], contract: Any, seed: int) -> dict[str, Any]:
    """Metrics of a part: means over cases with intervals over patients, and the scores of one table of all pixels."""
    known = [case for case in cases if case.known]
    patients = [case.item.patient for case in known]
    metrics = {"dice_per_image": averaged([case.dice for case in known], patients, seed)}
    classes: dict[str, Any] = {}
    for name in counted(contract):
        classes[name] = {}
        for score in SCORES:
            found = [(value, case.item.patient) for case in cases if (value := case.values[name][score]) is not None]
            values, owners = [value for value, _ in found], [owner for _, owner in found]
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
            classes[name][score] = {**averaged(values, owners, seed), "sd": spread, "cases": len(values)}
    baseline = {
        rival: {"dice_per_image": averaged([mean_dice(case.rivals[rival]) for case in known], patients, seed)}
        for rival in (cases[0].rivals if cases else {})
    }
    tables = np.sum([case.table for case in cases], 0)
    return {
        "cases": len(cases),
        "images": len(cases),
        "patients": len({case.item.patient for case in cases}),
        "unit": "mm" if all(case.unit == "mm" for case in cases) else "px",
        "metrics": metrics | {name: {"value": value} for name, value in of_table(tables).items()},
        "classes": classes,
        "baseline": baseline,
        "pixels": tables.tolist(),
    }


def averaged(values: Sequence[float], patients: Sequence[str], seed: int) -> dict[str, Any]:
    """Mean and interval; None without any value."""
    if not values:
        return {"value": None, "low": None, "high": None}
    return mean_interval(values, patients, seed).plain()


def by_group(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """The Dice of the cases of each subgroup."""
    groups: dict[str, Any] = {}
    for name in sorted({case.item.group for case in cases}):
        own = [case for case in cases if case.item.group == name]
        known = [case for case in own if case.known]
        figure = averaged([case.dice for case in known], [case.item.patient for case in known], seed)
        groups[name] = {"cases": len(own), "metrics": {"dice_per_image": figure}}
    return groups


def told_groups(column: str, groups: Mapping[str, Any]) -> list[str]:
    """Lines for a terminal."""
    return [
        f"    {column} {''.join(c if c.isprintable() else '?' for c in name) or 'without'}: "
        f"{_number(group['metrics']['dice_per_image'])}, {group['cases']} cases"
        for name, group in groups.items()
    ]


def of_table(tables: NDArray[np.int64]) -> dict[str, float | None]:
    """Scores of one table of all pixels (C, classes, classes); classes neither there nor answered are left out."""
    right = np.diagonal(tables, axis1=1, axis2=2).astype(float)
    there, said = tables.sum(2), tables.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        dice, iou = 2 * right / (there + said), right / (there + said - right)
        recall, weights = right / there, there / there.sum(1, keepdims=True)

    def mean(values: NDArray[np.float64]) -> float | None:
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else None

    return {
        "dice": mean(dice[:, 1:]),
        "iou": mean(iou[:, 1:]),
        "mean_iou": mean(iou),
        "weighted_iou": mean(np.nansum(weights * np.nan_to_num(iou), 1)),
        "mean_accuracy": mean(recall),
        "pixel_accuracy": float(right.sum() / max(1, tables.sum())),
    }


def told(part: str, figures: Mapping[str, Any]) -> list[str]:
    """A table for a terminal."""
    lines = [f"{part}: {figures['cases']} cases, {figures['patients']} patients"]
    for name, scores in figures["classes"].items():
        lines += [f"  {name}"]
        for score, figure in scores.items():
            unit = f" {figures['unit']}" if score == "hausdorff95" else ""
            lines.append(f"    {score:13} {_number(figure)}{unit}   sd {_plain(figure['sd'])}, {figure['cases']} cases")
    metrics = figures["metrics"]
    lines.append(f"  Dice per image  {_number(metrics['dice_per_image'])}")
    for rival, scores in figures["baseline"].items():
        lines.append(f"    {rival}: {_number(scores['dice_per_image'])}")
    rest = ("dice", "mean_iou", "pixel_accuracy")
    lines.append("  all pixels      " + ", ".join(f"{name} {_plain(metrics[name]['value'])}" for name in rest))
    return lines


def _number(figure: Mapping[str, Any]) -> str:
    low, high = figure.get("low"), figure.get("high")
    return _plain(figure["value"]) + (f" ({_plain(low)} to {_plain(high)})" if low is not None else "")


def _plain(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def scored_of(case: Case) -> CaseScores:
    """What the means over cases are made of."""
    scores = {f"{name} {score}": values[score] for name, values in case.values.items() for score in SCORES}
    rivals = {f"{name} dice_per_image": mean_dice(values) for name, values in case.rivals.items() if case.known}
    return CaseScores(
        case.item.file, case.item.patient, {"dice_per_image": case.dice if case.known else None, **scores}, rivals
    )
