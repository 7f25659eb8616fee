"""Cases of several files, each a channel: from the table to the answers of the exported file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from programs import Array, events, make_data, program, put, run_all, spec, start, table

from specc.pieces import readers

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
    assert {name: kind["bits"] for name, kind in contract["accepts"].items()} == {"flair": [8], "t1": [16], "t2": [8]}
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
