"""Distributions that specc does not know, in a fresh environment: installed, found, refused until a project enables
them, used for a whole study, and removed without a trace.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from specc.plugin import Piece
from specc.testing import check_plugin, draw

HERE = Path(__file__).resolve().parent
FOREIGN = HERE / "foreign"
OFFLINE = ("--no-deps", "--no-build-isolation", "--no-index")
ENABLED = '[plugins]\nenabled = ["ordinal"]\n'


class Environment:
    """A Python of its own that finds the packages of this one; what is installed goes into itself."""

    def __init__(self, place: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
        self.python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        own = sysconfig.get_path("purelib", vars={"base": str(place)})
        lines = [f"import site; site.addsitedir({path!r})" for path in dict.fromkeys(site.getsitepackages())]
        (Path(own) / "ours.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.trace = place / "hostile.txt"
        path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(HERE.parent)]).strip(os.pathsep)
        self.variables = {**os.environ, "PYTHONPATH": path, "HOSTILE": str(self.trace), "OMP_NUM_THREADS": "1"}

    def run(self, *arguments: str, folder: Path, code: int = 0) -> str:
        """Run Python in a folder; all that it wrote."""
        done = subprocess.run(
            [str(self.python), *arguments], cwd=folder, env=self.variables, capture_output=True, text=True
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def specc(self, *arguments: str, folder: Path, code: int = 0) -> str:
        """Run specc in a folder."""
        return self.run("-m", "specc", *arguments, folder=folder, code=code)

    def install(self, *names: str, folder: Path) -> None:
        """Install distributions from copies of their sources; no index is asked."""
        places = []
        for name in names:
            shutil.copytree(FOREIGN / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "build"))
            places.append(str(folder / name))
        self.run("-m", "pip", "install", "-q", *OFFLINE, *places, folder=folder)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """With `ordinal` and `hostile`."""
    fresh = Environment(tmp_path_factory.mktemp("environment"))
    fresh.install("ordinal", "hostile", folder=tmp_path_factory.mktemp("sources"))
    return fresh


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images with a grade each, and the spec of the plugin's example."""
    draw(tmp_path)
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["grade"] = ("tiny", "small", "large")[(int(row["value"]) > 6) + (int(row["value"]) > 12)]
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.syspath_prepend(str(FOREIGN / "ordinal"))
    spec = import_module("specc_ordinal").PLUGIN.examples[0].spec
    (tmp_path / "grades.yaml").write_text(spec.lstrip(), encoding="utf-8")
    return tmp_path


def test_a_whole_study(environment: Environment, project: Path) -> None:
    """Listed, refused, enabled, checked, trained, exported, asked, judged. The hostile one is never imported."""
    listed = environment.specc("plugins", "list", folder=project)
    assert "ordinal       installed, not enabled  specc-ordinal 1.2" in listed
    assert "hostile       installed, not enabled  specc-hostile 6.6" in listed
    info = environment.specc("plugins", "info", "ordinal", folder=project)
    assert "MIT" in info and "specc_ordinal:PLUGIN" in info and "nothing of it was imported" in info
    refused = environment.specc("check", "grades.yaml", folder=project, code=1)
    assert "S107" in refused and "installed, but not enabled" in refused

    (project / "specc.toml").write_text(ENABLED, encoding="utf-8")
    assert "ordinal_cross_entropy" in environment.specc("plugins", "info", "ordinal", folder=project)
    assert "McCullagh" in environment.specc("explain", "Z201", folder=project)
    assert "no errors" in environment.specc("check", "grades.yaml", folder=project)
    last = environment.specc("train", "grades.yaml", "--json", folder=project).splitlines()
    told = [json.loads(line) for line in last if line.startswith("{")]
    run = project / told[-1]["run"]
    assert json.loads((run / "parity.json").read_text())["passed"]
    assert "specc_ordinal" not in "".join(file.read_text() for file in run.glob("code/*.py"))
    lock = (run / "spec.lock.yaml").read_text(encoding="utf-8")
    assert "specc-ordinal" in lock and "hostile" not in lock

    files = sorted((project / "images").glob("*.png"))[:3]
    answers = environment.specc("predict", str(run / "model.onnx"), *map(str, files), "--json", folder=project)
    rows = [json.loads(line) for line in answers.splitlines() if line.startswith("{")]
    assert len(rows) == 3
    for row in rows:
        assert row["answer"] in ("tiny", "small", "large")
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert "accuracy" in environment.specc("eval", str(run), folder=project)
    assert not environment.trace.exists()


def test_it_is_imported_only_where_it_is_enabled(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("specc: 1\n", encoding="utf-8")
    environment.specc("check", "a.yaml", folder=tmp_path, code=1)
    environment.specc("explain", "dense", folder=tmp_path)
    environment.specc("plugins", "info", "hostile", folder=tmp_path)
    assert not environment.trace.exists()
    (tmp_path / "specc.toml").write_text('[plugins]\nenabled = ["hostile"]\n', encoding="utf-8")
    environment.specc("check", "a.yaml", folder=tmp_path, code=1)
    assert environment.trace.exists()
    environment.trace.unlink()


def test_what_new_writes_can_be_installed(environment: Environment, tmp_path: Path) -> None:
    """A distribution of `specc plugins new --package`: installed, enabled, used."""
    environment.specc("plugins", "new", "shared_loss", "--package", folder=tmp_path)
    environment.run("-m", "pip", "install", "-q", *OFFLINE, str(tmp_path / "shared_loss"), folder=tmp_path)
    (tmp_path / "specc.toml").write_text('[plugins]\nenabled = ["shared_loss"]\n', encoding="utf-8")
    assert "false alarm" in environment.specc("explain", "shared_loss", folder=tmp_path)
    rows = [line.split() for line in environment.specc("plugins", folder=tmp_path).splitlines()]
    assert ["shared_loss", "enabled", "shared-loss", "0.1.0"] in rows
    environment.run("-m", "pip", "uninstall", "-q", "-y", "shared-loss", folder=tmp_path)


def test_two_of_one_name_and_gone(environment: Environment, project: Path, tmp_path: Path) -> None:
    """The error names both owners; without either, the plugin is gone."""
    environment.install("twin", folder=tmp_path)
    (project / "specc.toml").write_text(ENABLED, encoding="utf-8")
    refused = environment.specc("check", "grades.yaml", folder=project, code=1)
    assert "S116" in refused and "specc-ordinal 1.2" in refused and "ordinal-twin 0.9" in refused
    assert environment.specc("plugins", folder=project).count("broken") == 2
    assert not environment.trace.exists()
    environment.run("-m", "pip", "uninstall", "-q", "-y", "ordinal-twin", "specc-ordinal", folder=project)
    assert "specc.toml enables it, and it is not installed" in environment.specc("plugins", folder=project)
    gone = environment.specc("check", "grades.yaml", folder=project, code=1)
    assert "S111" in gone and "which is not installed" in gone
    (project / "specc.toml").write_text("", encoding="utf-8")
    assert "not installed" in environment.specc("check", "grades.yaml", folder=project, code=1)


def test_a_plugin_may_read_the_usual_outputs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An output called `answer` is the core's only where no plugin reads it: that one is told whose files they are."""
    monkeypatch.syspath_prepend(str(FOREIGN / "ordinal"))
    plugin = import_module("specc_ordinal").PLUGIN
    reader = Piece("specc_ordinal.examples", "graded")
    check_plugin(replace(plugin, tasks=(replace(plugin.tasks[0], answering=reader),)), tmp_path)
    written = {file.name for file in (tmp_path / "example_1/whole/eval").iterdir()}
    assert "images.csv" in written and "predictions.csv" not in written


def test_it_passes_the_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOREIGN / "ordinal"))
    check_plugin(import_module("specc_ordinal").PLUGIN, tmp_path)
