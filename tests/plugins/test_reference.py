"""The page of each of specc's own plugins says what `specc explain` says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from specc.api import handbook, reference
from specc.registry import core, own, usual

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("name", sorted(own()))
def test_the_page_of_a_plugin_is_what_explain_shows(name: str) -> None:
    """plugins/NAME/REFERENCE.md; SPECC_UPDATE_CASES=1 writes it."""
    plain = {(page.kind, page.word) for page in reference.pages_of(core())}
    found = reference.pages_of(usual(frozenset(own()) - {name}))
    added = [page for page in found if (page.kind, page.word) not in plain]
    assert {page.kind for page in added} >= {"task", "code"}
    assert all(page.text.strip() for page in added), [page.word for page in added if not page.text.strip()]
    text, file = handbook.plugin(name, added), ROOT / "plugins" / name / "REFERENCE.md"
    if os.environ.get("SPECC_UPDATE_CASES"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, "SPECC_UPDATE_CASES=1 pytest tests/plugins/test_reference.py"
