"""What tests of programs need: specs in pieces, small data of every kind, programs compiled and run."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from pictures import dicom, pillow, png16, write

from specc.compile import compile as compile_study
from specc.lower.front import front
from specc.registry import core
from specc.source import parse
from specc.study import Study

Array = np.ndarray[Any, Any]
ROOT = Path(__file__).resolve().parent.parent
SAME = (
    "runtime",
    "command",
    "checkpoints",
    "readers",
    "tables",
    "cache",
    "index",
    "pixels",
    "export",
)  # files that no spec changes
COLUMNS = "image: file, label: label, patient: patient"
BASE = {
    "specc": "1",
    "name": "case",
    "task": "classification",
    "input": "{format: png, size: [16, 16], channels: mono, resize: fit, scale: 0..1}",
    "output": "{classes: [dark, light]}",
    "data": f"{{manifest: png.csv, columns: {{{COLUMNS}}}, split: {{column: split}}}}",
    "model": "{layers: [{conv2d: {filters: 3, kernel: 3, activation: relu}}, global_avgpool, "
    "{dense: {units: 1, activation: sigmoid}}]}",
    "loss": "binary_cross_entropy",
    "optimizer": "adam",
    "train": "{epochs: 1, batch_size: 8}",
}
ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "specc":
            raise ImportError("specc must not be needed")
sys.meta_path.insert(0, Refuse())
"""  # as sitecustomize.py


def spec(**parts: str) -> str:
    """The text of a spec; a part that is given stands for, or beside, the usual one."""
    return "".join(f"{key}: {value}\n" for key, value in (BASE | parts).items())


def study_of(text: str, file: str = "case.yaml") -> Study:
    """The study of a spec without errors."""
    study, found = front(parse(text, file), core())
    assert study is not None, [(d.code, d.message) for d in found]
    return study


def program(text: str) -> dict[str, str]:
    """The program of a spec."""
    return compile_study(study_of(text))


def put(files: dict[str, str], folder: Path) -> Path:
    """Write a program; its train.py."""
    for name, text in files.items():
        write(folder / name, text.encode())
    return folder / "train.py"


def start(train: Path, data: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with its run and cache beside it, where nothing can import specc."""
    write(train.parent / "alone" / "sitecustomize.py", ALONE.encode())
    folders = ["--data", str(data), "--run", str(train.parent / "run"), "--cache", str(train.parent / "cache")]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, str(train), *folders, *options],
        env={**clean, "PYTHONPATH": str(train.parent / "alone"), **environment},
        cwd=train.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def events(output: str) -> list[dict[str, Any]]:
    """The events of a program's standard output."""
    return [json.loads(line) for line in output.splitlines()]


def table(path: Path) -> list[dict[str, str]]:
    """A CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


SIZES = ((16, 16), (20, 14), (9, 31), (40, 24))


def picture(number: int, size: tuple[int, int], planes: int = 1, top: int = 255) -> Array:
    """(height, width, planes) numbers up to `top`; every other picture is dark."""
    noise = np.random.default_rng(number).random((*size, planes))
    return (top * (noise * 0.35 + 0.6 * (number % 2))).round()


def encode(kind: str, number: int) -> bytes:
    """Picture `number` as a file."""
    size = SIZES[0] if kind == "even" else SIZES[number % 4]
    if kind in ("stack", "second"):  # channels of a case have one size; the second has 16 bits
        size = SIZES[(number % 100) % 4]
    if kind in ("png16", "second"):
        return png16(picture(number, size, 1, 4000 if kind == "png16" else 60_000).astype(np.uint16))
    if kind == "tiff":
        pixels = picture(number, size, 3 if number != 3 else 1).astype(np.uint8)
        return pillow(PIL.Image.fromarray(pixels.squeeze()), "TIFF")
    if kind == "dicom":
        windows = {"WindowCenter": 400, "WindowWidth": 900} if number % 3 else {}
        tags = {
            "PatientID": f"P{number // 2}",
            "RescaleSlope": 2,
            "RescaleIntercept": -100,
            "Modality": "MR",
            **windows,
        }
        tags |= {"PhotometricInterpretation": "MONOCHROME1"} if number == 5 else {}
        return dicom(picture(number, size, 1, 500).astype(np.uint16)[..., 0], **tags)
    return pillow(PIL.Image.fromarray(picture(number, size).astype(np.uint8)[..., 0]), "PNG")


def make_data(folder: Path, count: int = 20) -> Path:
    """Files of every kind with a table each: png.csv, even.csv (one size), png16.csv, tiff.csv, dicom.csv; and class
    folders in `classes`; {ä}'s/tab'le.csv has names with signs that mean something to Python. Patients have two
    pictures each. findings.csv says of the png files what several findings are, some of them blank. stack.csv has three
    files a case.
    """
    suffix = {"png": "png", "even": "png", "png16": "png", "tiff": "tif", "dicom": "dcm"}
    for kind, end in suffix.items():
        lines = ["file,label,third,patient,split,age,height"]
        for number in range(count):
            name, label = f"{kind}/{number:02}.{end}", ("dark", "light")[number % 2]
            write(folder / name, encode(kind, number))
            part = "train" if number < count * 0.6 else "val" if number < count * 0.8 else "test"
            third, age = "abc"[number % 3], 30 + 40 * (number % 2) + number
            lines.append(f"{name},{label},{third},p{number // 2},{part},{age},{0.01 * age}")
        write(folder / f"{kind}.csv", "\n".join([*lines, ""]).encode())
    lines = ["FLAIR,T 1,T2-w,label,patient,split,age"]
    for number, row in enumerate(table(folder / "png.csv")):
        names = [f"stack/{number:02}_{name}.png" for name in ("flair", "t1", "t2")]
        for channel, name in enumerate(names):
            write(folder / name, encode("second" if channel == 1 else "stack", number + 100 * channel))
        lines.append(",".join([*names, row["label"], row["patient"], row["split"], row["age"]]))
    write(folder / "stack.csv", "\n".join([*lines, ""]).encode())
    lines = ["file,patient,split,lit,old"]
    for number, row in enumerate(table(folder / "png.csv")):
        old, lit = "01"[number // 4 % 2], ("no", "yes")[number % 2] if number % 5 else ""
        lines.append(f"{row['file']},{row['patient']},{row['split']},{lit},{old}")
    write(folder / "findings.csv", "\n".join([*lines, ""]).encode())
    odd = (
        (folder / "even.csv")
        .read_text()
        .replace("file,label", "Datei 'ä\"{0},label {x!r}")
        .replace(",dark,", ",it's \\,")
    )
    write(folder / "{ä}'s" / "tab'le.csv", odd.replace("even/", "").encode())
    for number in range(count):
        write(folder / "{ä}'s" / f"{number:02}.png", encode("even", number))
    for number in range(count):
        place = folder / "classes" / ("dark", "light")[number % 2] / f"p{number // 2}_{number}.png"
        write(place, encode("even", number))
    return folder


MANY = """
import contextlib, io, runpy, sys, traceback
from pathlib import Path
data, *folders = sys.argv[1:]
for folder in folders:
    own = {path.stem for path in Path(folder).glob("*.py")}
    for name in own & set(sys.modules):
        del sys.modules[name]
    sys.path.insert(0, folder)
    sys.argv = ["train.py", "--data", data, "--run", folder + "/run", "--cache", folder + "/cache"]
    heard, status = io.StringIO(), 0
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        try:
            runpy.run_path(folder + "/train.py", run_name="__main__")
        except SystemExit as end:
            status = end.code
        except BaseException:
            traceback.print_exc()
            status = 1
    sys.path.remove(folder)
    Path(folder, "heard.txt").write_text(str(status) + chr(10) + heard.getvalue(), encoding="utf-8")
"""


def run_all(folders: list[Path], data: Path) -> dict[str, tuple[int, str]]:
    """Run several programs one after another in one process, which is faster. Status and output of each."""
    folder = folders[0].parent / "alone"
    write(folder / "sitecustomize.py", ALONE.encode())
    write(folder / "many.py", MANY.encode())
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, str(folder / "many.py"), str(data), *map(str, folders)]
    subprocess.run(command, env={**clean, "PYTHONPATH": str(folder)}, check=True)
    result = {}
    for place in folders:
        status, _, heard = (place / "heard.txt").read_text(encoding="utf-8").partition("\n")
        result[place.name] = int(status), heard
    return result
