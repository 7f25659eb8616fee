"""A task whose answers are no classes or values, brought by a foreign plugin: trained, judged, asked, on its own
images and on others. The core holds no name of it.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from probes import PLUGIN, Project, draw, install


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The segmenter of the foreign plugin, trained."""
    folder, site = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site")
    install(site)
    draw(folder)
    (folder / "segmenter.yaml").write_bytes((PLUGIN / "specs/segmenter.yaml").read_bytes())
    (folder / "specc.toml").write_text('[plugins]\nenabled = ["probe"]\n')
    made = Project(folder, site)
    done = made.specc("train", "segmenter.yaml")
    assert "val overlap" in done.stdout, done.stdout
    assert "(28 train)" in done.stdout, done.stdout
    return made


RUN = Path("runs/probe-segmenter/001")
MODEL = str(RUN / "model.onnx")


def test_the_run_holds_figures_and_the_contract_names_the_plugin(project: Project) -> None:
    figures = json.loads((project.folder / RUN / "eval/metrics.json").read_text(encoding="utf-8"))
    assert figures["val"]["cases"] == 12
    assert 0 <= figures["val"]["metrics"]["overlap"]["low"] <= figures["val"]["metrics"]["overlap"]["value"]
    contract = json.loads((project.folder / RUN / "contract.json").read_text(encoding="utf-8"))
    assert contract["plugin"] == "probe"
    assert contract["words"] == {"boxes": "things"}
    with (project.folder / RUN / "eval/images.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["split"] for row in rows].count("val") == 12
    assert all(row["boxes"].count(",") % 3 == 0 for row in rows)


def test_predict_says_a_row_a_case_and_writes_what_the_task_writes(project: Project) -> None:
    done = project.specc("predict", MODEL, "images/00.png", "images/01.png", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["file"] for row in rows] == ["images/00.png", "images/01.png"]
    assert all(row.keys() == {"file", "share", "height"} for row in rows)
    project.specc("predict", MODEL, "images/00.png", "images", "-o", "said", "--as", "npy,npz")
    assert np.load(project.folder / "said/00.npy").shape == (1, 16, 16)
    assert (project.folder / "said/01.npz").is_file()
    with (project.folder / "said/answers.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 41
    assert float(table[0]["share"]) == pytest.approx(rows[0]["share"])
    full = project.specc("predict", MODEL, "images/00.png", "-o", "said", code=2)
    assert "T660" in full.stderr
    project.specc("predict", MODEL, "images/00.png", "-o", "said", "--force")
    project.specc("predict", MODEL, "images/00.png", "-o", "one.csv")
    assert (project.folder / "one.csv").read_text(encoding="utf-8").startswith("file,patient,share,height,refused")


def test_a_file_that_does_not_fit_is_refused_and_the_rest_go_on(project: Project) -> None:
    (project.folder / "other.png").write_bytes(b"no picture")
    done = project.specc("predict", MODEL, "other.png", "images/01.png")
    assert "refused P801" in done.stdout
    assert "% of it" in done.stdout
    assert "1 answered, 1 refused" in done.stderr


def test_unknown_forms_are_refused_with_those_that_there_are(project: Project) -> None:
    done = project.specc("predict", MODEL, "images/00.png", "-o", "x", "--as", "dicom", code=2)
    assert "P849" in done.stderr
    assert "`npy`: an array of probabilities" in done.stderr


def test_eval_on_a_table_from_elsewhere(project: Project) -> None:
    other = project.folder / "elsewhere"
    other.mkdir()
    draw(other, 20)
    own = project.specc("eval", MODEL, "--data", "elsewhere/table.csv", "--columns", "boxes=things", code=2)
    assert "20 of 20 images were trained on" in own.stderr
    for file in other.glob("images/*.png"):
        PIL.Image.fromarray(np.asarray(PIL.Image.open(file)) // 2).save(file)
    done = project.specc("eval", MODEL, "--data", "elsewhere/table.csv", "--columns", "boxes=things", "-o", "outside")
    assert "external overlap" in done.stdout
    figures = json.loads((project.folder / "outside/metrics.json").read_text(encoding="utf-8"))
    assert figures["external"]["cases"] == 20
    lacking = project.specc("eval", MODEL, "--data", "elsewhere/table.csv", "--columns", "boxes=boxs", code=2)
    assert "P873" in lacking.stderr


def test_repeats_are_summed_up(project: Project) -> None:
    done = project.specc(
        "train", "segmenter.yaml", "-S", "train.repeats=2", "-S", "name=several", "-S", "train.epochs=1"
    )
    assert "overlap" in done.stdout
    assert "least to most" in done.stdout
    (folder,) = (project.folder / "runs/several").iterdir()
    found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    cell = found["val"]["cells"][0]
    assert len(cell["metrics"]["overlap"]["runs"]) == 2
    assert cell["metrics"]["overlap"]["value"] == pytest.approx(sum(cell["metrics"]["overlap"]["runs"]) / 2)
    assert (folder / "summary.png").is_file()
    again = project.specc("eval", str(folder.relative_to(project.folder)))
    assert "least to most" in again.stdout


def test_without_the_plugin_the_model_is_not_asked(project: Project, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes((project.folder / MODEL).read_bytes())
    away = Project(tmp_path, project.site)
    done = away.specc("predict", "model.onnx", str(project.folder / "images/00.png"), code=5)
    assert "P848" in done.stderr
    assert "the plugin `probe` brings" in done.stderr
