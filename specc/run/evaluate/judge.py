"""From truth and answers to figures: of all images, of each class, of each patient, of each subgroup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specc.run import metrics
from specc.run.evaluate.rivals import Images, Rivals
from specc.run.evaluate.rows import FINDING, MEAN, Question, Rows, each_finding, joined

FEW = 10  # patients: with fewer, an interval is rough, and chance is not excluded

VAL, TEST, EXTERNAL = "val", "test", "external"
ROLES = {
    VAL: "validation (these images chose the epoch)",
    TEST: "test (never seen in training)",
    EXTERNAL: "external (other images than the study's own)",
}
Drawn = tuple[dict[str, Any], dict[str, list[Any]]]  # points and draws of metrics by name
OWN = ("sensitivity", "specificity", "ppv", "npv", "f1", "auc")  # figures of one class of many


def method(seed: int) -> dict[str, Any]:
    """How intervals are made, for the head of a file of figures."""
    how = f"{metrics.LEVEL:.0%} intervals: percentile bootstrap over patients, {metrics.DRAWS} draws, seed {seed}"
    return {"draws": metrics.DRAWS, "level": metrics.LEVEL, "seed": seed, "intervals": how}


def judge(
    name: str, rows: Rows, question: Question, rivals: Rivals, images: Images, by: tuple[str, Sequence[str]] | None
) -> dict[str, Any]:
    """Everything about one part, `val`, `test` or `external`; `by` is a column and its entry for each row."""
    seed = rivals.seed
    mine = drawn(rows, question, seed)
    others = {rival: drawn(other, question, seed) for rival, other in rivals.answers(rows, images).items()}
    result: dict[str, Any] = {
        "role": ROLES[name],
        "images": len(rows.files),
        "patients": len(set(rows.patients)),
        "metrics": shown(mine, question),
        "baseline": {rival: shown(other, question) for rival, other in others.items()},
        "baseline_from": rivals.source,
        "better_by": {rival: _better(mine, other, question).plain() for rival, other in others.items()},
    }
    if question.labels:
        result["findings"] = {
            name: {"yes": sum(told[0] == 1 for told in one.targets), "no": sum(told[0] == 0 for told in one.targets)}
            for name, one, _ in each_finding(rows, question)
        }
    elif question.classes:
        truth = [target[0] for target in rows.targets]
        table = metrics.confusion(truth, rows.answers, len(question.classes))
        result["confusion"] = {"classes": list(question.classes), "counts": table}
        if len(question.classes) > 2:
            result["classes"] = _each_class(rows, question, seed)
    else:
        pairs = [rows.column(k) for k in range(len(question.targets))]
        result["limits_of_agreement"] = {
            target: metrics.limits_of_agreement(*pair) for target, pair in zip(question.targets, pairs, strict=True)
        }
    if question.by_patient:
        result["by_patient"] = _of_patients(rows, question, seed)
    if by is not None:
        result["by"] = {"column": by[0], "groups": _groups(rows, by[1], question, seed)}
    result["remarks"] = remarks(rows, question)
    return result


def figures(rows: Rows, question: Question, seed: int) -> dict[str, Any]:
    """Metrics by name; with several targets or findings, by target and name."""
    return shown(drawn(rows, question, seed), question)


def drawn(rows: Rows, question: Question, seed: int) -> dict[str, Drawn]:
    """Points and draws by question, the first one the one that is asked for first, all from the same draws of patients.

    With findings that is their mean; those of which nothing is known are left out.
    """
    import numpy as np

    bootstrap = metrics.Bootstrap(rows.patients, seed)
    if question.labels:
        each = {name: _drawn(one, bootstrap.of(kept)) for name, one, kept in each_finding(rows, question) if kept}
        return {MEAN: metrics.mean_draws(list(each.values())), **each}
    if question.classes:
        truth, said = np.asarray([target[0] for target in rows.targets]), np.asarray(rows.answers)
        numbers = np.asarray(rows.numbers, dtype=np.float64)
        return {"": metrics.class_draws(truth, said, numbers, bootstrap, question.positive, seed)}
    columns = [[np.asarray(one, dtype=np.float64) for one in rows.column(k)] for k in range(len(question.targets))]
    return {
        name: metrics.value_draws(truth, values, bootstrap, seed)
        for name, (truth, values) in zip(question.targets, columns, strict=True)
    }


def shown(found: Mapping[str, Drawn], question: Question) -> dict[str, Any]:
    """Points and draws by question as figures."""
    each = {name: metrics.plain(metrics.figures(*one)) for name, one in found.items()}
    if not question.several:
        return next(iter(each.values()))
    none = metrics.plain(dict.fromkeys(next(iter(each.values())), metrics.Figure(None)))
    return {name: each.get(name, none) for name in (*((MEAN,) if question.labels else ()), *question.several)}


def _better(mine: Mapping[str, Drawn], other: Mapping[str, Drawn], question: Question) -> metrics.Figure:
    """By how much the metric that is asked for first is better than a rival's (more is better), with its interval: a
    draw takes the same patients for both.
    """
    metric, sign = question.first
    (points, draws), (rival, others) = next(iter(mine.values())), next(iter(other.values()))
    a, b = points.get(metric), rival.get(metric)
    if a is None or b is None:
        return metrics.Figure(None)
    pairs = zip(draws[metric], others[metric], strict=True)
    return metrics.figures({metric: sign * (a - b)}, {metric: [sign * (one - two) for one, two in pairs]})[metric]


def _drawn(one: Rows, bootstrap: metrics.Bootstrap) -> Drawn:
    import numpy as np

    truth, answers = np.asarray([target[0] for target in one.targets]), np.asarray(one.answers)
    return metrics.class_draws(truth, answers, np.asarray(one.numbers), bootstrap, FINDING.positive, bootstrap.seed)


def _each_class(rows: Rows, question: Question, seed: int) -> dict[str, Any]:
    """Each class against the rest: how many images it has, and its own figures."""
    result = {}
    for k, name in enumerate(question.classes):
        truth = [int(target[0] == k) for target in rows.targets]
        said = [int(answer == k) for answer in rows.answers]
        numbers = [[1 - row[k], row[k]] for row in rows.numbers]
        found = metrics.classification(truth, said, numbers, rows.patients, 1, seed)
        result[name] = {"images": sum(truth), **metrics.plain({own: found[own] for own in OWN})}
    return result


def _of_patients(rows: Rows, question: Question, seed: int) -> dict[str, Any] | None:
    """Figures with one answer a patient, and how many patients have images with different truths."""
    if not question.labels:
        together, mixed = joined(rows, question)
        return {"mixed": mixed, "metrics": figures(together, question, seed)} if together.files else None
    each, count = {}, 0
    bootstrap = metrics.Bootstrap(list(dict.fromkeys(rows.patients)), seed)
    places = {who: place for place, who in enumerate(dict.fromkeys(rows.patients))}
    for name, one, _ in each_finding(rows, question):
        together, mixed = joined(one, FINDING)
        count += mixed
        if together.files:
            each[name] = _drawn(together, bootstrap.of([places[who] for who in together.patients]))
    return {"mixed": count, "metrics": shown({MEAN: metrics.mean_draws(list(each.values())), **each}, question)}


def _groups(rows: Rows, entries: Sequence[str], question: Question, seed: int) -> dict[str, Any]:
    """Figures of the images of each entry, the most frequent one first."""
    places: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        places.setdefault(entry, []).append(place)
    ordered = sorted(places.items(), key=lambda item: (-len(item[1]), item[0]))
    result = {}
    for entry, kept in ordered:
        some = rows.some(kept)
        result[entry] = {
            "images": len(kept),
            "patients": len(set(some.patients)),
            "metrics": figures(some, question, seed),
        }
    return result


def remarks(rows: Rows, question: Question) -> list[str]:
    """What keeps a figure from being there or from being worth anything, in plain words."""
    return [*of_images(rows, question), *of_answers(rows, question)]


def of_images(rows: Rows, question: Question) -> list[str]:
    """What the images and their truth are too few or too equal for."""
    found = []
    patients = len(set(rows.patients))
    if patients == 1:
        found.append("one patient alone: no intervals, as they say how much patients differ")
    elif patients < FEW:
        found.append(f"only {patients} patients: the intervals themselves are rough")
    if len(rows.files) > 1 and rows.patients == rows.files:
        found.append("nothing tells the patients: each image counts as one of its own; intervals may be too narrow")
    if classes := question.classes:
        there = {target[0] for target in rows.targets}
        if len(there) == 1:
            only = classes[there.pop()]
            found.append(f"every image is `{only}`: no AUC and no balanced accuracy, which compare classes")
        elif missing := [name for k, name in enumerate(classes) if k not in there]:
            found.append(f"no image of {', '.join(f'`{name}`' for name in missing[:5])}: nothing is said of it")
    for name, one, _ in each_finding(rows, question):
        truths = {target[0] for target in one.targets}
        if len(truths) < 2:
            what = "is not known of any image" if not truths else f"is {'there in' if 1 in truths else 'in none of'}"
            found.append(
                f"`{name}` {what}{' all images' if truths == {1} else ' the images' if truths else ''}: no AUC"
            )
    for k, name in enumerate(question.targets):
        truth, _ = rows.column(k)
        if len(set(truth)) == 1:
            found.append(f"the truth of `{name}` is {truth[0]:g} for every image: no R2")
    return found


def of_answers(rows: Rows, question: Question) -> list[str]:
    """A model that says the same to everything."""
    found = []
    if question.classes and len(rows.answers) > 1 and len(set(rows.answers)) == 1:
        found.append(f"the model answers `{question.classes[rows.answers[0]]}` to every image")
    for k, name in enumerate(question.targets):
        _, values = rows.column(k)
        if len(values) > 1 and max(values) - min(values) <= 1e-6 * max(1.0, abs(values[0])):
            found.append(f"the model answers {values[0]:.4g} for `{name}` to every image")
    return found
