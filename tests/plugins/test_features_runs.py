"""Autoencoders from the spec to the table of codes: what a training leaves, what predict and eval make of it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from specc_features import tables
from specc_features.examples import SPARSE, VARIATIONAL

import specc
from specc.deploy.session import open_model
from specc.errors import SpeccError
from specc.testing import draw

CLASSIFIER = """
specc: 1
name: classifier
task: classification
input: {format: png, size: [24, 24], channels: mono, resize: fit, scale: 0..1}
output: {classes: [dark, bright]}
data: {manifest: table.csv, columns: {image: file, label: label, patient: patient}, split: {column: part}}
model:
  layers:
    - conv2d: {filters: 4, kernel: 3, stride: 2, activation: relu}
    - flatten
    - dense: {units: 6, activation: relu, id: code}
    - dense: {units: 1, activation: sigmoid}
loss: binary_cross_entropy
optimizer: adam
train: {epochs: 1, batch_size: 16}
"""
VALUES = """
specc: 1
name: values
task: regression
input: {format: png, size: [24, 24], channels: mono, resize: fit, scale: 0..1}
output: {target: value, standardize: true}
data: {manifest: table.csv, columns: {image: file, target: value, patient: patient}, split: {column: part}}
model: {layers: [flatten, {dense: {units: 5, activation: relu, id: code}}, {dense: {units: 1}}]}
loss: mean_squared_error
optimizer: adam
train: {epochs: 1, batch_size: 16}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small images and their table."""
    folder = tmp_path_factory.mktemp("features")
    draw(folder)
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    """A sparse autoencoder that was trained for two epochs."""
    spec = place / "sparse.yaml"
    spec.write_text(SPARSE, encoding="utf-8")
    done = specc.train(spec, runs=place / "runs")
    return Path(done.run)


@pytest.fixture
def files(place: Path) -> Iterator[list[Path]]:
    """Two training images and one of the test part."""
    yield [place / "images" / name for name in ("00.png", "03.png", "47.png")]


def notes(error: SpeccError) -> str:
    """What is said below a message."""
    return "\n".join(note.text for fault in error.diagnostics for note in fault.notes)


def test_encoder_and_whole_model_give_one_code(run: Path, files: list[Path]) -> None:
    """encoder.onnx stands beside model.onnx, takes what it takes, and gives its codes; so does eval/codes.npz."""
    whole, encoder = (specc.predict(run / name, files) for name in ("model.onnx", "encoder.onnx"))
    kept = np.load(run / "eval" / "codes.npz")
    order = {str(name): place for place, name in enumerate(kept["files"])}
    for one, other, file in zip(whole, encoder, files, strict=True):
        rows: list[dict[str, Any]] = [one.plain(), other.plain()]
        codes = [[row[f"code.{number}"] for number in range(1, 65)] for row in rows]
        assert codes[0] == pytest.approx(codes[1], abs=1e-6) and "error" not in rows[1]
        place = order[f"images/{file.name}"]
        assert kept["code"][place] == pytest.approx(codes[0], abs=1e-5)
        assert kept["error"][place] == pytest.approx(rows[0]["error"], rel=1e-4)
    assert json.loads((run / "parity.json").read_text())["passed"]


def test_the_error_is_that_of_the_reconstruction(run: Path, files: list[Path]) -> None:
    """Outputs of the model: form of each, and the mean squared error over the pixels."""
    session = open_model(run / "model.onnx")
    pixels = np.asarray(PIL.Image.open(files[0]), np.float32)[None, None]
    outputs = session.run(pixels)
    assert {name: value.shape for name, value in outputs.items()} == {
        "code": (1, 4, 4, 4),
        "reconstruction": (1, 1, 32, 32),
        "image": (1, 1, 32, 32),
        "error": (1,),
        "accepted": (1,),
    }
    assert outputs["image"].min() >= -1 and outputs["reconstruction"].max() <= 1
    assert outputs["error"][0] == pytest.approx(
        np.square(outputs["image"] - outputs["reconstruction"]).mean(), rel=1e-5
    )


def test_tables_of_codes(run: Path, files: list[Path], tmp_path: Path) -> None:
    """The same numbers in npz and in rows; a table of another kind is refused."""
    said = specc.predict(run, files, output=tmp_path / "codes.npz", forms=["codes"])
    with np.load(tmp_path / "codes.npz") as kept:
        assert kept["files"].tolist() == [str(file) for file in files] and kept["code"].shape == (3, 64)
        assert kept["code"][1, 2] == pytest.approx(said[1].plain()["code.3"])
        assert kept["error"][2] == pytest.approx(said[2].plain()["error"])
    with pytest.raises(SpeccError, match="P892"):
        specc.predict(run, files, output=tmp_path / "codes.txt")


def test_parquet(run: Path, files: list[Path], tmp_path: Path) -> None:
    """Read back, the table holds a row an image and the numbers of npz."""
    from pyarrow import parquet

    said = specc.predict(run, files, output=tmp_path / "codes.parquet")
    table = parquet.read_table(tmp_path / "codes.parquet")
    assert table.column_names == ["file", "error", *(f"code.{number}" for number in range(1, 65))]
    assert table["file"].to_pylist() == [str(file) for file in files]
    for name in ("error", "code.1", "code.64"):
        assert table[name].to_pylist() == pytest.approx([one.plain()[name] for one in said])


def test_parquet_names_the_package_that_it_needs(
    run: Path, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is computed."""
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(SpeccError, match="P891") as caught:
        specc.predict(run, files, output=tmp_path / "codes.parquet")
    assert "specc-compiler[parquet]" in notes(caught.value) and list(tmp_path.iterdir()) == []


def test_tables_hold_what_is_asked_for(run: Path, files: list[Path], tmp_path: Path) -> None:
    """npz and parquet are tables of codes: asked for neighbours alone, they would hold something else."""
    for form in ("neighbours", "reconstruction"):
        with pytest.raises(SpeccError, match="P892") as caught:
            specc.predict(run, files, output=tmp_path / "near.npz", forms=[form])
        assert ".csv" in notes(caught.value) and list(tmp_path.iterdir()) == []
    specc.predict(run, files, output=tmp_path / "both.npz", forms=["neighbours", "codes"])
    with np.load(tmp_path / "both.npz") as kept:
        assert kept["code"].shape == (3, 64)


def test_a_folder_inside_a_file_is_refused_before_anything_is_computed(
    run: Path, files: list[Path], tmp_path: Path
) -> None:
    """As is what is no folder."""
    (tmp_path / "file").write_text("")
    words = [sys.executable, "-m", "specc", "predict", str(run), str(files[0]), "-o"]
    done = subprocess.run([*words, str(tmp_path / "file" / "x")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "T659" in done.stderr and not done.stdout.startswith(str(files[0])), done.stderr


def test_neighbours_and_reconstructions(run: Path, files: list[Path], tmp_path: Path) -> None:
    """A training image finds itself first, by both distances; pictures lie in the folder."""
    forms = ["neighbours,neighbours_cosine", "reconstruction"]
    said = specc.predict(run, files, output=tmp_path / "out", forms=forms)
    for one, file in zip(said[:2], files[:2], strict=True):
        row: dict[str, Any] = one.plain()
        for form in ("neighbours", "neighbours_cosine"):
            assert row[f"{form}.1"] == f"images/{file.name}" and row[f"{form}.1.distance"] < 1e-3
            far = [row[f"{form}.{number}.distance"] for number in range(1, 6)]
            assert far == sorted(far)
        assert row["neighbours.1.label"] == ("dark" if file.name == "00.png" else "bright")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    stems = [file.stem for file in files]
    assert names == {
        f"{stem}.{form}.png" for stem in stems for form in ("neighbours", "neighbours_cosine", "reconstruction")
    }
    with PIL.Image.open(tmp_path / "out" / "00.reconstruction.png") as picture:
        assert picture.size == (66, 32)  # two images of 32 and what is between them
    with pytest.raises(SpeccError, match="P893"):
        specc.predict(run / "encoder.onnx", files, forms=["reconstruction"])


def test_a_model_alone_has_no_neighbours(run: Path, files: list[Path], tmp_path: Path) -> None:
    """Away from its run there are no codes to look among."""
    (tmp_path / "model.onnx").write_bytes((run / "model.onnx").read_bytes())
    with pytest.raises(SpeccError, match="P890"):
        specc.predict(tmp_path / "model.onnx", files, forms=["neighbours"])


def test_what_eval_says(run: Path) -> None:
    """Errors beside PCA and mean image, probes of the label, pictures; PCA errors are those of scikit-learn."""
    from sklearn.decomposition import PCA

    figures = json.loads((run / "eval" / "metrics.json").read_text())
    assert figures["components"] == 32 and {"val", "test"} <= figures.keys()
    val = figures["val"]
    own, rivals = val["metrics"], val["baseline"]
    assert val["images"] == 8 and own["error"]["low"] <= own["error"]["value"] <= own["error"]["high"]
    kept = np.load(run / "eval" / "codes.npz")
    ratios = 10 * np.log10(4 / kept["error"][kept["part"] == "val"])
    assert own["psnr"]["value"] == pytest.approx(ratios.mean(), rel=1e-4)
    for figures in (own, rivals["PCA"]):
        assert (
            0 <= figures["linear_probe_auc"]["value"] <= 1
            and 0 <= figures["neighbours_balanced_accuracy"]["value"] <= 1
        )
    session, images = open_model(run / "model.onnx"), []
    for number in range(40):
        pixels = np.asarray(PIL.Image.open(run.parents[2] / "images" / f"{number:02}.png"), np.float32)
        images.append(session.run(pixels[None, None])["image"].ravel())
    fitted = PCA(32, svd_solver="full").fit(images[:32])
    back = fitted.inverse_transform(fitted.transform(images[32:]))
    assert rivals["PCA"]["error"]["value"] == pytest.approx(np.square(images[32:] - back).mean(), rel=1e-3)
    mean = np.square(images[32:] - np.mean(images[:32], 0)).mean()
    assert rivals["mean image"]["error"]["value"] == pytest.approx(mean, rel=1e-4)
    pictures = {file.name for file in (run / "eval").glob("*_val.png")}
    assert pictures >= {"reconstructions_val.png", "errors_val.png"}


def test_eval_of_other_images(run: Path, place: Path, tmp_path: Path) -> None:
    """A table from elsewhere is judged against the PCA of the training images; labels are not needed."""
    rows = [{"file": f"images/{number:02}.png"} for number in range(40, 48)]
    table = place / "other.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["file"])
        writer.writeheader()
        writer.writerows(rows)
    found = specc.evaluate(run, data=table, output=tmp_path / "eval")
    figures = json.loads((Path(tmp_path) / "eval" / "metrics.json").read_text())
    assert figures["external"]["images"] == 8 and "neighbours_auc" not in figures["external"]["metrics"]
    test = json.loads((run / "eval" / "metrics.json").read_text())["test"]
    assert figures["external"]["metrics"]["error"]["value"] == pytest.approx(
        test["metrics"]["error"]["value"], rel=1e-6
    )
    assert found is not None


def test_codes_of_a_network_without_a_code(place: Path, files: list[Path], tmp_path: Path) -> None:
    """What is missing is said, and how it comes into the model; the answer itself is no code."""
    spec = place / "without.yaml"
    text = CLASSIFIER.replace(", id: code", "").replace("activation: sigmoid", "activation: sigmoid, id: code")
    spec.write_text(text, encoding="utf-8")
    run = Path(specc.train(spec, runs=tmp_path / "runs").run)
    with pytest.raises(SpeccError, match="P849") as caught:
        specc.predict(run, files, forms=["codes"])
    assert "needs `code`, which this model does not give" in caught.value.diagnostics[0].message
    assert "`id: code`" in notes(caught.value)


@pytest.mark.parametrize(("text", "units"), [(CLASSIFIER, 6), pytest.param(VALUES, 5, marks=pytest.mark.slow)])
def test_codes_of_a_trained_network(place: Path, files: list[Path], tmp_path: Path, text: str, units: int) -> None:
    """A classifier's and a regression's code is an output of their models, and a table by `--as codes`."""
    spec = place / f"trained{units}.yaml"
    spec.write_text(text, encoding="utf-8")
    done = specc.train(spec, runs=tmp_path / "runs")
    run = Path(done.run)
    contract = json.loads((run / "contract.json").read_text())
    assert contract["output"]["code"] == [units] and json.loads((run / "parity.json").read_text())["passed"]
    said = specc.predict(run, files, output=tmp_path / "codes.npz", forms=["codes"])
    with np.load(tmp_path / "codes.npz") as kept:
        codes = kept["code"]
    assert codes.shape == (3, units) and (codes >= 0).all() and codes.any()
    assert said[0].plain()["code.2"] == pytest.approx(codes[0, 1])
    usual = specc.predict(run, files)
    assert "answer" in usual[0].plain()  # without a form the answers are as ever
    with pytest.raises(SpeccError, match="P849") as caught:
        specc.predict(run, files, forms=["masks"])
    assert "`codes`: a table" in notes(caught.value)
    words = [sys.executable, "-m", "specc", "predict", str(run), str(files[0]), "-o", str(tmp_path / "answers.npz")]
    asked = subprocess.run(words, capture_output=True, text=True, timeout=120)  # a table of text is no npz
    assert asked.returncode == 2 and "P849" in asked.stderr and "--as codes" in asked.stderr
    assert not (tmp_path / "answers.npz").exists()


@pytest.mark.slow
@pytest.mark.parametrize("text", [SPARSE, VARIATIONAL], ids=["sparse", "variational"])
def test_two_processes_learn_what_one_does(place: Path, tmp_path: Path, text: str) -> None:
    """Noise and draws are those of the images, and the means of a sparse code those of the whole step."""
    spec, found = place / "ranks.yaml", []
    spec.write_text(text.replace("batch_size: 16", "batch_size: 15"), encoding="utf-8")
    for ranks in (1, 2):
        run = Path(specc.train(spec, runs=tmp_path / f"runs{ranks}", nproc=ranks).run)
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        found.append([row[name] for row in rows for name in ("train_loss", "val_loss", "mse", "psnr")])
    assert found[0] == pytest.approx(found[1], rel=1e-5)
