"""Which ends of networks, losses and outputs belong together, and what is said where they do not."""

from __future__ import annotations

import pytest

from specc.errors import Diagnostic
from specc.lower.front import front
from specc.registry import usual
from specc.source import parse

SPEC = """\
specc: 1
name: case
task: segmentation
input: {format: png, size: [32, 32], channels: mono, resize: fit, scale: 0..1}
output: {%s}
data:
  manifest: table.csv
  columns: {image: file, mask: %s, patient: patient}
  split: {train: 80, val: 20, group: patient}
model:
  layers:
    - conv2d: {filters: 4, kernel: 3, padding: same, activation: relu}
    - %s
loss: %s
optimizer: adam
train: {epochs: 20, batch_size: 8}
"""
TWO, THREE, LABELS = "classes: [a, b]", "classes: [a, b, c]", "labels: [a, b]"


def conv(filters: int, activation: str = "", padding: str = "same", kernel: int = 3) -> str:
    """A last layer."""
    ends = f", activation: {activation}" if activation else ""
    return f"conv2d: {{filters: {filters}, kernel: {kernel}, padding: {padding}{ends}}}"


def said(output: str, last: str, loss: str) -> dict[str, Diagnostic]:
    """What is found, by code."""
    text = SPEC % (output, "{a: one, b: two}" if output.startswith("labels") else "mask", last, loss)
    return {one.code: one for one in front(parse(text, "case.yaml"), usual())[1]}


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "dice", "focal", "tversky", "[dice, binary_cross_entropy]"])
@pytest.mark.parametrize(("output", "maps"), [(TWO, 1), (LABELS, 2)])
def test_sigmoid(output: str, maps: int, loss: str) -> None:
    assert said(output, conv(maps, "sigmoid"), loss) == {}


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "dice", "focal", "tversky"])
@pytest.mark.parametrize(("output", "maps"), [(TWO, 2), (THREE, 3)])
def test_softmax(output: str, maps: int, loss: str) -> None:
    assert said(output, conv(maps, "softmax"), loss) == {}


@pytest.mark.parametrize(
    ("output", "last", "loss", "code", "word"),
    [
        ("classes: [a]", conv(1, "sigmoid"), "dice", "S260", "two classes or more"),
        ("classes: [a, a]", conv(1, "sigmoid"), "dice", "S260", "twice"),
        ("tolerance: 2", conv(1, "sigmoid"), "dice", "S260", "not said"),
        (f"{TWO}, {LABELS}", conv(1, "sigmoid"), "dice", "S260", "two answers"),
        (f"{TWO}, values: [0, 1, 2]", conv(1, "sigmoid"), "dice", "S261", "3 values for 2 classes"),
        (f"{TWO}, values: [3, 3]", conv(1, "sigmoid"), "dice", "S261", "two meanings"),
        (f"{TWO}, values: [0, 9], ignore: 9", conv(1, "sigmoid"), "dice", "S261", "two meanings"),
        (f"{TWO}, ignore: 1", conv(1, "sigmoid"), "dice", "S261", "the number of `b`"),
        (f"{LABELS}, values: [0, 1]", conv(2, "sigmoid"), "dice", "S261", "hold 0 and 1"),
        (THREE, conv(2, "softmax"), "dice", "S262", "2 maps for 3 classes"),
        (TWO, conv(3, "softmax"), "dice", "S262", "3 maps for 2 classes"),
        (LABELS, conv(1, "sigmoid"), "dice", "S262", "1 map for 2 labels"),
        (TWO, "flatten\n    - dense: {units: 1, activation: sigmoid}", "dice", "S262", "a vector"),
        (TWO, conv(1), "dice", "S263", "no activation"),
        (TWO, conv(1, "softmax"), "dice", "S263", "ends in softmax"),
        (TWO, conv(2, "sigmoid"), "dice", "S263", "ends in sigmoid"),
        (THREE, conv(3, "sigmoid"), "dice", "S263", "ends in sigmoid"),
        (LABELS, conv(2, "softmax"), "dice", "S263", "ends in softmax"),
        (TWO, conv(1, "sigmoid"), "categorical_cross_entropy", "S264", "does not fit maps with sigmoid"),
        (THREE, conv(3, "softmax"), "binary_cross_entropy", "S264", "does not fit maps with softmax"),
        (TWO, conv(1, "sigmoid"), "mean_squared_error", "S264", "no loss of masks"),
        (TWO, conv(1, "sigmoid"), "{focal: {class_weights: [1, 2, 3]}}", "S265", "3 weights for 2 classes"),
        (LABELS, conv(2, "sigmoid"), "{focal: {class_weights: [1, 2]}}", "S265", "each on its own"),
        (
            TWO,
            conv(1, "sigmoid"),
            "[{focal: {border: {sigma: 2}}}, {binary_cross_entropy: {border: {sigma: 3}}}]",
            "S265",
            "two widths",
        ),
        (TWO, conv(1, "sigmoid", "3"), "dice", "S266", "answers 36x36"),
        (TWO, f"maxpool: {{size: 2}}\n    - {conv(1, 'sigmoid')}", "dice", "S266", "answers 16x16"),
        (TWO, f"upsample\n    - {conv(1, 'sigmoid')}", "dice", "S266", "answers 64x64"),
    ],
)
def test_what_does_not_go_together(output: str, last: str, loss: str, code: str, word: str) -> None:
    found = said(output, last, loss)
    assert [one for one, told in found.items() if told.severity == "error"] == [code], found
    assert word in found[code].message


def test_a_smaller_map_is_told_unless_it_is_meant() -> None:
    last = conv(1, "sigmoid", "valid", 5)
    told = said(TWO, last, "dice")["S266"]
    assert told.severity == "note" and "28x28" in told.message and "2 rows and 2 columns" in told.message
    assert said(f"{TWO}, crop: center", last, "dice") == {}


def test_a_spelling_of_another_library() -> None:
    text = SPEC % (TWO, "mask", conv(1, "sigmoid"), "dice_loss")
    (fault,) = front(parse(text, "case.yaml"), usual())[1]
    assert "`dice`" in fault.message and fault.fixes[0].safe
