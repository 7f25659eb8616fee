"""Rules: every example in a docstring, every case file, no rule without a case."""

from __future__ import annotations

from dataclasses import replace
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
