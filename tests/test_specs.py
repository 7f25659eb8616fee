"""The example specs: no diagnostic on their images, a program that takes its first steps, data that are whole."""

from __future__ import annotations

import csv
import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from programs import ROOT, events, program, put, start

import specc

SPECS = sorted((ROOT / "specs").glob("*.yaml"))
MANIFESTS = sorted((ROOT / "specs" / "data").glob("*/*.csv"))


def table(manifest: Path) -> list[dict[str, str]]:
    """The lines of a manifest."""
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def manifest_of(text: str) -> str:
    """The path of the manifest as a spec writes it."""
    return text.partition("manifest: ")[2].split()[0]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.stem))
def test_no_diagnostic(path: Path) -> None:
    """None of any kind; every image is looked at."""
    found = specc.check(path)
    assert found.require() and not found.diagnostics


def test_a_comment_on_every_line() -> None:
    """But where a line says again what the one before has said."""
    for path in SPECS:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert sum("#" in line for line in lines) >= 0.6 * len(lines), path.name


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.stem))
def test_two_steps_of_each(path: Path, tmp_path: Path) -> None:
    """The emitted program, alone, on three images of each kind: two steps, an ONNX file, parity."""
    text = path.read_text(encoding="utf-8")
    manifest = path.parent / manifest_of(text)
    some: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in table(manifest):
        some[row["split"], row.get("label", "")].append(row)
    kept = [row for rows in some.values() for row in rows[:: max(1, len(rows) // 3)][: 3 if "label" in rows[0] else 9]]
    for row in kept:
        (tmp_path / row["file"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(manifest.parent / row["file"], tmp_path / row["file"])
    with (tmp_path / "some.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, kept[0])
        writer.writeheader()
        writer.writerows(kept)
    train = sum(row["split"] == "train" for row in kept)
    text = text.replace(manifest_of(text), "some.csv")
    text = re.sub(r"epochs: \d+", "epochs: 1", re.sub(r"{cosine: {warmup: \d+}}", "cosine", text))
    text = re.sub(r"batch_size: \d+", f"batch_size: {train // 2 + train % 2}", text)
    done = start(put(program(text), tmp_path / "program"), tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = {event["event"]: event for event in events(done.stdout)}
    assert said["start"]["steps"] == 2 and said["parity"]["passed"]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: str(path.stem))
def test_data_are_whole(manifest: Path) -> None:
    """Every file is listed once and is there; a group is in one part only; every class is in every part."""
    rows = table(manifest)
    files = [row["file"] for row in rows]
    assert 100 <= len(files) == len(set(files)) <= 700
    assert all((manifest.parent / file).is_file() for file in files)
    parts = {row["split"] for row in rows}
    assert {"train", "val"} <= parts <= {"train", "val", "test"}
    for column in ("patient", "group"):
        if column in rows[0]:
            assert len({(row[column], row["split"]) for row in rows}) == len({row[column] for row in rows})
    if "label" in rows[0]:
        assert len({(row["label"], row["split"]) for row in rows}) == len({row["label"] for row in rows}) * len(parts)
    else:
        assert {float(row["angle"]) > 0 for row in rows} == {True, False}


@pytest.mark.parametrize("folder", sorted((ROOT / "specs" / "data").iterdir()), ids=lambda path: str(path.name))
def test_nothing_is_there_without_its_source(folder: Path) -> None:
    listed = {row["file"] for manifest in folder.glob("*.csv") for row in table(manifest)}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there - listed == {"SOURCE.md", *(manifest.name for manifest in folder.glob("*.csv"))}
    source = (folder / "SOURCE.md").read_text(encoding="utf-8")
    assert re.search(r"CC BY|MIT licence", source)
    assert "GitHub" in source or "specc/demo/data/mr-t1t2/SOURCE.md" in source


def test_sizes() -> None:
    """16 MB of data in all, and 3 MB in what is installed."""

    def size(folder: Path) -> int:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and ".specc" not in path.parts)

    assert size(ROOT / "specc" / "demo") < 3e6
    assert size(ROOT / "specc" / "demo") + size(ROOT / "specs") < 14e6


def test_the_page_lists_every_spec() -> None:
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    for path in SPECS:
        assert page.count(f"| [{path.name}](../specs/{path.name}) |") == 1, path.name
