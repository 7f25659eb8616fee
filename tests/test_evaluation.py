"""A model on labelled images from elsewhere: tables, folders, overlap, subgroups, pictures, the command line."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from sklearn import metrics as oracle

import specc
from specc.api.evaluation import Evaluation
from specc.deploy.external import Own, check_patients
from specc.deploy.labelled import Item, Labelled
from specc.deploy.predict import Answer
from specc.deploy.seen import images_seen, input_of_network
from specc.deploy.session import inspect, open_model
from specc.errors import SpeccError
from specc.run import metrics
from specc.run.evaluate import MEAN, Images, Question, Rivals, Rows, judge, pictures, table, worst
from specc.run.evaluate.judge import figures

OUTPUTS: dict[str, dict[str, Any]] = {
    "classes": {"classes": ["dark", "bright"], "positive": "bright"},
    "three": {"classes": ["dark", "middle", "bright"]},
    "labels": {"labels": ["bright", "dark"]},
    "target": {"target": "level", "unit": "gray"},
}


def saved(folder: Path, form: str = "classes", **more: Any) -> Path:
    """A model of 8x8 grays: the mean over 255 is the probability of `bright`, or the mean itself is the value."""
    output = OUTPUTS[form] | more
    reading = {"format": "png", "size": [8, 8], "channels": "mono", "resize": None, "scale": "0..1"}
    task = "regression" if form == "target" else "classification"
    contract = {"format_version": 1, "name": "brightness", "task": task, "input": reading, "output": output}
    named = "values" if form == "target" else "probabilities"
    last = {
        "classes": helper.make_node("Concat", ["q", "p"], [named], axis=1),
        "labels": helper.make_node("Concat", ["p", "q"], [named], axis=1),
        "three": helper.make_node("Concat", ["q", "zero", "p"], [named], axis=1),
        "target": helper.make_node("Mul", ["p", "top"], [named]),
    }[form]
    nodes = [
        helper.make_node("Div", ["pixels", "top"], ["images"]),
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "column"], ["p"]),
        helper.make_node("Sub", ["one", "p"], ["q"]),
        helper.make_node("Sub", ["p", "p"], ["zero"]),
        last,
        helper.make_node("Reshape", ["p", "flat"], ["ood_score"]),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
        helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1]),
        helper.make_tensor("flat", TensorProto.INT64, [1], [-1]),
        helper.make_tensor("top", TensorProto.FLOAT, [1], [255.0]),
        helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
    ]
    shape: list[str | int | None] = ["B", 1, 8, 8]
    wide = {"three": 3, "target": 1}.get(form, 2)
    outputs = [
        helper.make_tensor_value_info(named, TensorProto.FLOAT, ["B", wide]),
        helper.make_tensor_value_info("ood_score", TensorProto.FLOAT, ["B"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)], outputs, constants,
        value_info=[helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
    )  # fmt: skip
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    proto.ir_version = 9
    entry = proto.metadata_props.add()
    entry.key, entry.value = "specc.contract", json.dumps(contract)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    return folder / "model.onnx"


def picture(file: Path, level: int, seed: int = 0) -> Path:
    """8x8 grays around a level."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng([level, seed]).integers(-3, 4, (8, 8))
    Image.fromarray((level + noise).clip(0, 255).astype(np.uint8)).save(file)
    return file


def write(file: Path, rows: Sequence[Sequence[object]]) -> Path:
    """A CSV table."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return file


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Twenty images of ten patients and two sites; one of five is labelled wrongly, one file is missing."""
    rows: list[list[object]] = [["path", "diagnosis", "who", "site", "level"]]
    for i in range(20):
        level = 190 if i % 2 else 50
        picture(tmp_path / "site" / f"{i}.png", level, i)
        truth = "bright" if (i % 2) != (i % 5 == 0) else "dark"
        rows.append([f"{i}.png", truth, f"p{i // 2}", "AB"[i % 3 == 0], level])
    rows.append(["gone.png", "dark", "p77", "A", 3])
    rows.append(["1.png", "", "p78", "A", ""])
    return write(tmp_path / "site" / "site.csv", rows)


COLUMNS = {"image": "path", "label": "diagnosis", "patient": "who"}


def codes(caught: pytest.ExceptionInfo[SpeccError]) -> list[str]:
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


def test_a_model_on_a_table(tmp_path: Path, site: Path) -> None:
    heard: list[tuple[int, int]] = []
    result = specc.evaluate(
        saved(tmp_path), data=site, columns=COLUMNS, by="site", tell=lambda *told: heard.append(told)
    )
    assert heard[-1] == (22, 22)
    assert [warning.code for warning in result.warnings] == ["P878"]  # 1.png stands there twice
    folder = tmp_path / "eval-site"
    assert result.folder == folder and json.loads((folder / "metrics.json").read_text()) == result.plain()
    rows = list(csv.DictReader((folder / "predictions.csv").open()))
    assert [row["refused"] for row in rows].count("P801") == 1 and len(rows) == 22
    judged = [row for row in rows if row["label"] and row["answer"]]
    right = [row["correct"] == "yes" for row in judged]
    assert [row["label"] == row["answer"] for row in judged] == right
    part = result.figures["external"]
    t, p = [row["label"] == "bright" for row in judged], [float(row["bright"]) for row in judged]
    a = [row["answer"] == "bright" for row in judged]
    wanted = {
        "accuracy": oracle.accuracy_score(t, a),
        "balanced_accuracy": oracle.balanced_accuracy_score(t, a),
        "auc": oracle.roc_auc_score(t, p),
        "ppv": oracle.precision_score(t, a),
        "npv": oracle.precision_score(t, a, pos_label=False),
        "f1": oracle.f1_score(t, a),
        "average_precision": oracle.average_precision_score(t, p),
    }
    for name, value in wanted.items():
        assert part["metrics"][name]["value"] == pytest.approx(value), name
        assert part["metrics"][name]["low"] <= value <= part["metrics"][name]["high"], name
    assert part["patients"] == 10 and part["images"] == 20
    assert {site: group["images"] for site, group in part["by"]["groups"].items()} == {"A": 13, "B": 7}
    assert result.figures["refused"] == {"P801": 1} and result.figures["without_truth"] == 1
    assert part["baseline"].keys() == {"trivial"} and "not at hand" in part["baseline_from"]
    assert part["pictures"] == ["confusion.png", "roc.png", "worst.png"]
    text = str(result)
    for words in ("external", "1 refused, P801", "1 without a truth", "by site", "PPV", "1000 draws, seed 42"):
        assert words in text, words
    assert "trivial answer (from these images" in text


def test_nothing_is_overwritten(tmp_path: Path, site: Path) -> None:
    model = saved(tmp_path)
    specc.evaluate(model, data=site, columns=COLUMNS)
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(model, data=site, columns=COLUMNS)
    assert codes(caught) == ["T660"]
    specc.evaluate(model, data=site, columns=COLUMNS, force=True)
    assert specc.evaluate(model, data=site, columns=COLUMNS, output=tmp_path / "other").folder == tmp_path / "other"
    (tmp_path / "file").write_text("")
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(model, data=site, columns=COLUMNS, output=tmp_path / "file")
    assert codes(caught) == ["T660"]


def test_torch_is_not_needed(tmp_path: Path, site: Path) -> None:
    script = (
        "import sys, specc\n"
        f"specc.evaluate({str(saved(tmp_path))!r}, data={str(site)!r}, columns={COLUMNS!r})\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("columns", "by", "code", "word"),
    [
        ({}, None, "P873", "no column `label`"),
        ({"image": "site", "label": "x"}, None, "P873", "`--columns label=x`"),
        ({"image": "path", "label": "diagnose"}, None, "P873", "did you mean `diagnosis`?"),
        (COLUMNS | {"patient": "whom"}, None, "P873", "did you mean `who`?"),
        (COLUMNS, "sex", "P877", "no column `sex`"),
        (COLUMNS, "path", "P877", "21 different entries"),
        ({"image": "path", "label": "site"}, None, "P874", "`B` is not one of the model's classes"),
        ({"lable": "diagnosis"}, None, "T675", "did you mean `label`?"),
        ({"image": ""}, None, "T675", "not WORD=COLUMN"),
    ],
)
def test_tables_that_do_not_fit(
    tmp_path: Path, site: Path, columns: dict[str, str], by: str | None, code: str, word: str
) -> None:
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path), data=site, columns=columns, by=by)
    assert codes(caught)[0] == code and caught.value.exit_code == 2
    told = caught.value.diagnostics[0]
    assert word in told.message + " ".join(note.text for note in told.notes)
    assert any(note.kind == "help" for note in told.notes)
    assert not (tmp_path / "eval-site").exists()


def test_a_wrong_entry_is_shown_where_it_stands(tmp_path: Path) -> None:
    rows = [["image", "label"], ["a.png", "dark"], ["b.png", "brigth"], ["../c.png", "dark"], ["d.png", "brigth"]]
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path), data=write(tmp_path / "t" / "t.csv", rows))
    first, second = caught.value.diagnostics
    assert (first.code, second.code) == ("P874", "P872")
    assert first.span is not None and (first.span.line, first.span.column, first.span.end_column) == (3, 7, 13)
    assert [note.text for note in first.notes[:2]] == ["in 2 lines; this is the first", "did you mean `bright`?"]
    assert second.span is not None and second.span.line == 4 and "not a plain path" in second.message


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (None, "no table or folder"),
        ("", "no column names"),
        ("image,label\n", "no line of data"),
        ("a,a\n", "same name"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str | None, word: str) -> None:
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path), data=tmp_path / "t.csv")
    assert codes(caught) == ["P872"] and word in caught.value.diagnostics[0].message


def test_class_folders(tmp_path: Path) -> None:
    for i in range(6):
        picture(tmp_path / "new" / ("bright" if i % 2 else "dark") / f"{i}.png", 200 if i % 2 else 40, i)
    (tmp_path / "new" / "dark" / "notes.txt").write_text("no image")
    result = specc.evaluate(saved(tmp_path), data=tmp_path / "new")
    part = result.figures["external"]
    assert part["metrics"]["accuracy"]["value"] == 1 and result.figures["refused"] == {"P801": 1}
    assert any("nothing tells the patients" in remark for remark in part["remarks"])
    assert part["pictures"] == ["confusion.png", "roc.png"]  # no error, no picture of errors


@pytest.mark.parametrize(
    ("folders", "form", "options", "word"),
    [
        (["dark", "brihgt"], "classes", {}, "call it `bright`"),
        (["dark", "other"], "classes", {}, "the folder `other`"),
        ([], "classes", {}, "no folder of a class"),
        (["dark"], "target", {}, "cannot tell values"),
        (["dark"], "labels", {}, "cannot tell findings"),
        (["dark"], "classes", {"by": "site"}, "`--by` is about columns"),
    ],
)
def test_folders_that_do_not_fit(
    tmp_path: Path, folders: list[str], form: str, options: dict[str, str], word: str
) -> None:
    (tmp_path / "new").mkdir()
    for name in folders:
        picture(tmp_path / "new" / name / "a.png", 9)
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path, form), data=tmp_path / "new", by=options.get("by"))
    told = caught.value.diagnostics[0]
    assert told.code == "P875" and word in told.message + " ".join(note.text for note in told.notes)


def test_empty_folders_and_nothing_to_judge(tmp_path: Path) -> None:
    (tmp_path / "new" / "dark").mkdir(parents=True)
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path), data=tmp_path / "new")
    assert codes(caught) == ["P872"]
    (tmp_path / "new" / "dark" / "a.png").write_bytes(b"no image")
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path), data=tmp_path / "new")
    assert codes(caught) == ["P879"] and caught.value.exit_code == 2


def test_values_of_another_site(tmp_path: Path, site: Path) -> None:
    columns = {"image": "path", "target": "level", "patient": "who"}
    result = specc.evaluate(saved(tmp_path, "target"), data=site, columns=columns)
    part = result.figures["external"]
    rows = [row for row in csv.DictReader((result.folder / "predictions.csv").open()) if row["error"]]
    errors = [float(row["error"]) for row in rows]
    assert part["metrics"]["mae"]["value"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-5)
    assert part["metrics"]["bias"]["value"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert part["pictures"] == ["agreement.png", "worst.png"]
    assert "limits of agreement" in str(result) and "in gray" in str(result)
    bad = write(tmp_path / "bad.csv", [["image", "level"], ["a.png", "12,5"]])
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path, "target"), data=bad)
    assert codes(caught) == ["P874"] and "`12,5` is not a number" in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("nan", "not a number"),
        ("-inf", "not a number"),
        ("1e200", "too large a number"),
        ("1e400", "too large a number"),
    ],
)
def test_values_that_no_quantity_has(tmp_path: Path, cell: str, what: str) -> None:
    picture(tmp_path / "a.png", 50)
    bad = write(tmp_path / "bad.csv", [["image", "level"], ["a.png", "50"], ["a.png", cell]])
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path, "target"), data=bad)
    (told,) = caught.value.diagnostics
    assert told.code == "P874" and told.message == f"`{cell}` is {what}"
    assert told.span is not None and told.span.line == 3


def test_findings_of_another_site(tmp_path: Path) -> None:
    rows: list[list[object]] = [["image", "bright", "dark"]]
    for i in range(12):
        picture(tmp_path / "t" / f"{i}.png", 200 if i % 2 else 40, i)
        rows.append([f"{i}.png", int(i % 2 == 1), "" if i % 3 == 0 else int(i == 4)])
    result = specc.evaluate(saved(tmp_path, "labels"), data=write(tmp_path / "t" / "t.csv", rows))
    part = result.figures["external"]
    assert part["findings"] == {"bright": {"yes": 6, "no": 6}, "dark": {"yes": 1, "no": 7}}
    mean, each = part["metrics"][MEAN]["auc"], [part["metrics"][name]["auc"]["value"] for name in ("bright", "dark")]
    assert mean["value"] == pytest.approx(np.mean(each)) and mean["low"] < mean["value"]
    told = list(csv.DictReader((result.folder / "predictions.csv").open()))
    assert [row["wrong"] for row in told] == ["", "", "dark", "", "", "", "", "", "dark", "", "dark", ""]
    rows[1][1] = "maybe"
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(saved(tmp_path, "labels"), data=write(tmp_path / "t" / "u.csv", rows))
    assert codes(caught) == ["P874"]


def command(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `specc eval`."""
    words = [sys.executable, "-m", "specc", "eval", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, "NO_COLOR": "1"})
    return done.returncode, done.stdout, done.stderr


def test_the_command(tmp_path: Path, site: Path) -> None:
    model, columns = saved(tmp_path), ["--columns", "image=path,label=diagnosis", "--columns", "patient=who"]
    code, out, err = command(model, "--data", site, *columns, "--by", "site", "-o", tmp_path / "out")
    assert code == 0 and "warning[P878]" in err, err
    lines = out.splitlines()
    assert lines[-1] == f"next: open {tmp_path / 'out'}" and lines[0].startswith("external (")
    assert f"answers   {tmp_path / 'out' / 'predictions.csv'}" in lines
    code, out, _ = command(model, "--data", site, *columns, "-o", tmp_path / "out", "--force", "--json")
    assert code == 0 and json.loads(out)["external"]["images"] == 20
    code, out, err = command(model, "--data", site, "--columns", "image=path,label=site")
    assert code == 2 and "site.csv:2:" in err and "^" in err
    assert out == "next: mend the above, or read `specc explain P874`\n"
    for arguments, told in (([model], "T674"), ([tmp_path / "gone.onnx", "--data", site], "P840")):
        code, _, err = command(*arguments)
        assert code == 2 and f"error[{told}]" in err


# ---------------------------------------------------------------------- the study that the model comes from


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that was trained on four bright and four dark images, and has two of each for validation."""
    folder = tmp_path / "runs" / "brightness" / "001"
    saved(folder)
    (folder / "eval").mkdir()
    rows, index = [["split", "file", "patient", "label", "answer", "dark", "bright"]], {}
    for i in range(12):
        label, part = ("dark", "bright")[i % 2], "train" if i < 8 else "val"
        file = picture(tmp_path / "own" / f"{i}.png", 200 if i % 2 else 40, i)
        index[f"own/{i}.png"] = hashlib.sha256(file.read_bytes()).hexdigest()
        p = 0.8 if i % 2 else 0.2
        rows.append([part, f"own/{i}.png", f"o{i}", label, label, str(1 - p), str(p)])
    write(folder / "eval" / "predictions.csv", rows)
    (folder / "data.lock.json").write_text(json.dumps(index))
    columns = "{image: bild, label: befund, patient: who}"
    (folder / "spec.lock.yaml").write_text(
        f"name: brightness\ntask: classification\nseed: 7\nspec_sha256: x\ncode: {{}}\ndata: {{sha256: x}}\n"
        f"spec: {{file: s.yaml, folder: ../../.., overrides: []}}\n"
        f"resolved: {{data: {{manifest: own/t.csv, columns: {columns}}}}}\n"
    )
    return folder


def external(run: Path, tmp_path: Path, *own: int) -> Evaluation:
    rows: list[list[object]] = [["bild", "befund", "who"]]
    for i in range(10):
        picture(tmp_path / "new" / f"{i}.png", 200 if i % 2 else 40, 100 + i)
        rows.append([f"{i}.png", ("dark", "bright")[i % 2], f"n{i}"])
    for i in own:
        (tmp_path / "new" / f"own{i}.png").write_bytes((tmp_path / "own" / f"{i}.png").read_bytes())
        rows.append([f"own{i}.png", ("dark", "bright")[i % 2], f"n{i}"])
    return specc.evaluate(run, data=write(tmp_path / "new" / "t.csv", rows))


def test_a_run_on_other_images_knows_columns_seed_and_training_images(run: Path, tmp_path: Path) -> None:
    result = external(run, tmp_path)
    part = result.figures["external"]
    assert result.warnings == () and result.folder == run / "eval-t" and result.figures["seed"] == 7
    assert part["baseline_from"] == "the training images"
    assert part["baseline"]["intensity forest"]["accuracy"]["value"] == 1
    assert "intensity forest" in str(result)


def test_images_that_were_trained_on_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(SpeccError) as caught:
        external(run, tmp_path, 0, 3)
    assert codes(caught) == ["P876"]
    told = caught.value.diagnostics[0]
    assert "2 of 12 images were trained on" in told.message
    assert [note.text for note in told.notes if note.kind == "where"] == ["own0.png", "own3.png"]


def test_images_that_chose_the_epoch_are_told(run: Path, tmp_path: Path) -> None:
    (warning,) = external(run, tmp_path, 9).warnings
    assert (warning.code, warning.severity) == ("P876", "warning") and "chose the epoch" in warning.message


def test_patients_of_the_training_are_told(run: Path, tmp_path: Path) -> None:
    file = picture(tmp_path / "new" / "a.png", 77)
    other = picture(tmp_path / "new" / "b.png", 200)
    table_ = write(
        tmp_path / "new" / "t.csv", [["bild", "befund", "who"], [file.name, "dark", "o3"], [other.name, "bright", "z"]]
    )
    (warning,) = specc.evaluate(run, data=table_).warnings
    assert warning.code == "P876" and "1 patient has a name" in warning.message


def test_patients_are_told_by_the_header_too_and_those_of_the_validation(run: Path, tmp_path: Path) -> None:
    """Where the table names nobody, DICOM's PatientID counts."""
    items = tuple(Item(f"{i}.dcm", tmp_path / f"{i}.dcm", [0], who) for i, who in enumerate(("", "o2", "", "")))
    images = Labelled("t", tmp_path, items, ("label",))
    answers = [
        Answer(item.file, answer="dark", patient=who) for item, who in zip(items, ("o1", "o9", "o8", None), strict=True)
    ]
    parts = {f"o{i}": "train" if i < 8 else "val" for i in range(12)}
    train, val = check_patients(images, answers, Own({}, parts))
    assert {train.code, val.code} == {"P876"}
    assert train.message == "2 patients have names that stand for training patients, too"
    assert val.message == "1 patient has a name that stands for validation patients, too"
    assert "other images of them chose the epoch" in " ".join(note.text for note in val.notes)
    assert check_patients(images, answers, None) == ()


def test_without_its_training_images_a_run_has_no_forest(run: Path, tmp_path: Path) -> None:
    (tmp_path / "own" / "0.png").unlink()
    part = external(run, tmp_path).figures["external"]
    assert part["baseline"].keys() == {"trivial"} and part["baseline_from"] == "the training images"


def test_a_model_alone_needs_images(run: Path, tmp_path: Path) -> None:
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(run / "model.onnx")
    assert codes(caught) == ["T674"]
    assert f"specc eval {run}" in caught.value.diagnostics[0].notes[0].text
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(run, output=tmp_path / "x")
    assert codes(caught) == ["T674"]


# ---------------------------------------------------------------------- what the network sees


def test_the_tensor_between_edits_and_network(tmp_path: Path) -> None:
    model = saved(tmp_path)
    data = model.read_bytes()
    contract = inspect(data, "m")
    assert input_of_network(onnx.ModelProto.FromString(data).graph, contract) == "images"
    file = picture(tmp_path / "a.png", 100)
    seen, gone = images_seen(model, open_model(model, "cpu"), [(file,), (tmp_path / "gone.png",)])
    assert seen is not None and seen.shape == (1, 8, 8) and gone is None
    assert np.allclose(seen[0], np.asarray(Image.open(file)) / 255)


# ---------------------------------------------------------------------- figures and pictures


def some(n: int, classes: int, patients: int, seed: int = 0) -> Rows:
    rng, rows = np.random.default_rng(seed), Rows.empty()
    for i in range(n):
        t = i % classes
        p = rng.dirichlet([1.0] * classes) + 0.4 * np.eye(classes)[t]
        p = np.round(p / p.sum(), 2)
        rows.add(f"{i}.png", f"p{i % patients}", [t], p.tolist(), int(p.argmax()))
    return rows


def test_weighted_average_precision_is_that_of_repeated_images() -> None:
    rng = np.random.default_rng(3)
    truth, scores = rng.random(50) < 0.4, np.round(rng.random(50), 1)
    weights = rng.integers(0, 4, (20, 50)).astype(float)
    ours = metrics._average_precision(truth, scores, weights)
    for row, area in zip(weights.astype(int), ours, strict=True):
        repeated = np.repeat(truth, row), np.repeat(scores, row)
        assert area == pytest.approx(oracle.average_precision_score(*repeated))


def test_each_class_against_the_oracle() -> None:
    rows, question = some(200, 4, 40), Question(tuple("abcd"))
    part = judge("test", rows, question, Rivals(question, 1), Images(Path()), None)
    t, a = [target[0] for target in rows.targets], rows.answers
    assert part["metrics"]["f1"]["value"] == pytest.approx(oracle.f1_score(t, a, average="macro"))
    for k, name in enumerate("abcd"):
        own = part["classes"][name]
        assert own["images"] == 50
        assert own["sensitivity"]["value"] == pytest.approx(oracle.recall_score(t, a, labels=[k], average=None)[0])
        assert own["ppv"]["value"] == pytest.approx(oracle.precision_score(t, a, labels=[k], average=None)[0])
        scores = [numbers[k] for numbers in rows.numbers]
        assert own["auc"]["value"] == pytest.approx(oracle.roc_auc_score([x == k for x in t], scores))


@pytest.mark.parametrize("known", [(2100, 1500), (2500, 300)])
def test_findings_of_many_images_with_different_blanks(known: tuple[int, int]) -> None:
    """Draws are made in parts of a size that depends on the images; the mean over the findings is that of all draws."""
    rows, dice = Rows.empty(), np.random.default_rng(0)
    for i in range(max(known)):
        truth = [int(dice.random() < 0.5) if i < n else None for n in known]
        rows.add(f"{i}", f"P{i % 40}", truth, [float(dice.random()) for _ in known], 0)
    found = figures(rows, Question(labels=("lit", "old")), 42)
    each = [found[name]["accuracy"] for name in ("lit", "old")]
    mean = found[MEAN]["accuracy"]
    assert mean["value"] == pytest.approx(np.mean([one["value"] for one in each]))
    assert mean["low"] < mean["value"] < mean["high"]
    assert mean["high"] - mean["low"] < max(one["high"] - one["low"] for one in each)


QUESTIONS = {
    "classes": Question(("a", "b")),
    "findings": Question(labels=("lit", "old")),
    "one value": Question(targets=("age",), units=("years",)),
    "two values": Question(targets=("age", "height"), units=("years", "m")),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_better_is_told_by_the_difference_on_the_same_patients(
    question: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patients differ much, and the rival is wrong where the model is and a little more: intervals overlap, and the
    difference is clear.
    """
    rows, numbers, dice = Rows.empty(), [], np.random.default_rng(1)
    for i in range(60):
        truth, wrong = i % 2, i // 2 % 10 < 3
        mine, other = (truth != wrong) * 1.0, (truth != (wrong or i // 2 % 10 < 4)) * 1.0
        off = 10.0 * dice.random() * (i % 7)
        if question.classes:
            rows.add(f"{i}", f"P{i}", [truth], [1 - mine, mine], int(mine))
            numbers.append([1 - other, other])
        elif question.labels:
            rows.add(f"{i}", f"P{i}", [truth, 1 - truth], [mine, 1 - mine], 0)
            numbers.append([other, 1 - other])
        else:
            rows.add(f"{i}", f"P{i}", [50.0 + i] * len(question.targets), [50.0 + i + off] * len(question.targets), 0)
            numbers.append([51.0 + i + off] * len(question.targets))
    monkeypatch.setattr(Rivals, "answers", lambda *_: {"intensity forest": rows.said(numbers, question)})
    part = judge("val", rows, question, Rivals(question, 7), Images(tmp_path), None)
    name, sign = question.first
    first = MEAN if question.labels else "age"
    mine_, other_ = (of[first] if question.several else of for of in (part["metrics"], *part["baseline"].values()))
    edge = mine_[name]["low" if sign > 0 else "high"]
    assert sign * (edge - other_[name]["value"]) < 0  # the model's own interval reaches the rival
    gain = part["better_by"]["intensity forest"]
    assert gain["value"] == pytest.approx(sign * (mine_[name]["value"] - other_[name]["value"]))
    assert 0 < gain["low"] <= gain["value"] <= gain["high"]
    text = "\n".join(table({"val": part, "intervals": ""}, question))
    assert "  better than the intensity forest" in text
    monkeypatch.setattr(Rivals, "answers", lambda *_: {"intensity forest": rows})
    part = judge("val", rows, question, Rivals(question, 7), Images(tmp_path), None)
    assert part["better_by"]["intensity forest"] == {"value": 0, "low": 0, "high": 0}
    assert "  no better than the intensity forest" in "\n".join(table({"val": part, "intervals": ""}, question))


def test_the_band_holds_the_curve() -> None:
    rows = some(200, 2, 50)
    truth, scores = [target[0] for target in rows.targets], [numbers[1] for numbers in rows.numbers]
    band = metrics.roc_band(truth, scores, rows.patients, 1)
    assert band is not None
    grid, low, high = band
    alarms, hits, _ = oracle.roc_curve(truth, scores)
    middle = np.interp(grid, alarms, hits)
    assert (low <= middle + 1e-9).mean() > 0.98 and (middle <= high + 1e-9).mean() > 0.98
    assert metrics.roc_band([0, 1], [0.1, 0.9], ["a", "a"]) is None


@pytest.mark.parametrize(
    ("rows", "question", "words"),
    [
        (some(2, 2, 1), Question(("a", "b")), "one patient alone"),
        (some(40, 1, 20), Question(("a", "b")), "every image is `a`"),
        (some(40, 2, 20), Question(("a", "b", "c")), "no image of `c`"),
    ],
)
def test_poor_data_are_told(rows: Rows, question: Question, words: str) -> None:
    wide = [[*numbers, *[0.0] * (len(question.classes) - len(numbers))] for numbers in rows.numbers]
    rows = rows.said(wide, question)
    part = judge("val", rows, question, Rivals(question, 1), Images(Path()), None)
    assert any(words in remark for remark in part["remarks"])
    assert "\n".join(table({"val": part, "intervals": ""}, question))


LONG = tuple(f"class number {i} with a very long $name_" for i in range(40))


@pytest.mark.parametrize(
    ("rows", "question", "names"),
    [
        (some(2, 2, 1), Question(("a", LONG[0])), ["confusion", "roc"]),
        (some(30, 1, 1), Question(("a", "b")), ["confusion"]),
        (some(36, 12, 9), Question(LONG[:12]), ["confusion", "roc"]),
        (some(80, 40, 9), Question(LONG), ["confusion", "roc"]),
    ],
)
def test_pictures_of_odd_data(tmp_path: Path, rows: Rows, question: Question, names: list[str]) -> None:
    rows = rows.said([[*n, *[0.0] * (len(question.classes) - len(n))] for n in rows.numbers], question)
    part = judge("test", rows, question, Rivals(question, 1), Images(Path()), None)
    assert pictures.draw(rows, question, part, tmp_path, "-test", 1) == [f"{name}-test.png" for name in names]
    for name in names:
        with Image.open(tmp_path / f"{name}-test.png") as drawn:
            assert min(drawn.size) > 400 and max(drawn.size) < 3000
            assert not drawn.info.get("Software")


def test_pictures_of_values(tmp_path: Path) -> None:
    rows = Rows.empty()
    for i in range(3):
        rows.add(f"{i}", "p", [5.0, float(i)], [5.0, 2.0], 0)
    question = Question(targets=("age", LONG[0]), units=("years", ""))
    part = judge("test", rows, question, Rivals(question, 1), Images(Path()), None)
    assert pictures.draw(rows, question, part, tmp_path, "", 1) == ["agreement.png"]
    assert len(part["remarks"]) == 4  # one patient, one truth, two constant answers


def test_the_worst_errors_first(tmp_path: Path) -> None:
    rows, question = Rows.empty(), Question(("a", "b"))
    for file, truth, p in (("right", 0, 0.9), ("weak", 0, 0.4), ("sure", 1, 0.97), ("strong", 0, 0.2)):
        rows.add(file, file, [truth], [p, 1 - p], int(p < 0.5))
    assert [rows.files[error.row] for error in worst.errors(rows, question)] == ["sure", "strong", "weak"]
    asked: list[list[str]] = []

    def seen(files: Sequence[str]) -> list[Any]:
        asked.append(list(files))
        return [np.zeros((3, 4, 4), np.float32), None, np.ones((3, 4, 4), np.float32)]

    part = {"role": "test"}
    assert worst.draw(rows, question, part, tmp_path, "", seen) == ["worst.png"]
    assert asked == [["sure", "strong", "weak"]]
    assert worst.draw(rows.some([0]), question, part, tmp_path, "", seen) == []
    assert not (tmp_path / "worst.png").exists()  # the old picture speaks of other answers


def test_errors_of_targets_are_compared_in_deviations() -> None:
    rows, question = Rows.empty(), Question(targets=("age", "share"))
    for i, (age, share) in enumerate([(10.0, 0.1), (30.0, 0.5), (50.0, 0.9)]):
        rows.add(str(i), str(i), [age, share], [age + (3 if i == 0 else 0), share + (0.3 if i == 2 else 0)], 0)
    first, second = worst.errors(rows, question)
    assert (first.row, second.row) == (2, 0) and first.truth == "share 0.9"
