"""Table 1: written out again by hand, held against the table as data, and against what whole specs are told."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from front_end import found, study

from specc.api.reference import find, pages
from specc.core import PLUGIN
from specc.plugin import Loss, Piece, Plugin
from specc.registry import Registry, merge
from specc.rules import RULES
from specc.rules.examples import complete
from specc.rules.table1 import (
    ALLOW,
    AXES,
    FORMS,
    LAYERS,
    LOSSES,
    OUTSIDE,
    ROWS,
    combinations,
    judge,
    lines,
    matches,
    parse,
    verdict,
)

CODES = {rule.code for rule in RULES}
CLASSES = {"categorical_cross_entropy": "", "focal": "focal", "fitting": "other_loss"}
FINDINGS = {"binary_cross_entropy": "", "focal": "focal", "fitting": "other_loss"}
VALUES = {
    "mean_squared_error": "",
    "mean_absolute_error": "mean_absolute_error",
    "huber": "huber",
    "fitting": "other_loss",
}
SOUND = {  # form, neurons, activation -> losses with the name that each needs; from the language page, by hand
    ("two_classes", "one", "sigmoid"): FINDINGS,
    ("two_classes", "each", "softmax"): CLASSES,
    ("more_classes", "each", "softmax"): CLASSES,
    ("findings", "each", "sigmoid"): FINDINGS,
    ("one_value", "each", "none"): VALUES,
    ("several_values", "each", "none"): VALUES,
}
REFUSED: dict[tuple[str, ...], str] = {  # cells that matter most, with the rule that must speak
    ("two_classes", "dense", "one", "softmax", "binary_cross_entropy"): "S207",
    ("two_classes", "dense", "one", "softmax", "categorical_cross_entropy"): "S207",
    ("two_classes", "dense", "each", "sigmoid", "binary_cross_entropy"): "S201",
    ("two_classes", "dense", "each", "softmax", "binary_cross_entropy"): "S204",
    ("two_classes", "dense", "one", "none", "binary_cross_entropy"): "S203",
    ("two_classes", "dense", "one", "sigmoid", "categorical_cross_entropy"): "S204",
    ("two_classes", "dense", "one", "sigmoid", "mean_squared_error"): "S204",
    ("more_classes", "dense", "each", "softmax", "binary_cross_entropy"): "S204",
    ("more_classes", "dense", "each", "sigmoid", "binary_cross_entropy"): "S203",
    ("more_classes", "dense", "each", "none", "categorical_cross_entropy"): "S203",
    ("more_classes", "dense", "other", "softmax", "categorical_cross_entropy"): "S202",
    ("more_classes", "other", "each", "softmax", "categorical_cross_entropy"): "S206",
    ("findings", "dense", "each", "softmax", "categorical_cross_entropy"): "S203",
    ("findings", "dense", "each", "sigmoid", "categorical_cross_entropy"): "S204",
    ("findings", "dense", "one", "sigmoid", "binary_cross_entropy"): "S202",
    ("findings", "dense", "each", "none", "binary_cross_entropy"): "S203",
    ("one_value", "dense", "each", "sigmoid", "mean_squared_error"): "S205",
    ("one_value", "dense", "each", "none", "binary_cross_entropy"): "S204",
    ("one_value", "dense", "other", "none", "mean_squared_error"): "S202",
    ("several_values", "dense", "one", "none", "mean_squared_error"): "S202",
    ("several_values", "dense", "each", "softmax", "mean_squared_error"): "S205",
}


def by_hand(form: str, layer: str, neurons: str, activation: str, loss: str, options: str) -> set[str] | None:
    """The names that a sound combination needs; None for an unsound one."""
    losses = SOUND.get((form, neurons, activation), {})
    if layer == "other" or loss not in losses:
        return None
    names = {losses[loss], "convolutional_output" if layer == "pooled_conv" else ""}
    names |= {"two_class_softmax"} if (form, activation) == ("two_classes", "softmax") else set()
    names |= {"label_smoothing"} if options in ("label_smoothing", "both") else set()
    names |= {"class_weights"} if options in ("class_weights", "both") else set()
    return names - {""}


def test_the_table_says_what_was_written_by_hand() -> None:
    for facts in combinations():
        said, names = verdict(*facts), by_hand(*facts)
        if names is None:
            assert said in CODES, facts
        else:
            assert said == "fits" if not names else set(said.removeprefix("allow:").split(",")) == names, facts


@pytest.mark.parametrize("facts", REFUSED, ids=" ".join)
def test_cells_that_matter_most(facts: tuple[str, ...]) -> None:
    assert verdict(*facts, "plain") == REFUSED[facts]


def test_what_can_never_be_allowed() -> None:
    for form, layer, loss in product(FORMS, LAYERS, LOSSES):
        for neurons, activation, only in (
            ("one", "softmax", loss),
            ("each", "softmax", "binary_cross_entropy"),
            ("each", "sigmoid", "mean_squared_error"),
        ):
            assert verdict(form, layer, neurons, activation, only, "plain") in CODES


def test_no_row_of_the_tables_is_idle() -> None:
    rows, used = parse(ROWS), set()
    for facts in combinations():
        used.add(next(place for place, (patterns, _) in enumerate(rows) if matches(patterns, facts)))
    assert used == set(range(len(rows)))
    needed = {name for facts in combinations() for name in verdict(*facts).removeprefix("allow:").split(",")}
    assert {name for _, name in parse(OUTSIDE)} == ALLOW.keys() == needed & ALLOW.keys()
    words = {word for axis in AXES for word in axis}
    for patterns, _ in (*rows, *parse(OUTSIDE)):
        assert {word for part in patterns if part is not None for word in part} <= words


def test_the_page_shows_the_whole_table() -> None:
    text = "\n".join(lines())
    assert all(line.strip() in text for line in (ROWS + OUTSIDE).splitlines())
    assert all(name in text for name in ALLOW)
    page = "\n".join(find(pages(Path(__file__).parent), "table1").lines())
    assert all(line.strip() in page for line in (ROWS + OUTSIDE).splitlines())


# ------------------------------------------------------------------ whole specs

WANTED = {"two_classes": 2, "more_classes": 3, "findings": 2, "one_value": 1, "several_values": 2}
OUTPUT = {
    "two_classes": "output: {classes: [a, b]}\n",
    "more_classes": "output: {classes: [a, b, c]}\n",
    "findings": "output: {labels: [a, b]}\ndata: {manifest: t.csv, columns: {image: file, labels: {a: a, b: b}}, "
    "split: {column: part}}\n",
    "one_value": "task: regression\n",
    "several_values": "task: regression\noutput: {targets: {a: mm, b: mm}}\n"
    "data: {manifest: t.csv, columns: {image: file, targets: {a: a, b: b}}, split: {column: part}}\n",
}
OPTION = {"label_smoothing": "label_smoothing: 0.1", "class_weights": "class_weights: balanced"}


@cache
def registry() -> Registry:
    """The built-ins with a plugin's loss for each activation, and one for none of those that end these networks."""
    piece = Piece("specc.pieces.losses", "mean_squared_error")
    losses = [Loss(f"for_{name}", piece, (name,), "Fits.") for name in ("none", "sigmoid", "softmax")]
    odd = (Loss("for_other", piece, ("tanh", "relu"), "Fits."), Loss("for_nothing", piece, ("gelu",), "Fits none."))
    return merge([PLUGIN, Plugin("hospital", losses=(*losses, *odd))])


def spec(form: str, layer: str, neurons: str, activation: str, loss: str, options: str, allow: Iterable[str]) -> str:
    """A spec of which these facts are true."""
    number = {"one": 1, "each": WANTED[form], "other": 7}[neurons]
    final = {"other": "tanh" if form == "two_classes" else "relu"}.get(activation, activation)
    after, within = (f", {final}", f", activation: {final}") if final != "none" else ("", "")
    layers = {
        "dense": f"flatten, dense: {{units: {number}{within}}}",
        "pooled_conv": f"conv2d: {{filters: {number}, kernel: 3}}, global_avgpool{after}",
        "other": f"conv2d: {{filters: {number}, kernel: 3{within}}}",
    }[layer]
    name = {"fitting": f"for_{activation}", "other": "for_nothing"}.get(loss, loss)
    chosen = [text for key, text in OPTION.items() if options in (key, "both")]
    named = f"{{{name}: {{{', '.join(chosen)}}}}}" if chosen else name
    reasons = "".join(f"\n  {key}: as published" for key in allow)
    text = f"{OUTPUT[form]}model: {{layers: [{layers}]}}\nloss: {named}\n"
    return complete(text + (f"allow:{reasons}\n" if reasons else ""))


def codes(facts: tuple[str, ...], allow: Iterable[str] = ()) -> list[str]:
    """What a spec is told."""
    form, layer, neurons, activation, loss, options = facts
    return [fault.code for fault in found(spec(form, layer, neurons, activation, loss, options, allow), registry())]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("form", FORMS)
def test_whole_specs_get_the_verdict_of_the_table(form: str, loss: str) -> None:
    """Every combination, as a spec, gives exactly its code; with the names that it needs under `allow`, none."""
    for facts in combinations():
        if (facts[0], facts[4]) != (form, loss) or (WANTED[form] == 1 and facts[2] == "one"):
            continue  # one neuron for one quantity is one for each
        said = verdict(*facts)
        names = said.removeprefix("allow:").split(",") if said.startswith("allow:") else []
        wanted = "S201" if "two_class_softmax" in names else "S208"
        right = [] if said == "fits" else [wanted] if names else [said]
        assert codes(facts) == right, facts
        if names:
            assert codes(facts, names) == [], facts
            assert len(names) < 2 or codes(facts, names[1:]) == [wanted], facts
        elif right and facts[5] == "plain":
            assert codes(facts, ALLOW) == right, f"{facts} must not become right by what is allowed"


def test_each_loss_of_a_sum_is_judged() -> None:
    base = "task: regression\nmodel: {layers: [flatten, dense: {units: 1}]}\n"
    both = "loss: [mean_squared_error, {mean_absolute_error: {weight: 0.5}}, {huber: {delta: 2}}]\n"
    assert [fault.code for fault in found(complete(base + both))] == ["S208"]
    told = found(complete(base + both + "allow: {mean_absolute_error: robust}\n"))
    assert [(fault.code, "huber" in fault.notes[-2].text) for fault in told] == [("S208", True)]
    assert found(complete(base + both + "allow: {mean_absolute_error: robust, huber: robust}\n")) == ()
    mixed = complete(base + "loss: [mean_squared_error, binary_cross_entropy]\n")
    assert [fault.code for fault in found(mixed)] == ["S204"]
    judged = judge(study(complete(base + "loss: mean_squared_error\n")))
    assert judged is not None and judged.form == "one_value" and judged.head.neurons == 1
