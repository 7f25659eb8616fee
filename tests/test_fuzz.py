"""Ten thousand random and hostile specs: a located diagnostic or a program, and never anything else.

The specs come from `spec_makers`, each from its number alone: a failure names the source and the number, and
`python tests/test_fuzz.py hostile 123` prints that spec. 100,000 and more: `pytest -m slow tests/test_fuzz.py`.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import resource
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from front_end import FILE
from spec_breakers import hostile, mutated
from spec_makers import MARK, ROOT, Spec, grammatical
from watching import WATCH, counted, watched

from specc.api.reference import pages
from specc.compile import check
from specc.compile import compile as compile_study
from specc.emit.program import linked
from specc.errors import Diagnostic, SpeccError, has_errors
from specc.fix import apply_safe
from specc.lower.front import front
from specc.pieces import index
from specc.registry import core
from specc.render import FORMATS, render
from specc.source import parse
from specc.study import Study

Found = tuple[Diagnostic, ...]
CHUNKS = 20  # of each source, so that they can be shared out
CI = {"grammatical": 2000, "mutated": 4800, "hostile": 3200}
VALID = 2000  # at least so many of the grammatical ones are compiled
FACTOR = 10  # behind the marker `slow`

LOADED = index.VERSION  # what a check of data imports late is here before anything is watched
MOST_CALLS = 5_000_000  # of functions, for one spec; a plain one takes about 20,000
MOST_TEXT = 4_000_000  # characters of all that is said about one spec
MOST_MEMORY = 400 * 1024  # KiB more than before, for one chunk

# ---------------------------------------------------------------------- what must hold

CODES = frozenset(page.word for page in pages(Path(__file__).parent) if page.kind == "code")
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def examined(text: str, file: str = FILE) -> tuple[Study | None, Found]:
    """The front end on a text."""
    try:
        return front(parse(text, file), core())
    except SpeccError as error:
        assert error.diagnostics
        return None, error.diagnostics


def hold(text: str, found: Found, file: str = FILE) -> None:
    """Every diagnostic has a file, a place in it, a page and plain words, in every format."""
    lines = text.split("\n")
    for diagnostic in found:
        assert diagnostic.code in CODES, diagnostic
        assert diagnostic.message.strip(), diagnostic
        assert diagnostic.span is not None, diagnostic
        for span in (diagnostic.span, *(label.span for label in diagnostic.labels)):
            assert span.file == file, diagnostic
            assert 1 <= span.line <= span.end_line <= len(lines), diagnostic
            assert 1 <= span.column <= len(lines[span.line - 1]) + 1, diagnostic
            assert (span.line, span.column) <= (span.end_line, span.end_column), diagnostic
    told = 0
    for format in FORMATS:  # noqa: A001
        shown = render(found, {file: text}, format)
        told += len(shown)
        if format in ("json", "sarif"):
            shown = "\n".join(texts(json.loads(shown)))
        assert not RAW.search(shown), (format, RAW.findall(shown), shown[:2000])
    assert told <= MOST_TEXT
    apply_safe(text, file, found)


def texts(value: object) -> Iterator[str]:
    """All texts in plain JSON values that a person reads; the text of an edit is none."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("edits", "insertedContent", "path"):
                yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def program(study: Study, twice: bool) -> None:
    """Compile a study: all files are Python, and hold its free texts in string constants only."""
    with watched("emit"):
        files = compile_study(study)
        if twice:
            assert linked(study)[1] == linked(study)[1], "the same bytes twice"
    for name, text in files.items():
        if text in PARSED:
            continue
        assert text.isascii(), name
        assert len(text) < MOST_TEXT, name
        if name.endswith(".json"):
            json.loads(text)
        else:
            inert(ast.parse(text), text, name)
        if MARK not in text and len(PARSED) < 10_000:
            PARSED.add(text)


PARSED: set[str] = set()  # files that many specs share


def inert(tree: ast.Module, text: str, name: str) -> None:
    """The mark stands in string constants only, and in none that documents something."""
    if MARK not in text:
        return
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    outside = [token for token in tokens if MARK in token.string and token.type != tokenize.STRING]
    assert not outside, (name, outside)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            assert MARK not in (ast.get_docstring(node) or ""), name


def settle(spec: Spec) -> tuple[Study | None, str]:
    """Leaves out what does not fit until the rest does; every text on the way is held to the same."""
    for turn in range(8):
        text = (spec if turn < 7 else spec.bare()).text()
        with watched("front"):
            study, found = examined(text)
        hold(text, found)
        if study is not None:
            return study, text
        places = [
            place for d in found if d.severity == "error" for place in (d.span, *(la.span for la in d.labels[:1]))
        ]
        spec = spec.without({place.line for place in places if place is not None})
    return None, text


def grammatical_one(number: int, folder: Path) -> bool:
    """A grammatical spec, through the compiler where it is valid."""
    study, text = settle(grammatical(number))
    if study is None:
        return False
    program(study, number % 4 == 0)
    if number % 20 == 0:
        assert compile_study(study) == compile_study(examined(text)[0] or study), "the same bytes twice"
    return True


def other_one(make: Callable[[int], str | bytes]) -> Callable[[int, Path], bool]:
    """A text of any kind, or a file of any bytes; seldom as a whole check with its folder and its data."""

    def one(number: int, folder: Path) -> bool:
        made = make(number)
        if isinstance(made, bytes) or number % 50 == 0:
            file = folder / "spec.yaml"
            file.write_bytes(made if isinstance(made, bytes) else made.encode("utf-8", "surrogatepass"))
            try:
                with watched("data" if number % 100 == 0 else "front"):
                    study, found = check(file, data=number % 100 == 0)
            except SpeccError as error:
                study, found = None, error.diagnostics
            hold(file.read_bytes().decode("utf-8", "replace"), found, str(file))
            assert (study is None) == has_errors(found)
            return study is not None
        with watched("front"):
            study, found = examined(made)
        hold(made, found)
        assert (study is None) == has_errors(found)
        if number % 40 == 0:
            with counted(MOST_CALLS):
                examined(made)
        return study is not None

    return one


SOURCES = {"grammatical": grammatical_one, "mutated": other_one(mutated), "hostile": other_one(hostile)}


def chunk(source: str, numbers: range, folder: Path) -> int:
    """Hold every spec of some numbers to its promises; how many of them were valid."""
    one, valid = SOURCES[source], 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in numbers:
        print(f"python tests/test_fuzz.py {source} {number}")  # pytest shows the last one where it fails
        valid += one(number, folder)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_MEMORY, f"{grown:,} KiB"
    assert {path.name for path in folder.iterdir()} <= {"spec.yaml", ".specc"}, "nothing else is written"
    return valid


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the current one. What is imported late, from elsewhere, is there before it is watched."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(WATCH, "folder", str(tmp_path))
    found = check(ROOT / "specs" / "lenet.yaml")
    assert found[0] is not None
    compile_study(found[0])
    return tmp_path


@pytest.mark.parametrize("part", range(CHUNKS))
@pytest.mark.parametrize("source", SOURCES)
def test_specs(source: str, part: int, folder: Path) -> None:
    size = CI[source] // CHUNKS
    valid = chunk(source, range(part * size, (part + 1) * size), folder)
    if source == "grammatical":
        assert valid >= VALID // CHUNKS, "too few are compiled for the others to mean much"


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(CHUNKS))
@pytest.mark.parametrize("source", SOURCES)
def test_many_specs(source: str, part: int, folder: Path) -> None:
    size = FACTOR * CI[source] // CHUNKS
    chunk(source, range(CI[source] + part * size, CI[source] + (part + 1) * size), folder)


FOUND = {  # what these tests have found, at its smallest, with the codes that are told now
    "a fault on the last line, which does not end": ("? ? ?", ["S028", "S028", "S028"]),
    "a tab in an id, in a message as JSON": ('model: {layers: [relu: {id: "a\\tb"}]}', ["S162"]),
    "a line feed in an id, in a message as SARIF": ('model: {layers: [relu: {id: "a\\nb"}]}', ["S162"]),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    text, codes = FOUND[name]
    found = examined(text)[1]
    hold(text, found)
    assert [diagnostic.code for diagnostic in found] == codes


def test_there_are_ten_thousand() -> None:
    assert sum(CI.values()) >= 10_000
    assert all(count % CHUNKS == 0 for count in CI.values())


def test_the_watch_hears() -> None:
    """A test of the test: what must not happen is noticed."""
    with pytest.raises(AssertionError, match="exec"), watched("front"):
        exec("1")
    assert not WATCH.allowed("open", ("/etc/x", "w", os.O_WRONLY | os.O_CREAT))
    assert WATCH.allowed("open", ("/etc/x", "r", os.O_RDONLY))
    with pytest.raises(AssertionError, match=r"os\.system"), watched("front"):
        os.system("true")
    with pytest.raises(AssertionError, match="calls"), counted(10):
        [abs(number) for number in map(lambda n: n, range(99))]  # noqa: C417


if __name__ == "__main__":
    source, number = sys.argv[1], int(sys.argv[2])
    made: Any = {"grammatical": grammatical, "mutated": mutated, "hostile": hostile}[source](number)
    print(made.text() if isinstance(made, Spec) else made)
