"""The version of the language: what is said where it does not fit, and that the page on versions says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from front_end import FILE, found

from specc.fix import apply_safe
from specc.render import FORMAT_VERSION
from specc.rules.examples import complete
from specc.spec.version import LANGUAGE

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "versions.md").read_text(encoding="utf-8")
LATER = "this spec is of version {} of the language, and this specc reads version 1"
NEVER = "there is no version {} of the language"
NONE = "`specc` is the version of the language, a whole number"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("specc: 2", LATER.format(2)),
        ("specc: 2023", LATER.format(2023)),
        ("specc: 0", NEVER.format(0)),
        ("specc: -1", NEVER.format(-1)),
        ('specc: "1"', f"{NONE}, and this is text in quotation marks"),
        ("specc: '2'", f"{NONE}, and this is text in quotation marks"),
        ("specc: one", f"{NONE}, not `one`"),
        ("specc: v1", f"{NONE}, not `v1`"),
        ("specc: 1.0", f"{NONE}, not `1.0`"),
        ("specc: true", f"{NONE}, not `true`"),
        ("specc:", f"{NONE}, and nothing stands here"),
        ("specc: [1]", NONE),
        ("specc: {version: 1}", NONE),
    ],
)
def test_a_version_that_does_not_fit(line: str, message: str) -> None:
    (fault,) = found(complete(f"{line}\n"))
    assert (fault.code, fault.message) == ("S113", message)
    assert fault.span is not None
    assert complete(f"{line}\n").split("\n")[fault.span.line - 1] == line
    assert fault.notes or fault.fixes


def test_a_missing_version() -> None:
    (fault,) = found(complete("", leave_out=("specc",)))
    assert (fault.code, fault.message) == ("S103", "`specc` is missing: it belongs into the top level of the spec")
    assert "usual: `specc: 1`" in [note.text for note in fault.notes]


@pytest.mark.parametrize("line", ['specc: "1"', "specc: '1'", "specc: 1.0"])
def test_what_can_only_mean_one_is_mended(line: str) -> None:
    text = complete(f"{line}\n")
    mended, fixes = apply_safe(text, FILE, found(text))
    assert len(fixes) == 1
    assert mended == text.replace(line, "specc: 1")
    assert not found(mended)


@pytest.mark.parametrize("line", ["specc: 2", "specc: 0", 'specc: "2"', "specc: one", "specc:"])
def test_nothing_else_is_mended(line: str) -> None:
    text = complete(f"{line}\n")
    assert apply_safe(text, FILE, found(text)) == (text, ())


def test_of_another_version_nothing_else_is_said() -> None:
    text = complete("specc: 2\nneurons: 3\nvars: {W: $x}\n")
    assert [fault.code for fault in found(text)] == ["S113"]
    assert len(found(text.replace("specc: 2", "specc: 1"))) > 1


def test_the_page_says_the_same() -> None:
    """The table of docs/versions.md, row by row."""
    assert (LANGUAGE, FORMAT_VERSION) == (1, 1)
    rows = [line.strip("| ").split(" | ") for line in PAGE.split("## When")[1].split("## How")[0].splitlines()]
    stated = {row[0]: row[1] for row in rows if len(row) == 2}
    for code, forms in {
        "S113": ("`specc: 0`, `specc: -1`", "`specc: 2` or later", '`specc: "1"`, `specc: 1.0`'),
        "S103": ("nothing",),
    }.items():
        assert all(stated[form].startswith(code) for form in forms)
