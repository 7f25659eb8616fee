"""Forms of output past the spec: names in a file, evaluation and prediction of several findings per image."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from programs import program, spec
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from specc.compile import check
from specc.deploy import tables
from specc.deploy.contract import parse
from specc.deploy.predict import Answer, by_patient, decide
from specc.errors import SpeccError
from specc.run.evaluate import MEAN, Images, Question, evaluate, headline, table
from specc.run.folders import Run

THREE = {
    "model": "{layers: [flatten, {dense: {units: 3, activation: softmax}}]}",
    "loss": "categorical_cross_entropy",
}


def checked(folder: Path, **parts: str) -> tuple[Any, list[tuple[str, str]]]:
    """The study of a spec in a folder, and codes with messages."""
    (folder / "s.yaml").write_text(spec(**parts), encoding="utf-8")
    study, found = check(folder / "s.yaml", data=False)
    return study, [(fault.code, fault.message) for fault in found]


# ------------------------------------------------------------------ names in a file


@pytest.mark.parametrize("text", ["T1\nT2\nFLAIR\n", "\ufeffT1\r\n  T2 \r\n\r\nFLAIR"])
def test_names_in_a_file_are_names_in_the_spec(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.txt").write_bytes(text.encode())
    study, told = checked(tmp_path, output="{classes: {file: names.txt}}", **THREE)
    assert told == []
    assert study.spec.output.classes == ("T1", "T2", "FLAIR")
    assert study.task.contract(study)["classes"] == ["T1", "T2", "FLAIR"]
    plain, _ = checked(tmp_path, output="{classes: [T1, T2, FLAIR]}", **THREE)
    assert study.task.program(study) == plain.task.program(plain)


def test_findings_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("effusion\nnodule\n")
    columns = "{image: file, labels: {effusion: e, nodule: n}}"
    study, told = checked(
        tmp_path,
        output="{labels: {file: names.txt}}",
        data=f"{{manifest: t.csv, columns: {columns}, split: {{column: part}}}}",
        model="{layers: [flatten, {dense: {units: 2, activation: sigmoid}}]}",
    )
    assert told == []
    assert study.task.contract(study) == {"labels": ["effusion", "nodule"], "aggregate": None}


@pytest.mark.parametrize(
    ("output", "data", "word"),
    [
        ("{file: gone.txt}", None, "there is no file `gone.txt`"),
        ("{file: names.txt}", b"", "holds no name"),
        ("{file: names.txt}", b" \n\n", "holds no name"),
        ("{file: names.txt}", b"\xff\xfea\0", "not UTF-8"),
        ("{file: names.txt}", b"a\n" * 600_000, "larger than 1 MiB"),
        ("{file: .}", None, "there is no file"),
        ("{file: /etc/hostname}", None, "starts in the folder of the spec"),
        ("{file: 'C:\\names.txt'}", None, "starts in the folder of the spec"),
        ("{file: }", None, "is a list of names"),
        ("{names: names.txt}", None, "is a list of names"),
        ("{file: names.txt, order: up}", b"a\nb\n", "is a list of names"),
    ],
)
def test_a_file_of_names_that_cannot_be_had(tmp_path: Path, output: str, data: bytes | None, word: str) -> None:
    if data is not None:
        (tmp_path / "names.txt").write_bytes(data)
    study, told = checked(tmp_path, output=f"{{classes: {output}}}")
    assert study is None
    assert [code for code, _ in told] == ["S118"] and word in told[0][1]


def test_a_fault_in_the_file_is_shown_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("a\nb\nA\n")
    (tmp_path / "s.yaml").write_text(spec(output="{classes: {file: names.txt}}", **THREE))
    _, (fault,) = check(tmp_path / "s.yaml", data=False)
    assert fault.code == "S212"
    assert any(label.span.file == str(tmp_path / "names.txt") and label.span.line == 3 for label in fault.labels)
    assert all(not fix.edits for fix in fault.fixes)


# ------------------------------------------------------------------ findings

LABELS = ("effusion", "nodule")
CONTRACT = {
    "format_version": 1,
    "name": "chest",
    "task": "classification",
    "input": {"format": "png", "size": [8, 8]},
    "output": {"labels": list(LABELS), "aggregate": "patient"},
}


def test_the_contract_of_findings() -> None:
    contract = parse(json.dumps(CONTRACT))
    assert contract.output.names == contract.output.likely == LABELS
    wrong: list[dict[str, Any]] = [{}, {"labels": []}, {"labels": ["a"], "positive": "a"}]
    for bad in (*wrong, {"classes": ["a", "b"], "labels": ["c"]}):
        with pytest.raises(SpeccError) as caught:
            parse(json.dumps(CONTRACT | {"output": bad}))
        assert caught.value.diagnostics[0].code == "P845"


def answer(file: str, patient: str, *numbers: float) -> Answer:
    """What a model of findings says."""
    likely = dict(zip(LABELS, numbers, strict=True))
    said = decide(parse(json.dumps(CONTRACT)), likely)
    return Answer(file, said, likely, patient=patient)


def test_answers_are_lists_of_findings() -> None:
    contract = parse(json.dumps(CONTRACT))
    answers = [answer("1.png", "P1", 0.9, 0.7), answer("2.png", "P1", 0.5, 0.2), answer("3.png", "P2", 0.1, 0.4)]
    assert [one.answer for one in answers] == [LABELS, (), ()]
    assert answers[0].plain()["probabilities"] == {"effusion": 0.9, "nodule": 0.7}
    assert json.loads(tables.to_json(answers[0]))["answer"] == ["effusion", "nodule"]
    people = by_patient(contract, answers)
    assert [(one.patient, one.answer) for one in people] == [("P1", ("effusion",)), ("P2", ())]
    assert people[0].probabilities == pytest.approx({"effusion": 0.7, "nodule": 0.45})
    rows = list(csv.DictReader(io.StringIO(tables.to_csv(contract, answers))))
    assert [row["answer"] for row in rows] == ["effusion;nodule", "", ""]
    assert rows[0]["nodule"] == "0.7"
    shown = tables.table(contract, answers)
    assert "effusion;nodule" in shown[0] and "no finding" in shown[2]


@pytest.fixture
def finished(tmp_path: Path) -> Run:
    """A run whose answers are known: 60 pictures of 20 people; effusion is seen by brightness, nodule by nothing."""
    run, rng = Run(tmp_path / "run"), np.random.default_rng(0)
    run.eval.mkdir(parents=True)
    with (run.eval / "predictions.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["split", "file", "patient", "labels.effusion", "labels.nodule", "answer", *LABELS])
        for n in range(60):
            person, e = n // 3, n // 3 % 2
            level = 180 if e else 60
            Image.fromarray(rng.normal(level, 10, (8, 8)).clip(0, 255).astype(np.uint8)).save(tmp_path / f"{n}.png")
            nodule = "" if n % 4 == 0 else ("yes", "0")[person // 2 % 2]
            p = (0.2 + 0.6 * e + 0.01 * (n % 3), 0.3 + 0.4 * (n % 2))
            part = ("train", "val", "test")[person % 3]
            writer.writerow([part, f"{n}.png", f"P{person}", e, nodule, "", *p])
    return run


def test_evaluation_of_findings(finished: Run) -> None:
    question = Question(labels=LABELS, by_patient=True)
    result = evaluate(finished, question, Images(finished.folder.parent))
    val = result["val"]
    with (finished.eval / "predictions.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "val"]
    known = [row for row in rows if row["labels.nodule"]]
    truth = [row["labels.nodule"] == "yes" for row in known]
    said = [float(row["nodule"]) for row in known]
    figures = val["metrics"]
    assert list(figures) == [MEAN, *LABELS]
    assert figures["nodule"]["auc"]["value"] == pytest.approx(roc_auc_score(truth, said))
    right = balanced_accuracy_score(truth, [p > 0.5 for p in said])
    assert figures["nodule"]["balanced_accuracy"]["value"] == pytest.approx(right)
    assert figures["effusion"]["auc"]["value"] == 1 and figures["effusion"]["auc"]["low"] == 1
    areas = [figures[name]["auc"]["value"] for name in LABELS]
    assert figures[MEAN]["auc"]["value"] == pytest.approx(sum(areas) / 2)
    assert val["findings"]["nodule"] == {"yes": sum(truth), "no": len(truth) - sum(truth)}
    assert val["baseline"]["trivial"]["nodule"]["auc"]["value"] == 0.5
    assert val["baseline"]["intensity forest"]["effusion"]["auc"]["value"] == 1
    assert val["by_patient"]["metrics"]["effusion"]["accuracy"]["value"] == 1
    text = "\n".join(table(result, question))
    assert all(word in text for word in (MEAN, *LABELS, "by patient", "intensity forest"))
    assert "balanced accuracy" in headline(val)[0]
    json.dumps(json.loads((finished.eval / "metrics.json").read_text()), allow_nan=False)


def test_a_finding_that_nobody_knows_has_no_figures(finished: Run) -> None:
    file = finished.eval / "predictions.csv"
    rows = list(csv.reader(file.open()))
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(
            [*row[:4], row[4] if n == 0 or row[0] == "train" else "", *row[5:]] for n, row in enumerate(rows)
        )
    question = Question(labels=LABELS, by_patient=True)
    result = evaluate(finished, question, Images(finished.folder.parent))
    val = result["val"]
    assert val["metrics"]["nodule"]["auc"]["value"] is None
    assert val["metrics"][MEAN]["auc"] == val["metrics"]["effusion"]["auc"]
    assert "`nodule` is not known of any image: no AUC" in val["remarks"]
    assert "\n".join(table(result, question))


def test_the_program_of_findings_holds_no_classes() -> None:
    files = program(
        spec(
            output="{labels: [effusion, nodule]}",
            data="{manifest: t.csv, columns: {image: file, labels: {effusion: e, nodule: n}}, split: {column: part}}",
            model="{layers: [flatten, {dense: {units: 2, activation: sigmoid}}]}",
        )
    )
    text = "".join(files[name] for name in ("train.py", "data.py", "metrics.py", "deploy.py"))
    assert "CLASSES" not in text and "softmax" not in text and "smoothing" not in text and "class_weights" not in text
    assert ", findings_cross_entropy\n" in files["train.py"]
