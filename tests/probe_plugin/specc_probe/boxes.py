"""What the detector does with its model: boxes by image, and how well they are found."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from specc.answering import (
    Asked,
    CaseScores,
    Item,
    Judged,
    Judging,
    PrimaryMetric,
    Ran,
    Said,
    mean_interval,
    refused,
    run_cases,
)
from specc_probe.pieces.found import Found, Known, average_precision, hits_of, mean_average_precision

Box = tuple[str, float, float, float, float, float]  # class, score, left, top, right, bottom in pixels


class Boxes:
    """Boxes of things, any number in a case."""

    forms: Mapping[str, str] = {"csv": "boxes.csv: a line a box, with its corners in pixels"}

    def predict(self, asked: Asked) -> Iterator[Said]:
        """The boxes of each image, most certain first."""
        names, lines = things_of(asked.session.contract.plain), list[tuple[str, *Box]]()
        for ran in run_cases(asked.session, asked.cases, asked.patients, asked.tell):
            if ran.outputs is None:
                yield refused(ran)
                continue
            boxes = list(boxes_of(ran, names))
            lines += [(str(ran.case[0]), *box) for box in boxes]
            counts = {name: sum(box[0] == name for box in boxes) for name in names}
            line = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
            yield Said(str(ran.case[0]), {**counts, "boxes": [list(box) for box in boxes]}, line, ran.patient)
        if asked.output is not None:
            asked.output.mkdir(parents=True, exist_ok=True)
            with (asked.output / "boxes.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("file", "class", "score", "left", "top", "right", "bottom"), *lines])

    def judge(self, judging: Judging) -> Judged:
        """Average precision at an overlap of one half, and the share of things that are found at all."""
        names, figures, lines = things_of(judging.session.contract.plain), dict[str, object](), list[str]()
        scored = dict[str, list[CaseScores]]()
        for part, items in judging.parts.items():
            found, known = self._found(judging, items), [known_of(item, names) for item in items]
            each = [hits_of(found, known, label, 0.5) for label in range(len(names))]
            points = {n: average_precision(*one) if one[1] else None for n, one in zip(names, each, strict=True)}
            shares = [recall_of(one, other) for one, other in zip(found, known, strict=True)]
            some = [place for place, share in enumerate(shares) if share is not None]
            recall = mean_interval(
                (shares[place] or 0.0 for place in some), [items[place].patient for place in some], judging.seed
            )
            mean = mean_average_precision(found, known, len(names))
            metrics = {"map": {"value": mean}, "recall": recall.plain()}
            figures[part] = {"metrics": metrics, "average_precision": points, "cases": len(items)}
            lines.append(f"{part} mAP {mean:.3f} of {len(items)} images")
            both = zip(items, shares, strict=True)
            scored[part] = [CaseScores(item.file, item.patient, {"recall": share}) for item, share in both]
        return Judged(figures, lines, (), scored, PrimaryMetric("recall"))

    def _found(self, judging: Judging, items: Sequence[Item]) -> list[Found]:
        found = list[Found]()
        for ran in run_cases(judging.session, [item.files for item in items]):
            out, many = ran.outputs, int(ran.outputs["count"]) if ran.outputs is not None else 0
            empty = (np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
            found.append(empty if out is None else (out["boxes"][:many], out["scores"][:many], out["classes"][:many]))
            judging.tell(len(found), len(items))
        return found


def things_of(contract: Mapping[str, object]) -> list[str]:
    """The classes of a model, by their place."""
    things = contract["things"]
    assert isinstance(things, list)
    return [str(name) for name in things]


def boxes_of(ran: Ran, names: Sequence[str]) -> Iterator[Box]:
    """The boxes of a case."""
    assert ran.outputs is not None, "asked of a case that was answered"
    out = ran.outputs
    for place in range(int(out["count"])):
        left, top, right, bottom = (round(float(side), 2) for side in out["boxes"][place])
        yield names[int(out["classes"][place])], round(float(out["scores"][place]), 6), left, top, right, bottom


def known_of(item: Item, names: Sequence[str]) -> Known:
    """What is to be found in a case."""
    things = json.loads(item.words["objects"] or "[]")
    sides = np.array([box for _, *box in things], np.float64).reshape(-1, 4)
    corners = np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], 1)
    return corners, np.array([names.index(name) for name, *_ in things], int)


def recall_of(found: Found, known: Known) -> float | None:
    """The share of the things of an image over which a box of their class lies by one half; None without any."""
    labels = set(known[1].tolist())
    right = sum(int(hits_of([found], [known], label, 0.5)[0].sum()) for label in labels)
    return right / len(known[1]) if labels else None


BOXES = Boxes()
