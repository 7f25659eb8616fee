"""The whole way with the real program: from a spec to answers, on real MR slices as PNG, as DICOM, and with a number.

Each study is trained once, for two epochs, by the command line; the tests look at what it left and ask it more. What
needs a training of its own, or an export more, is marked slow.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from specc.run.verdict import read_curve

ROOT = Path(__file__).resolve().parent.parent
SPECS = {"lenet": "t1-or-t2", "lenet_dicom": "t1-or-t2-dicom", "lenet_regression": "slice-height"}
MANIFESTS = {
    "png": ROOT / "specc/demo/data/mr-t1t2/t1t2.csv",
    "dicom": ROOT / "specs/data/mr-t1t2-dicom/t1t2_dicom.csv",
}
CANARY = "CANARY"
TAGS = (
    "PatientName", "PatientBirthDate", "PatientAddress", "PatientComments", "OtherPatientIDs",
    "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "InstitutionName", "InstitutionAddress",
    "InstitutionalDepartmentName", "StationName", "StudyDescription", "SeriesDescription", "ProtocolName",
    "AccessionNumber", "StudyID", "DeviceSerialNumber", "RequestingPhysician", "PatientTelephoneNumbers",
    "ImageComments", "PatientMotherBirthName", "MilitaryRank", "EthnicGroup", "Occupation",
    "AdditionalPatientHistory", "PhysiciansOfRecord", "ScheduledPerformingPhysicianName", "Manufacturer",
    "ManufacturerModelName", "SoftwareVersions", "BodyPartExamined", "RequestedProcedureDescription",
    "PatientReligiousPreference", "NameOfPhysiciansReadingStudy", "AdmittingDiagnosesDescription", "MedicalAlerts",
    "Allergies", "ReasonForStudy", "PatientID",
)  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """A study in a folder of its own, and the run that it was trained in."""

    folder: Path
    run: Path
    out: str
    err: str

    def specc(self, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """A command of specc in the study's folder; its exit code is looked at."""
        return specc(self.folder, *arguments, code=code)


def specc(folder: Path, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command of specc in a folder, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "specc", *map(str, arguments)], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def lay_out(folder: Path, spec: str, most: int = 8) -> Path:
    """A spec of the repository with a part of its images, canaries in every DICOM identity tag; the spec's path."""
    text = (ROOT / f"specs/{spec}.yaml").read_text(encoding="utf-8")
    text = "".join(line for line in text.splitlines(keepends=True) if "early_stop" not in line)
    manifest = MANIFESTS["dicom" if spec == "lenet_dicom" else "png"]
    with manifest.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept: list[dict[str, str]] = []
    for split in ("train", "val", "test"):
        for label in ("T1", "T2"):
            some = [row for row in rows if (row["split"], row["label"]) == (split, label)]
            kept += some[:: max(1, len(some) // most)][:most]
    for row in kept:
        name = f"{CANARY}_{row['patient']}/{row['file'].replace('/', '_')}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        plant(manifest.parent / row["file"], folder / name)
        row |= {"file": name, "patient": f"{CANARY}-{row['patient']}"}
    with (folder / "t.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, kept[0])
        writer.writeheader()
        writer.writerows(kept)
    file = folder / "study.yaml"
    file.write_text(re.sub(r"(manifest:) \S+", r"\1 t.csv", text), encoding="utf-8")
    return file


def plant(source: Path, target: Path) -> None:
    """Copy an image; a DICOM file gets a canary in every tag that says who or where."""
    if source.suffix != ".dcm":
        shutil.copy(source, target)
        return
    data = pydicom.dcmread(source)
    for number, tag in enumerate(TAGS):
        setattr(data, tag, "19010203" if tag.endswith("Date") else f"{CANARY}{number}{'' if number % 2 else '^Anna'}")
    data.PatientID = f"{CANARY}{target.parent.name}"
    data.save_as(target)


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """Each of the specs, trained for two epochs when it is first asked for."""

    @cache
    def trained(spec: str) -> Trained:
        folder = tmp_path_factory.mktemp(spec)
        lay_out(folder, spec)
        done = specc(folder, "train", "study.yaml", "-S", "train.epochs=2")
        return Trained(folder, folder / "runs" / SPECS[spec] / "001", done.stdout, done.stderr)

    return trained


@pytest.fixture(params=SPECS)
def trained(request: pytest.FixtureRequest, studies: Callable[[str], Trained]) -> Trained:
    """Each of the specs in turn."""
    return studies(request.param)


@pytest.fixture
def png(studies: Callable[[str], Trained]) -> Trained:
    """The classifier of PNG files."""
    return studies("lenet")


def images(folder: Path) -> list[Path]:
    """The images of a study."""
    return sorted(file for file in folder.glob(f"{CANARY}*/*") if file.suffix in (".png", ".dcm"))


def test_from_spec_to_answers(trained: Trained) -> None:
    """Train, evaluate, predict: every step leaves what it says, and says what comes next."""
    run = trained.run
    lines = trained.err.splitlines()
    assert re.match(r"training 60,941 parameters on (cpu|cuda:0): 16 train, 16 val, 16 test images", lines[0])
    assert [line.split()[1] for line in lines if line.startswith("epoch ")] == ["1/2", "2/2"]
    assert "parity of torch and onnxruntime passed" in trained.err
    out = trained.out
    assert out.index("test (never seen in training)") < out.index("validation (these images chose the epoch)")
    assert "intensity forest" in out and re.search(r"^(no|not clearly|) ?better than", out.replace("  ", ""), re.M)
    assert out.splitlines()[-1] == f"next: specc predict {run.relative_to(trained.folder) / 'model.onnx'} FILES"
    curve = read_curve(run / "metrics.jsonl")
    assert curve.epochs == (1, 2) and curve.kept is not None and all(spread for spread in curve.spread)
    assert f"the best epoch is {curve.epochs[curve.kept]}" in trained.err
    assert len(list((run / "eval").glob("*.png"))) >= 5
    with Image.open(run / "eval" / "learning_curve.png") as picture:
        assert picture.size == (1500, 675)
    figures = json.loads(trained.specc("eval", run, "--json").stdout)
    assert figures["test"]["images"] == 16 and set(figures["test"]["baseline"]) == {"trivial", "intensity forest"}
    files = images(trained.folder)
    answered = trained.specc("predict", run, *files, "--json")
    rows = [json.loads(line) for line in answered.stdout.splitlines() if '"file"' in line]
    with (run / "eval" / "predictions.csv").open(newline="") as stream:
        kept = {Path(row["file"]).as_posix(): row for row in csv.DictReader(stream)}
    assert len(rows) == len(files) == len(kept) == 48
    for row in rows:
        same = kept[Path(row["file"]).relative_to(trained.folder).as_posix()]
        numbers = row.get("probabilities") or row["values"]
        expected = [float(value) for value in list(same.values())[-len(numbers) :]]
        assert list(numbers.values()) == pytest.approx(expected, abs=1e-6)


def test_nothing_of_a_patient_leaves(trained: Trained) -> None:
    """Model, contract, checkpoints and program hold no tag, no folder's name and no path, decompressed neither."""
    run = trained.run
    leaving = [run / "model.onnx", run / "contract.json", run / "eval" / "learning_curve.png"]
    leaving += [*(run / "checkpoints").iterdir(), *(run / "code").iterdir(), run / "eval" / "metrics.json"]
    words = [CANARY, "19010203", str(trained.folder), str(ROOT), "site-packages", "/torch/nn/"]
    looked = 0
    for file in leaving:
        for data in unpacked(file.read_bytes()):
            found = [w for w in words if w.encode() in data or w.encode("utf-16-le") in data]
            assert not found, (file.name, found)
            looked += 1
    assert looked >= len(leaving) > 15
    assert CANARY in (run / "data.lock.json").read_text()  # which stays here, and shows that the search can find


def unpacked(data: bytes) -> Iterator[bytes]:
    """The bytes, and those of every zlib stream in them."""
    yield data
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            yield zlib.decompressobj().decompress(data[match.start() :], 1 << 24)
        except zlib.error:
            continue


@pytest.mark.slow
def test_export_does_not_train_again(trained: Trained) -> None:
    """A finished run goes straight to its export, with the same bytes."""
    model, log = (trained.run / "model.onnx").read_bytes(), (trained.run / "metrics.jsonl").read_bytes()
    (trained.run / "model.onnx").unlink()
    done = trained.specc("export", trained.run)
    assert "epoch" not in done.stderr and "torch and onnxruntime agree" in done.stdout
    assert (trained.run / "model.onnx").read_bytes() == model
    assert (trained.run / "metrics.jsonl").read_bytes() == log


def test_images_that_the_contract_does_not_cover(png: Trained, tmp_path: Path) -> None:
    """Each is refused with its code, a far one is answered, and the rest goes on."""
    good = images(png.folder)[0]
    pixels = np.asarray(Image.open(good))
    Image.fromarray(pixels).save(tmp_path / "photo.jpg")
    Image.fromarray(np.stack([pixels] * 3, 2)).save(tmp_path / "colour.png")
    Image.fromarray(pixels.astype(np.uint16) * 256).save(tmp_path / "deep.png")
    Image.fromarray(pixels[:1, :1]).save(tmp_path / "one.png")
    (tmp_path / "torn.png").write_bytes(good.read_bytes()[:-200])
    (tmp_path / "text.png").write_text("no image")
    shutil.copy(tmp_path / "photo.jpg", tmp_path / "named.png")
    shutil.copy(next((ROOT / "specs/data/mr-t1t2-dicom/dicom").rglob("*.dcm")), tmp_path / "slice.dcm")
    expected = {
        "photo.jpg": "P820", "colour.png": "P822", "deep.png": "P821", "one.png": None, "torn.png": "P802",
        "text.png": "P801", "named.png": "P820", "slice.dcm": "P820", "gone.png": "P801",
    }  # fmt: skip
    done = png.specc("predict", png.run, *(tmp_path / name for name in expected), "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("refused", {}).get("code") for row in rows] == list(expected.values())
    assert (
        png.specc("predict", png.run, tmp_path / "torn.png", code=2).stdout.splitlines()[-1]
        == "next: specc explain P802"
    )


def test_ct_is_refused_by_a_model_of_mr(studies: Callable[[str], Trained], tmp_path: Path) -> None:
    """The modality of a DICOM file is held against the contract."""
    dicom = studies("lenet_dicom")
    data = pydicom.dcmread(images(dicom.folder)[0])
    data.Modality = "CT"
    data.save_as(tmp_path / "ct.dcm")
    done = dicom.specc("predict", dicom.run, tmp_path / "ct.dcm", code=2)
    assert "refused P823: modality CT, and the model takes MR" in done.stdout


@pytest.mark.slow
def test_parity_that_fails_sets_the_model_aside(png: Trained, tmp_path: Path) -> None:
    """Exit code 5, no model.onnx, and the edited code is named as what it is."""
    run = copied(png, tmp_path)
    file = run / "code" / "export.py"
    text = file.read_text()
    assert text.count("value.numpy() for value in self.deploy(*inputs)") == 1
    wrong = "(value + 1).numpy() if value.is_floating_point() else value.numpy() for value in self.deploy(*inputs)"
    file.write_text(text.replace("value.numpy() for value in self.deploy(*inputs)", wrong))
    done = specc(tmp_path, "export", run, code=5)
    assert "error[X701]" in done.stderr and "warning[T655]: code edited by hand: export.py" in done.stderr
    assert not (run / "model.onnx").exists() and (run / "model.refused.onnx").exists()
    assert json.loads((run / "parity.json").read_text())["passed"] is False
    assert "was refused" in specc(tmp_path, "predict", run, images(tmp_path)[0], code=2).stderr


@pytest.mark.slow
def test_damaged_checkpoints_never_start_again(png: Trained, tmp_path: Path) -> None:
    """An older one serves where the newest is damaged; where all are, the run is over, and nothing is trained."""
    run = copied(png, tmp_path)
    newest = max((run / "checkpoints").glob("last-*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:-1])
    done = specc(tmp_path, "export", run)
    assert f"checkpoint {newest.name} is damaged and was passed over" in done.stderr
    log = (run / "metrics.jsonl").read_bytes()
    for file in (run / "checkpoints").glob("last-*.safetensors"):
        file.write_bytes(file.read_bytes() + b"x")
    assert "error[T603]" in specc(tmp_path, "export", run, code=2).stderr
    assert "only damaged checkpoints" in specc(tmp_path, "train", "--resume", run, code=2).stderr
    assert (run / "metrics.jsonl").read_bytes() == log


@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    """Exit code 3, the place in words, the last good checkpoint kept."""
    lay_out(tmp_path, "lenet_regression")
    wild = "optimizer={sgd: {learning_rate: 0.9, momentum: 0.99}}"
    done = specc(tmp_path, "train", "study.yaml", "-S", wild, "-S", "train.epochs=30", "--runs", "wild", code=3)
    assert "error[T601]" in done.stderr and "wild/slice-height/001; its last good checkpoint is kept" in done.stderr
    assert list((tmp_path / "wild/slice-height/001/checkpoints").glob("last-*.safetensors"))


def copied(study: Trained, folder: Path) -> Path:
    """A copy of a study that may be spoilt; its run."""
    shutil.copytree(study.folder, folder, dirs_exist_ok=True)
    return folder / study.run.relative_to(study.folder)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_and_resumed_is_the_same(tmp_path: Path, number: signal.Signals) -> None:
    """A signal in mid-training: exit code 130, a checkpoint, and after `--resume` the bytes of an undisturbed run."""
    lay_out(tmp_path, "lenet")
    command = [sys.executable, "-m", "specc", "train", "study.yaml", "-S", "train.epochs=40"]
    with (tmp_path / "err").open("w") as err:
        process: Any = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=err, text=True)
        while not (tmp_path / "err").read_text().count("epoch "):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        out = process.communicate(timeout=60)[0]
    assert process.returncode == 130, (tmp_path / "err").read_text()
    assert out.splitlines()[-1] == "next: specc train --resume runs/t1-or-t2/001"
    run = tmp_path / "runs/t1-or-t2/001"
    assert not (run / "model.onnx").exists()
    assert "was stopped before its training was done" in specc(tmp_path, "export", run, code=2).stderr
    specc(tmp_path, "train", "--resume", run)
    if number is signal.SIGINT:
        whole = specc(tmp_path, "train", "study.yaml", "-S", "train.epochs=40", "--runs", "whole")
        assert "model" in whole.stdout
        for name in ("metrics.jsonl", "model.onnx"):
            assert (run / name).read_bytes() == (tmp_path / "whole/t1-or-t2/001" / name).read_bytes()


@pytest.mark.slow
def test_the_small_residual_network(tmp_path: Path) -> None:
    """Its shortcuts pass over pixels of few channels, which oneDNN's own strided 1x1 convolution does not survive."""
    lay_out(tmp_path, "small_resnet")
    done = specc(tmp_path, "train", "study.yaml", "-S", "train.epochs=2")
    assert "parity of torch and onnxruntime passed" in done.stderr


@pytest.mark.slow
def test_the_demo_keeps_its_promise(tmp_path: Path) -> None:
    """At least 0.90 balanced accuracy on people never seen."""
    done = specc(tmp_path, "demo")
    run = tmp_path / "specc-demo/runs/t1-or-t2/001"
    test = json.loads((run / "eval" / "metrics.json").read_text())["test"]
    assert test["metrics"]["balanced_accuracy"]["value"] >= 0.90
    assert "balanced accuracy" in done.stdout and "5. specc predict" in done.stdout
