"""The single shot detector of a foreign distribution (Liu et al. 2016): its parts against vectors, and its program."""

from __future__ import annotations

import ast
import csv
import json
import math
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from probes import PLUGIN, Project, killed_and_resumed, opened, prepared, same_bytes

from specc.pieces import runtime

sys.path.insert(0, str(PLUGIN))
from specc_probe.pieces import boxes, found, matching

SSD300 = tuple(
    (cells, cells, step / 300, step / 300, size / 300, following / 300, ratios)
    for cells, step, size, following, ratios in (
        (38, 8, 30, 60, (2,)),
        (19, 16, 60, 111, (2, 3)),
        (10, 32, 111, 162, (2, 3)),
        (5, 64, 162, 213, (2, 3)),
        (3, 100, 213, 264, (2,)),
        (1, 300, 264, 315, (2,)),
    )
)


# ------------------------------------------------------------------ the parts


def test_default_boxes_are_those_of_the_paper() -> None:
    """SSD300: 8,732 boxes, the first four, the first of the second map, the last four, and sums of all."""
    made = boxes.default_boxes(SSD300)
    assert made.shape == (8732, 4)
    expected = {0: [0.01333333, 0.01333333, 0.1, 0.1], 1: [0.01333333, 0.01333333, 0.14142136, 0.14142136]}
    expected |= {
        2: [0.01333333, 0.01333333, 0.14142136, 0.07071068],
        3: [0.01333333, 0.01333333, 0.07071068, 0.14142136],
    }
    expected |= {4: [0.04, 0.01333333, 0.1, 0.1], 5776: [0.02666667, 0.02666667, 0.2, 0.2]}
    expected |= {8728: [0.5, 0.5, 0.88, 0.88], 8729: [0.5, 0.5, 0.96124919, 0.96124919]}
    expected |= {8730: [0.5, 0.5, 1.24450793, 0.62225397], 8731: [0.5, 0.5, 0.62225397, 1.24450793]}
    for place, box in expected.items():
        assert made[place].tolist() == pytest.approx(box, abs=1e-8), place
    sums = [4443.9466666667, 1510.4292845297, 1510.4292845297]
    assert made.sum(0)[[0, 2, 3]].tolist() == pytest.approx(sums, abs=1e-8)


def test_a_box_is_encoded_by_its_default_box() -> None:
    default, truth = torch.tensor([5.0, 10, 10, 20]), torch.tensor([2.0, 3, 12, 27])
    offsets = boxes.encoded(truth, default)
    assert offsets.tolist() == pytest.approx([2, 2.5, 0, 0.9116078], abs=1e-6)
    assert boxes.decoded(offsets, default).tolist() == pytest.approx(truth.tolist(), abs=1e-5)


def test_no_truth_is_lost_where_two_have_the_same_best_box() -> None:
    """As in github.com/amdegroot/ssd.pytorch/issues/354: written over, [1, 2, -1, -1] would come out of the second."""
    overlaps = torch.tensor([[0.9, 0.1, 0.1, 0.2], [0.95, 0.2, 0.1, 0.3], [0.1, 0.7, 0.2, 0.1]])
    assert matching.matched(overlaps[None]).tolist() == [[1, 2, -1, 0]]
    overlaps = torch.tensor([[0.9, 0.1, 0.1, 0.2], [0.8, 0.2, 0.1, 0.3], [0.1, 0.7, 0.2, 0.1]])
    assert matching.matched(overlaps[None]).tolist() == [[0, 2, -1, 1]]


def test_matching_is_one_by_one_then_from_one_half() -> None:
    dice = torch.Generator().manual_seed(0)
    overlaps = torch.rand(40, 3, 9, generator=dice).mul(16).floor() / 16  # many equals
    for image, which in zip(overlaps, matching.matched(overlaps), strict=True):
        rest, expected = {(t, d) for t in range(3) for d in range(9)}, [-1] * 9
        while rest and (best := max(rest, key=lambda pair: (image[pair].item(), -pair[0], -pair[1]))) is not None:
            if image[best] > 0:
                expected[best[1]] = best[0]
            rest = {(t, d) for t, d in rest if t != best[0] and d != best[1]}
        for box in range(9):
            if expected[box] < 0 and image[:, box].max() >= 0.5:
                expected[box] = image[:, box].tolist().index(image[:, box].max().item())
        assert which.tolist() == expected


SCORES = [[2.0, 1, 0], [0, 3, 0], [1, 0, 0], [0, 0, 2], [0, 1, 0], [3, 0, 0]]


def test_the_loss_of_hard_negatives() -> None:
    """One box with a truth, and the three of five others that are hardest: 1.63 + 8.293518401 (boxes 1, 3 and 4)."""
    said = torch.zeros(1, 6, 7)
    said[..., 4:] = torch.tensor(SCORES)
    said[0, 0, :4] = torch.tensor([0.5, -2, 0.1, 0])
    labels, places = torch.tensor([[1, 0, 0, 0, 0, 0]]), torch.zeros(1, 6, 4)
    assert matching.box_loss(said, labels, places).tolist() == pytest.approx([9.923518401], abs=1e-5)
    both = said.repeat(2, 1, 1).requires_grad_()
    losses = matching.box_loss(both, torch.cat([labels, labels * 0]), places.repeat(2, 1, 1))
    assert losses.tolist() == pytest.approx([9.923518401, 0], abs=1e-5)  # without a truth nothing is learned
    losses.sum().backward()
    assert both.grad is not None
    learned = both.grad.abs().sum(2)
    assert (learned[0] > 0).tolist() == [True, True, False, True, True, False]
    assert not learned[1].any()


def test_of_equally_hard_negatives_the_first_are_learned_from() -> None:
    said = torch.zeros(1, 400, 7, requires_grad=True)
    labels = torch.zeros(1, 400, dtype=torch.int64)
    labels[0, 200] = 1
    matching.box_loss(said, labels, torch.zeros(1, 400, 4)).sum().backward()
    assert said.grad is not None
    assert said.grad.abs().sum(2)[0].nonzero()[:, 0].tolist() == [0, 1, 2, 200]


def test_what_is_kept_is_what_the_plain_loop_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    corners = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [0, 0, 10, 5], [20, 20, 30, 30], [21, 20, 31, 30]])
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.95])
    monkeypatch.setattr(boxes, "KEEP", 4)
    monkeypatch.setattr(boxes, "CANDIDATES", 5)
    for least, kept in ((0.5, [4, 0, 2]), (0.3, [4, 0])):  # 0 and 2 overlap by exactly one half: both stay
        monkeypatch.setattr(boxes, "OVERLAP", least)
        places, certain, classes, count = boxes.suppressed(corners[None], scores[None, None])
        assert count.tolist() == [len(kept)]
        assert torch.equal(places[0, : len(kept)], corners[kept])
        assert certain[0].tolist() == [*scores[kept].tolist(), *[0.0] * (4 - len(kept))]
        assert classes[0].tolist() == [0] * len(kept) + [-1] * (4 - len(kept))
    dice = torch.Generator().manual_seed(0)
    over = (torch.rand(30, 12, 12, generator=dice) < 0.3).float().tril(-1)
    for lies, kept in zip(over, boxes.greedy(over).tolist(), strict=True):
        plain = list[float]()
        for box in range(12):
            plain.append(float(not any(plain[before] and lies[box, before] for before in range(box))))
        assert kept == plain


def test_average_precision() -> None:
    """24 boxes for 15 truths (published: 0.2456), and 3 boxes for 2 truths, one found twice."""
    flags = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], bool)
    assert found.average_precision(flags, 15) == pytest.approx(0.2456866805, abs=1e-9)
    truths = np.array([[0, 0, 10, 10], [20, 20, 30, 30.0]])
    ours = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [20, 20, 30, 28.8]])
    images = [(ours, np.array([0.9, 0.8, 0.7]), np.zeros(3, int))]
    known = [(truths, np.zeros(2, int))]
    assert found.mean_average_precision(images, known, 1) == pytest.approx(0.8333333333, abs=1e-9)
    assert found.mean_average_precision(images, known, 3) == pytest.approx(0.8333333333, abs=1e-9)  # others: not there
    assert found.mean_average_precision(images, known, 1, 0.9) == pytest.approx(0.5, abs=1e-9)
    assert found.mean_average_precision([], [], 2) == 0
    nothing = (np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    assert found.mean_average_precision([nothing], known, 1) == 0


@pytest.mark.parametrize("form", ["none", "fit", "crop", "stretch"])
def test_boxes_lie_where_the_edits_put_them(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bright box of an image is, edited, where its corners are said to be; and back."""
    from specc.pieces import resize

    height, width = (20, 30) if form == "none" else (37, 26)
    monkeypatch.setattr(boxes, "HEIGHT", 20)
    monkeypatch.setattr(boxes, "WIDTH", 30)
    monkeypatch.setattr(boxes, "placed", getattr(boxes, f"placed_{form}"))
    image, size = torch.zeros(1, 1, height, width), torch.tensor([height, width]).float()
    image[:, :, 12:19, 6:17] = 1
    edited = getattr(resize, f"resize_{form}")(image, 20, 30)[0, 0]
    (box,) = boxes.on_canvas(torch.tensor([[6.0, 12, 17, 19]]), size)
    for axis, (low, high) in enumerate(((box[0], box[2]), (box[1], box[3]))):
        line = edited.amax(axis) if axis == 0 else edited.amax(1)
        lit = (line / line.max() >= 0.5).nonzero()[:, 0]
        assert abs(lit[0] - low) <= 0.5 + 1e-4, (form, axis)
        assert abs(lit[-1] + 1 - high) <= 0.5 + 1e-4, (form, axis)
    back = boxes.on_image(box, size) * size.flip(0).repeat(2)
    torch.testing.assert_close(back, torch.tensor([6.0, 12, 17, 19]))


# ------------------------------------------------------------------ the program


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The plugin installed, the project enabled, images and specs in place."""
    return prepared(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def program(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The detector's program, compiled by the command line."""
    place = tmp_path_factory.mktemp("programs") / "ssd"
    project.specc("check", "ssd.yaml")
    project.specc("compile", "ssd.yaml", "-o", str(place))
    return place


@pytest.fixture(scope="module")
def whole(project: Project, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    run = tmp_path_factory.mktemp("ssd") / "run"
    project.run(program, run)
    return run


def rows_of(run: Path) -> list[dict[str, Any]]:
    """An epoch a row."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_the_programs_are_small(project: Project, program: Path, tmp_path: Path) -> None:
    project.specc("compile", "ssd300.yaml", "-o", str(tmp_path))
    for place in (program, tmp_path):
        assert (place / "train.py").read_text().count("\n") <= 240
        assert (place / "deploy.py").read_text().count("\n") <= 120


def test_the_published_detector_has_the_published_parameters_and_boxes(project: Project, tmp_path: Path) -> None:
    """26,285,486 for VOC; 8,732 default boxes, whose middles are those of eq. 4."""
    told = json.loads(project.specc("show", "ssd300.yaml", "--json").stdout)
    assert told["parameters"] == 26_285_486
    project.specc("compile", "ssd300.yaml", "-o", str(tmp_path))
    (maps,) = re.findall(r"default_boxes\(\n?(.*?)\n? *\)\.float", (tmp_path / "deploy.py").read_text(), re.DOTALL)
    made = boxes.default_boxes(ast.literal_eval(maps.strip()))
    assert made.shape == (8732, 4)
    assert made[0].tolist() == pytest.approx([0.5 / 38, 0.5 / 38, 0.1, 0.1])
    assert made.sum(0)[2:].tolist() == pytest.approx([1510.4292845297] * 2)


def test_the_loss_falls_and_things_are_found(whole: Path) -> None:
    rows = rows_of(whole)
    assert all(math.isfinite(row[name]) for row in rows for name in ("train_loss", "val_loss", "map", "learning_rate"))
    assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]
    assert rows[-1]["map"] > 0.7
    assert rows[-1]["learning_rate"] == pytest.approx(rows[0]["learning_rate"] / 10)


@pytest.mark.parametrize("kills", [[("save", 3), ("save", 4)], pytest.param([("trained", 1)], marks=pytest.mark.slow)])
def test_killed_and_resumed_is_the_same(
    project: Project, program: Path, whole: Path, tmp_path: Path, kills: list[tuple[str, int]]
) -> None:
    killed_and_resumed(project, program, tmp_path / "run", kills)
    same_bytes(whole, tmp_path / "run")


@pytest.mark.slow
def test_two_ranks_divide_by_the_boxes_of_both(project: Project, program: Path, whole: Path, tmp_path: Path) -> None:
    """The loss of a step counts the matched boxes of all ranks: the curve is that of one rank, but for rounding."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "--"]
    command += [str(program / "train.py"), "--data", str(project.folder), "--run", str(tmp_path / "run")]
    command += ["--cache", str(tmp_path / "cache")]
    environment = {key: value for key, value in project.environment.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for one, two in zip(rows_of(whole)[:2], rows_of(tmp_path / "run"), strict=False):
        for name in ("train_loss", "val_loss"):
            assert two[name] == pytest.approx(one[name], rel=1e-3)


@pytest.mark.slow
def test_a_step_in_parts_is_the_same_step(project: Project, whole: Path, tmp_path: Path) -> None:
    """Two batches of 4 make the step of one of 8: the number of boxes is that of the step, not of the batch."""
    text = (project.folder / "ssd.yaml").read_text().replace("batch_size: 8", "batch_size: 4, accumulate: 2")
    (project.folder / "parts.yaml").write_text(text)
    project.specc("compile", "parts.yaml", "-o", str(tmp_path / "parts"))
    project.run(tmp_path / "parts", tmp_path / "run")
    for one, two in zip(rows_of(whole)[:2], rows_of(tmp_path / "run"), strict=False):
        assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-3)


@pytest.mark.slow
def test_specc_trains_judges_and_asks_a_detector(project: Project, tmp_path: Path) -> None:
    """The whole way of a foreign task, from a list of COCO to boxes of images."""
    done = project.specc("train", "coco.yaml", "--runs", str(tmp_path))
    run = tmp_path / "probe-coco/001"
    assert re.search(r"val mAP 0\.\d+ of \d+ images", done.stdout)
    figures = json.loads((run / "eval/metrics.json").read_text())["val"]
    assert figures["metrics"]["map"]["value"] > 0.7
    assert 0.7 < figures["metrics"]["recall"]["value"] <= 1
    assert figures["average_precision"].keys() == {"square", "bar"}
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    best = max(rows, key=lambda row: -row["val_loss"])
    assert figures["metrics"]["map"]["value"] == pytest.approx(best["map"], abs=0.02)  # in pixels of the files
    model = str(run / "model.onnx")
    said = project.specc("predict", model, "shapes/03.png", "shapes/00.png", "--json", "-o", str(tmp_path / "said"))
    told = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    (sure,) = [box for box in told[0]["boxes"] if box[1] > 0.5][:1]
    assert sure[0] in ("square", "bar")
    with (tmp_path / "said/boxes.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == sum(len(row["boxes"]) for row in told)


def test_the_detector_leaves(whole: Path) -> None:
    model, data = opened(whole), (whole / "model.onnx").read_bytes()
    assert b"Loop" in data
    assert b"pkg.torch" not in data and b".py" not in data  # nor in the bodies of loops: paths of this computer
    names = ["boxes", "scores", "classes", "count"]
    assert [place.name for place in model.get_outputs()] == [*names, "every_box", "every_score"]
    dice = np.random.default_rng(0)
    for height, width in ((32, 32), (40, 21), (7, 90)):
        pixels = dice.uniform(0, 255, (3, 1, height, width)).astype(np.float32)
        places, scores, classes, count = model.run(names, {"pixels": pixels})
        assert (places.shape, scores.shape, classes.shape, count.shape) == ((3, 8, 4), (3, 8), (3, 8), (3,))
        assert np.all((scores[:, :-1] >= scores[:, 1:]) & (scores[:, 1:] >= 0))
        there = np.arange(8) < count[:, None]
        assert np.all((scores > 0.01) == there)
        assert np.all((classes >= 0) == there)
        assert np.all(places[~there] == 0)
        assert np.all((places >= 0) & (places <= [width, height, width, height]))
        (every,) = model.run(["every_box"], {"pixels": pixels})
        assert every.shape == (3, 8 * 8 * 4 + 4 * 4 * 6, 4)


def test_boxes_move_with_the_images(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of the emitted program: whole pixels move, so that box and image agree to the pixel."""
    monkeypatch.setitem(sys.modules, "runtime", runtime)
    emitted = runpy.run_path(str(program / "augment.py"), run_name="detector")
    images, ids, key = torch.zeros(64, 1, 32, 32), torch.arange(64), (42, 0, 1)
    images[:, :, 3:7, 5:10] = 1
    corners = emitted["Boxes"](torch.tensor([[5.0, 3, 10, 7]]).repeat(64, 1), torch.arange(65), torch.arange(64))
    values, offsets, places = emitted["moved_boxes"](corners, ids, key, 0.5)
    assert len(values) == offsets[-1] == len(places) == 64
    for box, image in zip(values, emitted["augment"](images, ids, key), strict=True):
        left, top, right, bottom = box.round().int().tolist()
        torch.testing.assert_close(box, box.round(), rtol=0, atol=1e-4)
        assert image[0, top:bottom, left:right].gt(0.5).all()
        assert image.gt(0.5).sum() == (bottom - top) * (right - left)


def test_ragged_truths_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images with two, none and one box, asked for in another order."""
    monkeypatch.setattr(matching, "HEIGHT", 10)
    monkeypatch.setattr(matching, "WIDTH", 10)
    corners = torch.tensor([[0.0, 0, 5, 5], [5, 5, 10, 10], [0, 0, 5, 10]])
    defaults = torch.tensor([[0.25, 0.25, 0.5, 0.5], [0.75, 0.75, 0.5, 0.5], [0.25, 0.5, 0.5, 1]])
    truth = matching.Truth(corners, torch.tensor([1, 2, 3]), torch.tensor([0, 2, 2, 3]), defaults)
    some = truth.boxes(torch.tensor([2, 1, 0]))
    assert (some.offsets.tolist(), some.places.tolist()) == ([0, 1, 1, 3], [2, 0, 1])
    labels, places = truth.wanted(some)
    assert labels.tolist() == [[3, 0, 3], [0, 0, 0], [1, 2, 1]]
    assert torch.equal(places[2, :2], torch.zeros(2, 4))
    assert torch.equal(places[1], torch.zeros(3, 4))


@pytest.mark.parametrize(
    ("old", "new", "code", "word"),
    [
        ("fine_scores: of_fine.scores", "fine_scores: of_fine.places", "Z103", "`fine_scores` of [12, 8, 8]"),
        ("ratios: [[2]", "ratios: [[2, 3]", "Z103", "`fine_boxes` of [24, 8, 8]"),
        ("ratios: [[2], [2, 3]]", "ratios: [[2]]", "Z103", "the default boxes of 1 map need"),
        ("sizes: [0.25, 0.5]", "sizes: [0.25, 0.5, 0.6, 0.9]", "Z105", "4 sizes for 2 maps"),
        ("objects: objects", "objects: part", "D426", "not JSON"),
    ],
)
def test_what_is_wrong_is_said(project: Project, tmp_path: Path, old: str, new: str, code: str, word: str) -> None:
    text = (PLUGIN / "specs" / "ssd.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (project.folder / "bad.yaml").write_text(text.replace(old, new), encoding="utf-8")
    refused = project.specc("check", "bad.yaml", code=1)
    said = " ".join((refused.stdout + refused.stderr).split())
    assert code in said
    assert word in said
