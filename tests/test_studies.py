"""A real series from the command line: stopped in its second run, gone on with, summed up; each run is whole."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from programs import make_data, spec

import specc
from specc.api.series import Series
from specc.api.training import train as train_once
from specc.errors import SpeccError

SPEC = spec(
    data="{manifest: png.csv, columns: {image: file, label: label, patient: patient}, "
    "split: {folds: 2, test: 20, group: patient}}",
    train="{epochs: 2, batch_size: 4}",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, a spec of two folds, and its series, which was stopped when its second run began."""
    place = make_data(tmp_path_factory.mktemp("study"))
    (place / "case.yaml").write_text(SPEC, encoding="utf-8")
    command = [sys.executable, "-m", "specc", "train", "case.yaml"]
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and process.stdout is not None
        heard = ""
        for line in process.stderr:
            heard += line
            if line.startswith("run 2 of 2: fold-2"):
                process.send_signal(signal.SIGINT)
                break
        heard += process.stderr.read()
        said = process.stdout.read()
    assert process.returncode == 130, heard
    assert "Traceback" not in heard
    assert "next: specc train --resume runs/case/001" in said
    return place


@pytest.fixture(scope="module")
def whole(folder: Path) -> dict[str, float]:
    """When the first run's model was written; after that the series is finished, told as JSON into done.json."""
    run = folder / "runs/case/001"
    states = [one["state"] for one in json.loads((run / "series.json").read_text())["members"]]
    assert states == ["done", "stopped"]
    before = (run / "fold-1/model.onnx").stat().st_mtime
    command = [sys.executable, "-m", "specc", "train", "--resume", "runs/case/001", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder / "done.json").write_text(done.stdout.splitlines()[-1])
    return {"before": before}


def test_finished_runs_are_not_trained_again(folder: Path, whole: dict[str, float]) -> None:
    assert (folder / "runs/case/001/fold-1/model.onnx").stat().st_mtime == whole["before"]


def test_json_has_members_and_summary(folder: Path, whole: dict[str, float]) -> None:
    told = json.loads((folder / "done.json").read_text())
    assert set(told) == {"run", "members", "summary"}
    assert [(one["name"], one["fold"], one["state"]) for one in told["members"]] == [
        ("fold-1", 1, "done"),
        ("fold-2", 2, "done"),
    ]
    assert told["summary"] == json.loads((folder / "runs/case/001/summary.json").read_text())
    assert told["summary"]["val"]["role"].startswith("validation")
    assert (folder / "runs/case/001/summary.md").read_text().startswith("# case/001: 2 folds")
    assert (folder / "runs/case/001/summary.png").read_bytes().startswith(b"\x89PNG")


def test_every_image_validates_once_and_is_tested_by_all(folder: Path, whole: dict[str, float]) -> None:
    found: dict[str, list[str]] = {"val": [], "test": []}
    for fold in (1, 2):
        with (folder / f"runs/case/001/fold-{fold}/eval/predictions.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                found.setdefault(row["split"], []).append(row["file"])
    assert len(found["val"]) == len(set(found["val"]))
    assert len(found["test"]) == 2 * len(set(found["test"])) > 0
    assert len(set(found["val"]) | set(found["test"])) == 20
    summary = specc.summarize(folder / "runs/case/001")
    assert (summary.figures["val"]["images"], summary.figures["val"]["patients"]) == (len(found["val"]), 8)


def test_a_member_can_be_made_again_alone(folder: Path, whole: dict[str, float], tmp_path: Path) -> None:
    """The ordinary training with the member's settings: the same program, losses and answers."""
    run = folder / "runs/case/001/fold-1"
    settings = json.loads((run.parent / "series.json").read_text())["members"][0]["settings"]
    alone = train_once(folder / "case.yaml", settings=settings, runs=tmp_path).run
    assert (alone / "spec.yaml").read_text() == (run / "spec.yaml").read_text()
    for name in ("train.py", "data.py", "model.py"):
        assert (alone / "code" / name).read_bytes() == (run / "code" / name).read_bytes()
    assert (alone / "metrics.jsonl").read_text() == (run / "metrics.jsonl").read_text()
    assert (alone / "eval/predictions.csv").read_text() == (run / "eval/predictions.csv").read_text()


def test_eval_prints_the_summary_again(folder: Path, whole: dict[str, float]) -> None:
    command = [sys.executable, "-m", "specc", "eval", "runs/case/001"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "all folds together" in done.stdout
    assert "next: open runs/case/001/summary.md and runs/case/001/summary.png" in done.stdout
    refused = subprocess.run([*command, "--by", "third"], cwd=folder, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "T674" in refused.stderr


def test_a_finished_series_has_nothing_left_to_do(folder: Path, whole: dict[str, float]) -> None:
    done = specc.train(resume=folder / "runs/case/001")
    assert isinstance(done, Series)
    assert done.exit_code == 0
    assert done.summary is not None
    html = done._repr_html_()
    assert "all folds together" in html and "data:image/png;base64" in html


def test_a_series_is_no_run(folder: Path, whole: dict[str, float]) -> None:
    """`predict` and `export` name the runs in it."""
    with pytest.raises(SpeccError) as caught:
        specc.export(folder / "runs/case/001")
    text = "\n".join(note.text for one in caught.value.diagnostics for note in one.notes)
    assert "fold-1" in text and "fold-2" in text
