"""The page of refusals, held against the codes: what it names exists, and no code is without a place on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from specc.api.reference import pages_of
from specc.registry import core

DOCS = Path(__file__).resolve().parent.parent / "docs"
TEXT = (DOCS / "refusals.md").read_text(encoding="utf-8")
CODES = frozenset(page.word for page in pages_of(core()) if page.kind == "code")
CODE = r"[A-Z]\d{3}"
PROMISES: dict[str, str] = dict(re.findall(r"^\*\*(.+?)\.\*\*(.*?)(?=^\*\*|^## |\Z)", TEXT, re.M | re.S))
SLIPS = TEXT.split("## All other codes")[1]
NO_CODE = {  # promises about what is not there: the tests that hold them
    "No pickle": "test_emit.py",
    "No lucky seed": "test_series.py",
    "No patient data in what leaves": "test_end_to_end.py",
    "Not a medical device": "",
}


def named(text: str) -> tuple[set[str], set[str]]:
    """The codes that stand in a text one by one, and those of CODES that its `A to B` cover."""
    ranges = re.findall(rf"({CODE})\s+to\s+({CODE})", text)
    single = set(re.findall(CODE, re.sub(rf"{CODE}\s+to\s+{CODE}", "", text)))
    return single, {code for code in CODES for first, last in ranges if first <= code <= last and code[0] == first[0]}


def test_every_code_is_a_refusal_or_a_slip() -> None:
    """A new code: name it below the promise that it keeps, or among all other codes."""
    single, covered = named(TEXT)
    assert single <= CODES, f"docs/refusals.md names codes that are not there: {sorted(single - CODES)}"
    lost = sorted(CODES - single - covered)
    assert not lost, f"say in docs/refusals.md which promise these keep, or name them among all other codes: {lost}"


def test_no_code_is_both() -> None:
    kept = set().union(*(set().union(*named(body)) for body in PROMISES.values()))
    assert not kept & set().union(*named(SLIPS))


@pytest.mark.parametrize("title", PROMISES)
def test_each_promise_is_kept_by_a_code_or_a_test(title: str) -> None:
    single, covered = named(PROMISES[title])
    assert bool(single | covered) != (title in NO_CODE)
    assert (DOCS.parent / "tests" / NO_CODE.get(title, "")).exists()


def test_ranges_run_upwards_and_hold_something() -> None:
    for first, last in re.findall(rf"({CODE})\s+to\s+({CODE})", TEXT):
        assert first < last
        assert first[0] == last[0]
        assert any(first <= code <= last for code in CODES), f"{first} to {last}"
