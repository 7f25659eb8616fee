"""benchmarks/quality.py: one short training through it, what it keeps, and the page that it writes."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from programs import ROOT

FILE = ROOT / "benchmarks" / "quality.py"


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("quality", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["quality"] = module
    spec.loader.exec_module(module)
    return module


def test_one_training_is_kept_and_shown(quality: ModuleType, tmp_path: Path) -> None:
    task = quality.TASKS[0]
    job = quality.Job(task, 3, None, tmp_path, ("train.epochs=1",))
    job.kept.parent.mkdir()
    done = quality.train(job)
    assert (done.seed, done.epochs, done.part) == (3, 1, "test")
    assert quality.train(job) == done and len(list(job.kept.parent.glob("*.runs/*/*"))) == 1
    longer = quality.Job(task, 3, None, tmp_path, ("train.epochs=2",))
    assert quality.train(longer).epochs == 2
    assert "| T1 or T2 | [lenet.yaml](../specs/lenet.yaml) | test: 72 images, 3 groups |" in quality.page(
        {task: [done]}
    )


def figures(value: float) -> dict[str, Any]:
    """As `specc eval` writes them, with one metric."""
    figure = {"mae": {"value": value, "low": value / 2, "high": value * 2}}
    part = {"images": 9, "patients": 2, "metrics": figure, "baseline": {"trivial": figure, "intensity forest": figure}}
    return {"val": part}


def test_all_seeds_count(quality: ModuleType) -> None:
    """A mean over the aim is missed, whatever the best seed got; validation is called so."""
    task = quality.Task("x", "x", "lenet.yaml", "a/b.csv", "mae", 2.0)
    runs = [quality.Done("", "", seed, 1.0, 3, 2, figures(value)) for seed, value in enumerate((1.0, 2.0, 6.0))]
    cells = quality.row(task, runs)
    assert cells[2].startswith("**validation**")
    assert cells[4:] == ["<= 2", "**3.0**", "2.6", "1.0 to 6.0", "0.5 to 12.0", "1.0", "1.0", "**missed**"]
    assert quality.row(task, runs[:2])[-1] == "yes"
    alone = figures(1.0)
    alone["val"]["metrics"]["mae"] |= {"low": None, "high": None}
    one = quality.Done("", "", 0, 1.0, 3, 2, alone)
    assert quality.row(task, [one])[8] == "-" == quality.each(task, [one])[0][3]


def test_without_an_aim_the_baselines_are_to_be_beaten(quality: ModuleType) -> None:
    task = quality.Task("x", "x", "lenet.yaml", "a/b.csv", "mae", None)
    better = figures(3.0)
    better["val"]["metrics"] = {"mae": {"value": 2.9, "low": 2.0, "high": 4.0}}
    cells = quality.row(task, [quality.Done("", "", 0, 1.0, 3, 2, better)])
    assert (cells[4], cells[5], cells[-1]) == ("the baselines", "**2.900**", "yes")
    assert quality.row(task, [quality.Done("", "", 0, 1.0, 3, 2, figures(3.0))])[-1] == "**missed**"


def test_tasks_with_one_spec_share_a_training(
    quality: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two questions to one network: one job each seed, and each task gets its runs."""
    tasks = [quality.Task(name, name, "lenet.yaml", "a/b.csv", "mae", 9.0, rivals=("trivial",)) for name in "xy"]
    monkeypatch.setattr(quality, "TASKS", tasks)
    monkeypatch.setattr(quality, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(quality, "as_completed", list)
    trained = []

    def attempt(job: Any) -> Any:
        trained.append(job.seed)
        return quality.Done("", "", job.seed, 1.0, 3, 2, figures(1.0))

    monkeypatch.setattr(quality, "attempt", attempt)
    found = quality.run_all([quality.Job(task, seed, None, tmp_path) for task in tasks for seed in (0, 1)], 1)
    assert trained == [0, 1]
    assert {task.name: [run.seed for run in runs] for task, runs in found.items()} == {"x": [0, 1], "y": [0, 1]}


class Here:
    """A pool without processes."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Any, job: Any) -> Any:
        """Done at once."""
        future: Future[Any] = Future()
        future.set_result(work(job))
        return future


def test_tables_are_found_where_a_set_was_unpacked(quality: ModuleType, tmp_path: Path) -> None:
    assert quality.find(tmp_path, "digits/digits.csv") is None
    for folder in ("other/digits.csv", "z/digits/digits.csv"):
        (tmp_path / folder).parent.mkdir(parents=True)
        (tmp_path / folder).write_text("file\n")
    assert quality.find(tmp_path, "digits/digits.csv") == tmp_path / "z" / "digits" / "digits.csv"


def test_copies_of_judged_images_do_not_train(quality: ModuleType, tmp_path: Path) -> None:
    """The training line goes, the judged one stays; a table without copies is used as it is."""
    rows = ["file,split", "a.png,train", "b.png,train", "c.png,val"]
    for number, name in enumerate("abc"):
        Image.new("L", (2, 2), 7 * (number % 2)).save(tmp_path / f"{name}.png")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    found = quality.without_copies(tmp_path / "t.csv", tmp_path / "work")
    assert found.read_text().split() == ["file,split", "b.png,train", "c.png,val"]
    assert (found.parent / "b.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert quality.without_copies(found, tmp_path / "again") == found


def test_figures_go_between_their_marks(quality: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x -->\nold\n<!-- end of x -->\nb\n")
    quality.write("new", "x", page)
    assert page.read_text() == "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n"
    for kind in ("whole sets", "images of this repository"):
        assert quality.PAGE.read_text(encoding="utf-8").count(f"<!-- {kind} -->") == 1


def test_every_example_but_dicom_is_judged(quality: ModuleType) -> None:
    judged = {task.spec for task in quality.TASKS}
    assert {path.name for path in (ROOT / "specs").glob("*.yaml")} - judged == {"lenet_dicom.yaml"}
