"""Diagnostics as a person, a program and a code host see them; fixes as edits of a text."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest
from front_end import CASES, cases, found
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from sarif import SARIF

from specc import source
from specc.errors import Diagnostic, Edit, Fix, Label, Note, Span, SpeccError
from specc.fix import apply_edits, apply_safe
from specc.render import FORMATS, render
from specc.text.picture import cells, clean

TEXT = """\
specc: 1
output: {classes: [normal, pneumonia, covid]}
model:
  layers:
    - dense: {units: 3, activation: softmax}
loss: binary_cross_entropy
"""
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def at(line: int, column: int, length: int, file: str = "s.yaml") -> Span:
    return Span(file, line, column, line, column + length)


MODEL = Diagnostic(
    "S204",
    "`binary_cross_entropy` does not fit a softmax output with 3 classes",
    at(6, 7, 20),
    ("loss",),
    "expects independent yes/no outputs (sigmoid)",
    (Label(at(2, 19, 26), "3 classes"), Label(at(5, 37, 7), "gives 3 probabilities that sum to 1")),
    (
        Note("more", "specc explain S204"),
        Note("note", "a remark"),
        Note("help", "several findings per image: `output: {labels: [...]}`"),
        Note("trace", "32 -> 28"),
        Note("where", "here"),
        Note("why", "training would run and the curve would fall, but the probabilities would be wrong"),
        Note("rule", "classification with more than two classes (Table 1)"),
    ),
    (
        Fix(
            "one answer per image: `loss: categorical_cross_entropy`",
            (Edit(at(6, 7, 20), "categorical_cross_entropy"),),
        ),
    ),
)


def test_the_whole_anatomy() -> None:
    assert render([MODEL], {"s.yaml": TEXT}) == (
        """\
error[S204]: `binary_cross_entropy` does not fit a softmax output with 3 classes
  --> s.yaml:6:7
   |
 2 | output: {classes: [normal, pneumonia, covid]}
   |                   -------------------------- 3 classes
   ...
 5 |     - dense: {units: 3, activation: softmax}
   |                                     ------- gives 3 probabilities that sum to 1
 6 | loss: binary_cross_entropy
   |       ^^^^^^^^^^^^^^^^^^^^ expects independent yes/no outputs (sigmoid)
   = rule: classification with more than two classes (Table 1)
   = why: training would run and the curve would fall, but the probabilities would be wrong
   = where: here
   = trace: 32 -> 28
   = help: one answer per image: `loss: categorical_cross_entropy` (suggested)
   = help: several findings per image: `output: {labels: [...]}`
   = note: a remark
   = more: specc explain S204"""
    )


def picture(text: str, *marks: tuple[Span, str], width: int = 120) -> list[str]:
    """The lines of the picture below the header."""
    (span, label), *others = marks
    labels = tuple(Label(place, words) for place, words in others)
    shown = render([Diagnostic("S1", "m", span, (), label, labels)], {"s.yaml": text}, width=width)
    return shown.split("\n")[3:]


def test_several_marks_on_one_line() -> None:
    assert picture("a: {b: 1, c: 2}", (at(1, 11, 1), "main"), (at(1, 5, 1), "other"), (at(1, 14, 1), "third")) == [
        " 1 | a: {b: 1, c: 2}",
        "   |     -     ^  - third",
        "   |     |     main",
        "   |     other",
    ]


def test_marks_that_overlap_have_rows_of_their_own() -> None:
    assert picture("a: {b: 1, c: 2}", (at(1, 5, 4), "main"), (at(1, 4, 12), "all")) == [
        " 1 | a: {b: 1, c: 2}",
        "   |    ------------ all",
        "   |     ^^^^ main",
    ]


def test_a_single_line_between_is_shown_and_more_are_left_out() -> None:
    text = "\n".join("abcdefgh")
    assert picture(text, (at(1, 1, 1), "x"), (at(3, 1, 1), "y"), (at(7, 1, 1), "z")) == [
        " 1 | a", "   | ^ x", " 2 | b", " 3 | c", "   | - y", "   ...", " 7 | g", "   | - z",
    ]  # fmt: skip


def test_line_numbers_are_aligned() -> None:
    text = "x\n" * 1200
    shown = render([Diagnostic("S1", "m", at(1000, 1, 1), (), "", (Label(at(3, 1, 1), "l"),))], {"s.yaml": text})
    assert shown.split("\n")[1:] == [
        "    --> s.yaml:1000:1", "     |", "   3 | x", "     | - l", "     ...", "1000 | x", "     | ^",
    ]  # fmt: skip


def test_wide_characters_and_tabs_are_aligned() -> None:
    assert picture("肺炎:\tx é", (at(1, 5, 1), "x")) == [" 1 | 肺炎:    x é", "   |          ^ x"]
    assert picture("e\u0301a", (at(1, 3, 1), "")) == [" 1 | e\u0301a", "   |  ^"]
    assert [cells(sign) for sign in "a肺\t\u0301\0ｱ"] == [1, 2, 4, 0, 5, 1]


def test_nothing_reaches_the_terminal_that_it_would_obey() -> None:
    evil = "\x1b[2J\x07\u202e\ud800\u2028\r\x9b"
    span = Span(f"a{evil}", 1, 1, 1, 3)
    bad = Diagnostic("S1", evil, span, (), evil, (Label(span, evil),), (Note("help", evil),), (Fix(evil),))
    for format in FORMATS:  # noqa: A001
        shown = render([bad], {span.file: evil}, format)
        assert not set(shown) & set(evil) - set("[2J"), format
    assert clean("x" * 5000).endswith(" ...")


def test_long_lines_are_cut_around_the_caret() -> None:
    text = "a: " + "x" * 500 + "HERE" + "y" * 500
    lines = picture(text, (at(1, 504, 4), "here"), width=80)
    assert all(len(line) <= 80 + len(" here") for line in lines)
    start = lines[1].index("^")
    assert lines[0][start : start + 4] == "HERE"
    wide = picture("肺" * 300, (at(1, 299, 2), ""), width=60)
    assert sum(cells(sign) for sign in wide[0]) <= 60


def test_places_outside_of_the_text_do_no_harm() -> None:
    for span in (at(99, 1, 1), at(1, 99, 5), Span("s.yaml", 1, 2, 9, 1), at(2, 1, 0)):
        assert "m" in render([Diagnostic("S1", "m", span, (), "l")], {"s.yaml": "abc\n"})
    assert render([Diagnostic("S1", "m", at(1, 1, 1))], {}) == "error[S1]: m\n  --> s.yaml:1:1"
    assert render([Diagnostic("E501", "m", severity="warning", notes=(Note("help", "h"),))], {}) == (
        "warning[E501]: m\n   = help: h"
    )
    assert render([], {}) == ""


def test_a_second_file_has_its_own_picture() -> None:
    other = Label(at(1, 1, 3, "t.yaml"), "there")
    shown = render([Diagnostic("S1", "m", at(1, 1, 1), (), "", (other,))], {"s.yaml": "a", "t.yaml": "bcd"})
    assert shown.split("\n")[-4:] == ["  ::: t.yaml:1:1", "   |", " 1 | bcd", "   | --- there"]


def test_colour_changes_nothing_but_colour() -> None:
    painted = render([MODEL], {"s.yaml": TEXT}, color=True)
    assert ANSI.sub("", painted) == render([MODEL], {"s.yaml": TEXT})
    assert "\x1b[1;31merror[S204]\x1b[0m" in painted


def test_json() -> None:
    got = json.loads(render([MODEL, Diagnostic("D401", "m", severity="warning")], {}, "json"))
    assert got["format_version"] == 1
    first, second = got["diagnostics"]
    span = {"file": "s.yaml", "line": 6, "column": 7, "end_line": 6, "end_column": 27}
    assert first["span"] == span
    assert (first["code"], first["severity"], first["path"]) == ("S204", "error", ["loss"])
    assert first["help"] == ["several findings per image: `output: {labels: [...]}`"]
    assert [note["kind"] for note in first["notes"]] == ["rule", "why", "where", "trace", "note", "more"]
    assert first["fixes"][0]["safe"] is False
    assert first["fixes"][0]["edits"] == [{"span": span, "text": "categorical_cross_entropy"}]
    assert first["labels"][0]["text"] == "3 classes"
    assert (second["span"], second["severity"]) == (None, "warning")


def test_sarif() -> None:
    far = Diagnostic("S001", "m", at(1, 1, 1, "/data/a b/肺.yaml"), severity="note")
    got = json.loads(render([MODEL, far], {}, "sarif"))
    assert (got["version"], got["$schema"].endswith("sarif-2.1.0.json")) == ("2.1.0", True)
    (run,) = got["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    first, second = run["results"]
    region = first["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 6, "startColumn": 7, "endLine": 6, "endColumn": 27}
    assert [place["id"] for place in first["relatedLocations"]] == [1, 2]
    (replacement,) = first["fixes"][0]["artifactChanges"][0]["replacements"]
    assert replacement == {"deletedRegion": region, "insertedContent": {"text": "categorical_cross_entropy"}}
    assert second["level"] == "note"
    uri = second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "file:///data/a%20b/%E8%82%BA.yaml"


@pytest.mark.parametrize("path", sorted((CASES / "rules").glob("*.md")), ids=lambda path: path.stem)
def test_every_diagnostic_is_sarif(path: Path) -> None:
    for case in cases(path):
        log = json.loads(render(found(case.text), {}, "sarif"))
        assert [error.message for error in Draft7Validator(SARIF).iter_errors(log)] == []
    nothing, placeless = (json.loads(render(said, {}, "sarif")) for said in ([], [Diagnostic("T659", "m")]))
    assert Draft7Validator(SARIF).is_valid(nothing) and Draft7Validator(SARIF).is_valid(placeless)


def test_columns_of_sarif_are_characters() -> None:
    text = "specc: 1\n# \n'\U0001f600': {\U0001f600x: 1, y: 2, y: 3}\n"
    with pytest.raises(SpeccError) as caught:
        source.parse(text, "s.yaml")
    spans = [fault.span for fault in caught.value.diagnostics if fault.span is not None]
    assert any(text.split("\n")[span.line - 1][span.column - 1] == "y" for span in spans)
    (run,) = json.loads(render(caught.value.diagnostics, {}, "sarif"))["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    starts = [r["locations"][0]["physicalLocation"]["region"]["startColumn"] for r in run["results"]]
    assert starts == [span.column for span in spans]


def test_uris_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, file, uri in (
        (PurePosixPath, "a:b c.yaml", "a%3Ab%20c.yaml"),
        (PurePosixPath, "/a/b#.yaml", "file:///a/b%23.yaml"),
        (PureWindowsPath, "C:\\a b\\s.yaml", "file:///C:/a%20b/s.yaml"),
        (PureWindowsPath, "a\\s.yaml", "a/s.yaml"),
    ):
        monkeypatch.setattr("specc.render.PurePath", kind)
        (run,) = json.loads(render([Diagnostic("S1", "m", at(1, 1, 1, file))], {}, "sarif"))["runs"]
        assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def understood(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as GitHub's runner reads it (actions/toolkit, docs/commands.md)."""
    _, head, body = line.split("::", 2)
    level, _, rest = head.partition(" ")
    properties = dict(part.split("=", 1) for part in rest.split(","))
    for escaped, sign in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        properties = {key: value.replace(escaped, sign) for key, value in properties.items()}
        body = body if escaped in ("%3A", "%2C") else body.replace(escaped, sign)
    return level, properties, body


@given(st.text(max_size=40), st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_annotations_say_what_was_said(message: str, file: str, note: str) -> None:
    """Whatever stands in a text, it is one line, and GitHub reads back what was meant."""
    fault = Diagnostic("S1", message, Span(file, 2, 3, 2, 9), label=note, notes=(Note("help", note),))
    written = render([fault], {}, "github")
    assert len(re.split("[\r\n]", written)) == 1
    level, properties, body = understood(written)
    assert level == "error" and list(properties) == ["file", "line", "endLine", "col", "endColumn", "title"]
    assert properties["file"] == clean(PurePath(file).as_posix())
    assert (properties["line"], properties["col"], properties["endColumn"], properties["title"]) == (
        "2",
        "3",
        "9",
        "S1",
    )
    lines = [part for part in (message, note, f"help: {note}") if part]
    assert body == "\n".join(map(clean, lines))


def test_github() -> None:
    odd = Diagnostic("S1", "50 % of\nit", Span("a,b:c.yaml", 1, 2, 3, 4), severity="note")
    assert render([odd], {}, "github") == "::notice file=a%2Cb%3Ac.yaml,line=1,endLine=3,title=S1::50 %25 of\\u{A}it"
    (line,) = render([MODEL], {}, "github").split("\n")
    assert line.startswith("::error file=s.yaml,line=6,endLine=6,col=7,endColumn=27,title=S204::`binary_cross")
    assert "%0Ahelp: one answer per image" in line


# ---------------------------------------------------------------------- fixes


def test_edits() -> None:
    text = "ab\ncd\n"
    edits = [Edit(at(1, 1, 1), "X"), Edit(at(2, 2, 1), ""), Edit(at(2, 1, 0), "- "), Edit(at(9, 1, 1), "end")]
    assert apply_edits(text, edits) == "Xb\n- c\nend"
    assert apply_edits(text, [Edit(Span("s.yaml", 1, 2, 2, 2), "-")]) == "a-d\n"
    assert apply_edits(text, [edits[0], edits[0]]) == "Xb\ncd\n", "one edit, told twice"
    with pytest.raises(ValueError, match="overlap"):
        apply_edits(text, [Edit(at(1, 1, 2), "x"), Edit(at(1, 2, 1), "y")])


def fault(*edits: Edit, safe: bool = True) -> Diagnostic:
    return Diagnostic("S1", "m", edits[0].span, fixes=(Fix("f", edits, safe),))


def test_only_safe_fixes_are_made_and_each_whole_or_not_at_all() -> None:
    text = "abcdef\n"
    first = fault(Edit(at(1, 1, 1), "A"), Edit(at(1, 3, 1), "C"))
    clash = fault(Edit(at(1, 3, 1), "x"), Edit(at(1, 5, 1), "E"))
    other = fault(Edit(at(1, 6, 1), "F"))
    foreign = fault(Edit(at(1, 4, 1, "t.yaml"), "D"))
    unsafe = fault(Edit(at(1, 2, 1), "B"), safe=False)
    got, made = apply_safe(text, "s.yaml", [first, clash, other, foreign, unsafe])
    assert got == "AbCdeF\n"
    assert made == (first.fixes[0], other.fixes[0])


def test_two_insertions_at_one_place_are_not_mixed() -> None:
    got, made = apply_safe("ab", "s.yaml", [fault(Edit(at(1, 2, 0), "x")), fault(Edit(at(1, 2, 0), "y"))])
    assert (got, len(made)) == ("axb", 1)


SPANS = st.tuples(*[st.integers(1, 6)] * 4).map(lambda n: Span("s.yaml", *min(n[:2], n[2:]), *max(n[:2], n[2:])))


@given(st.text("ab\n肺\t", max_size=20), st.lists(st.tuples(SPANS, st.text("x\n", max_size=3)), max_size=5))
@settings(max_examples=300, deadline=None)
def test_any_fixes_and_any_marks(text: str, parts: list[tuple[Span, str]]) -> None:
    found = [fault(Edit(span, new)) for span, new in parts]
    got, made = apply_safe(text, "s.yaml", found)
    assert bool(made) or got == text
    labels = tuple(Label(span, new) for span, new in parts)
    for diagnostic in [*found, Diagnostic("S1", "m", at(1, 1, 1), labels=labels)]:
        for format in FORMATS:  # noqa: A001
            assert render([diagnostic], {"s.yaml": text}, format, width=20)
