"""The pages of `specc explain` as Markdown: docs/reference.md (words), docs/diagnostics.md (codes), one a plugin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specc.api.reference import FAMILIES, KINDS, PART, PLURAL, Page

_HEAD = {
    "reference": """# Reference: every word of the language

Written from the program itself, as `specc explain WORD` shows it; a test holds this page to it.
""",
    "diagnostics": """# Diagnostics: every code

Written from the program itself, as `specc explain CODE` shows it; a test holds this page to it.
""",
}


def plugin(name: str, pages: Iterable[Page]) -> str:
    """plugins/NAME/REFERENCE.md: the words and codes that a plugin adds."""
    known = list(pages)
    lines = [
        f"# The words and codes of `{name}`\n\n"
        "Written from the plugin itself, as `specc explain WORD` shows them; a test holds this page to it.\n"
    ]
    for kind in KINDS:
        own = [page for page in known if page.kind == kind]
        if own:
            lines.append(f"## {PLURAL.get(kind, f'{kind}s').capitalize()}\n")
            lines += [_section(page, up="../../") for page in own]
    return "\n".join(lines)


def reference(pages: Iterable[Page]) -> str:
    """docs/reference.md: tasks, layers, losses, optimizers, augmentations, initial values, keys."""
    known, lines = list(pages), [_HEAD["reference"]]
    for kind in KINDS:
        if kind != "code":
            lines.append(f"## {PLURAL.get(kind, f'{kind}s').capitalize()}\n")
            lines += [_section(page) for page in known if page.kind == kind]
    return "\n".join(lines)


def diagnostics(pages: Iterable[Page]) -> str:
    """docs/diagnostics.md: every code by family."""
    known, lines = list(pages), [_HEAD["diagnostics"]]
    for family, name in FAMILIES.items():
        lines.append(f"## {family}: {name}\n")
        lines += [_section(page) for page in known if page.kind == "code" and page.word.startswith(family)]
    return "\n".join(lines)


def _section(page: Page, up: str = "../") -> str:
    parts = [f"### `{page.word}`\n", *_paragraphs(page.text)]
    if page.arguments:
        parts += ["| argument | value | meaning |", "|---|---|---|"]
        parts += [f"| `{name}` | {_cell(kind)} | {_cell(doc)} |" for name, kind, doc in page.arguments]
        parts.append("")
    if page.example.endswith(".yaml"):
        parts.append(f"Example: [{page.example}]({up}{page.example})\n")
    elif page.example:
        parts += ["```yaml", page.example.strip(), "```", ""]
    if page.source:
        parts.append(f"Source: {page.source}\n")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _paragraphs(text: str) -> Iterator[str]:
    """Text as it stands; what is indented becomes YAML."""
    code: list[str] = []
    for line in [*text.strip().splitlines(), "."]:
        if line.startswith("    ") or (code and not line.strip()):
            code.append(line[4:])
            continue
        if code:
            yield "\n".join(["```yaml", *_trimmed(code), "```", ""])
            code = []
        if line != ".":
            yield from ("", line) if PART.match(line) else (line,)
    yield ""


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
