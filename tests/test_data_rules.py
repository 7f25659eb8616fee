"""Rules on data: each is shown something bad, which it finds with its place, and something good, where it is silent."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from pictures import dicom, pillow, write

from specc.compile import check as check_spec
from specc.data import DATA_RULES, Summary, check_data
from specc.errors import Diagnostic
from specc.expand import expand
from specc.pieces import tables
from specc.pieces.findings import split_findings
from specc.plugin import Column
from specc.registry import core
from specc.render import render
from specc.source import load
from specc.spec import read
from specc.study import Study

SPEC = """specc: 1
name: x
task: classification
input: {format: png, size: [6, 8], channels: mono, scale: 0..1}
output: {classes: [a, b]}
data:
  manifest: data/t.csv
  columns: {image: file, label: label, patient: who}
  split: {train: 50, val: 50}
model: {layers: [flatten, dense: {units: 1, activation: sigmoid}]}
loss: binary_cross_entropy
optimizer: adam
train: {epochs: 1, batch_size: 2}
"""
REGRESSION = (
    SPEC.replace("classification", "regression")
    .replace("{classes: [a, b]}", "{target: age}")
    .replace("label: label", "target: label")
    .replace(", activation: sigmoid", "")
    .replace("binary_cross_entropy", "mean_squared_error")
)
COUNT = 40


class Case:
    """A spec in a folder with 40 different pictures of 20 people, and ways to spoil it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spec, self.columns = SPEC, tuple[Column, ...]()  # columns: beside those of the task
        self.header = ["file", "label", "who", "split"]
        self.rows = [
            [f"img/{n:02}.png", "ab"[n % 2], f"P{n // 2}", "train" if n < COUNT // 2 else "val"] for n in range(COUNT)
        ]
        for n in range(COUNT):
            self.picture(n)

    def pixels(self, number: int, kind: str = "uint8", shape: tuple[int, ...] = (6, 8)) -> np.ndarray[Any, Any]:
        return np.random.default_rng(number).integers(0, 250, shape).astype(kind)

    def picture(self, number: int, **options: Any) -> None:
        image = PIL.Image.fromarray(self.pixels(number, **options))
        write(self.folder / "data" / f"img/{number:02}.png", pillow(image, "PNG"))

    def put(self, number: int, data: bytes) -> None:
        write(self.folder / "data" / f"img/{number:02}.png", data)

    def all(self, make: Callable[[int], bytes], form: str) -> None:
        """Every picture of another format."""
        self.swap("format: png", f"format: {form}")
        for n in range(COUNT):
            self.put(n, make(n))

    def swap(self, old: str, new: str) -> None:
        assert old in self.spec, old
        self.spec = self.spec.replace(old, new)

    def study(self) -> Study:
        stream = io.StringIO()
        csv.writer(stream).writerows([self.header, *self.rows])
        if not (self.folder / "data/t.csv").exists():
            write(self.folder / "data/t.csv", stream.getvalue().encode())
        write(self.folder / "s.yaml", self.spec.encode())
        document = expand(load(self.folder / "s.yaml"))
        spec = read(document, core())
        task = core().tasks[spec.task]
        return Study(document, spec, core(), replace(task, columns=(*task.columns, *self.columns)))

    def check(self) -> tuple[list[Diagnostic], Summary]:
        return check_data(self.study())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def only(
    case: Case, code: str, place: str, *words: str, files: int | None = None, severity: str = "error"
) -> Diagnostic:
    """The one diagnostic of a case: its code, the text under the caret, what it says, how long its list is."""
    found, _ = case.check()
    texts = {str(case.folder / "s.yaml"): case.spec}
    text = render(found, texts, "text", width=200)
    assert [(one.code, one.severity) for one in found] == [(code, severity)], text
    span = found[0].span
    assert span is not None
    line = case.spec.splitlines()[span.line - 1]
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    assert line[span.column - 1 : end].startswith(place), text
    for word in words:
        assert word in text, text
    listed = case.folder / ".specc" / f"{code}.csv"
    if files is not None:
        with listed.open(encoding="utf-8", newline="") as file:
            assert len(list(csv.reader(file))) == files + 1
    assert f"specc explain {code}" in text
    return found[0]


def test_good_data_are_silent_and_counted(case: Case) -> None:
    found, summary = case.check()
    assert found == []
    assert summary.images == COUNT
    assert summary.parts == {"train": {"a": 10, "b": 10}, "val": {"a": 10, "b": 10}}
    assert summary.shares == {"train": 50.0, "val": 50.0}
    assert summary.patients == {"train": 10, "val": 10}
    assert summary.sizes == {(6, 8): COUNT}
    assert summary.bits == {8: COUNT}
    assert case.check() == (found, summary)


def test_the_split_is_the_programs_own(case: Case) -> None:
    case.rows = case.rows[:28] + [[row[0], row[1], "P14", row[3]] for row in case.rows[28:]]
    case.swap("train: 50, val: 50", "train: 70, val: 30, seed: 9")
    _, summary = case.check()
    parts = tables.split_grouped(
        [row[1] for row in case.rows], [row[2] for row in case.rows], {"train": 70, "val": 30}, 9
    )
    assert {part: sum(count.values()) for part, count in summary.parts.items()} == {
        part: parts.count(part) for part in ("train", "val")
    }


def test_progress_and_lists(case: Case) -> None:
    calls: list[tuple[int, int]] = []
    case.put(3, b"")
    check_data(case.study(), lambda done, total: calls.append((done, total)))
    assert calls[-1] == (COUNT, COUNT)
    assert (case.folder / ".specc/D403.csv").exists()
    case.picture(3)
    assert case.check()[0] == []
    assert [path.name for path in (case.folder / ".specc").iterdir() if path.suffix != ".bin"] == ["index.json"]


# D401 and other modalities


def mr(case: Case, **tags: Any) -> Callable[[int], bytes]:
    return lambda n: dicom(case.pixels(n, "uint16"), **{"PatientID": f"P{n // 2}", **tags})


def test_mixed_modality(case: Case) -> None:
    case.all(mr(case), "dicom")
    assert case.check()[0] == []
    case.put(5, dicom(case.pixels(5, "uint16", (9, 9)), Modality="DX"))
    only(case, "D401", "data/t.csv", "1 of 40 DICOM files is not MR", "39 MR - 1 DX", "modality: [MR]", files=1)
    case.swap("format: dicom", "format: dicom, modality: MR")
    only(case, "D401", "data/t.csv", "the spec accepts only these", "skip: other_modality")
    case.swap("split: {", "skip: other_modality\n  split: {")
    found, summary = case.check()
    assert (found, summary.skipped, summary.images) == ([], 1, 39)
    case.put(6, dicom(b"", Modality="SR", PixelData=None))
    assert case.check()[1].skipped == 2


# D402


def test_other_size(case: Case) -> None:
    case.picture(3, shape=(12, 16))
    case.picture(4, shape=(7, 8))
    only(case, "D402", "data/t.csv", "2 of 40 images are not 6x8", "38 x 6x8 - 1 x 12x16 - 1 x 7x8", "distorts 1",
         "img/03.png", "asked for here", files=2)  # fmt: skip
    case.swap("scale: 0..1", "scale: 0..1, resize: crop")
    assert case.check()[0] == []


# D403


def test_unreadable_file(case: Case) -> None:
    data = (case.folder / "data/img/07.png").read_bytes()
    case.put(7, data[: len(data) // 2])
    case.put(8, b"")
    only(case, "D403", "data/t.csv", "2 of 40 images cannot be read", "1 damaged or cut short", "empty file", files=2)


def test_missing_decoder_is_named(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import Decoder

    case.all(mr(case), "dicom")
    monkeypatch.setattr(Decoder, "is_available", property(lambda self: False))
    form: dict[str, Any] = {"Rows": 6, "Columns": 8, "BitsAllocated": 8, "BitsStored": 8, "SamplesPerPixel": 1}
    form |= {"PixelRepresentation": 0, "PhotometricInterpretation": "MONOCHROME2"}
    case.put(0, dicom(encapsulate([b"\xff\xd8"]), "1.2.840.10008.1.2.4.80", **form))
    only(case, "D403", "data/t.csv", "pip install pyjpegls")


# D404, D405, D406: where the table is


@pytest.mark.parametrize(
    ("source", "place", "word"),
    [
        ("manifest: data/x.csv", "data/x.csv", "there is no such file"),
        ("manifest: data/tt.csv", "data/tt.csv", "close to it: `t.csv`"),
        ("manifest: data", "data", "it is not a file"),
        ("folders: dta", "dta", "close to it: `data`"),
        ("images: data/t.csv", "data/t.csv", "it is not a folder"),
        ("images: data\n  folders: data", "data", "`folders` and `images` are two sources"),
    ],
)
def test_no_source(case: Case, source: str, place: str, word: str) -> None:
    write(case.folder / "data/t.csv", b"file,label,who\n")
    case.swap("manifest: data/t.csv", source)
    only(case, "D404", place, word)


def test_manifest_form(case: Case) -> None:
    for data, word in ((b"", "no column names"), (b"file,label,who\n", "no line of data"), (b"a,b\n1\n", "line 2")):
        write(case.folder / "data/t.csv", data)
        only(case, "D405", "data/t.csv", word)


def test_no_column(case: Case) -> None:
    case.swap("label: label", "label: lable")
    only(case, "D406", "lable", "did you mean `label`?", "its columns: file, label, who, split")
    case.swap("image: file, label: lable, patient: who", "label: label")
    only(case, "D406", "data/t.csv", "`image` is looked for", "columns: {image: file}")
    case.swap("columns: {label: label}", "columns: {image: file, label: label}")
    case.swap("val: 50", "val: 50, group: hospital")
    only(case, "D406", "hospital", "no column `hospital`")
    case.swap("group: hospital", "group: who")
    assert case.check()[0] == []
    case.swap("{train: 50, val: 50, group: who}", "{column: part}")
    only(case, "D406", "part", "no column `part`")


# D407, D408: files


def test_missing_file(case: Case) -> None:
    case.rows[4][0] = "img/44.png"
    case.rows[5][0] = "IMG/05.png"
    case.rows[6][0] = "img/06.PNG"
    only(case, "D407", "data/t.csv", "3 of 40 images are not there", "other capitals", files=3)


@pytest.mark.parametrize("name", ["../s.yaml", "/etc/passwd", "img/../img/01.png", "img/link.png", "C:\\x.png"])
def test_outside_file(case: Case, name: str) -> None:
    (case.folder / "data/img/link.png").symlink_to("/etc/passwd")
    case.rows[4][0] = name
    only(case, "D408", "data/t.csv", "1 of 40 file names leads out", files=1)


def test_a_line_without_a_file(case: Case) -> None:
    case.rows[4][0] = ""
    only(case, "D407", "data/t.csv", "1 of 40 images is not there", files=1)


def test_a_formula_in_a_list_is_harmless(case: Case) -> None:
    case.rows[4][0] = "=cmd|'/C calc'!A0"
    case.swap("data/t.csv", "t.csv")
    stream = io.StringIO()
    csv.writer(stream).writerows(
        [case.header, *([f"data/{row[0]}" if row[0][0] != "=" else row[0], *row[1:]] for row in case.rows)]
    )
    write(case.folder / "t.csv", stream.getvalue().encode())
    only(case, "D407", "t.csv", files=1)
    assert "./=cmd" in (case.folder / ".specc/D407.csv").read_text()


# D436: files beside the images


@pytest.mark.parametrize("blank", [False, True])
def test_missing_mask(case: Case, blank: bool) -> None:
    case.columns = (Column("mask", "the file of the mask", file=True, blank=blank),)
    case.swap("image: file", "image: file, mask: mask")
    case.header.append("mask")
    for n, row in enumerate(case.rows):
        row.append(f"img/{n:02}.png")
    case.rows[4][-1], case.rows[5][-1], case.rows[6][-1] = "masks/4.png", "", "../s.yaml"
    count = "2 of 40 images have" if blank else "3 of 40 images have"
    only(case, "D436", "mask", f"{count} no file under `mask`", files=2 + (not blank))
    text = (case.folder / ".specc/D436.csv").read_text()
    assert "masks/4.png is not there" in text
    assert "../s.yaml lies outside of the table's folder" in text
    assert ("no file is named" in text) is not blank


# D409


def test_other_format(case: Case) -> None:
    jpeg = pillow(PIL.Image.fromarray(case.pixels(1)), "JPEG")
    case.put(1, jpeg)
    only(case, "D409", "data/t.csv", "1 of 40 images is not PNG", "39 PNG - 1 JPEG", files=1)
    for n in range(COUNT):
        case.put(n, pillow(PIL.Image.fromarray(case.pixels(n)), "JPEG"))
    found = only(case, "D409", "data/t.csv", "all 40 images are not PNG", "`format: jpeg`", files=COUNT)
    (edit,) = found.fixes[0].edits
    assert edit.text == "jpeg"
    case.swap("format: png", "format: jpeg")
    assert case.check()[0] == []


# D410, D411: classes (R17)


def test_unknown_label(case: Case) -> None:
    case.rows[4][1] = "A"
    case.rows[5][1] = ""
    only(case, "D410", "data/t.csv", "2 of 40 images have a label", "`A`: is `a` meant?", "1 blank", files=2)


def folders(case: Case) -> None:
    for n in range(COUNT):
        path = case.folder / "data" / f"img/{n:02}.png"
        write(case.folder / "tree" / "ab"[n % 2] / f"P{n // 2}_{n}.png", path.read_bytes())
    case.swap("  columns: {image: file, label: label, patient: who}\n", "")
    case.swap("manifest: data/t.csv", "folders: tree")
    case.swap("val: 50", 'val: 50, group: {before: "_"}')


def test_class_folders(case: Case) -> None:
    folders(case)
    assert case.check()[0] == []
    (case.folder / "tree/c").mkdir()
    only(case, "D410", "tree", "1 folder is not in `classes`: `c`")
    case.swap("[a, b]", "[b, a]")
    only(case, "D410", "tree", "`c`")
    (case.folder / "tree/c").rmdir()
    found, summary = case.check()
    assert found == []
    assert list(summary.parts["train"]) == ["b", "a"]


def test_class_folder_renamed_or_gone(case: Case) -> None:
    folders(case)
    case.swap("[a, b]", "[a, bb, b]")
    case.swap("units: 1, activation: sigmoid", "units: 3, activation: softmax")
    only(case, "D411", "[a, bb, b]", "1 class without images: `bb`", "there is no such folder; the folders are: a, b")


def test_class_without_images(case: Case) -> None:
    for row in case.rows:
        row[1] = "a"
    only(case, "D411", "[a, b]", "1 class without images: `b`", "40 images of other classes")


# D412


def test_bad_target(case: Case) -> None:
    case.spec = REGRESSION
    good = ["1", "-2.5", "3e2", " 4 ", ".5", "6.", "+7", "8E-3"]
    for row, text in zip(case.rows, good * 5, strict=True):
        row[1] = text
    assert case.check()[0] == []
    bad = ["", "nan", "inf", "12 kg", "1,5", "1_000", "1e400", "٣"]
    for row, text in zip(case.rows, bad, strict=False):
        row[1] = text
    (case.folder / "data/t.csv").unlink()
    only(case, "D412", "label", "8 of 40 images have no finite number", "decimal comma", files=8)


# D430, D431


def with_findings(case: Case) -> None:
    """The columns `label` and `more` hold findings, both of which are there in some images of both parts."""
    case.swap("{classes: [a, b]}", "{labels: [effusion, nodule]}")
    case.swap("label: label", "labels: {effusion: label, nodule: more}")
    case.swap("units: 1", "units: 2")
    case.header.append("more")
    for n, row in enumerate(case.rows):
        row[1] = "10"[n // 2 % 2]
        row.append("10"[n // 4 % 2])


def test_bad_finding(case: Case) -> None:
    with_findings(case)
    for n, text in enumerate(("", "1.0", "0.0", "yes", "No", " 1 ")):
        case.rows[n][1] = text
    assert case.check()[0] == []
    for n, text in enumerate(("-1", "mild", "2")):
        case.rows[n][1] = text
    (case.folder / "data/t.csv").unlink()
    told = only(case, "D430", "label", "3 of 40 images have a finding that is neither", "uncertain: leave", files=3)
    assert told.path == ("data", "columns", "labels", "effusion")
    assert "`mild`" in told.label
    case.rows[5][4] = "x"
    (case.folder / "data/t.csv").unlink()
    only(case, "D430", "{effusion: label", "4 of 40 images", files=4)


def test_part_without_finding(case: Case) -> None:
    with_findings(case)
    case.swap("train: 50, val: 50", "column: split")
    for row in case.rows[20:]:
        row[1] = "0"
    told = only(case, "D431", "split", "`val`", "`effusion` is in none", severity="warning")
    assert "nodule" not in told.message
    for row in case.rows[:20]:
        row[4] = "1" if row[0] < "img/10" else ""
    for row in case.rows[20:]:
        row[1] = "01"[row[2] > "P14"]
    (case.folder / "data/t.csv").unlink()
    only(case, "D431", "split", "`train` cannot tell findings apart: `nodule` is in all")


def test_findings_are_shared_out_by_patient(case: Case) -> None:
    with_findings(case)
    for n, row in enumerate(case.rows):
        row[1], row[4] = str(int(n // 2 in (3, 8, 13, 18))), "" if n % 2 else "10"[n // 4 % 2]
    assert case.check()[0] == []
    findings = [[int(row[1]), int(row[4] or -100)] for row in case.rows]
    people = [row[2] for row in case.rows]
    parts = split_findings(findings, people, {"train": 50, "val": 50}, 42)
    assert len({(who, part) for who, part in zip(people, parts, strict=True)}) == 20
    for k in range(2):
        there = [part for row, part in zip(findings, parts, strict=True) if row[k] == 1]
        assert there.count("train") == there.count("val") > 0


# D426


def test_bad_entry(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(entry: str) -> str:
        return "" if entry[:1] == "P" else "a person is P and a number"

    plain = case.study()
    columns = [replace(column, fault=fault) if column.name == "patient" else column for column in plain.task.columns]
    monkeypatch.setattr(case, "study", lambda: replace(plain, task=replace(plain.task, columns=tuple(columns))))
    assert case.check()[0] == []
    for row in case.rows[:2]:
        row[2] = "0"
    (case.folder / "data/t.csv").unlink()
    plain = Case.study(case)
    only(case, "D426", "who", "2 of 40 images have an entry", "a person is P and a number", files=2)


# D413, D414, D415: leakage (R18)


def test_patient_in_two_parts(case: Case) -> None:
    case.swap("train: 50, val: 50", "column: split")
    assert case.check()[0] == []
    case.rows[0][3] = "val"
    (case.folder / "data/t.csv").unlink()
    only(case, "D413", "split", "1 of 20 patients is in more than one part", files=2)


def test_patient_torn_on_purpose_is_a_warning(case: Case) -> None:
    case.swap("val: 50", "val: 50, group: none")
    only(case, "D413", "none", "in more than one part", severity="warning")


def test_dicom_patients_are_kept_together(case: Case) -> None:
    case.all(mr(case), "dicom")
    case.swap(", patient: who", "")
    found, summary = case.check()
    assert found == []
    assert sum(summary.patients.values()) == 20


def test_picture_in_two_parts(case: Case) -> None:
    case.swap("train: 50, val: 50", "column: split")
    again = pillow(PIL.Image.fromarray(case.pixels(0)), "PNG", compress_level=0)
    case.put(30, again)
    only(case, "D414", "{column: split}", "1 picture is in more than one part, as 2 files", "img/00.png", files=2)
    case.rows[30][3] = "train"
    case.rows[31][3] = "train"
    (case.folder / "data/t.csv").unlink()
    assert case.check()[0] == []


def test_picture_with_two_labels(case: Case) -> None:
    case.rows[1][0] = case.rows[0][0]
    only(case, "D415", "data/t.csv", "1 picture with two answers, in 2 lines", "`a` and `b`", files=2)


# D416, D417, D418, D424: parts


def test_part_without_class(case: Case) -> None:
    case.swap("train: 50, val: 50", "column: split")
    for row in case.rows[20:]:
        row[1] = "a"
    only(case, "D416", "split", "`val` has no `b`")
    for row in case.rows:
        row[3] = "train"
    (case.folder / "data/t.csv").unlink()
    only(case, "D416", "split", "`val` is empty")


def test_shares_off(case: Case) -> None:
    for n, row in enumerate(case.rows):
        row[2] = f"P{min(n // 2, 8)}"
    case.swap("train: 50, val: 50", "train: 80, val: 20")
    assert [one.code for one in case.check()[0]] == ["D418"]
    for n, row in enumerate(case.rows):
        row[2] = "P0" if n < 20 else "P1"
    (case.folder / "data/t.csv").unlink()
    only(case, "D417", "{train: 80, val: 20}", "reached: train 50, val 50", "largest of 2", severity="warning")


def test_too_few(case: Case) -> None:
    case.rows = case.rows[:16]
    only(case, "D418", "{train: 50, val: 50}", "8 images in validation: too few", "12 %", severity="warning")
    case.swap("batch_size: 2", "batch_size: 32, drop_last: true")
    only(case, "D418", "32", "8 training images do not fill one step of 32", "`batch_size: 4` or less")


def test_one_image_alone_cannot_be_normalised(case: Case) -> None:
    """20 images train: with 19 a batch the last one has one, unless it is left out, or shared among two."""
    case.swap("scale: 0..1}", "scale: 0..1, resize: fit}")
    case.swap("val: 50}", "val: 50, group: patient}")
    case.study()
    told = {}
    for words in (
        "batch_size: 19",
        "batch_size: 19, drop_last: true",
        "batch_size: 18",
        "batch_size: 19, accumulate: 2",
    ):
        text = case.spec.replace("[flatten, dense", "[flatten, batchnorm, dense").replace("batch_size: 2", words)
        (case.folder / "s.yaml").write_text(text, encoding="utf-8")
        told[words] = [d.message for d in check_spec(case.folder / "s.yaml")[1] if d.code == "D418"]
    assert told.pop("batch_size: 19") == ["`batchnorm1` would have to normalise one image by itself"]
    assert not any(told.values())


def test_unclear_split(case: Case) -> None:
    case.swap("{train: 50, val: 50}", "{train: 50, val: 40}")
    only(case, "D424", "{train: 50, val: 40}", "sums to 90")
    case.swap("{train: 50, val: 40}", "{train: 60, test: 40}")
    only(case, "D424", "{train: 60, test: 40}", "`train` and `val` are needed")
    case.swap("{train: 60, test: 40}", "{train: 50, val: 50, column: split}")
    only(case, "D424", "{train: 50, val: 50, column: split}", "given twice")
    case.swap("{train: 50, val: 50, column: split}", "{column: split}")
    case.rows[0][3] = case.rows[1][3] = "valid"
    (case.folder / "data/t.csv").unlink()
    only(case, "D424", "split", "2 of 40 lines say something else", "`valid`", files=2)
    case.swap("  split: {column: split}\n", "")
    only(case, "D424", "data", "which images train")


# D419, D420, D421


def test_which_frame(case: Case) -> None:
    def pages(n: int) -> bytes:
        stream = io.BytesIO()
        tifffile.imwrite(stream, np.stack([case.pixels(n), case.pixels(n + 99)]), photometric="minisblack")
        return stream.getvalue()

    case.all(pages, "tiff")
    only(case, "D419", "data/t.csv", "all 40 files hold several frames", "40 with 2 frames", files=COUNT)
    case.swap("scale: 0..1", "scale: 0..1, frame: 2")
    assert case.check()[0] == []
    case.swap("frame: 2", "frame: 3")
    only(case, "D419", "3", "all 40 files have no frame 3")


def test_ct_window(case: Case) -> None:
    case.all(mr(case, Modality="CT"), "dicom")
    only(case, "D420", "input", "40 CT images", "center: -600", files=COUNT)
    for window in ("auto", "{center: 40, width: 400}"):
        case.swap("scale: 0..1", f"scale: 0..1, window: {window}")
        assert case.check()[0] == []
        case.swap(f", window: {window}", "")


def test_unknown_patient(case: Case) -> None:
    case.swap(", patient: who", "")
    only(case, "D421", "{train: 50, val: 50}", "does not say which images belong to one patient", "group: none")
    case.swap("val: 50", "val: 50, group: none")
    assert case.check()[0] == []
    case.swap("group: none", "group: folder")
    assert {one.code for one in case.check()[0]} == {"D416"}
    case.swap(", group: folder", "")
    case.all(mr(case), "dicom")
    assert case.check()[0] == []
    case.put(3, dicom(case.pixels(3, "uint16"), PatientID=""))
    only(case, "D421", "{train: 50, val: 50}", "1 of 40 images does not tell the patient: no PatientID", files=1)


def test_blank_patient_in_the_column(case: Case) -> None:
    case.rows[3][2] = ""
    only(case, "D421", "{train: 50", "1 of 40 images does not tell the patient", "fill in the column", files=1)


# D422, D423, D425: numbers


def test_bit_depth(case: Case) -> None:
    case.picture(3, kind="uint16")
    only(case, "D422", "0..1", "mix kinds of numbers", "39 x 8-bit - 1 x 16-bit", files=COUNT)
    for n in range(COUNT):
        write(case.folder / f"data/img/{n:02}.png", pillow(PIL.Image.fromarray(case.pixels(n, "uint16") * 16), "PNG"))
    only(case, "D422", "0..1", "12 bits in 16", "window: {center: 2048, width: 4096}")
    case.swap("scale: 0..1", "scale: 0..1, window: {center: 2048, width: 4096}")
    assert case.check()[0] == []
    case.swap("scale: 0..1, window: {center: 2048, width: 4096}", "scale: standardize")
    assert case.check()[0] == []
    case.swap("standardize", "0..1")
    for n in range(COUNT):
        write(case.folder / f"data/img/{n:02}.png", pillow(PIL.Image.fromarray(case.pixels(n, "uint16") * 256), "PNG"))
    assert case.check()[0] == []


def test_numbers_that_are_standardized_as_they_are(case: Case) -> None:
    def make(shift: float, factor: float) -> Callable[[int], bytes]:
        def tif(n: int) -> bytes:
            stream = io.BytesIO()
            tifffile.imwrite(stream, (case.pixels(n).astype("float32") * factor + shift).astype("float32"))
            return stream.getvalue()

        return tif

    case.all(make(0, 1), "tiff")
    told = only(case, "D422", "0..1", "real numbers have no range", "window: {center: 128, width: 256}")
    assert any("`scale: standardize`" in note.text for note in told.notes)
    case.swap("scale: 0..1", "scale: standardize")
    assert case.check()[0] == []
    case.swap("format: tiff", "format: png")
    case.all(make(0, 1e-5), "tiff")
    only(case, "D422", "standardize", "all values lie within 0.0024", "taken for rounding")
    case.swap("format: tiff", "format: png")
    case.all(make(-1000, 1), "tiff")
    assert case.check()[0] == []
    case.swap("scale: standardize", "scale: standardize, resize: fit")
    only(case, "D422", "standardize", "values below 0", "black is -1000 here", "window: {center: -875")


@pytest.mark.parametrize("kind", ["int16", "float32", "uint32"])
def test_numbers_without_a_range(case: Case, kind: str) -> None:
    def make(n: int) -> bytes:
        stream = io.BytesIO()
        tifffile.imwrite(stream, case.pixels(n).astype(kind))
        return stream.getvalue()

    case.all(make, "tiff")
    only(case, "D422", "0..1", "numbers have no range of their own")


def test_dicom_without_a_window_has_no_range(case: Case) -> None:
    case.all(mr(case, RescaleSlope=2, RescaleIntercept=0), "dicom")
    case.swap("scale: 0..1", "scale: 0..1, window: none")
    only(case, "D422", "none", "modality values have no range of their own")
    case.swap("scale: 0..1", "scale: standardize_image")
    assert case.check()[0] == []


def test_other_channels(case: Case) -> None:
    case.picture(3, shape=(6, 8, 3))
    assert case.check()[0] == []
    case.swap("channels: mono", "channels: rgb")
    only(case, "D423", "data/t.csv", "39 of 40 images have other channels", "39 grey - 1 colour", files=39)
    case.swap("channels: rgb", "channels: rgb, from_mono: repeat")
    assert case.check()[0] == []


def test_planes_without_names(case: Case) -> None:
    def make(n: int) -> bytes:
        stream = io.BytesIO()
        pixels = case.pixels(n, shape=(6, 8, 5))
        tifffile.imwrite(stream, pixels, photometric="minisblack", planarconfig="contig")
        return stream.getvalue()

    case.all(make, "tiff")
    only(case, "D423", "data/t.csv", "with 5 planes", files=COUNT)


def test_flat_picture(case: Case) -> None:
    for n in (3, 4):
        case.put(n, pillow(PIL.Image.new("L", (8, 6), 9), "PNG"))
    only(case, "D425", "data/t.csv", "2 of 40 pictures are flat", "2 all 9", files=2, severity="warning")


# All of them


# D440, D441, D442, D443: folds


def test_folds_are_looked_at_as_a_whole(case: Case) -> None:
    case.swap("{train: 50, val: 50}", "{folds: 4}")
    found, summary = case.check()
    assert found == []
    assert summary.parts == {"train": {"a": 15, "b": 15}, "val": {"a": 5, "b": 5}}
    case.swap("{folds: 4}", "{folds: 2, fold: 2, test: 20}")
    found, summary = case.check()
    assert found == []
    assert summary.parts == {"train": {"a": 8, "b": 8}, "val": {"a": 8, "b": 8}, "test": {"a": 4, "b": 4}}


def test_a_part_of_the_training_groups(case: Case) -> None:
    case.swap("val: 50", "val: 50, use: 40")
    found, summary = case.check()
    assert found == []
    assert summary.parts == {"train": {"a": 4, "b": 4}, "val": {"a": 10, "b": 10}}
    (case.folder / "data/t.csv").unlink()
    case.rows = [[f, "ab"[n > 37], f"P{n}", s] for n, (f, _, _, s) in enumerate(case.rows)]
    assert [one.code for one in case.check()[0]] == []  # of two with b one trains, and is first in line
    case.swap("use: 40", "use: 1")
    only(case, "D416", "{train: 50", "`train` has no `b`", "`use`: more than 1 percent")


def test_leaks_between_folds(case: Case) -> None:
    case.swap("{train: 50, val: 50}", "{folds: 4, fold: 4, group: none}")
    only(case, "D413", "none", "20 patients are in more than one part", severity="warning")
    case.swap("{folds: 4, fold: 4, group: none}", "{folds: 4, fold: 4, folds_column: split}")
    (case.folder / "data/t.csv").unlink()
    case.rows = [[f, x, w, str(n // 10 + 1)] for n, (f, x, w, _) in enumerate(case.rows)]
    assert case.check()[0] == []
    (case.folder / "data/t.csv").unlink()
    case.rows[1][3] = "2"
    only(case, "D413", "split", "1 of 20 patients is in more", "`split: {folds: 4, group: patient}`", files=2)
    (case.folder / "data/t.csv").unlink()
    case.rows[1][3] = "1"
    case.put(25, (case.folder / "data/img/05.png").read_bytes())
    only(case, "D414", "{folds: 4", "1 picture is in more than one part", files=2)


def test_too_few_groups_for_the_folds(case: Case) -> None:
    case.swap("{train: 50, val: 50}", "{folds: 5}")
    for row in case.rows:
        row[2] = f"P{int(row[2][1:]) // 5}"
    only(case, "D440", "5", "fold 5 is empty: 4 groups for 5 folds", "`folds: 4` or fewer")
    case.swap("{folds: 5}", "{folds: 3, folds_column: split}")
    (case.folder / "data/t.csv").unlink()
    for n, row in enumerate(case.rows):
        row[3] = "13"[n < 20]
    only(case, "D440", "split", "fold 2 is empty", "correct the column")


def test_folds_without_a_class(case: Case) -> None:
    case.swap("{train: 50, val: 50}", "{folds: 4}")
    case.rows = [[f, "ab"[n > 35], w, s] for n, (f, _, w, s) in enumerate(case.rows)]
    only(case, "D441", "4", "`b` is not in folds", "2 groups with `b`", "`folds: 2` or fewer")
    case.swap("{folds: 4}", "{folds: 2, folds_column: split}")
    (case.folder / "data/t.csv").unlink()
    for n, row in enumerate(case.rows):
        row[3] = "12"[n > 19]
    only(case, "D441", "split", "`b` is not in fold 1", "correct the column")


def test_folds_without_a_finding(case: Case) -> None:
    with_findings(case)
    case.swap("{train: 50, val: 50}", "{folds: 2, fold: 2}")
    assert case.check()[0] == []
    (case.folder / "data/t.csv").unlink()
    for n, row in enumerate(case.rows):
        row[1] = str(int(n < 2))
    codes = [(one.code, one.severity) for one in case.check()[0]]
    assert ("D441", "warning") in codes


def test_words_that_are_no_fold(case: Case) -> None:
    case.swap("{train: 50, val: 50}", "{folds: 2, folds_column: split}")
    only(case, "D442", "split", "all 40 lines say no fold from 1 to 2", "20 `train`", files=40)
    case.swap("folds_column: split", "folds_column: fold")
    only(case, "D406", "fold", "no column `fold`")
    case.swap("{folds: 2, folds_column: fold}", "{folds: 2, column: split}")
    (case.folder / "data/t.csv").unlink()
    case.rows[3][3] = "valid"
    only(case, "D424", "split", "1 of 40 lines says something else")


def test_folds_of_very_different_sizes(case: Case) -> None:
    case.swap("{train: 50, val: 50}", "{folds: 3}")
    for n, row in enumerate(case.rows):
        row[2] = f"P{max(0, n // 2 - 13)}"
    only(case, "D443", "3", "very different sizes: 6 to 28 images", severity="warning")


def test_rules_are_documented() -> None:
    codes = [rule.code for rule in DATA_RULES]
    assert len(set(codes)) == len(codes) == 37
    for rule in DATA_RULES:
        assert rule.name.replace("_", "").isalpha()
        for word in ("What:", "Why:", "Bad:", "Good:"):
            assert word in rule.doc, rule.code


def test_every_rule_has_a_case() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    stacks = Path(__file__).with_name("test_stacks.py").read_text(encoding="utf-8")
    missing = [rule.code for rule in DATA_RULES if f'only(case, "{rule.code}"' not in text]
    assert [code for code in missing if f'"{code}"' not in stacks] == []


def test_several_causes_in_one_run(case: Case) -> None:
    case.picture(3, shape=(9, 9))
    case.put(5, b"")
    case.rows[7][1] = "c"
    codes: Sequence[str] = [one.code for one in case.check()[0]]
    assert codes == ["D403", "D410", "D402"]


def test_a_folder_that_cannot_be_written_is_no_fault(case: Case) -> None:
    study = case.study()
    write(case.folder / ".specc", b"in the way")
    case.put(5, b"")
    found, summary = check_data(study)
    assert [one.code for one in found] == ["D403"]
    assert summary.images == COUNT


def test_a_second_check_needs_no_readers(tmp_path: Path) -> None:
    """What the index knows is read as the index itself would; anything new, changed or damaged is left to it."""
    import os
    from dataclasses import asdict, fields

    from specc.data import known
    from specc.pieces import index, readers

    assert known.VERSION == index.VERSION
    assert {field.name for field in fields(index.Entry)} == known.ENTRY
    assert {field.name for field in fields(readers.Facts)} == known.FACTS
    files = [write(tmp_path / f"{n}.png", pillow(PIL.Image.new("L", (4, 5), n), "png")) for n in range(3)]
    store = tmp_path / "index.json"
    assert known.known(files, store, "none", None) is None
    entries = index.index(files, store)
    same = known.known(files, store, "none", None)
    assert same is not None
    as_read = [{**vars(entry), "facts": vars(entry.facts), "kept": tuple(entry.kept or ())} for entry in same]
    assert as_read == [asdict(entry) for entry in entries]
    assert known.known(files, store, "auto", None) is None and known.known(files, store, "none", 3) is None
    os.utime(files[1], (1, 1))
    assert known.known(files, store, "none", None) is None
    files[1].write_bytes(b"torn")
    index.index(files, store)
    assert known.known(files, store, "none", None) is None
    store.write_text(store.read_text().replace("photometric", "photo"))
    assert known.known([files[0]], store, "none", None) is None
