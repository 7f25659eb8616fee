"""Cases of several files, each a channel: from the table to the answers of the exported file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import PIL.Image
import pytest
import tifffile
from pictures import pillow, write
from programs import (
    Array,
    encode,
    events,
    make_data,
    picture,
    program,
    put,
    run_all,
    spec,
    start,
    study_of,
    table,
)

import specc
from specc.api.prediction import Prediction
from specc.api.training import Trained
from specc.compile import check
from specc.compile import compile as compile_study
from specc.deploy import tables
from specc.errors import SpeccError
from specc.pieces import readers
from specc.resolved import resolved

COLUMNS = "image: [FLAIR, 'T 1', T2-w], label: label, patient: patient"
GROUPED = "split: {train: 60, val: 20, test: 20, group: patient}"
WINDOWS = "{flair: {center: 127.5, width: 255}, t1: {center: 2000, width: 4010}, t2: {center: 100, width: 200}}"


def stack(columns: str = COLUMNS, split: str = "split: {column: split}", **inputs: str) -> dict[str, str]:
    """`input` and `data` of a spec on the stacked files."""
    usual = {"format": "png", "size": "[16, 16]", "channels": "[flair, t1, t2]", "resize": "fit", "scale": "0..1"}
    parts = ", ".join(f"{key}: {value}" for key, value in (usual | inputs).items() if value)
    return {"input": f"{{{parts}}}", "data": f"{{manifest: stack.csv, columns: {{{columns}}}, {split}}}"}


AUGMENT = "[{rotate: {degrees: 9}}, {contrast: {range: [0.9, 1]}}]"
VALUES = {
    "task": "regression",
    "output": "{target: age, unit: years, standardize: true}",
    "model": "{layers: [{conv2d: {filters: 3, kernel: 3, activation: elu}}, flatten, {dense: {units: 1}}]}",
    "loss": "mean_squared_error",
}
CASES = {
    "plain": spec(**stack(), augment=AUGMENT),
    "standardize": spec(**stack(split=GROUPED, scale="standardize", window=WINDOWS), augment=AUGMENT),
    "two": spec(**VALUES, **stack("image: [T2-w, 'T 1'], target: age", channels="[a, b]", scale="standardize_image")),
}
HOLDS = {
    "plain": ("clip_each(", "as_stacked", "ranges_of_types", '("image", "image.t1", "image.t2")'),
    "standardize": ("StandardizedEdits", "(0.0, -5.0, 0.0)", "(255.0, 4005.0, 200.0)"),
    "two": ("ImageStandardizedEdits", '("image", "image.b")'),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every case, run without specc."""
    folder = tmp_path_factory.mktemp("stacks")
    make_data(folder / "data")
    for name, text in CASES.items():
        put(program(text), folder / name)
    heard = run_all([folder / name for name in CASES], folder / "data")
    return {name: (folder, *heard[name]) for name in CASES}


def as_read(folder: Path, row: dict[str, str]) -> Array:
    """(1, channels, H, W): what the graph takes of a line of predictions.csv."""
    names = [row["file"], *(value for name, value in row.items() if name.startswith("file."))]
    return np.concatenate([readers.read(folder / "data" / name)[0].transpose(2, 0, 1) for name in names])[None]


@pytest.mark.parametrize("name", CASES)
def test_train_and_export(name: str, outcomes: dict[str, Any]) -> None:
    folder, status, heard = outcomes[name]
    assert status == 0, heard
    text = "".join(path.read_text(encoding="utf-8") for path in (folder / name).glob("*.py"))
    assert [part for part in HOLDS[name] if part not in text] == []
    said = {event["event"]: event for event in events(heard)}
    assert said["start"]["images"] == {"train": 12, "val": 4, "test": 4}
    assert said["parity"]["passed"]
    assert said["parity"]["images"] == 28
    run = folder / name / "run"
    rows = table(run / "eval" / "predictions.csv")
    session = onnxruntime.InferenceSession((run / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    for row in rows[:4]:
        answer = session.run([session.get_outputs()[1].name], {"pixels": as_read(folder, row)})[0][0]
        assert [float(row[name]) for name in list(row)[-len(answer) :]] == pytest.approx(answer.tolist(), abs=2e-5)


def test_the_contract_says_which_file_is_which(outcomes: dict[str, Any]) -> None:
    folder = outcomes["plain"][0]
    contract = json.loads((folder / "plain/run/contract.json").read_bytes())["input"]
    assert contract["channels"] == ["flair", "t1", "t2"]
    assert contract["columns"] == ["FLAIR", "T 1", "T2-w"]
    assert {name: kind["bits"] for name, kind in contract["accepts_by_channel"].items()} == {
        "flair": [8],
        "t1": [16],
        "t2": [8],
    }
    rows = table(folder / "plain/run/eval/predictions.csv")
    assert list(rows[0])[:6] == ["split", "file", "file.t1", "file.t2", "patient", "label"]
    assert [rows[0][name] for name in ("file", "file.t1", "file.t2")] == [
        f"./stack/00_{name}.png" for name in ("flair", "t1", "t2")
    ]
    windows = json.loads((folder / "standardize/run/contract.json").read_bytes())["input"]["window"]
    assert windows == {
        "flair": {"center": 127.5, "width": 255.0},
        "t1": {"center": 2000.0, "width": 4010.0},
        "t2": {"center": 100.0, "width": 200.0},
    }


def test_each_channel_has_the_range_of_its_own_type(outcomes: dict[str, Any], tmp_path: Path) -> None:
    """Cases of 16x16 go through the edits to 0..1 as they are: 8 bits by 255, 16 bits by 65535."""
    folder = outcomes["plain"][0]
    arrays = [np.load(file) for file in (folder / "plain/cache").glob("*.npy")]
    rows = table(folder / "plain/run/eval/predictions.csv")
    place = next(place for place, row in enumerate(rows) if row["file"].endswith("00_flair.png"))
    wanted = as_read(folder, rows[place])[0] / np.array([255, 65535, 255])[:, None, None]
    np.testing.assert_allclose(arrays[0][place], wanted, atol=1e-6)


def test_standardized_by_channel(outcomes: dict[str, Any]) -> None:
    folder = outcomes["standardize"][0]
    found = [np.load(file)[:12].mean((0, 2, 3)) for file in (folder / "standardize/cache").glob("*.npy")]
    assert any(np.allclose(mean, 0, atol=1e-5) for mean in found), found


def test_a_changed_size_is_refused_by_the_program_itself(outcomes: dict[str, Any], tmp_path: Path) -> None:
    make_data(tmp_path / "data")
    rows = (tmp_path / "data/stack.csv").read_text().replace("stack/00_t2.png", "stack/01_t2.png")
    (tmp_path / "data/stack.csv").write_text(rows)
    done = start(put(program(CASES["plain"]), tmp_path / "program"), tmp_path / "data")
    assert done.returncode == 2
    assert "error[D432]" in done.stderr
    assert "16x16x1, 16x16x1, 20x14x1" in done.stderr


# ------------------------------------------------------------------ check


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A spec on stacked files; its table is `stack.csv` beside it."""
    make_data(tmp_path)
    (tmp_path / "s.yaml").write_text(spec(**stack(split=GROUPED)))
    return tmp_path / "s.yaml"


def change(folder: Path, line: int, **cells: str) -> None:
    """Other entries in a line of the table, which is counted from 0."""
    rows = table(folder / "stack.csv")
    rows[line] |= {name.replace("_", "-") if name == "T2_w" else name: value for name, value in cells.items()}
    with (folder / "stack.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def told(study: Path) -> dict[str, str]:
    """What a check says: code -> severity, message and notes."""
    return {
        d.code: f"{d.severity}: {d.message} | {d.label} | {' | '.join(note.text for note in d.notes)}"
        for d in check(study)[1]
        if d.severity != "note"
    }


def test_good_stacks_are_silent(study: Path) -> None:
    assert {code for code in told(study) if code not in ("D418", "D417")} == set()


@pytest.mark.parametrize(
    ("line", "cells", "code", "words"),
    [
        (3, {"T2_w": ""}, "D407", "1 of 60 images is not there"),
        (3, {"T2_w": "stack/none.png"}, "D407", "1 of 60 images is not there"),
        (3, {"T 1": "../x.png"}, "D408", "1 of 60 file names leads out"),
        (3, {"T 1": "dicom/00.dcm"}, "D409", "1 of 60 images is not PNG"),
        (3, {"T2_w": "stack/00_t2.png"}, "D432", "1 of 20 cases has files of different sizes | 1 x 40x24, 40x24,"),
        (3, {"T2_w": "stack/03_flair.png"}, "D433", "warning: 1 of 20 cases has the same picture in two channels"),
        (4, {"FLAIR": "stack/00_flair.png"}, "D435", "1 file is the first of more than one case"),
        (0, {"T2_w": "stack/16_t2.png"}, "D414", "1 picture is in more than one part, as 2 files"),
    ],
)  # fmt: skip
def test_every_file_of_every_column_is_checked(
    study: Path, line: int, cells: dict[str, str], code: str, words: str
) -> None:
    change(study.parent, line, **cells)
    found = told(study)
    assert words in found[code], found


def test_kinds_of_numbers_are_those_of_a_channel(study: Path) -> None:
    write(study.parent / "stack/00_t1.png", encode("stack", 0))
    assert "the images mix kinds of numbers, and no window brings them together (channel `t1`)" in told(study)["D422"]
    study.write_text(spec(**stack(split=GROUPED, window=WINDOWS)))
    assert "D422" not in told(study)


def test_a_coloured_file_is_no_channel(study: Path) -> None:
    image = PIL.Image.fromarray(np.dstack([picture(n, (16, 16))[..., 0] for n in range(3)]).astype(np.uint8))
    write(study.parent / "stack/00_t2.png", pillow(image, "PNG"))
    found = told(study)
    assert "1 of 60 images has other channels" in found["D423"], found
    assert "a file that is one channel must be grey" in found["D423"]


def test_files_of_different_patients_are_no_case(study: Path) -> None:
    lines = ["one,two,label,split"]
    lines += [f"dicom/{n:02}.dcm,dicom/{n ^ 4 if n == 3 else n:02}.dcm,{'ab'[n % 2]},train" for n in range(12)]
    (study.parent / "stack.csv").write_text("\n".join([*lines, ""]))
    parts = stack("image: [one, two], label: label", format="dicom", channels="[one, two]", modality="MR")
    study.write_text(spec(**parts, output="{classes: [a, b]}"))
    assert "1 of 12 cases holds files of different patients" in told(study)["D434"]


# ------------------------------------------------------------------ train, eval, predict, resume


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a spec on stacked files."""
    folder = make_data(tmp_path_factory.mktemp("study"))
    (folder / "s.yaml").write_text(spec(**stack(split=GROUPED)))
    done = specc.train(folder / "s.yaml", runs=folder / "runs")
    assert isinstance(done, Trained)
    assert done.evaluation is not None
    return done.run


def rows_of(run: Path) -> list[dict[str, str]]:
    """predictions.csv of a run."""
    return table(run / "eval" / "predictions.csv")


def test_predict_a_table_of_cases(trained: Path) -> None:
    folder = trained.parents[2]
    answers = specc.predict(trained, cases=folder / "stack.csv")
    assert [answer.refused for answer in answers] == [None] * 20
    known = {Path(row["file"]).name: row for row in rows_of(trained)}
    for answer in answers:
        row = known[Path(answer.file).name]
        assert row["answer"] == answer.answer
        assert float(row["light"]) == pytest.approx(answer.probabilities["light"], abs=1e-6)
        assert list(answer.others) == ["t1", "t2"]
        assert answer.plain()["others"] == dict(answer.others)


def test_predict_the_files_of_one_case(trained: Path) -> None:
    files = [trained.parents[2] / f"stack/00_{name}.png" for name in ("flair", "t1", "t2")]
    answer = specc.predict(trained, files)[0]
    row = next(row for row in rows_of(trained) if row["file"].endswith("00_flair.png"))
    assert answer.answer == row["answer"]
    for wrong in (files[:2], files[:1], [*files, files[0]], [files[0].parent]):
        with pytest.raises(SpeccError) as caught:
            specc.predict(trained, wrong)
        assert caught.value.diagnostics[0].code == "P861"
    (swapped,) = specc.predict(trained, [files[1], files[0], files[2]])
    assert swapped.refused is not None and swapped.refused[0] == "P821"
    assert swapped.refused[1].startswith("flair: 16 bits")


def test_predict_refuses_case_by_case(trained: Path, tmp_path: Path) -> None:
    files = trained.parents[2] / "stack"
    (tmp_path / "stack").symlink_to(files)
    lines = ["flair,T 1,t2,who", *(f"stack/0{n}_flair.png,stack/0{n}_t1.png,stack/0{n}_t2.png,p" for n in range(3))]
    lines += ["stack/00_flair.png,stack/00_t1.png,stack/01_t2.png,q", "stack/00_flair.png,,stack/01_t2.png,q"]
    (tmp_path / "c.csv").write_text("\n".join([*lines, "stack/00_flair.png,none.png,stack/01_t2.png,q", ""]))
    job = Prediction(trained, (), cases=tmp_path / "c.csv", patient="who")
    answers = list(job.answers())
    assert [answer.refused and answer.refused[0] for answer in answers] == [None, None, None, "P862", "P861", "P801"]
    assert "flair 16x16, t1 16x16, t2 20x14" in str(answers[3].refused)
    assert [(who.patient, who.images) for who in job.patients(answers)] == [("p", 3)]
    text = tables.to_csv(job.contract, answers)
    assert text.splitlines()[0].startswith("file,file.t1,file.t2,patient,images,answer,dark,light")
    for bad, words in (("flair,x\na,b\n", "no column `T 1`"), ("flair\n", "no line of data")):
        (tmp_path / "bad.csv").write_text(bad)
        with pytest.raises(SpeccError, match=words):
            specc.predict(trained, cases=tmp_path / "bad.csv")


def test_a_table_of_cases_for_a_model_of_single_files(tmp_path: Path, outcomes: dict[str, Any]) -> None:
    make_data(tmp_path / "data")
    train = put(program(spec()), tmp_path / "single")
    assert start(train, tmp_path / "data").returncode == 0
    answers = specc.predict(train.parent / "run", cases=tmp_path / "data/png.csv")
    assert len(answers) == 20 and not any(answer.refused for answer in answers)


def test_evaluation_knows_all_files(trained: Path, tmp_path: Path) -> None:
    done = specc.evaluate(trained)
    assert done.figures["test"]["images"] == 4
    assert done.figures["test"]["baseline"].keys() == {"trivial", "intensity forest"}
    folder = trained.parents[2]
    rows = table(folder / "stack.csv")
    with (folder / "other.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["FLAIR", "T 1", "T2-w", "label"])
        held = {Path(row["file"]).name for row in rows_of(trained) if row["split"] != "train"}
        writer.writerows(
            [row["FLAIR"], row["T 1"], row["T2-w"], row["label"]] for row in rows if Path(row["FLAIR"]).name in held
        )
    other = specc.evaluate(trained / "model.onnx", data=folder / "other.csv", output=tmp_path / "eval")
    assert other.figures["external"]["images"] == 8
    assert [d.code for d in other.warnings] == ["P876", "P876"]
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(trained / "model.onnx", data=folder / "stack.csv", output=tmp_path / "again")
    assert caught.value.diagnostics[0].code == "P876"
    with pytest.raises(SpeccError) as caught:
        specc.evaluate(trained / "model.onnx", data=folder / "classes", output=tmp_path / "again")
    assert caught.value.diagnostics[0].code == "P861"


def test_resume_sees_a_change_in_any_column(trained: Path) -> None:
    file = trained.parents[2] / "stack/07_t2.png"
    before = file.read_bytes()
    file.write_bytes((trained.parents[2] / "stack/08_t2.png").read_bytes())
    with pytest.raises(SpeccError) as caught:
        specc.train(resume=trained)
    file.write_bytes(before)
    assert caught.value.diagnostics[0].code == "T653"
    assert "stack/07_t2.png" in str(caught.value.diagnostics[0].notes)


def test_the_resolved_spec_makes_the_same_program() -> None:
    study = study_of(CASES["standardize"])
    again = study_of(resolved(study))
    first, second = program(CASES["standardize"]), {**compile_study(again)}
    assert {name for name in first if first[name] != second[name]} <= {"train.py", "contract.json"}


# ------------------------------------------------------------------ numbers without a range


def test_real_numbers_are_standardized_as_they_are(tmp_path: Path) -> None:
    """Below 0 and above 65535: nothing is cut off, in a file a case and in files by channel."""
    lines = ["a,b,label,split"]
    for number in range(16):
        noise = np.random.default_rng(number).normal(size=(2, 8, 8)).astype("float32")
        for name, pixels in (("a", noise[0] * 1e5 - 1e6), ("b", noise[1] + number % 2)):
            tifffile.imwrite(tmp_path / f"{number}{name}.tif", pixels.astype("float32"))
        lines.append(
            f"{number}a.tif,{number}b.tif,{'dark' if number % 2 else 'light'},{'val' if number > 11 else 'train'}"
        )
    write(tmp_path / "stack.csv", "\n".join([*lines, ""]).encode())
    for name, channels, columns in (("one", "mono", "a"), ("two", "[x, y]", "[a, b]")):
        parts = stack(f"image: {columns}, label: label", format="tiff", size="[8, 8]", resize="", channels=channels,
                      scale="standardize")  # fmt: skip
        train = put(program(spec(**parts)), tmp_path / name)
        done = start(train, tmp_path)
        assert done.returncode == 0, done.stderr
        arrays = [np.load(file) for file in (train.parent / "cache").glob("*.npy")]
        edited = next(array for array in arrays if abs(array[:12].mean()) < 1e-3)
        np.testing.assert_allclose(edited[:12].std((0, 2, 3)), 1, atol=1e-3)
        for place, letter in enumerate("ab"[: edited.shape[1]]):
            plain = readers.read(tmp_path / f"3{letter}.tif")[0][..., 0]
            known = np.stack([readers.read(tmp_path / f"{n}{letter}.tif")[0][..., 0] for n in range(12)])
            np.testing.assert_allclose(edited[3, place], (plain - known.mean()) / known.std(), atol=2e-3)
