"""Figures of merit against scikit-learn and against published vectors; intervals; baselines; evaluation of a run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as oracle

from specc.errors import SpeccError
from specc.run import baseline, metrics
from specc.run.evaluate import Images, Question, evaluate, table
from specc.run.folders import Run


def some(n: int, classes: int, seed: int = 0) -> tuple[list[int], list[int], list[list[float]]]:
    rng = np.random.default_rng(seed)
    t = rng.integers(0, classes, n)
    p = rng.dirichlet([1.0] * classes, n) + 0.4 * np.eye(classes)[t]
    p = np.round(p / p.sum(1, keepdims=True), 2)  # ties
    return t.tolist(), p.argmax(1).tolist(), p.tolist()


@pytest.mark.parametrize(
    ("scores", "area"),
    [([0.1, 0.4, 0.35, 0.8], 0.75), ([0.5] * 4, 0.5), ([0.1, 0.4, 0.4, 0.8], 0.875)],
)
def test_auc_vectors(scores: list[float], area: float) -> None:
    p = [[1 - s, s] for s in scores]
    figures = metrics.classification([0, 0, 1, 1], metrics.chosen(p), p, list("abcd"))
    assert figures["auc"].value == pytest.approx(area)
    weighted = metrics._auc(np.array([False, False, True, True]), np.array(scores), np.ones((1, 4)))
    assert weighted[0] == pytest.approx(area)


def test_one_class_has_no_auc() -> None:
    figures = metrics.classification([1, 1], [1, 0], [[0.2, 0.8], [0.6, 0.4]], ["a", "b"])
    assert figures["auc"].value is None
    assert figures["balanced_accuracy"].value is None
    assert figures["specificity"].value is None
    assert figures["sensitivity"].value == 0.5


@pytest.mark.parametrize("positive", [0, 1])
def test_two_classes_against_the_oracle(positive: int) -> None:
    t, a, p = some(300, 2)
    figures = metrics.classification(t, a, p, [str(i) for i in range(300)], positive)
    assert figures["accuracy"].value == pytest.approx(oracle.accuracy_score(t, a))
    assert figures["balanced_accuracy"].value == pytest.approx(oracle.balanced_accuracy_score(t, a))
    assert figures["sensitivity"].value == pytest.approx(oracle.recall_score(t, a, pos_label=positive))
    assert figures["specificity"].value == pytest.approx(oracle.recall_score(t, a, pos_label=1 - positive))
    truth = np.asarray(t) == positive
    assert figures["auc"].value == pytest.approx(oracle.roc_auc_score(truth, np.asarray(p)[:, positive]))


def test_several_classes_against_the_oracle() -> None:
    t, a, rounded = some(400, 4)
    p = (np.asarray(rounded) / np.sum(rounded, axis=1, keepdims=True)).tolist()
    figures = metrics.classification(t, a, p, [str(i) for i in range(400)])
    assert figures["auc"].value == pytest.approx(oracle.roc_auc_score(t, p, multi_class="ovr", average="macro"))
    assert figures["sensitivity"].value == pytest.approx(oracle.recall_score(t, a, average="macro"))


def test_weighted_auc_is_that_of_repeated_images() -> None:
    rng = np.random.default_rng(3)
    truth, scores = rng.random(50) < 0.4, np.round(rng.random(50), 1)
    weights = rng.integers(0, 4, (20, 50)).astype(float)
    ours = metrics._auc(truth, scores, weights)
    for row, area in zip(weights.astype(int), ours, strict=True):
        assert area == pytest.approx(oracle.roc_auc_score(np.repeat(truth, row), np.repeat(scores, row)))


def test_intervals_come_from_patients_not_images() -> None:
    """Ten copies of every image make the interval no narrower when they belong to the same patient."""
    t, a, p = some(40, 2)
    alone = metrics.classification(t, a, p, [str(i) for i in range(40)])
    copies = metrics.classification(t * 10, a * 10, p * 10, [str(i) for i in range(40)] * 10)
    cheated = metrics.classification(t * 10, a * 10, p * 10, [str(i) for i in range(400)])
    for name in ("accuracy", "auc"):
        assert width(copies[name]) == pytest.approx(width(alone[name]))
        assert width(cheated[name]) < 0.5 * width(alone[name])
        low, value, high = alone[name].low, alone[name].value, alone[name].high
        assert low is not None and value is not None and high is not None
        assert low <= value <= high


def width(figure: metrics.Figure) -> float:
    assert figure.low is not None and figure.high is not None
    return figure.high - figure.low


def test_one_patient_has_no_interval() -> None:
    figures = metrics.classification([0, 1], [0, 1], [[0.9, 0.1], [0.2, 0.8]], ["a", "a"])
    assert figures["accuracy"] == metrics.Figure(1.0)


def test_same_seed_same_interval() -> None:
    t, a, p = some(60, 3)
    who = [str(i // 3) for i in range(60)]
    assert metrics.classification(t, a, p, who, seed=1) == metrics.classification(t, a, p, who, seed=1)
    assert metrics.classification(t, a, p, who, seed=1) != metrics.classification(t, a, p, who, seed=2)


def test_regression_vector() -> None:
    figures = metrics.regression([3.0, -0.5, 2, 7], [2.5, 0.0, 2, 8], list("abcd"))
    assert figures["mae"].value == 0.5
    assert figures["rmse"].value == pytest.approx(0.6123724357)
    assert figures["r2"].value == pytest.approx(0.948608137)
    assert figures["bias"].value == 0.25


def test_constant_targets_have_no_r2() -> None:
    figures = metrics.regression([2.0, 2.0, 2.0], [1.0, 2.0, 3.0], list("abc"))
    assert figures["r2"] == metrics.Figure(None)
    assert figures["mae"].value == pytest.approx(2 / 3)


def test_limits_of_agreement() -> None:
    assert metrics.limits_of_agreement([0.0, 0.0], [1.0, 3.0]) == pytest.approx((2 - 1.96 * 2**0.5, 2 + 1.96 * 2**0.5))
    assert metrics.limits_of_agreement([0.0], [1.0]) is None


def test_answers_by_patient() -> None:
    joined = metrics.per_patient(
        ["p", "q", "p", "r", "r"], [1, 0, 1, 0, 1], [[0.2, 0.8], [0.9, 0.1], [0.6, 0.4], [1, 0], [1, 0]]
    )
    assert (joined.names, joined.targets, joined.mixed) == (("p", "q"), [1, 0], 1)
    assert joined.numbers == [[pytest.approx(0.4), pytest.approx(0.6)], [0.9, 0.1]]
    assert metrics.chosen(joined.numbers) == [1, 0]


def test_ties_go_to_the_positive_class_or_the_first() -> None:
    assert metrics.chosen([[0.5, 0.5]], positive=1) == [1]
    assert metrics.chosen([[0.5, 0.5]], positive=0) == [0]
    assert metrics.chosen([[0.4, 0.4, 0.2]]) == [0]


@pytest.fixture
def finished(tmp_path: Path) -> Run:
    """A run whose images differ by brightness alone, and whose model is right nine times in ten."""
    rng = np.random.default_rng(0)
    run = Run(tmp_path / "run")
    run.eval.mkdir(parents=True)
    with (run.eval / "predictions.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["split", "file", "target", "answer", "dark", "bright"])
        for number in range(120):
            split, bright = ("train", "train", "val", "test")[number % 4], number % 3 == 0
            level = 180 if bright else 60
            Image.fromarray(rng.normal(level, 10, (16, 16)).clip(0, 255).astype(np.uint8)).save(
                tmp_path / f"{number}.png"
            )
            p = 0.9 if bright != (number % 10 == 6) else 0.2
            answer = "bright" if p > 0.5 else "dark"
            writer.writerow([split, f"{number}.png", "bright" if bright else "dark", answer, 1 - p, p])
    return run


def test_evaluation_of_a_run(finished: Run) -> None:
    question = Question(("dark", "bright"), by_patient=True)
    result = evaluate(
        finished, question, Images(finished.folder.parent), lambda file: f"p{int(file[:-4]) % 3}{file[0]}"
    )
    assert set(result) >= {"val", "test"} and "train" not in result
    assert "validation" in result["val"]["role"] and "chose the epoch" in result["val"]["role"]
    val = result["val"]
    assert val["images"] == 30
    assert sum(map(sum, val["confusion"]["counts"])) == 30
    assert val["metrics"]["accuracy"]["value"] < 1
    assert val["baseline"]["trivial"]["balanced_accuracy"]["value"] == 0.5
    assert val["baseline"]["trivial"]["auc"]["value"] == 0.5
    assert val["baseline"]["intensity forest"]["accuracy"]["value"] == 1.0
    assert val["by_patient"]["metrics"]["accuracy"]["value"] is not None
    assert json.loads((finished.eval / "metrics.json").read_text()) == json.loads(json.dumps(result))
    text = "\n".join(table(result, question))
    assert "intensity forest" in text and "trivial" in text and "truth / answer" in text


def test_no_test_figures_without_a_test_split(finished: Run) -> None:
    file = finished.eval / "predictions.csv"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("test")))
    assert "test" not in evaluate(finished, Question(("dark", "bright")), Images(finished.folder.parent))


def test_regression_run(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.eval.mkdir(parents=True)
    rng = np.random.default_rng(1)
    lines = ["split,file,target,answer,age"]
    for number in range(60):
        age = float(rng.integers(20, 80))
        Image.fromarray(np.full((8, 8), int(age * 3), np.uint8)).save(tmp_path / f"{number}.png")
        lines.append(
            f"{'train' if number % 2 else 'val'},{number}.png,{age if number != 8 else ''},{age + 1},{age + 1}"
        )
    (run.eval / "predictions.csv").write_text("\n".join(lines))
    result = evaluate(run, Question(targets=("age",), units=("years",)), Images(tmp_path))
    assert result["val"]["images"] == 29  # the one without a target says nothing
    assert result["val"]["metrics"]["mae"]["value"] == pytest.approx(1)
    assert result["val"]["metrics"]["bias"]["value"] == pytest.approx(1)
    assert (
        result["val"]["baseline"]["intensity forest"]["mae"]["value"]
        < result["val"]["baseline"]["trivial"]["mae"]["value"]
    )


@pytest.mark.parametrize(
    "text", [None, "", "split,file\nval", "split,file,target,answer,a,b\nval,x.png,zebra,dark,1,0"]
)
def test_missing_or_damaged_predictions(tmp_path: Path, text: str | None) -> None:
    run = Run(tmp_path)
    run.eval.mkdir()
    if text is not None:
        (run.eval / "predictions.csv").write_text(text)
    with pytest.raises(SpeccError) as caught:
        evaluate(run, Question(("dark", "bright")), Images(tmp_path))
    assert caught.value.diagnostics[0].code == "T658"


def test_baseline_reads_what_it_can(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 255, np.uint8)).save(tmp_path / "white.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    rows = baseline.histograms([tmp_path / "white.png", tmp_path / "bad.png"], "none")
    assert rows[0, -1] == 1 and rows[0].sum() == pytest.approx(1)
    assert np.allclose(rows[1], 1 / 64)
    assert baseline.histograms([tmp_path / "white.png"], "none", fixed=(255, 100))[0, 32] == 1
