"""specc's own plugins from outside: where they lie, what they may import, and that the core works without them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import ROOT

import specc
from specc import registry

PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir())
PUBLIC = (
    *("specc.plugin", "specc.errors", "specc.answering", "specc.data.look", "specc.rules.common", "specc.pieces"),
    *("specc.ir", "specc.study"),  # the types that the interface names
    *("specc.run.metrics", "specc.run.canvas"),  # figures and their pictures
)
FILES = sorted((ROOT / "plugins").glob("*/specc_*/**/*.py"))
FUNCTION_LINES, FILE_LINES = 80, 400

WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("specc_"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import specc
for spec in sys.argv[1:]:
    checked = specc.check(spec, data=False)
    assert checked.ok, str(checked)
    assert specc.compile(spec)["train.py"]
assert specc.plugins().rows and all(row.state == "own, not there" for row in specc.plugins().rows if row.distribution)
print(*[name for name in sys.modules if name.startswith("specc_")])
"""


def test_each_has_its_place_and_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    points = project["project"]["entry-points"]["specc.plugins"]
    assert points == {name: f"specc_{name}:PLUGIN" for name in PLUGINS}
    where = project["tool"]["setuptools"]["packages"]["find"]["where"]
    assert where == [".", *(f"plugins/{name}" for name in PLUGINS)]
    for name in PLUGINS:
        assert (ROOT / "plugins" / name / "README.md").is_file()
        assert (ROOT / "plugins" / name / f"specc_{name}/__init__.py").is_file()


@pytest.mark.parametrize("name", PLUGINS)
def test_the_page_says_how_long_it_is(name: str) -> None:
    """Lines of Python, and those of pieces, within 3 %."""
    page = (ROOT / "plugins" / name / "README.md").read_text(encoding="utf-8")
    said = re.search(r"About ([\d,]+) lines of Python, (\d+) of them pieces", page)
    assert said is not None
    lines = {
        file: len(file.read_text(encoding="utf-8").splitlines())
        for file in (ROOT / "plugins" / name / f"specc_{name}").rglob("*.py")
    }
    counts = (sum(lines.values()), sum(count for file, count in lines.items() if "pieces" in file.parts))
    assert [int(one.replace(",", "")) for one in said.groups()] == pytest.approx(counts, rel=0.03)


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, less those for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
        yield from imported(node)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT / "plugins").as_posix())
def test_what_a_file_of_theirs_may_import(file: Path) -> None:
    """The interface, pieces, and itself. Pieces: pieces alone."""
    own = file.relative_to(ROOT / "plugins").parts[1]
    for module in imported(ast.parse(file.read_text(encoding="utf-8"))):
        if module.partition(".")[0].startswith("specc"):
            assert module == own or module.startswith((f"{own}.", *(f"{name}." for name in PUBLIC))) or module in PUBLIC
            if "pieces" in file.parts:
                assert module.startswith(("specc.pieces", f"{own}.pieces")), module


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT / "plugins").as_posix())
def test_sizes_and_docstrings(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= FILE_LINES
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES, node.name
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_records_load_little() -> None:
    """A check waits for them, whatever its task: no arrays, no images, none of specc's own reading of data."""
    code = (
        "import sys\nfor name in sys.argv[1:]: __import__(name)\n"
        "print({'torch', 'numpy', 'PIL', 'scipy', 'specc.data.check', 'specc.deploy', 'specc.emit'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, *(f"specc_{name}" for name in PLUGINS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_the_core_names_none_of_them() -> None:
    """Neither by their names nor by the words that they bring: what the core does for one, it does for all."""
    names = {f"specc_{name}" for name in PLUGINS}
    usual = registry.usual()
    names |= {word for (kind, word), owner in usual.owners.items() if owner in PLUGINS and kind == "tasks"}
    for file in sorted(Path(specc.__file__).parent.rglob("*.py")):
        strings = {n.value for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Constant)}
        assert not names & {text for text in strings if isinstance(text, str)}, file
        assert not re.search(r"\b(import|from) specc_", file.read_text("utf-8")), file


def test_the_core_works_without_them(tmp_path: Path) -> None:
    specs = [str(ROOT / "specs" / name) for name in ("lenet.yaml", "lenet_regression.yaml")]
    done = subprocess.run([sys.executable, "-c", WITHOUT, *specs], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout.strip(), done.stderr) == ("", "")
