"""Markdown cases of faults: prose, a ```yaml block with `# error: [S001]` at the end of each line that has a fault.

Further blocks of the same heading: ```yaml fixed is the text after every safe fix; ```text is the whole rendering.
`\\u{202E}` in a block is that character, `\\u{DIGITS}` a number of 5,000 digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

CASES = Path(__file__).parent / "cases"

_BLOCK = re.compile(r"^```(yaml fixed|yaml|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ERROR = re.compile(r"[ ]*# error:((?: \[[A-Z]\d+\])+)(?=\r?$)")


@dataclass
class Case:
    """One heading of a page."""

    name: str
    text: str
    errors: list[tuple[int, str]] = field(default_factory=list)
    blocks: dict[str, str] = field(default_factory=dict)


def load_cases(folder: str) -> list[Case]:
    """All cases of the pages in a folder of `tests/cases`."""
    cases = []
    for page in sorted((CASES / folder).glob("*.md")):
        for section in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            blocks = dict(_BLOCK.findall(section))
            cases.append(_case(f"{page.stem}: {section.splitlines()[0]}", blocks))
    return cases


def _case(name: str, blocks: dict[str, str]) -> Case:
    lines, errors = [], []
    for number, line in enumerate(blocks["yaml"].split("\n"), 1):
        found = _ERROR.search(line)
        codes = re.findall(r"[A-Z]\d+", found.group(1)) if found else []
        errors += [(number, code) for code in codes]
        lines.append(_characters(_ERROR.sub("", line)))
    return Case(name, "\n".join(lines), sorted(errors), blocks)


def _characters(line: str) -> str:
    line = line.replace(r"\u{DIGITS}", "7" * 5000)
    return re.sub(r"\\u\{([0-9A-F]+)\}", lambda match: chr(int(match.group(1), 16)), line)
