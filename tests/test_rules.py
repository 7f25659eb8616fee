"""Rules: every example in a docstring, every case file, Table 1 over all combinations, no rule without a case."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from front_end import CASES, FILE, UPDATE, cases, examine, found, update

from specc.fix import apply_safe
from specc.plugin import Rule
from specc.registry import core
from specc.render import render
from specc.rules import RULES
from specc.rules.examples import complete, sections
from specc.rules.pages import DOCS
from specc.rules.table1 import ACTIVATIONS, ALLOW, LAYERS, LOSSES, NEURONS, PROBLEMS, rows, verdict

FILES = sorted((CASES / "rules").glob("*.md"))
EXAMPLES = {**{rule.code: rule.doc for rule in RULES}, **DOCS}


@pytest.mark.parametrize("code", EXAMPLES)
def test_docs_say_what_why_and_source_and_their_examples_run(code: str) -> None:
    parts = sections(EXAMPLES[code])
    assert {"What", "Why", "Source"} <= parts.keys() <= {"What", "Why", "Bad", "Good", "Source"}
    assert ("Bad" in parts) == ("Good" in parts)
    if "Bad" in parts:
        assert [fault.code for fault in found(complete(parts["Bad"]))] == [code]
        assert found(complete(parts["Good"])) == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_has_examples_and_a_case_file(rule: Rule) -> None:
    assert "Bad" in sections(rule.doc)
    assert rule.doc.count("Source:") == 1
    assert (CASES / "rules" / f"{rule.code}.md").is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cases(path: Path) -> None:
    known = cases(path)
    assert any(case.stated for case in known)
    assert any(case.rendering is not None for case in known), "one full rendering for each code"
    for case in known:
        text = complete(case.text)
        before = text.count("\n") - case.text.count("\n")
        diagnostics = found(text)
        told = [(d.span.line - 1 - before, d.severity, d.code) for d in diagnostics if d.span is not None]
        assert len(told) == len(diagnostics)
        assert sorted(told) == sorted(case.stated), case.text
        if case.rendering is not None:
            shown = render(diagnostics, {FILE: text}) + "\n"
            if UPDATE:
                update(path, case.rendering, shown)
            else:
                assert shown == case.rendering


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_without_the_rule_a_case_fails(rule: Rule) -> None:
    registry = core()
    poorer = replace(registry, rules=tuple(other for other in registry.rules if other is not rule))
    missed = [
        case
        for case in cases(CASES / "rules" / f"{rule.code}.md")
        if rule.code not in {d.code for d in found(complete(case.text), poorer)}
        and rule.code in {code for _, _, code in case.stated}
    ]
    assert missed


def test_codes_and_names_are_unique() -> None:
    assert len({rule.code for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    assert not {rule.code for rule in RULES} & DOCS.keys()


# ------------------------------------------------------------------ Table 1

SOUND = {  # written out again, by hand, from the language page
    ("two_classes", "dense", "one", "sigmoid", "binary_cross_entropy"): "fits",
    ("more_classes", "dense", "each", "softmax", "categorical_cross_entropy"): "fits",
    ("regression", "dense", "each", "none", "mean_squared_error"): "fits",
    ("two_classes", "dense", "each", "softmax", "categorical_cross_entropy"): "two_class_softmax",
    ("two_classes", "pooled_conv", "one", "sigmoid", "binary_cross_entropy"): "convolutional_output",
    (
        *("two_classes", "pooled_conv", "each", "softmax", "categorical_cross_entropy"),
    ): "two_class_softmax,convolutional_output",
    ("more_classes", "pooled_conv", "each", "softmax", "categorical_cross_entropy"): "convolutional_output",
    ("regression", "pooled_conv", "each", "none", "mean_squared_error"): "convolutional_output",
    ("regression", "dense", "each", "none", "mean_absolute_error"): "mean_absolute_error",
    ("regression", "dense", "each", "none", "huber"): "huber",
    (
        *("regression", "pooled_conv", "each", "none", "mean_absolute_error"),
    ): "convolutional_output,mean_absolute_error",
    ("regression", "pooled_conv", "each", "none", "huber"): "convolutional_output,huber",
}
COMBINATIONS = list(product(PROBLEMS, LAYERS, NEURONS, ACTIVATIONS, LOSSES))


def test_table_1_over_every_combination() -> None:
    codes = {rule.code for rule in RULES}
    for facts in COMBINATIONS:
        said = verdict(*facts)
        if facts in SOUND:
            assert said.removeprefix("allow:") == SOUND[facts], facts
        elif facts[4] != "fitting":
            assert said in codes, f"{facts} is unsound, and the table says {said}"
        elif said.startswith("allow:"):
            like = next(key for key in SOUND if key[:4] == facts[:4])
            assert said.split(":")[1].split(",")[-1] == "other_loss"
            assert SOUND[like] in ("fits", *(said.removeprefix("allow:").removesuffix(",other_loss"),))


def test_what_can_never_be_allowed() -> None:
    for problem, layer, loss in product(PROBLEMS, LAYERS, LOSSES):
        for facts in (
            (problem, layer, "one", "softmax", loss),
            (problem, layer, "each", "softmax", "binary_cross_entropy"),
            ("regression", layer, "each", "sigmoid", "mean_squared_error"),
        ):
            assert not verdict(*facts).startswith("allow") and verdict(*facts) != "fits", facts


def test_no_row_of_the_table_is_idle() -> None:
    from specc.rules import table1

    parsed = table1._parsed()
    used = set()
    for facts in COMBINATIONS:
        matches = (all(p is None or f in p for p, f in zip(row, facts, strict=True)) for row, _ in parsed)
        used.add(next(place for place, match in enumerate(matches) if match))
    assert used == set(range(len(parsed))), [rows()[place] for place in range(len(parsed)) if place not in used]


def test_names_that_allow_knows_are_those_of_the_table() -> None:
    named = {name for _, said in rows() if said.startswith("allow:") for name in said[6:].split(",")}
    assert named == ALLOW.keys()


HEADS = {
    ("one", "none"): "units: 1",
    ("one", "sigmoid"): "units: 1, activation: sigmoid",
    ("one", "softmax"): "units: 1, activation: softmax",
    ("one", "other"): "units: 1, activation: tanh",
    ("each", "none"): "units: @",
    ("each", "sigmoid"): "units: @, activation: sigmoid",
    ("each", "softmax"): "units: @, activation: softmax",
    ("each", "other"): "units: @, activation: relu",
    ("other", "none"): "units: 7",
    ("other", "sigmoid"): "units: 7, activation: sigmoid",
    ("other", "softmax"): "units: 7, activation: softmax",
    ("other", "other"): "units: 7, activation: relu",
}


@pytest.mark.parametrize("loss", LOSSES[:3])
@pytest.mark.parametrize(("neurons", "activation"), HEADS)
@pytest.mark.parametrize("problem", ["two_classes", "more_classes", "regression"])
def test_whole_specs_get_the_verdict_of_the_table(problem: str, neurons: str, activation: str, loss: str) -> None:
    """The table is not only data: each combination with a dense layer, as a spec, gives exactly its code."""
    if problem == "regression":
        parts, each = ["task: regression", "output: {targets: {a: mm, b: mm}}", _TWO_TARGETS], "2"
    else:
        each = "2" if problem == "two_classes" else "3"
        parts = [f"output: {{classes: [{'a, b' if each == '2' else 'a, b, c'}]}}"]
    head = HEADS[neurons, activation].replace("@", each)
    text = complete("\n".join([*parts, f"model: {{layers: [flatten, dense: {{{head}}}]}}", f"loss: {loss}"]) + "\n")
    said = verdict(problem, "dense", neurons, activation, loss)
    right = [] if said == "fits" else ["S201"] if said == "allow:two_class_softmax" else [said]
    assert [fault.code for fault in found(text)] == right
    if said.startswith("allow:"):
        assert found(text + 'allow: {two_class_softmax: "as published"}\n') == ()


_TWO_TARGETS = """data:
  manifest: t.csv
  columns: {image: file, targets: {a: a, b: b}}
  split: {column: part}"""


# ------------------------------------------------------------------ fixes


@pytest.mark.parametrize("code", ["S106", "S305"])
def test_safe_fixes_mend_the_spec(code: str) -> None:
    text = complete(sections(EXAMPLES[code])["Bad"])
    mended, made = apply_safe(text, FILE, found(text))
    assert made
    assert found(mended) == ()


@pytest.mark.parametrize("code", ["S201", "S202", "S203", "S204", "S207", "S101", "S213", "S307"])
def test_suggested_edits_lead_to_a_spec_without_that_fault(code: str) -> None:
    text = complete(sections(EXAMPLES[code])["Bad"])
    (fault,) = found(text)
    assert fault.fixes and not fault.fixes[0].safe and fault.fixes[0].edits
    edits = replace(fault, fixes=(replace(fault.fixes[0], safe=True),))
    mended, _ = apply_safe(text, FILE, [edits])
    assert found(mended) == (), mended


def test_text_that_is_shared_is_never_edited() -> None:
    text = complete("""
vars: {n: 3}
model:
  layers:
    - flatten
    - dense: {units: $n, activation: softmax}
loss: categorical_cross_entropy
""")
    (fault,) = found(text)
    assert fault.code == "S202"
    assert all(not fix.edits for fix in fault.fixes)
    assert any("written here" in label.text for label in fault.labels)


def test_a_missing_flatten_does_not_hide_what_comes_after() -> None:
    text = complete("""
output: {classes: [a, b, c]}
model:
  layers:
    - conv2d: {filters: 4, kernel: 3}
    - dense: {units: 4, activation: softmax}
loss: mse
""")
    assert [fault.code for fault in found(text)] == ["S106"]
    assert [fault.code for fault in found(text.replace("mse", "mean_squared_error"))] == ["S305", "S202"]


def test_rules_still_look_at_the_rest_when_shapes_fail() -> None:
    text = complete("""
data:
  folders: data
  split: {train: 80, val: 10, group: none}
model:
  layers:
    - maxpool: {size: 64}
    - flatten
    - dense: {units: 1, activation: sigmoid}
""")
    result, diagnostics = examine(text)
    assert result is None
    assert [fault.code for fault in diagnostics] == ["S221", "S301"]
