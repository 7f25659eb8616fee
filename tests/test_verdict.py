"""The plain verdict on a learning curve, and the picture of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specc.run.curve import draw
from specc.run.verdict import Curve, best_position, gaps, judge, read_curve, stop_position

VAL = [1.0, 0.8, 0.7, 0.72, 0.71, 0.75, 0.8, 0.9]
TRAIN = [1.1, 0.85, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
SETTLED = [0.69, 0.5, 0.3, 0.2, 0.12, 0.1, 0.09, 0.085, 0.083, 0.082]


def test_early_stop_vector() -> None:
    """Patience 3 stops after position 5, patience 5 after 7; the best is 2 in both."""
    assert (best_position(VAL), stop_position(VAL, 3), stop_position(VAL, 5)) == (2, 5, 7)
    assert stop_position([1.0, 0.9, 0.8], 3) is None
    assert gaps(TRAIN, VAL) == pytest.approx([-0.1, -0.05, 0.0, 0.12, 0.21, 0.35, 0.5, 0.7])


def test_first_epoch_wins_ties_and_min_delta_counts() -> None:
    assert best_position([0.5, 0.5, 0.5]) == 0
    assert best_position([0.5, 0.495, 0.4], min_delta=0.01) == 2
    assert best_position([0.5, 0.495, 0.494], min_delta=0.01) == 0


def test_overfitting_vector_from_position_three() -> None:
    verdict = judge(TRAIN, VAL)
    assert (verdict.word, verdict.since, verdict.best) == ("overfitting", 3, 2)


@pytest.mark.parametrize(
    ("train", "val", "finished", "word"),
    [
        ([1 - 0.08 * i for i in range(10)], [0.7] * 10, True, "overfitting risk"),
        (SETTLED, [x + 0.03 for x in SETTLED], True, "converged"),
        (SETTLED, [], True, "converged"),
        ([0.69, 0.6, 0.5, 0.4], [0.6, 0.55, 0.45, 0.3], True, "underfitting"),
        ([0.69, 0.6, 0.5, 0.4], [0.6, 0.55, 0.45, 0.3], False, "learning"),
        ([0.69], [0.7], True, "learning"),
        ([0.6931, 0.6930, 0.6932, 0.6931, 0.6930], [0.693] * 5, True, "dead"),
        ([1.0, 2.0, 5.0], [1.0, 1.0, 1.0], True, "diverged"),
        ([1.0, float("nan"), 0.5], [1.0, 1.0, 0.5], True, "diverged"),
        ([1.0, 0.9, 0.8], [1.0, float("inf"), 0.5], True, "diverged"),
        ([1.0, None, 0.8], [1.0, 0.5, 0.5], True, "diverged"),
    ],
)
def test_words(train: list[float | None], val: list[float | None], finished: bool, word: str) -> None:
    assert judge(train, val, finished).word == word


def test_settled_apart_is_overfitting() -> None:
    """The demo's curve: training at 0, validation far above and at rest but for its noise."""
    train = [0.69, 0.5, 0.3, 0.1, 0.03, 0.02, 0.015, 0.012, 0.011, 0.01]
    val = [0.7, 0.6, 0.5, 0.4, 0.33, 0.9, 0.36, 0.35, 0.34, 0.35]
    verdict = judge(train, val)
    assert (verdict.word, verdict.best) == ("overfitting", 4)
    assert judge(train, [x + 0.02 for x in train]).word == "converged"


def test_small_wobble_of_a_settled_curve_is_not_overfitting() -> None:
    val = [0.7, 0.4, 0.2, 0.11, 0.100, 0.1005, 0.0998, 0.1003, 0.1001, 0.1004]
    assert judge(SETTLED, val).word == "converged"


def test_curve_file_survives_a_torn_line_and_a_repeated_epoch(tmp_path: Path) -> None:
    rows = [
        {"stage": "train", "epoch": 1, "train_loss": 0.9, "val_loss": 0.8, "accuracy": 0.5},
        {"stage": "train", "epoch": 2, "train_loss": 0.7, "val_loss": 0.9, "accuracy": 0.6},
        {"stage": "train", "epoch": 2, "train_loss": 0.6, "val_loss": 0.7, "accuracy": None},
    ]
    file = tmp_path / "metrics.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows) + '\n{"epoch": 3, "tr')
    curve = read_curve(file)
    assert curve.epochs == (1, 2)
    assert curve.train == (0.9, 0.6)
    assert curve.metrics == {"accuracy": (0.5, None)}


def test_no_file_is_an_empty_curve(tmp_path: Path) -> None:
    assert read_curve(tmp_path / "metrics.jsonl").epochs == ()


@pytest.mark.parametrize("metrics", [{}, {"val_accuracy": (0.5,) * 8, "val_auc": (None, *(0.6,) * 7)}])
def test_picture(tmp_path: Path, metrics: dict[str, tuple[float | None, ...]]) -> None:
    from PIL import Image

    curve = Curve(tuple(range(1, 9)), tuple(TRAIN), tuple(VAL), metrics)
    file = tmp_path / "learning_curve.png"
    draw(curve, curve.verdict(), "a $name_ with {odd} text", file)
    with Image.open(file) as picture:
        assert picture.size == ((1500, 675) if metrics else (975, 675))
        assert len(picture.convert("RGB").getcolors(maxcolors=1 << 20) or []) > 50
        assert not picture.info.get("Software")
    assert [path.name for path in tmp_path.iterdir()] == ["learning_curve.png"]


@pytest.mark.parametrize(
    ("spread", "word", "since"),
    [
        ([0.5, 0.2, 0.0, 1e-9, 0.0], "dead", 2),
        ([0.0, 0.0, 0.0], "dead", 0),
        ([0.0, 0.0], "underfitting", 0),  # too soon to tell
        ([0.0, 0.0, 0.0, 0.5, 0.9], "underfitting", 1),  # it woke up
    ],
)
def test_a_constant_output_is_dead_though_the_loss_moves(spread: list[float], word: str, since: int) -> None:
    count = len(spread)
    fall = tuple(1.0 - 0.02 * i for i in range(count))
    verdict = Curve(tuple(range(1, count + 1)), fall, fall, {}, spread=tuple(spread)).verdict()
    assert (verdict.word, verdict.since) == (word, since)
    assert ("same answer" in verdict.reason) == (word == "dead")


def test_values_are_constant_beside_their_error() -> None:
    """Ages that differ by a thousandth of the error are one answer; those of a share from 0 to 1 need not be."""
    fall = (1.0, 0.9, 0.8)
    assert Curve((1, 2, 3), fall, fall, {"rmse": (20.0,) * 3}, spread=(0.01,) * 3).constant_since() == 0
    assert Curve((1, 2, 3), fall, fall, {"rmse": (0.02,) * 3}, spread=(0.01,) * 3).constant_since() is None


def test_what_diverged_is_not_called_dead() -> None:
    curve = Curve((1, 2, 3), (1.0, float("nan"), 1.0), (1.0,) * 3, {}, spread=(0.0,) * 3)
    assert curve.verdict().word == "diverged"


def test_the_lines_tell_which_epoch_is_kept(tmp_path: Path) -> None:
    rows = [
        {"epoch": 1, "train_loss": 0.9, "val_loss": 0.4, "accuracy": 0.5, "best": True, "learning_rate": 0.1},
        {"epoch": 2, "train_loss": 0.7, "val_loss": 0.5, "accuracy": 0.8, "best": True, "learning_rate": 0.01},
        {"epoch": 3, "train_loss": 0.6, "val_loss": 0.6, "accuracy": 0.7, "best": False, "output_spread": 0.3},
    ]
    file = tmp_path / "metrics.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    curve = read_curve(file)
    assert (curve.kept, curve.rate, curve.spread) == (1, (0.1, 0.01, None), (None, None, 0.3))
    assert curve.metrics == {"accuracy": (0.5, 0.8, 0.7)}
    assert curve.verdict().best == 0
    words = drawn(curve, tmp_path, "accuracy")
    assert "kept: epoch 2, by accuracy" in words and "least validation loss (1)" in words and "learning rate" in words
    words = drawn(Curve(curve.epochs, curve.train, curve.val, {}), tmp_path, "val_loss")
    assert "best epoch (1)" in words and "learning rate" not in words


def drawn(curve: Curve, folder: Path, watch: str) -> set[str]:
    """The words of a picture."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    figures: list[Figure] = []
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr("specc.run.curve.save", lambda figure, file: figures.append(figure))
    draw(curve, curve.verdict(), "name", folder / "curve.png", watch)
    monkeypatch.undo()
    return {text.get_text() for text in figures[0].findobj(Text) if isinstance(text, Text)}
