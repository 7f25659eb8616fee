"""Text to tree: every fault located in one run, values as YAML 1.2 has them, nothing executed, nothing slow."""

from __future__ import annotations

import builtins
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from text_cases import Case, load_cases

from specc.errors import Diagnostic, SpeccError
from specc.expand import expand
from specc.fix import apply_safe
from specc.render import FORMATS, render
from specc.source import LARGEST, Document, Mapping_, Node, Scalar, Sequence_, load, parse, why_not_a_number
from specc.text import tree as tree_module

ROOT = Path(__file__).parent.parent
SPECS = sorted((ROOT / "specs").glob("*.yaml"))


def faults(text: str, file: str = "case.yaml") -> tuple[Diagnostic, ...]:
    """What parse and expand say about a text."""
    try:
        expand(parse(text, file))
    except SpeccError as error:
        assert error.diagnostics
        return error.diagnostics
    return ()


def values(node: Node | None) -> object:
    """A tree as plain Python values."""
    if isinstance(node, Mapping_):
        return {key: values(entry.node) for key, entry in node.items.items()}
    if isinstance(node, Sequence_):
        return [values(item) for item in node.items]
    return None if node is None else node.value


@pytest.mark.parametrize("case", load_cases("text"), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    found = faults(case.text)
    told = sorted((d.span.line if d.span else 0, d.code) for d in found)
    assert told == case.errors, render(found, {"case.yaml": case.text})
    if "text" in case.blocks:
        assert render(found, {"case.yaml": case.text}) + "\n" == case.blocks["text"]
    if "yaml fixed" in case.blocks:
        assert apply_safe(case.text, "case.yaml", found)[0] == case.blocks["yaml fixed"]


@pytest.mark.parametrize("case", load_cases("text"), ids=lambda case: case.name)
def test_case_with_the_parser_in_python(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml the same lines are refused, and what is fine stays fine."""
    monkeypatch.setattr(tree_module, "_LOADER", yaml.SafeLoader)
    lines = {d.span.line for d in faults(case.text) if d.span}
    assert bool(lines) == bool(case.errors)


@pytest.mark.parametrize(
    "case", [c for c in load_cases("text") if "yaml fixed" in c.blocks], ids=lambda case: case.name
)
def test_a_fixed_text_has_no_safe_fix_left(case: Case) -> None:
    fixed = case.blocks["yaml fixed"]
    assert apply_safe(fixed, "case.yaml", faults(fixed))[0] == fixed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("12", 12), ("-0.5", -0.5), (".5", 0.5), ("5.", 5.0), ("+3", 3), ("0", 0), ("1E5", 1e5),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("no", "no"), ("on", "on"),
        ("yes", "yes"), ("Off", "Off"), ("012", "012"), ("007", "007"), ("0x1F", "0x1F"), ("0o17", "0o17"),
        ("1_000", "1_000"), ("12:30:45", "12:30:45"), ("2024-01-31", "2024-01-31"), (".nan", ".nan"), (".inf", ".inf"),
        ("-.INF", "-.INF"), ("1e400", "1e400"), ("0..1", "0..1"), ("4A", "4A"), ("'12'", "12"), ('"true"', "true"),
        ("１２", "１２"), ("e3", "e3"), (".", "."), ("-", "-"), ("1.2.3", "1.2.3"),
    ],
)  # fmt: skip
def test_values(text: str, value: object) -> None:
    if text == "-":
        text = "[-1]"
        value = [-1]
    got = values(parse(f"a: {text}\n", "f").tree)
    assert got == {"a": value}
    assert type(got["a"]) is type(value)


def test_raw_text_is_kept() -> None:
    document = parse("classes: [0, 1, 4A, no, 007, 1e5, 'it''s', \"a\\tb\"]\n", "f")
    sequence = document.tree.get("classes")
    assert isinstance(sequence, Sequence_)
    assert [item.raw for item in sequence.items if isinstance(item, Scalar)] == [
        "0", "1", "4A", "no", "007", "1e5", "it's", "a\tb",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "part"),
    [(".nan", "not numbers"), ("1e999", "largest"), ("012", "begin with 0"), ("1,000", "separators"), ("0,5", "point"),
     ("'12'", "quotation"), ("true", "not a number"), ("80 %", "percent"), ("0x1F", "decimal"), ("１２", "full-width"),
     ("word", ""), ("12", "")],
)  # fmt: skip
def test_why_not_a_number(text: str, part: str) -> None:
    node = parse(f"a: {text}\n", "f").tree.get("a")
    assert isinstance(node, Scalar)
    why = why_not_a_number(node)
    assert part in why
    assert bool(why) == bool(part)


def test_spans() -> None:
    layers = '  layers:\n    - conv2d: {filters: 6, "kernel": [3, 5]}  # c\n    - flatten\n'
    text = f"name: lenet\nmodel:\n{layers}card: |\n  x\n"
    document = parse(text, "f.yaml")
    lines = text.split("\n")

    def cut(path: tuple[str | int, ...], key: bool = False) -> str:
        span = document.key_span(path) if key else document.span(path)
        assert span.line == span.end_line
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]

    assert cut(("name",)) == "lenet"
    assert cut(("name",), key=True) == "name"
    assert cut(("model", "layers", 0, "conv2d")) == '{filters: 6, "kernel": [3, 5]}'
    assert cut(("model", "layers", 0, "conv2d", "kernel")) == "[3, 5]"
    assert cut(("model", "layers", 0, "conv2d", "kernel"), key=True) == '"kernel"'
    assert cut(("model", "layers", 0, "conv2d", "kernel", 1)) == "5"
    assert cut(("model", "layers", 0, "conv2d", "padding")) == '{filters: 6, "kernel": [3, 5]}', "nearest enclosing"
    assert cut(("model", "layers", 1)) == "flatten"
    assert cut(("model", "layers", 1), key=True) == "flatten"
    assert cut(("card",)) == "|"
    assert (document.span(()).line, document.span(("model",)).end_line) == (1, 5)
    assert document.definition(("name",)) is None
    assert document.own_span(("name",)) == document.span(("name",))
    assert document.own_span(("nothing",)) is None
    assert document.sha256 == parse(text, "other.yaml").sha256


# ---------------------------------------------------------------------- files


def refused(path: Path | str) -> tuple[Diagnostic, int]:
    with pytest.raises(SpeccError) as caught:
        load(path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    return diagnostic, caught.value.exit_code


def test_files_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "lenet.yaml").write_text("a: 1\n")
    missing, code = refused(tmp_path / "lent.yaml")
    assert (missing.code, code) == ("S040", 2)
    assert "lenet.yaml" in missing.notes[0].text
    assert refused(tmp_path / "no" / "lent.yaml")[0].code == "S040"
    assert refused(tmp_path)[0].code == "S041"
    assert refused("a\0b")[0].code == "S042"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert refused(tmp_path / "pipe")[0].code == "S042"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refused(tmp_path / "loop")[1] == 2


@pytest.mark.parametrize(
    ("data", "code", "place", "words"),
    [
        ("a: 肺\n".encode("utf-16"), "S015", (1, 1), "UTF-16"),
        ("a: x\n".encode("utf-16-be"), "S015", (1, 1), "UTF-16"),
        ("a: 1\nb: 肺炎の分類\n".encode("cp932"), "S016", (2, 4), "Shift_JIS"),
        (b"a: 1\nbb: \xff\n", "S016", (2, 5), "UTF-8"),
        (b"a: " + b"x" * LARGEST, "S012", (1, 1), "classes"),
    ],
)
def test_bytes_that_are_no_spec(tmp_path: Path, data: bytes, code: str, place: tuple[int, int], words: str) -> None:
    (tmp_path / "s.yaml").write_bytes(data)
    diagnostic, exit_code = refused(tmp_path / "s.yaml")
    assert diagnostic.span
    assert (diagnostic.code, (diagnostic.span.line, diagnostic.span.column), exit_code) == (code, place, 1)
    assert words in " ".join([diagnostic.message, *(note.text for note in diagnostic.notes)])


def test_a_byte_order_mark_is_told_and_mended(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert refused(tmp_path / "s.yaml")[0].code == "S014"


def test_text_over_the_limit() -> None:
    assert [d.code for d in faults("a: " + "x" * LARGEST)] == ["S012"]
    assert [d.code for d in faults("a: '" + "肺" * (LARGEST // 2) + "'")] == ["S012"]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_specs_that_come_along_are_read(path: Path) -> None:
    assert expand(load(path)).tree.get("specc") is not None


# ---------------------------------------------------------------------- time and bounds


def bomb(count: int, line: Callable[[int], str]) -> str:
    return "".join(line(number) for number in range(count))


BOMBS = {
    "nested lists": "a: " + "[" * 5000,
    "nested mappings": "a: " + "{a: " * 5000,
    "nested blocks": bomb(2000, lambda n: " " * n + "a:\n")[:LARGEST],
    "nested dashes": "- " * 5000 + "a",
    "aliases": "a0: &a0 [x]\n" + bomb(60, lambda n: f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n"),
    "self alias": "&a [*a]",
    "merge": "a: &a {b: 1}\n" + bomb(2000, lambda n: f"c{n}: {{<<: *a}}\n"),
    "open quotes": '"' * 50_000,
    "odd quotes": "a: “" * 20_000,
    "pairs of quotes": "“a”：，" * 20_000,
    "tabs": "\t" * 200_000,
    "wide": "：，" * 100_000,
    "spaces": "a:" + " " * 500_000 + "x",
    "wide spaces": "a" + "\u3000" * 300_000 + "b: 1",
    "many wide spaces": ("\u3000" * 60 + "x ") * 5000,
    "misplaced lines": bomb(3000, lambda n: f"a{n}:\n   b: 1\n  c: 2\n"),
    "joined": bomb(5000, lambda n: f"a{n}:{n}\n"),
    "duplicates": "a: 1\n" * 20_000,
    "question marks": "? " * 20_000,
    "colons": ": " * 20_000,
    "brackets": "[]{}" * 20_000,
    "carriage returns": "\r" * 100_000,
    "percent": "%" * 100_000,
    "doubling variables": "vars:\n  v0: [1, 1]\n" + bomb(60, lambda n: f"  v{n + 1}: [$v{n}, $v{n}]\n"),
    "deep variables": "vars:\n  v0: [1]\n" + bomb(5000, lambda n: f"  v{n + 1}: [$v{n}]\n"),
    "doubling blocks": "model: {layers: [b0]}\nblocks:\n"
    + bomb(60, lambda n: f"  b{n}: {{layers: [b{n + 1}, b{n + 1}]}}\n")
    + "  b60: {layers: [relu]}\n",
    "deep blocks": "model: {layers: [b0]}\nblocks:\n" + bomb(5000, lambda n: f"  b{n}: {{layers: [b{n + 1}]}}\n"),
    "repeated empty blocks": "model: {layers: [b0: {repeat: 10000}]}\nblocks:\n"
    + bomb(40, lambda n: f"  b{n}: {{layers: [b{n + 1}: {{repeat: 10000}}]}}\n") + "  b40: {layers: [3]}\n",
    "doubling parameters": "model: {layers: [b0: {p: x}]}\nblocks:\n"
    + bomb(60, lambda n: f"  b{n}: {{params: {{p: required}}, layers: [b{n + 1}: {{p: [$p, $p]}}]}}\n")
    + "  b60: {params: {p: required}, layers: [add: {with: $p}]}\n",
    "signs": "a: $(" + "-" * 150 + "1)",
    "parentheses": "a: $(" + "(" * 90 + "1" + ")" * 90 + ")",
    "long expression": "a: $(" + "1+" * 50_000 + "1)",
    "powers": "vars: {v0: 10}\n" + "a: $(" + "9" * 90 + ")",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_time(name: str) -> None:
    start = time.process_time()
    found = faults(BOMBS[name])
    seconds = time.process_time() - start
    assert found or name == "spaces"
    assert all(diagnostic.span for diagnostic in found)
    assert seconds < 8, f"{seconds:.1f} s"
    for format in FORMATS:  # noqa: A001
        render(found[:50], {"case.yaml": BOMBS[name]}, format)


def test_a_spec_of_2000_lines_is_read_quickly() -> None:
    text = "vars: {w: 8}\nmodel:\n  layers:\n" + "    - conv2d: {filters: $w, kernel: 3}  # 肺：炎\n" * 2000
    best = 10.0
    for _ in range(5):
        start = time.process_time()
        parse(text, "f")
        best = min(best, time.process_time() - start)
    assert best < 0.2, f"{best:.3f} s"


# ---------------------------------------------------------------------- hostile text

HOSTILE = [
    "'single'", '"double"', '"""triple"""', "'''x'''", "trailing\\", "a\nb", "a\rb", "a\0b", "a\ud800b", "a\u2028b",
    "a\x0cb", "a\u202eb", "# coding: raw_unicode_escape \\u000aimport os", "{{7*7}}", "{0.__class__}", "%(x)s",
    "${env:HOME}", "$(rm -rf /)", "$(__import__('os').system('id'))", "`id`", "class", "match", "torch", "self",
    "__class__", "ﬁ", "fi", "а", "", "x" * 10_000, "Name ", "name", "CON", "../../etc/passwd", "/etc/passwd",
    "\\\\host\\share", "-rf", "http://example.org/x.pkl", "x.pkl", "!!python/object/apply:os.system [id]",
    "!!python/name:os.system", "no", "012", "12:30:45", "2024-01-01", ".nan", "1e400", "9" * 5000, "true", "1000000",
    "os.system", "torch.load", "lambda: 0", "_target_", "<script>alert(1)</script>", "*a", "&a x", "<<: 1", "\ufeffx",
]  # fmt: skip
PLACES = ["a: {}\n", "{}: 1\n", "a: [x, {}]\n", "model: {{layers: [{}]}}\n", "model: {{layers: [relu: {{id: {}}}]}}\n",
          "vars: {{v: {}}}\na: $v\n", "# {}\na: 1\n", "card: |\n  {}\n", "blocks: {{{}: {{layers: [relu]}}}}\n",
          "model: {{layers: [add: {{with: {}}}]}}\n", "a: $({})\n", 'a: "{}"\n', "a: '{}'\n"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_is_data_or_a_located_error(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in HOSTILE:
        whole = place.format(text)
        faults(whole)  # whatever is imported late is there now
        with monkeypatch.context() as guarded:
            for name in ("eval", "exec", "compile"):
                guarded.setattr(builtins, name, _forbidden)
            guarded.setattr(builtins, "__import__", _known_import)
            found = faults(whole)
        assert all(diagnostic.span for diagnostic in found)
        shown = "".join(render(found, {"case.yaml": whole}, format) for format in FORMATS)  # noqa: A001
        assert not set(shown) & set("\0\x1b\r\u202e\u2028\ud800\x0c"), repr(text)


_import = builtins.__import__


def _known_import(name: str, *more: Any, **named: Any) -> object:
    """What is loaded already may be asked for again."""
    return _import(name, *more, **named) if name in sys.modules else _forbidden(name)


def _forbidden(*arguments: object, **more: object) -> object:
    raise AssertionError(f"executed: {str(arguments)[:200]}")


# ---------------------------------------------------------------------- random text


def check_any(text: str) -> None:
    """Whatever a text is: a document, or faults with places inside of it that every format can show."""
    lines = text.split("\n")
    try:
        document = expand(parse(text, "f"))
    except SpeccError as error:
        found = error.diagnostics
    else:
        assert isinstance(document, Document)
        return
    for diagnostic in found:
        for span in (diagnostic.span, *(label.span for label in diagnostic.labels)):
            assert span is not None
            assert 1 <= span.line <= span.end_line <= len(lines)
            assert 1 <= span.column <= len(lines[span.line - 1]) + 1
            assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert diagnostic.message
        assert diagnostic.notes or diagnostic.fixes, "a cure"
    for format in FORMATS:  # noqa: A001
        assert render(found, {"f": text}, format)
    apply_safe(text, "f", found)


SIGNS = list("ab1 \n\t:-,[]{}\"'#&*!|>%@`$()?\\<=~\r：，“”\u3000肺\ufeff\u202e\0\ud800")
WORDS = ["a: ", "\n  ", "\n- ", "$w", "vars: {w: 2}\n", "layers:\n", "blocks:\n"]
ALPHABET = st.sampled_from([*SIGNS, *WORDS])


@given(st.lists(ALPHABET, max_size=60).map("".join))
@settings(max_examples=400, deadline=None)
def test_random_text(text: str) -> None:
    check_any(text)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_characters(text: str) -> None:
    check_any(text)


def mutants(draw: Callable[[st.SearchStrategy[int]], int], text: str) -> Iterator[str]:
    """A text with some stretches cut, doubled, moved or overwritten."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        other = draw(st.integers(0, len(text)))
        kind = draw(st.integers(0, 4))
        junk = "：\t “”\n - {}[]:&*!$\0"[draw(st.integers(0, 19)) :][:1]
        text = {
            0: text[:start] + text[end:],
            1: text[:end] + text[start:end] + text[end:],
            2: text[:other] + text[start:end] + text[other:],
            3: text[:start] + junk + text[end:],
            4: text[:start] + junk + text[start:],
        }[kind]
    yield text


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_mutated_specs(data: st.DataObject) -> None:
    texts = [path.read_text(encoding="utf-8") for path in SPECS]
    text = texts[data.draw(st.integers(0, len(texts) - 1))]
    for mutant in mutants(data.draw, text):
        check_any(mutant)
