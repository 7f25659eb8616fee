"""What a spec's text must never be able to do, each requirement with its cases in tests/cases/reliability."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from front_end import FILE, examine
from text_cases import CASES, Case, load_cases
from watching import WATCH, watched

from specc.compile import compile as compile_study
from specc.emit.inert import placeholder, require_inert
from specc.emit.program import linked
from specc.rules.examples import complete
from specc.source import Document, Mapping_, Node, Scalar, parse

SPECS = Path(__file__).resolve().parent.parent / "specs"
ALL = load_cases("reliability")
CANARIES = ("torch.hub.load", "__import__('os').system('id')", "_target_")
FREE = re.compile(
    r"output\.(classes|target|unit|positive)|data\.(manifest|columns|split\.(group|column))|card"
    r"|blocks\.\w+\.params\."  # a default of a parameter that is always given
)


@pytest.fixture(autouse=True)
def nothing_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is an empty one, and the only one that may be written to."""
    for text in ("", "input: {format: tga, size: [0], channels: mono}"):
        examine(complete(text))  # whatever is imported late is there now
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(WATCH, "folder", str(tmp_path))


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    text = complete(case.text)
    before = text.count("\n") - case.text.strip("\n").count("\n") - 1
    with watched("front"):
        study, found = examine(text)
    told = sorted((d.span.line - before, d.code) for d in found if d.span is not None and d.severity == "error")
    assert told == case.errors, found
    assert (study is None) == bool(case.errors)
    if study is not None:
        with watched("emit"):
            compile_study(study)  # which proves that it is inert before it gives the program away


def test_each_requirement_has_cases() -> None:
    assert {page.stem for page in (CASES / "reliability").glob("*.md")} == {"R1", "R2", "R3", "R8", "R9"}


def scalars(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Scalar]]:
    """Every value of a tree."""
    if isinstance(node, Scalar):
        yield path, node
        return
    items = ((k, e.node) for k, e in node.items.items()) if isinstance(node, Mapping_) else enumerate(node.items)
    for key, item in items:
        yield from scalars(item, (*path, key))


def replaced(document: Document, scalar: Scalar, new: str) -> str:
    """The text with another value in place of one."""
    lines, span = document.text.split("\n"), scalar.span
    line = lines[span.line - 1]
    lines[span.line - 1] = f"{line[: span.column - 1]}{new}{line[span.end_column - 1 :]}"
    return "\n".join(lines)


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("name", ["lenet_dicom", "lenet_regression", "small_resnet"])
def test_a_canary_in_every_field(name: str, canary: str) -> None:
    """R1: code in the place of any value of a spec is refused there, or is plain text; nothing is imported."""
    document = parse((SPECS / f"{name}.yaml").read_text(encoding="utf-8"), FILE)
    for path, scalar in scalars(document.tree):
        text, place = replaced(document, scalar, f'"{canary}"'), ".".join(map(str, path))
        with watched("front"):
            study, found = examine(text)
        if study is None:
            spans = [span for d in found for span in (d.span, *(label.span for label in d.labels)) if span is not None]
            assert scalar.span.line in {span.line for span in spans}, (place, found)
            continue
        assert FREE.match(place), place
        with watched("emit"):
            files = linked(study)[1]
        require_inert(files, linked(placeholder(study))[1])
        names = {node.id for text in files.values() for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        assert not {"eval", "exec", "__import__"} & names
