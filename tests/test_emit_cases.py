"""Programs of many kinds, each compiled from a spec, trained for an epoch and exported, without specc."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from programs import COLUMNS, SAME, Array, events, make_data, program, put, run_all, spec, table
from ruff import find_ruff_bin

from specc.compile import check
from specc.pieces import readers


def data(kind: str, rest: str = "split: {column: split}", columns: str = COLUMNS) -> str:
    """`data:` of a spec on the table of a kind."""
    return f"{{manifest: {kind}.csv, columns: {{{columns}}}, {rest}}}"


def inputs(**changes: str) -> str:
    """`input:` of a spec."""
    usual = {"format": "png", "size": "[16, 16]", "channels": "mono", "resize": "fit", "scale": "0..1"}
    return "{" + ", ".join(f"{key}: {value}" for key, value in (usual | changes).items() if value) + "}"


AUGMENT = "[{rotate: {degrees: 9}}, {flip: {axis: vertical}}, {shift: {fraction: 0.1}}, {contrast: {range: [0.9, 1]}}]"
CONVOLUTION = (
    "{layers: [{conv2d: {filters: 3, kernel: 3, activation: relu}}, global_avgpool, "
    "{dense: {units: @, activation: sigmoid}}]}"
)
NUMBERS = "[{conv2d: {filters: 3, kernel: 3, activation: elu}}, flatten, {dense: {units: 2}}]"
RESIDUAL = """[{conv2d: {id: x, filters: 4, kernel: 3, padding: same}}, batchnorm, relu,
  {conv2d: {id: forward, filters: 4, kernel: 3, padding: same}}, batchnorm, {add: {with: x}}, {silu: {id: l}},
  {conv2d: {filters: 8, kernel: 3, stride: 2, padding: same}}, {add: {with: l, project: auto}}, {gelu: {id: wide}},
  {conv2d: {filters: 12, kernel: 3, stride: 2, padding: same}}, {add: {with: wide, project: pad}}, leaky_relu,
  {conv2d: {id: twin, filters: 2, kernel: 1}}, {from: twin}, {avgpool: {size: 2}},
  {conv2d: {id: torch, filters: 3, kernel: 1}}, tanh, {concat: {with: torch}}, flatten, {dropout: {rate: 0.3}},
  {dense: {units: 6}}, batchnorm, {dense: {units: 1, activation: sigmoid}}]"""
SPLIT = "split: {train: 60, val: 20, test: 20, group: patient}"
TARGETS = {
    "task": "regression",
    "output": "{targets: {age: years, height: m}, standardize: true}",
    "model": f"{{layers: {NUMBERS}}}",
    "loss": "mean_squared_error",
}


ODD, TABLE, FILE, LABEL = "it's \\", "{ä}'s/tab'le.csv", "Datei 'ä\"{0}", "label {x!r}"


@dataclass(frozen=True)
class Case:
    """A spec, the kind of its images, and what else must be in its program."""

    text: str
    kind: str = "png"
    holds: tuple[str, ...] = ()
    scores: tuple[str, ...] = ("accuracy", "balanced_accuracy", "auc")
    classes: tuple[str, ...] = ("dark", "light")
    several: bool = False  # of the classes may be in one image
    parts: dict[str, int] = field(default_factory=lambda: {"train": 12, "val": 4, "test": 4})


CASES = {
    "three_classes": Case(
        spec(
            output="{classes: [a, b, c]}",
            data=data("png", columns="image: file, label: third"),
            model="{layers: [flatten, {dense: {units: 3, activation: softmax}}]}",
            loss="categorical_cross_entropy",
        ),
        holds=("ManyClasses",),
        classes=("a", "b", "c"),
    ),
    "two_targets": Case(
        spec(**TARGETS, data=data("png", columns="image: file, targets: {age: age, height: height}")),
        holds=("Rescaled", "targets.age"),
        scores=("mae", "rmse", "r2"),
        classes=(),
    ),
    "rgb_tiff": Case(
        spec(input=inputs(format="tiff", channels="rgb", from_mono="repeat"), data=data("tiff")), "tiff", ("to_rgb",)
    ),
    "luma_tiff_crop": Case(
        spec(input=inputs(format="tiff", resize="crop", scale="-1..1"), data=data("tiff")), "tiff", ("resize_crop",)
    ),
    "png16_window": Case(
        spec(input=inputs(window="{center: 2000, width: 4000}", scale="-1..1"), data=data("png16"), augment=AUGMENT),
        "png16",
        ("SymmetricEdits", "images = (images + 1) / 2", "(0.0, 4000.0)"),
    ),
    "standardize": Case(
        spec(input=inputs(scale="standardize", resize="stretch"), augment=AUGMENT, data=data("png", SPLIT)),
        holds=("StandardizedEdits", "resize_stretch", "split_grouped"),
    ),
    "standardize_image": Case(
        spec(input=inputs(scale="standardize_image"), augment=AUGMENT), holds=("ImageStandardizedEdits",)
    ),
    "no_resize": Case(spec(input=inputs(resize=""), data=data("even")), "even", ("resize_none",)),
    "dicom_auto": Case(
        spec(
            input=inputs(format="dicom", modality="[MR]"),
            data=data(
                "dicom", f"{SPLIT.replace(', group: patient', '')}, skip: other_modality", "image: file, label: label"
            ),
        ),
        "dicom",
        ("entry.facts.patient", "files_of_modality", '"auto"'),
    ),
    "dicom_window": Case(
        spec(input=inputs(format="dicom", window="{center: 350.5, width: 901}"), data=data("dicom")),
        "dicom",
        ("(-100.0, 801.0)",),
    ),
    "dicom_as_it_is": Case(
        spec(input=inputs(format="dicom", window="none", scale="standardize"), data=data("dicom")),
        "dicom",
        ("as_read", '"none", None'),
    ),
    "folders": Case(
        spec(data='{folders: classes, split: {train: 60, val: 20, test: 20, group: {before: "_"}}}'),
        "even",
        ("read_folders", 'group_before([row["file"] for row in rows], "_")'),
    ),
    "sgd": Case(
        spec(
            optimizer="{sgd: {learning_rate: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.001}}",
            train="{epochs: 1, batch_size: 5, drop_last: true, shuffle: false, "
            "early_stop: {watch: accuracy, patience: 3, min_delta: 0.01}}",
        ),
        holds=("whole_steps", "in_order", '("accuracy", 1)', '"weight_decay": 0.001', "nesterov=True"),
    ),
    "residual": Case(spec(model=f"{{layers: {RESIDUAL}}}"), holds=("F.pad", "torch.cat", "x_ = self.x_(image)")),
    "odd_names": Case(
        spec(
            output=f"{{classes: [{dumps(ODD)}, light]}}",
            data=f"{{manifest: {dumps(TABLE)}, columns: {{image: {dumps(FILE)}, label: {dumps(LABEL)}}}, "
            "split: {column: split}}",
        ),
        "even",
        ("it's \\\\",),
        classes=(ODD, "light"),
    ),
    "findings": Case(
        spec(
            output="{labels: [it's lit, old], aggregate: patient}",
            data=f"{{manifest: findings.csv, columns: {{image: file, labels: {{it's lit: lit, old: old}}, "
            f"patient: patient}}, {SPLIT}}}",
            model=CONVOLUTION.replace("@", "2"),
        ),
        holds=("Findings", "findings_cross_entropy", "split_findings"),
        classes=("it's lit", "old"),
        several=True,
    ),
    "findings_balanced": Case(
        spec(
            output="{labels: [it's lit, old]}",
            data="{manifest: findings.csv, columns: {image: file, labels: {it's lit: lit, old: old}}, "
            "split: {column: split}}",
            model=CONVOLUTION.replace("@", "2"),
            loss="{binary_cross_entropy: {class_weights: balanced, label_smoothing: 0.1}}",
            allow="{class_weights: few, label_smoothing: unsure}",
        ),
        holds=("balanced_findings", "weighted_mean_of_known", "chance, 0.198"),
        classes=("it's lit", "old"),
        several=True,
    ),
    "sum_of_weighted": Case(
        spec(
            output="{classes: [dark, light], positive: dark}",
            loss="[{binary_cross_entropy: {class_weights: [1, 4]}}, {focal: {weight: 0.5, class_weights: balanced}}]",
            allow="{class_weights: few, focal: few}",
        ),
        holds=("(4.0, 1.0)", "0.5 * class_weighted(", "balanced(loss_of", "gamma=2.0"),
    ),
    "three_weighted": Case(
        spec(
            output="{classes: [a, b, c]}",
            data=data("png", columns="image: file, label: third"),
            model="{layers: [flatten, {dense: {units: 3, activation: softmax}}]}",
            loss="{categorical_cross_entropy: {class_weights: balanced, label_smoothing: 0.2}}",
            allow="{class_weights: few, label_smoothing: unsure}",
        ),
        holds=("smoothed_cross_entropy(outputs, targets, smoothing=0.2), targets, class_weights, among=among",),
        classes=("a", "b", "c"),
    ),
    "robust": Case(
        spec(
            **TARGETS
            | {
                "data": data("png", columns="image: file, targets: {age: age, height: height}"),
                "loss": "[mean_absolute_error, {huber: {delta: 2, weight: 0.1}}]",
                "allow": "{mean_absolute_error: few are far off, huber: few are far off}",
            }
        ),
        holds=("mean_absolute_error(outputs, targets) + 0.1 * huber(outputs, targets, delta=2.0)",),
        scores=("mae", "rmse", "r2"),
        classes=(),
    ),
    "positive_first": Case(
        spec(output="{classes: [dark, light], positive: dark, aggregate: patient}"), holds=("positive_first", "1 - np")
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every case, run."""
    folder = tmp_path_factory.mktemp("cases")
    make_data(folder / "data")
    folders = []
    for name, case in CASES.items():
        folders.append(folder / name)
        put(program(case.text), folder / name)
    heard = run_all(folders, folder / "data")
    return {name: (folder, *heard[name]) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_train_and_export(name: str, outcomes: dict[str, Any]) -> None:
    case, (folder, status, heard) = CASES[name], outcomes[name]
    assert status == 0, heard
    text = "".join(path.read_text(encoding="utf-8") for path in (folder / name).glob("*.py"))
    assert [part for part in case.holds if part not in text] == []
    said = {event["event"]: event for event in events(heard)}
    assert said["start"]["images"] == case.parts
    assert {"train_loss", "val_loss", *case.scores} <= said["epoch"].keys()
    assert said["parity"]["passed"]
    assert all(value <= 1e-5 for name, value in said["parity"]["largest"].items() if name != "ood_score")
    rows = table(folder / name / "run" / "eval" / "predictions.csv")
    assert [row["split"] for row in rows] == [part for part, count in case.parts.items() for _ in range(count)]
    check_answers(case, rows, folder, (folder / name / "run" / "model.onnx").read_bytes())


def check_answers(case: Case, rows: list[dict[str, str]], folder: Path, model: bytes) -> None:
    """The ONNX file gives what predictions.csv says, in a batch of two, too."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    contract = json.loads(session.get_modelmeta().custom_metadata_map["specc.contract"])
    assert contract == json.loads((folder / case_name(case) / "run" / "contract.json").read_bytes())
    for row in rows[:3]:
        pixels = as_the_graph_takes_it(folder / "data" / row["file"], contract)
        said = dict(
            zip([out.name for out in session.get_outputs()], session.run(None, {"pixels": pixels}), strict=True)
        )
        assert said["accepted"].all()
        if case.classes:
            there = said["answer"][0]
            if case.several:
                assert row["answer"] == ";".join(name for name, yes in zip(case.classes, there, strict=True) if yes)
            else:
                assert said["probabilities"].sum(1) == pytest.approx(1, abs=1e-5)
                assert row["answer"] == case.classes[there]
            given = [float(row[name]) for name in case.classes]
            np.testing.assert_allclose(said["probabilities"], [given, given], atol=2e-5)
        else:
            given = [float(row["answer.age"]), float(row["answer.height"])]
            np.testing.assert_allclose(said["values"], [given, given], rtol=1e-5)
            np.testing.assert_array_equal(said["values"], said["answer"])
            assert float(row["answer"]) == given[0]


def case_name(case: Case) -> str:
    """The name of a case."""
    return next(name for name, other in CASES.items() if other is case)


def as_the_graph_takes_it(file: Path, contract: dict[str, Any]) -> Array:
    """(2, samples, H, W): a file twice."""
    window = "auto" if contract["input"]["window"] == "auto" else "none"
    pixels = readers.read(str(file), window)[0].transpose(2, 0, 1)
    samples = max(contract["input"]["accepts"]["samples"])
    return np.stack([np.broadcast_to(pixels, (samples, *pixels.shape[1:]))] * 2)


def test_every_kind_is_clean(outcomes: dict[str, Any]) -> None:
    """Formatted, no unused import or name, and the shared files have the same bytes everywhere."""
    folders = [folder / name for name, (folder, *_) in outcomes.items()]
    for command in (["format", "--check"], ["check", "--select", "E,W,F,I,B,C4,PIE,UP,BLE"]):
        ruff = [find_ruff_bin(), *command, "--isolated", "--line-length", "120", "--no-cache"]
        for folder in folders:
            done = subprocess.run([*ruff, "."], cwd=folder, capture_output=True, text=True)
            assert done.returncode == 0, (folder.name, done.stdout)
    for file in SAME:
        assert len({(folder / f"{file}.py").read_bytes() for folder in folders}) == 1, file


@pytest.mark.parametrize("name", CASES)
def test_check_finds_no_error(name: str, outcomes: dict[str, Any]) -> None:
    folder = outcomes[name][0]
    path = folder / "data" / f"{name}.yaml"
    path.write_text(CASES[name].text, encoding="utf-8")
    study, found = check(path)
    assert study is not None, [(d.code, d.message) for d in found]


def test_the_positive_class_is_the_one_that_the_neuron_speaks_for(outcomes: dict[str, Any]) -> None:
    folder = outcomes["positive_first"][0]
    contract = json.loads((folder / "positive_first" / "run" / "contract.json").read_bytes())
    assert contract["output"] == {"classes": ["dark", "light"], "positive": "dark", "aggregate": "patient"}
    first, second = (table(folder / name / "run" / "eval" / "predictions.csv") for name in ("positive_first", "sgd"))
    assert [row["file"] for row in first] == [row["file"] for row in second]


def test_standardized_targets_come_in_their_own_units(outcomes: dict[str, Any]) -> None:
    rows = table(outcomes["two_targets"][0] / "two_targets" / "run" / "eval" / "predictions.csv")
    assert rows[1]["targets.age"] == "71"
    ages = [float(row["answer.age"]) for row in rows if row["split"] == "train"]
    assert 30 < np.mean(ages) < 85  # an untrained network answers about the mean, 55.5, not about 0
