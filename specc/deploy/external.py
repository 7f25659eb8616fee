"""An exported model on labelled images from elsewhere: answered by onnxruntime, judged as a run's own images are."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specc.deploy import predict as predicting
from specc.deploy.faults import fault
from specc.deploy.labelled import Item, Labelled
from specc.deploy.session import Session
from specc.deploy.tables import safe
from specc.errors import Diagnostic, Note
from specc.run.evaluate import EXTERNAL, Images, Question, Rivals, Rows, judge, method
from specc.run.evaluate.rows import is_known
from specc.run.evaluate.runs import Draw
from specc.run.folders import replace

SHOWN = 12  # files that a message names
GROUPS = 20  # subgroups at most
PARTS = {"train": "were trained on", "val": "chose the epoch", "test": "were the study's test images"}


@dataclass(frozen=True)
class Own:
    """What the study knows of its own images, where its run is at hand: part by SHA-256, part by patient."""

    parts: Mapping[str, str]
    patients: Mapping[str, str]


def check_overlap(labelled: Labelled, own: Own | None) -> tuple[Diagnostic, ...]:
    """Warnings P876 and P878 about images that come twice, or chose the epoch, or were the study's test images.

    Raises SpeccError P876 where images were trained on: figures on those say nothing.
    """
    files: dict[str, list[Item]] = {}
    for item in labelled.items:
        for path in item.paths:
            if path.is_file():
                files.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), []).append(item)
    told = list(_twice(files))
    if own is None:
        return tuple(told)
    used: dict[str, list[str]] = {part: [] for part in PARTS}
    for digest, items in files.items():
        if digest in own.parts:
            used[own.parts[digest]] += [item.file for item in items if item.file not in used[own.parts[digest]]]
    total = len(labelled.items)
    if used["train"]:
        message = f"{len(used['train'])} of {total} images were trained on"
        why = "a network knows its training images by heart: figures on them say nothing about others"
        raise fault(
            "P876", message, "take them out of the table, or out of the folders", why=why, where=_some(used["train"])
        )
    for part in ("val", "test"):
        if used[part]:
            cure = "take them out for figures on images that are new to the study"
            told.append(_warning("P876", f"{len(used[part])} of {total} images {PARTS[part]}", cure, _some(used[part])))
    return tuple(told)


def check_patients(labelled: Labelled, answers: Sequence[predicting.Answer], own: Own | None) -> tuple[Diagnostic, ...]:
    """Warnings P876 about patients, by the table or by DICOM's PatientID, who have training or validation images."""
    people = {item.patient or answer.patient or "" for item, answer in zip(labelled.items, answers, strict=True)} - {""}
    parts = {} if own is None else own.patients
    told = []
    for part, what in (("train", "training"), ("val", "validation")):
        if same := sorted(who for who in people if parts.get(who) == part):
            has, stand = ("patient has a name", "stands") if len(same) == 1 else ("patients have names", "stand")
            message = f"{len(same)} {has} that {stand} for {what} patients, too"
            cure = f"if they are the same people, take them out: other images of them {PARTS[part]}"
            told.append(_warning("P876", message, cure, _some(same)))
    return tuple(told)


def _twice(files: Mapping[str, Sequence[Item]]) -> list[Diagnostic]:
    several = [items for items in files.values() if len(items) > 1]
    if not several:
        return []
    differing = sum(len({tuple(item.truth) for item in items if None not in item.truth}) > 1 for items in several)
    message = f"{len(several)} images are there more than once"
    message += f", {differing} of them with different truths" if differing else ""
    cure = "keep one line for each image: one that is there twice counts twice"
    return [_warning("P878", message, cure, _some([items[1].file for items in several]))]


def _some(files: Sequence[str]) -> tuple[str, ...]:
    rest = len(files) - SHOWN
    return (*files[:SHOWN], f"and {rest} more") if rest > 0 else tuple(files)


def _warning(code: str, message: str, cure: str, where: Sequence[str] = ()) -> Diagnostic:
    notes = (*(Note("where", text) for text in where), Note("help", cure), Note("more", f"specc explain {code}"))
    return Diagnostic(code, message, notes=notes, severity="warning")


def check_groups(groups: Iterable[str], by: str | None) -> None:
    """Raise SpeccError P877 where a column of subgroups has too many entries to be one."""
    entries = set(groups)
    if by is not None and len(entries) > GROUPS:
        cure = "make a column with a few entries, such as bands of age"
        raise fault(
            "P877", f"the column `{by}` has {len(entries)} different entries; up to {GROUPS} can be told apart", cure
        )


def answer_all(session: Session, labelled: Labelled, tell: Callable[[int], object]) -> list[predicting.Answer]:
    """The model's answers to all images in their order; `tell` hears how many there are so far."""
    return list(predicting.predict(session, [item.paths for item in labelled.items], None, tell))


def judge_external(
    session: Session,
    labelled: Labelled,
    answers: Sequence[predicting.Answer],
    question: Question,
    rivals: Rivals,
    images: Images,
    output: FilePath,
    by: str | None,
    draw: Draw,
) -> dict[str, Any]:
    """Judge the answers to all images, and write predictions.csv, metrics.json and the pictures into `output`.

    Raises SpeccError P879 where no image with a truth was answered.
    """
    rows, groups = Rows.empty(), []
    for item, answer in zip(labelled.items, answers, strict=True):
        if answer.refused is None and is_known(item.truth, question):
            numbers = list((answer.probabilities or answer.values).values())
            said = question.classes.index(str(answer.answer)) if question.classes else 0
            rows.add(item.file, item.patient or answer.patient or item.file, item.truth, numbers, said)
            groups.append(item.group)
    refused = Counter(answer.refused for answer in answers if answer.refused is not None)
    blank = sum(not is_known(item.truth, question) for item in labelled.items)
    if not rows.files:
        raise _nothing(labelled, refused, blank)
    part = judge(EXTERNAL, rows, question, rivals, images, None if by is None else (by, groups))
    part["remarks"] = [*_left_out(refused, blank), *part["remarks"]]
    output.mkdir(parents=True, exist_ok=True)
    part["pictures"] = draw(EXTERNAL, rows, part)
    result = {
        "format_version": 1,
        "model": session.contract.name,
        "data": labelled.name,
        **method(rivals.seed),
        "refused": dict(sorted(Counter(code for code, _ in refused.elements()).items())),
        "without_truth": blank,
        EXTERNAL: part,
    }
    replace(output / "predictions.csv", predictions(labelled, answers, question, by))
    replace(output / "metrics.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
    return result


def _nothing(labelled: Labelled, refused: Counter[tuple[str, str]], blank: int) -> Exception:
    where = tuple(f"{count} refused, {code}: {reason}" for (code, reason), count in refused.most_common(4))
    where += (f"{blank} without a truth",) if blank else ()
    cure = (
        f"`specc explain {refused.most_common(1)[0][0][0]}` says what the model wants"
        if refused
        else "fill in the truth"
    )
    return fault("P879", f"none of the {len(labelled.items)} images can be judged", cure, where=where)


def _left_out(refused: Counter[tuple[str, str]], blank: int) -> list[str]:
    found = [f"{count} refused, {code}: {reason}" for (code, reason), count in refused.most_common(6)]
    rest = sum(refused.values()) - sum(count for _, count in refused.most_common(6))
    found += [f"{rest} refused for other reasons (predictions.csv lists all)"] if rest else []
    return [*found, *([f"{blank} without a truth: answered, not judged"] if blank else [])]


def predictions(labelled: Labelled, answers: Sequence[predicting.Answer], question: Question, by: str | None) -> str:
    """A CSV table with a line for every image: truth, answer, numbers, whether they agree; why it was refused.

    `correct` is yes or no; of findings, `wrong` names those that are answered wrongly; of values, `error` is answer
    minus truth.
    """
    errors = [f"error.{name}" if question.several else "error" for name in question.targets]
    agreed = ["correct"] if question.classes else ["wrong"] if question.labels else errors
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    group = [by] if by is not None else []
    heads = ["file", "patient", *group, *labelled.words, "answer", *question.names]
    writer.writerow([safe(head) for head in (*heads, *agreed, "refused", "reason")])
    for item, answer in zip(labelled.items, answers, strict=True):
        truth = [_told(one, question) for one in item.truth]
        lead = [item.file, item.patient or answer.patient or "", *([item.group] if group else []), *truth]
        if answer.refused is not None:
            empty = [""] * (1 + len(question.names) + len(agreed))
            writer.writerow([*map(safe, lead), *empty, answer.refused[0], safe(answer.refused[1])])
            continue
        numbers = list((answer.probabilities or answer.values).values())
        said = ";".join(answer.answer) if isinstance(answer.answer, tuple) else answer.answer
        shown = "" if said is None else safe(said) if isinstance(said, str) else f"{said:.9g}"
        cells = [shown, *(f"{number:.9g}" for number in numbers), *_agreement(item.truth, numbers, answer, question)]
        writer.writerow([*map(safe, lead), *cells, "", ""])
    return text.getvalue()


def _told(truth: Any, question: Question) -> str:
    if truth is None:
        return ""
    return question.classes[truth] if question.classes else f"{truth:.9g}"


def _agreement(
    truth: Sequence[Any], numbers: Sequence[float], answer: predicting.Answer, question: Question
) -> list[str]:
    if question.classes:
        return [""] if truth[0] is None else ["yes" if question.classes[truth[0]] == answer.answer else "no"]
    if question.labels:
        pairs = zip(question.labels, truth, numbers, strict=True)
        return [safe(";".join(name for name, one, p in pairs if one is not None and one != int(p > 0.5)))]
    return ["" if one is None else f"{number - one:.9g}" for one, number in zip(truth, numbers, strict=True)]
