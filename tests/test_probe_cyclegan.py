"""The translation between two kinds of images of a foreign distribution (Zhu et al. 2017), and its program."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from probes import PLUGIN, Project, killed_and_resumed, opened, prepared, same_bytes, tensors

from specc.pieces import runtime as rt

sys.path.insert(0, str(PLUGIN))
from specc_probe.pieces import criteria, cyclegan
from specc_probe.pieces.pool import Pool

# ------------------------------------------------------------------ the parts


def test_the_losses_of_the_paper() -> None:
    """0.49 + 0.36 + 10 (0.2 + 0.1), and with the identity loss 10 0.5 (0.05 + 0.04) more; judges: least squares."""
    fooled, cycled, kept = (torch.tensor([value]) for value in (0.49 + 0.36, 0.2 + 0.1, 0.05 + 0.04))
    assert cyclegan.whole_loss(fooled, cycled, kept, 10, 0.5).item() == pytest.approx(4.3, abs=1e-6)
    assert cyclegan.whole_loss(fooled, cycled, kept, 10, 0).item() == pytest.approx(3.85, abs=1e-6)
    real, made, one = torch.full((1, 1, 3, 3), 0.8), torch.full((1, 1, 3, 3), 0.3), torch.ones(1)
    assert criteria.least_squares(made, one).item() == pytest.approx(0.49, abs=1e-6)
    judged = cyclegan.judge_loss(criteria.least_squares(real, one), criteria.least_squares(made, 0 * one))
    assert judged.item() == pytest.approx(0.065, abs=1e-6)
    images = torch.tensor([[[[0.0, 1], [2, 3]]], [[[1.0, 1], [1, 1]]]])
    assert cyclegan.apart(images, torch.ones_like(images)).tolist() == [1, 0]


def batch_of(ids: list[int], epoch: int = 0) -> rt.Batch:
    """A step on one rank."""
    places = torch.tensor(ids)
    return rt.Batch(places, torch.full((len(ids),), 1 / len(ids)), len(ids), (42, 0, epoch), rt.Time(0, 1, 1), places)


def test_the_pool_is_filled_then_half_of_it_is_shown() -> None:
    pool = Pool(50, torch.zeros(1, 2, 2), 6)
    images = torch.arange(2000.0).view(2000, 1, 1, 1).expand(-1, 1, 2, 2)
    shown = torch.cat([pool.exchange(images[n : n + 4], batch_of(list(range(n, n + 4)))) for n in range(0, 2000, 4)])
    assert shown.grad_fn is None
    values = shown[:, 0, 0, 0]
    assert torch.equal(values[:50], torch.arange(50.0))  # the first ones are returned
    earlier = values[50:] < torch.arange(50, 2000)
    assert 0.45 < earlier.float().mean() < 0.55
    assert torch.equal(values[50:][~earlier], torch.arange(50.0, 2000)[~earlier])
    assert len(values[50:][earlier].unique()) == earlier.sum()  # what was shown from the pool has left it
    assert pool.filled == 50
    left = set(pool.images[:, 0, 0, 0].tolist())
    assert left == set(range(2000)) - set(values[50:][earlier].tolist()) - (set(values[50:][~earlier].tolist()))


def test_both_kinds_are_drawn_by_the_sample_alone() -> None:
    kinds = cyclegan.Kinds(torch.tensor([0, 2, 5]), torch.tensor([1, 3, 4, 6, 7]))
    whole = kinds.drawn(batch_of(list(range(100))))
    assert whole[0].tolist() == [[0, 2, 5][n % 3] for n in range(100)]
    assert set(whole[1].tolist()) == {1, 3, 4, 6, 7}
    some = kinds.drawn(batch_of([70, 3]))
    assert [kind.tolist() for kind in some] == [kind[[70, 3]].tolist() for kind in whole]
    assert kinds.drawn(batch_of(list(range(100)), epoch=1))[1].tolist() != whole[1].tolist()


# ------------------------------------------------------------------ the program


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The plugin installed, the project enabled, images and specs in place."""
    return prepared(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def program(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, compiled by the command line."""
    place = tmp_path_factory.mktemp("programs") / "cyclegan"
    project.specc("check", "cyclegan.yaml")
    project.specc("compile", "cyclegan.yaml", "-o", str(place))
    return place


@pytest.fixture(scope="module")
def whole(project: Project, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    run = tmp_path_factory.mktemp("cyclegan") / "run"
    project.run(program, run)
    return run


def rows_of(run: Path) -> list[dict[str, Any]]:
    """An epoch a row."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_the_published_networks_have_the_published_parameters(project: Project) -> None:
    """Two generators of 11,378,179 and two judges of 2,764,737."""
    told = json.loads(project.specc("show", "cyclegan256.yaml", "--json").stdout)
    assert told["networks"] == {"a_to_b": 11_378_179, "b_to_a": 11_378_179, "judge_a": 2_764_737, "judge_b": 2_764_737}
    assert told["parameters"] == 28_285_832


def test_the_program_is_small(program: Path) -> None:
    assert (program / "train.py").read_text().count("\n") <= 240


def test_the_loss_falls_and_the_pool_fills(whole: Path) -> None:
    rows = rows_of(whole)
    names = ("train_g_loss", "train_d_loss", "train_cycle", "cycle_error", "learning_rate")
    assert all(math.isfinite(row[name]) for row in rows for name in names)
    assert rows[-1]["train_g_loss"] < 0.7 * rows[0]["train_g_loss"]
    assert rows[-1]["cycle_error"] < rows[0]["cycle_error"]
    assert [row["pool"] for row in rows] == [21, 42, 50, 50]
    rates = [row["learning_rate"] / rows[0]["learning_rate"] for row in rows]
    steps = math.ceil(21 / 4)  # of an epoch; the line ends at 0 after the last one
    assert rates == pytest.approx([1, 1, 1 - (steps - 1) / (2 * steps), 1 - (2 * steps - 1) / (2 * steps)])


def test_the_last_epoch_is_kept(whole: Path) -> None:
    best, last = tensors(whole, "best"), tensors(whole, "last")
    for name, value in best.items():
        assert np.array_equal(value, last[name]), name


@pytest.mark.parametrize("kills", [[("save", 3), ("save", 9)], pytest.param([("trained", 1)], marks=pytest.mark.slow)])
def test_killed_and_resumed_is_the_same(
    project: Project, program: Path, whole: Path, tmp_path: Path, kills: list[tuple[str, int]]
) -> None:
    killed_and_resumed(project, program, tmp_path / "run", kills)
    same_bytes(whole, tmp_path / "run")
    for pool in "ab":
        held = tensors(tmp_path / "run", "last")[f".parts.pool_{pool}.images"]
        assert held.shape == (50, 1, 16, 16)
        assert np.all(held.std(axis=(1, 2, 3)) > 0)


@pytest.mark.slow
def test_two_ranks_have_one_pool(project: Project, program: Path, whole: Path, tmp_path: Path) -> None:
    """A step of 4 in halves, the last of 1 image: the losses are those of one rank, but for rounding."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "--"]
    command += [str(program / "train.py"), "--data", str(project.folder), "--run", str(tmp_path / "run")]
    command += ["--cache", str(tmp_path / "cache")]
    environment = {key: value for key, value in project.environment.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = rows_of(whole), rows_of(tmp_path / "run")
    assert [row["pool"] for row in second] == [row["pool"] for row in first]
    for name in ("train_g_loss", "train_d_loss", "cycle_error"):
        assert second[0][name] == pytest.approx(first[0][name], rel=0.02)


def test_both_ways_leave(whole: Path) -> None:
    model = opened(whole)
    assert [place.name for place in model.get_outputs()] == ["a_to_b", "b_to_a"]
    pixels = np.random.default_rng(0).uniform(0, 255, (3, 1, 16, 16)).astype(np.float32)
    there, back = model.run(["a_to_b", "b_to_a"], {"pixels": pixels})
    assert there.shape == back.shape == (3, 1, 16, 16)
    assert not np.array_equal(there, back)
    assert np.all((there > 0) & (there < 1) & (back > 0) & (back < 1))


@pytest.mark.slow
def test_specc_train_follows_a_task_without_answers(project: Project, tmp_path: Path) -> None:
    done = project.specc("train", "cyclegan.yaml", "--runs", str(tmp_path), "--json")
    told, model = json.loads(done.stdout.splitlines()[-1]), tmp_path / "probe-cyclegan/001/model.onnx"
    assert told["verdict"] == "not judged"
    assert "evaluation" not in told
    assert model.exists()
    assert "P848" in project.specc("eval", str(model.parent), code=5).stderr
    assert "P848" in project.specc("predict", str(model), "images/01.png", code=5).stderr


@pytest.mark.parametrize(
    ("old", "new", "code", "word"),
    [
        ("scale: -1..1", "scale: 0..1", "Z107", "do not make images of 0..1"),
        ("filters: 1, kernel: 7, activation: tanh", "filters: 3, kernel: 7, activation: tanh", "Z108", "[1, 16, 16]"),
        ("filters: 1, kernel: 7, activation: tanh", "filters: 1, kernel: 7", "Z108", "must end in tanh"),
        ("schedule: {linear: {after: 2}}", "early_stop: {patience: 2}", "Z106", "there is no `val_loss` in this task"),
        ("schedule: {linear: {after: 2}}", "ema: 0.9", "S254", "does not heed `ema`"),
        ("domains: [dark, bright]", "domains: [dark]", "S1", "domains"),
    ],
)
def test_what_is_wrong_is_said(project: Project, old: str, new: str, code: str, word: str) -> None:
    text = (PLUGIN / "specs" / "cyclegan.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (project.folder / "bad.yaml").write_text(text.replace(old, new), encoding="utf-8")
    refused = project.specc("check", "bad.yaml", code=1)
    said = " ".join((refused.stdout + refused.stderr).split())
    assert code in said
    assert word in said


def test_the_epoch_may_be_chosen_by_the_way_there_and_back(project: Project, tmp_path: Path) -> None:
    text = (PLUGIN / "specs" / "cyclegan.yaml").read_text(encoding="utf-8")
    text = text.replace("schedule: {linear: {after: 2}}", "early_stop: {watch: cycle_error, patience: 2}")
    (project.folder / "watched.yaml").write_text(text, encoding="utf-8")
    project.specc("compile", "watched.yaml", "-o", str(tmp_path))
    assert "('cycle_error', -1)" in (tmp_path / "train.py").read_text().replace('"', "'")
