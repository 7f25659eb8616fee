"""Predictions with a small ONNX model made by hand: contract, checks of the file, refusals, tables, odd names."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from specc.deploy import files as names
from specc.deploy import tables
from specc.deploy.contract import Contract, parse
from specc.deploy.predict import Answer, by_patient, predict
from specc.deploy.session import Session, inspect, open_model
from specc.errors import SpeccError

PNG: dict[str, Any] = {"format": "png", "size": [8, 8], "channels": "mono", "resize": "fit", "scale": "0..1"}
CLASSES: dict[str, Any] = {"classes": ["dark", "bright"], "positive": "bright"}
CONTRACT = {"format_version": 1, "name": "brightness", "task": "classification", "input": PNG, "output": CLASSES}


def model(contract: dict[str, Any] = CONTRACT, task: str = "classification", **changes: Any) -> onnx.ModelProto:
    """Mean of the pixels over 255 as the probability of `bright`; as a regression, the mean itself."""
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "column"], ["values"]),
        helper.make_node("Div", ["values", "top"], ["p"]),
        helper.make_node("Sub", ["one", "p"], ["q"]),
        helper.make_node("Concat", ["q", "p"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["answer"], axis=1, keepdims=0),
        helper.make_node("Less", ["values", "limit"], ["near"]),
        helper.make_node("Reshape", ["near", "flat"], ["accepted"]),
        helper.make_node("Reshape", ["p", "flat"], ["ood_score"]),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
        helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1]),
        helper.make_tensor("flat", TensorProto.INT64, [1], [-1]),
        helper.make_tensor("top", TensorProto.FLOAT, [1], [255.0]),
        helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("limit", TensorProto.FLOAT, [1], [250.0]),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["B", 1, "H", "W"])
    numbers = "probabilities" if task == "classification" else "values"
    wide = 2 if task == "classification" else 1
    outputs = [
        helper.make_tensor_value_info(numbers, TensorProto.FLOAT, ["B", wide]),
        helper.make_tensor_value_info("ood_score", TensorProto.FLOAT, ["B"]),
        helper.make_tensor_value_info("accepted", TensorProto.BOOL, ["B"]),
    ]
    if task == "classification":
        outputs.append(helper.make_tensor_value_info("answer", TensorProto.INT64, ["B"]))
    nodes += changes.get("nodes", [])
    opsets = [helper.make_opsetid("", 18), *changes.get("opsets", [])]
    proto = helper.make_model(helper.make_graph(nodes, "g", [pixels], outputs, constants), opset_imports=opsets)
    proto.ir_version = 9
    entry = proto.metadata_props.add()
    entry.key, entry.value = "specc.contract", json.dumps(contract)
    return proto


def saved(folder: Path, contract: dict[str, Any] = CONTRACT, **changes: Any) -> Path:
    file = folder / "model.onnx"
    file.write_bytes(model(contract, **changes).SerializeToString())
    return file


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return open_model(saved(tmp_path))


def png(file: Path, level: int = 100, size: tuple[int, int] = (8, 8), mode: str = "L") -> Path:
    Image.new(mode, (size[1], size[0]), level if mode in ("L", "I;16") else (level,) * 3).save(file, "png")
    return file


def refusal(answers: list[Answer]) -> list[str | None]:
    return [answer.refused[0] if answer.refused else None for answer in answers]


def codes(error: pytest.ExceptionInfo[SpeccError]) -> list[str]:
    return [diagnostic.code for diagnostic in error.value.diagnostics]


def test_answers_in_order_across_sizes(session: Session, tmp_path: Path) -> None:
    sizes = [(8, 8), (5, 9), (1, 1)]
    files = [png(tmp_path / f"{i}.png", 2 * i, sizes[i % 3]) for i in range(100)]
    done: list[int] = []
    answers = list(predict(session, files, tell=done.append))
    assert [answer.file for answer in answers] == [str(file) for file in files]
    for i, answer in enumerate(answers):
        assert answer.probabilities["bright"] == pytest.approx(2 * i / 255, abs=1e-6)
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert answer.answer == ("bright" if 2 * i / 255 > 0.5 else "dark")
    assert done == list(range(1, 101))


def test_bad_files_are_refused_and_the_rest_goes_on(session: Session, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image at all")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("L", (8, 8)).save(tmp_path / "photo.jpg")
    torn = png(tmp_path / "torn.png", size=(64, 64))
    torn.write_bytes(torn.read_bytes()[:-40])
    order = ["text.png", "good.png", "empty.png", "photo.jpg", "torn.png", "gone.png", "colour.png", "white.png"]
    png(tmp_path / "good.png")
    png(tmp_path / "colour.png", mode="RGB")
    png(tmp_path / "white.png", 255)
    answers = list(predict(session, [tmp_path / name for name in order]))
    found = dict(zip(order, refusal(answers), strict=True))
    assert found["good.png"] is None
    assert found["photo.jpg"] == "P820"
    assert found["white.png"] == "P860"
    assert all(found[name] in ("P801", "P802", "P808") for name in ("text.png", "empty.png", "torn.png", "gone.png"))
    assert found["colour.png"] == "P822"
    assert all(answer.refused is None or str(tmp_path) not in answer.refused[1] for answer in answers)


@pytest.mark.parametrize(
    ("change", "level", "mode", "code"),
    [
        ({"resize": None}, 3, "L", "P826"),
        ({"accepts": {"bits": [8]}}, 3, "I;16", "P821"),
        ({"accepts": {"bits": [8, 16]}}, 3, "I;16", None),
        ({"accepts": {"samples": [1]}}, 3, "RGB", "P822"),
        ({"accepts": {"signed": True}}, 3, "L", "P821"),
        ({"format": "tiff"}, 3, "L", "P820"),
    ],
)
def test_contract_is_executed(tmp_path: Path, change: dict[str, Any], level: int, mode: str, code: str | None) -> None:
    contract = CONTRACT | {"input": PNG | change}
    answers = list(predict(open_model(saved(tmp_path, contract)), [png(tmp_path / "a.png", level, (8, 9), mode)]))
    assert refusal(answers) == [code]


def dicom(file: Path, patient: str, modality: str = "MR", photometric: str = "MONOCHROME2", level: int = 100) -> Path:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

    data, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MRImageStorage
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.file_meta, data.SOPClassUID = meta, MRImageStorage
    data.PatientID, data.Modality, data.PhotometricInterpretation = patient, modality, photometric
    data.Rows = data.Columns = 8
    data.SamplesPerPixel, data.BitsAllocated, data.BitsStored, data.HighBit = 1, 16, 12, 11
    data.PixelRepresentation = 0
    data.PixelData = np.full((8, 8), level, np.uint16).tobytes()
    data.save_as(file, enforce_file_format=True)
    return file


def test_dicom_patients_and_modalities(tmp_path: Path) -> None:
    change = {"format": "dicom", "modality": ["MR"], "window": "none", "accepts": {"photometric": ["MONOCHROME2"]}}
    contract = CONTRACT | {"input": PNG | change, "output": CLASSES | {"aggregate": "patient"}}
    session = open_model(saved(tmp_path, contract))
    files = [
        dicom(tmp_path / "1", "anna", level=250 // 5),
        dicom(tmp_path / "2", "anna", level=240),
        dicom(tmp_path / "3", "ben", level=20),
        dicom(tmp_path / "4", "ben", modality="CT"),
        dicom(tmp_path / "5", "ben", photometric="MONOCHROME1"),
    ]
    answers = list(predict(session, files))
    assert refusal(answers) == [None, None, None, "P823", "P824"]
    patients = by_patient(session.contract, answers)
    assert [(p.patient, p.images, p.answer) for p in patients] == [("anna", 2, "bright"), ("ben", 1, "dark")]
    assert patients[0].probabilities["bright"] == pytest.approx((50 + 240) / 2 / 255)


def test_patients_by_table(session: Session, tmp_path: Path) -> None:
    for number in range(3):
        png(tmp_path / f"{number}.png", 100 * number)
    (tmp_path / "t.csv").write_text("who,file\nann,0.png\nann,1.png\n,2.png\n")
    patients = names.manifest(tmp_path / "t.csv", "who")
    answers = list(predict(session, [tmp_path / f"{number}.png" for number in range(3)], patients))
    assert [answer.patient for answer in answers] == ["ann", "ann", None]
    assert [p.images for p in by_patient(session.contract, answers)] == [2]
    for bad in ("gone.csv", "t.csv"):
        with pytest.raises(SpeccError) as caught:
            names.manifest(tmp_path / bad, "patient")
        assert codes(caught) == ["P871"]


def test_regression_gives_values(tmp_path: Path) -> None:
    contract = CONTRACT | {"task": "regression", "output": {"target": "age", "unit": "years"}}
    session = open_model(saved(tmp_path, contract, task="regression"))
    answer = next(predict(session, [png(tmp_path / "a.png", 42)]))
    assert answer.plain() | {"ood_score": 0} == {
        "file": str(tmp_path / "a.png"), "answer": 42.0, "values": {"age": 42.0}, "ood_score": 0,
    }  # fmt: skip
    assert tables.table(session.contract, [answer])[0].endswith("age 42 years")


def test_one_json_object_a_file(session: Session, tmp_path: Path) -> None:
    answers = list(predict(session, [png(tmp_path / "a.png", 51), tmp_path / "none.png"]))
    rows = [json.loads(tables.to_json(answer)) for answer in answers]
    assert rows[0]["answer"] == "dark"
    assert rows[0]["probabilities"] == {"dark": pytest.approx(0.8), "bright": pytest.approx(0.2)}
    assert set(rows[1]) == {"file", "refused"} and set(rows[1]["refused"]) == {"code", "reason"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_odd_file_names_survive(session: Session, tmp_path: Path) -> None:
    odd = [
        "new\nline.png",
        "=cmd|' calc'!A0.png",
        "-x.png",
        'a,b;"c".png',
        os.fsdecode(b"\xff\xfe.png"),
        "rtl\u202e.png",
        "é漢.png",
    ]
    files = [tmp_path / name for name in odd]
    for file in files:
        png(file)
    answers = list(predict(session, files))
    assert refusal(answers) == [None] * len(odd)
    assert [json.loads(tables.to_json(answer))["file"] for answer in answers] == [str(file) for file in files]
    lines = tables.table(session.contract, answers)
    assert len(lines) == len(odd) and all(line.isprintable() for line in lines)
    bare = [Answer(file.name, "dark", answer.probabilities) for file, answer in zip(files, answers, strict=True)]
    rows = list(csv.reader(io.StringIO(tables.to_csv(session.contract, bare).encode().decode(), newline="")))
    assert len(rows) == len(odd) + 1
    assert rows[1][0] == "new\nline.png" and rows[2][0].startswith("'=cmd") and rows[3][0] == "'-x.png"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_negative_numbers_stay_numbers_in_csv() -> None:
    contract = Contract.model_validate(CONTRACT | {"task": "regression", "output": {"target": "z"}})
    text = tables.to_csv(contract, [Answer("a.png", -1.5, {}, {"z": -1.5})])
    assert text.splitlines() == ["file,patient,images,answer,z,refused,reason", "a.png,,1,-1.5,-1.5,,"]


def test_folders_are_unfolded(tmp_path: Path) -> None:
    (tmp_path / "b" / ".git").mkdir(parents=True)
    for name in ("b/2.png", "b/1.PNG", "b/notes.txt", "b/.hidden.png", "b/.git/x.png", "b/3.jpg"):
        (tmp_path / name).write_bytes(b"")
    files, others = names.expand([tmp_path / "b", tmp_path / "gone.png"], "png")
    assert [file.name for file in files] == ["1.PNG", "2.png", "gone.png"]
    assert others == 2
    assert [file.name for file in names.expand([tmp_path / "b" / "3.jpg"], "dicom")[0]] == ["3.jpg"]
    with pytest.raises(SpeccError) as caught:
        names.expand([tmp_path / "b"], "tiff")
    assert codes(caught) == ["P870"]


# ---------------------------------------------------------------------- the model file


def test_not_a_model(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    for content in (b"", b"\x80\x04pickle", b"<html>" * 100, model().SerializeToString()[:200]):
        file.write_bytes(content)
        with pytest.raises(SpeccError) as caught:
            open_model(file)
        assert codes(caught) == ["P840"]
    with pytest.raises(SpeccError) as caught:
        open_model(tmp_path / "gone.onnx")
    assert codes(caught) == ["P840"]


def test_foreign_operators(tmp_path: Path) -> None:
    inside = helper.make_graph(
        [helper.make_node("Evil", [], ["x"], domain="com.evil")], "sub", [],
        [helper.make_tensor_value_info("x", TensorProto.BOOL, [])],
    )  # fmt: skip
    branches = helper.make_node("If", ["c"], ["y"], then_branch=inside, else_branch=inside)
    for node in (
        helper.make_node("Evil", ["pixels"], ["z"], domain="com.evil"),
        helper.make_node("NoSuchOperator", ["pixels"], ["z"]),
        helper.make_node("FusedMatMul", ["pixels", "pixels"], ["z"], domain="com.microsoft"),
        branches,
    ):
        file = saved(tmp_path, nodes=[node], opsets=[helper.make_opsetid("com.evil", 1)])
        with pytest.raises(SpeccError) as caught:
            open_model(file)
        assert codes(caught) == ["P842"]


def test_external_data(tmp_path: Path) -> None:
    proto = model()
    tensor = proto.graph.initializer[3]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    with pytest.raises(SpeccError) as caught:
        inspect(proto.SerializeToString(), "m.onnx")
    assert codes(caught) == ["P843"]
    hidden = helper.make_node("Constant", [], ["k"], value=tensor)
    with pytest.raises(SpeccError) as caught:
        inspect(model(nodes=[hidden]).SerializeToString(), "m.onnx")
    assert codes(caught) == ["P843"]


def test_missing_or_damaged_contract() -> None:
    proto = model()
    del proto.metadata_props[:]
    with pytest.raises(SpeccError) as caught:
        inspect(proto.SerializeToString(), "m.onnx")
    assert codes(caught) == ["P844"]
    for text in ("", "{", "[]", "[" * 100_000, json.dumps(CONTRACT | {"format_version": 99}), json.dumps({"a": 1})):
        with pytest.raises(SpeccError) as caught:
            parse(text)
        assert codes(caught) == ["P845"] and caught.value.exit_code == 5
    one_class, stranger = {"classes": ["a"]}, {"classes": ["a", "b"], "positive": "c"}
    wrong: list[dict[str, Any]] = [{"output": one_class}, {"input": {}}, {"output": stranger}]
    for broken in wrong:
        with pytest.raises(SpeccError) as caught:
            parse(json.dumps(CONTRACT | broken))
        assert codes(caught) == ["P845"]


def test_other_tasks_are_not_asked(tmp_path: Path) -> None:
    """A generator has no image input, a detector no classes for the whole image."""
    generator = {"format_version": 1, "name": "g", "task": "gan", "output": {}}
    for contract in (generator, CONTRACT | {"task": "toy_detector", "output": {"boxes": 4}}):
        with pytest.raises(SpeccError) as caught:
            open_model(saved(tmp_path, contract))
        assert codes(caught) == ["P848"]


def test_contract_must_fit_the_graph(tmp_path: Path) -> None:
    contract = CONTRACT | {"task": "regression", "output": {"target": "age"}}
    with pytest.raises(SpeccError) as caught:
        open_model(saved(tmp_path, contract))
    assert codes(caught) == ["P845"]
    three = open_model(saved(tmp_path, CONTRACT | {"output": {"classes": ["a", "b", "c"]}}))
    with pytest.raises(SpeccError) as caught:
        list(predict(three, [png(tmp_path / "a.png")]))
    assert codes(caught) == ["P845"]


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    proto = model()
    proto.graph.initializer[3].CopyFrom(helper.make_tensor("top", TensorProto.FLOAT, [1], [0.0]))
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    answers = list(predict(open_model(tmp_path / "m.onnx"), [png(tmp_path / "a.png", 0), png(tmp_path / "b.png", 0)]))
    assert refusal(answers) == ["P851", "P851"]


def test_prediction_loads_no_torch_and_is_silent(tmp_path: Path) -> None:
    saved(tmp_path)
    png(tmp_path / "a.png")
    script = (
        "import sys; from pathlib import Path\n"
        "from specc.deploy.session import open_model\n"
        "from specc.deploy.predict import predict\n"
        "answers = list(predict(open_model(Path('model.onnx')), [Path('a.png')]))\n"
        "assert answers[0].answer == 'dark', answers\n"
        "assert 'torch' not in sys.modules and 'sklearn' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
