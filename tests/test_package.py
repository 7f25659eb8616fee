"""The package as a whole: who may import whom, what a check must never load, sizes, docs, data and the wheel."""

from __future__ import annotations

import ast
import csv
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import specc

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(specc.__file__).resolve().parent
DEMO = PACKAGE / "demo"

# Each part imports only from parts before it (and from itself).
ORDER = (
    *(
        "errors",
        "fix",
        "text",
        "render",
        "source",
        "expand",
        "shapes",
        "ir",
        "pieces",
        "arguments",
        "layer",
        "plugin",
        "study",
        "freezing",
        "settings",
        "records",
        "local",
        "blame",
        "registry",
    ),
    *(
        "spec",
        "layers",
        "ops",
        "losses",
        "optimizers",
        "schedules",
        "edits",
        "explainers",
        "augmentations",
        "rules",
        "passes",
        "tasks",
        "data",
        "core",
    ),
    *("lower", "cost", "resolved", "diagram"),
    *("emit", "compile", "run", "deploy", "answering", "studio", "report", "api", "demo", "cli", "__main__", "testing"),
)
FUNCTION_LINES, FILE_LINES = 80, 400
PROTOCOL = {"forward", "state_dict", "load_state_dict"}  # what they do is said by the libraries that call them

MODULES = {
    ".".join(("specc", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node, less what stands under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from statements(node)


def imports(name: str) -> set[str]:
    """The modules of specc that a module imports, at its top or inside a function."""
    found = set()
    for node in statements(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= inner or {str(node.module)}
    return {other for other in found if other.split(".")[0] == "specc"} - {name}


def part(module: str) -> str:
    """`specc.rules.s204` -> `rules`; `specc` itself has no part."""
    return [*module.split("."), ""][1]


@pytest.mark.parametrize("name", MODULES)
def test_imports_come_from_parts_before(name: str) -> None:
    """Deep in the order stands what knows little; nothing looks forward."""
    if part(name) == "":
        return
    assert part(name) in ORDER, f"say in ORDER where `{part(name)}` belongs"
    unknown = {part(m) for m in imports(name)} - {*ORDER, ""}
    assert not unknown, f"{name} imports {unknown}, which does not exist or is not in ORDER"
    late = [m for m in imports(name) if part(m) and ORDER.index(part(m)) > ORDER.index(part(name))]
    assert not late, f"{name} imports {late}, which stands after it"


def test_pieces_know_only_pieces() -> None:
    """What is linked into programs must not need the compiler."""
    for name in MODULES:
        if part(name) == "pieces":
            assert {part(m) for m in imports(name)} <= {"pieces"}, name


def test_no_import_cycles() -> None:
    """Not even inside one part."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(imports(name) & MODULES.keys()):
                visit(other, (*path, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())


@pytest.mark.parametrize("name", MODULES)
def test_sizes_and_docstrings(name: str) -> None:
    """A function fits on a screen or two; every public name says what it is for."""
    lines = MODULES[name].read_text(encoding="utf-8").count("\n")
    assert lines <= FILE_LINES, f"{name} has {lines} lines"
    assert ast.get_docstring(TREES[name]), f"{name} has no docstring"
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{name}.{node.name} has {length} lines"
    missing = [name for name, node in public(TREES[name]) if not ast.get_docstring(node)]
    assert not missing, f"{name}: no docstring on {missing}"


def public(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Public functions and classes of a module, and public methods of those classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if node.name not in PROTOCOL:
                yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{inner}", child) for inner, child in public(node))


GUARD = """
import sys
class Guard:
    def find_spec(self, name, path=None, target=None):
        assert name.split(".")[0] not in {heavy!r}, name + " was imported"
sys.meta_path.insert(0, Guard())
sys.argv[0] = "specc"
from specc.cli import main
main()
"""


@pytest.mark.parametrize(
    "command",
    [["--help"], ["--version"], ["check", "lenet.yaml"], ["compile", "lenet.yaml", "-o", "out"]],
    ids=lambda command: command[0],
)
def test_torch_is_never_imported(command: list[str], tmp_path: Path) -> None:
    """Checking and compiling answer at once, on a computer without PyTorch, too."""
    heavy = {"torch", "onnx", "onnxruntime", "onnxscript", "matplotlib", "sklearn", "scipy"}
    shutil.copytree(DEMO, tmp_path / "demo")
    result = subprocess.run(
        [sys.executable, "-c", GUARD.format(heavy=heavy), *command],
        cwd=tmp_path / "demo",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def rows(manifest: Path) -> list[dict[str, str]]:
    """The lines of a manifest."""
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "manifest", [DEMO / "data/mr-t1t2/t1t2.csv", ROOT / "specs/data/mr-t1t2-dicom/t1t2_dicom.csv"], ids=["png", "dicom"]
)
def test_data_is_whole(manifest: Path) -> None:
    """Every file is listed once, with its origin; each part of the split has both classes and people of its own."""
    table = rows(manifest)
    listed = [row["file"] for row in table]
    kept = {p.relative_to(manifest.parent).as_posix() for p in manifest.parent.rglob("*") if p.is_file()}
    assert len(set(listed)) == len(listed)
    assert kept - set(listed) == {manifest.name, "SOURCE.md"}
    assert set(listed) <= kept
    assert {(row["split"], row["label"]) for row in table} == {
        (part, label) for part in ("train", "val", "test") for label in ("T1", "T2")
    }
    assert len({(row["patient"], row["split"]) for row in table}) == len({row["patient"] for row in table})
    assert all(0 <= float(row["z_frac"]) <= 1 for row in table)
    assert "CC BY" in (manifest.parent / "SOURCE.md").read_text(encoding="utf-8").replace("CC-BY", "CC BY")


def test_demo_spec_is_the_example() -> None:
    """One LeNet: the packaged copy differs in its heading and in where the images lie."""
    ours = (DEMO / "lenet.yaml").read_text(encoding="utf-8").splitlines()
    example = (ROOT / "specs/lenet.yaml").read_text(encoding="utf-8").splitlines()
    differing = [(a, b) for a, b in zip(ours, example, strict=True) if a != b]
    assert len(differing) == 2
    assert all(a.startswith("#") or "manifest:" in a for a, _ in differing)


def test_links_lead_somewhere() -> None:
    """Each relative link of the README and of the pages names a file that exists."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "plugins/README.md", ROOT / "CHANGELOG.md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_first_spec_of_the_readme(tmp_path: Path) -> None:
    """What a newcomer copies is right as it stands."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    (tmp_path / "chest.yaml").write_text(blocks[0], encoding="utf-8")
    checked = specc.check(tmp_path / "chest.yaml", data=False)
    assert not checked.diagnostics, str(checked)


@pytest.mark.parametrize("spec", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_example_specs_are_clean(spec: Path) -> None:
    """With their data, and without a warning."""
    checked = specc.check(spec)
    assert not checked.diagnostics, str(checked)


def test_pages_name_commands_that_exist() -> None:
    """`specc WORD` in a code block, a table or a line of text."""
    from specc.cli.app import app

    commands = {str(command.name) for command in app.registered_commands}
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "plugins/README.md"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        code = "\n".join([*re.findall(r"```\w*\n(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)])
        words = set(re.findall(r"(?:^|&& )specc ([a-z]+)", code, re.MULTILINE))
        assert words <= commands, f"{page.name}: {words - commands}"


def test_constraints_cover_what_is_asked_for() -> None:
    """Each requirement of pyproject.toml has one tested version, inside the range that it asks for."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pins = dict(line.split("==") for line in lines if line)
    assert list(pins) == sorted(pins)
    extras = project["optional-dependencies"]
    for text in [*project["dependencies"], *(text for extra in extras.values() for text in extra)]:
        asked = Requirement(text)
        assert asked.specifier.contains(pins[canonicalize_name(asked.name)]), text


@pytest.mark.parametrize(
    ("system", "machine"),
    [(s, m) for s in ("linux", "win32", "darwin") for m in ("x86_64", "AMD64", "arm64", "ARM64", "aarch64")],
)
def test_one_onnxruntime_everywhere(system: str, machine: str) -> None:
    """The two builds share files: any computer gets exactly one, with CUDA where there is a wheel."""
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [Requirement(text) for text in project["dependencies"] if text.startswith("onnxruntime")]
    computer = {"sys_platform": system, "platform_machine": machine}
    chosen = [r.name for r in asked if r.marker and r.marker.evaluate(computer)]
    gpu = (system, machine) in {("linux", "x86_64"), ("win32", "AMD64")}
    assert chosen == ["onnxruntime-gpu" if gpu else "onnxruntime"]


@pytest.mark.slow
def test_archives_are_complete(tmp_path: Path) -> None:
    """The wheel, built from the source archive, holds all of the package and nothing else, within 4 MB unpacked."""
    skip = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "runs")
    shutil.copytree(ROOT, tmp_path / "clone", ignore=skip)
    build = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(tmp_path / "dist"),
        str(tmp_path / "clone"),
    ]
    result = subprocess.run(build, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    source, wheel = sorted((tmp_path / "dist").iterdir(), key=lambda p: p.suffix)
    places = [(tmp_path / "clone", "specc")]
    places += [(p.parent, p.name) for p in (tmp_path / "clone/plugins").glob("*/specc_*")]
    within = {
        file: file.relative_to(root).as_posix()
        for root, package in places
        for file in (root / package).rglob("*")
        if file.is_file()
    }
    wanted = set(within.values())
    assert {"specc_features/__init__.py", "specc_segmentation/__init__.py", "specc_superres/__init__.py"} <= wanted
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        assert {name for name in names if ".dist-info/" not in name} == wanted
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        points = archive.read(entry).decode()
        assert "specc = specc.cli:main" in points
        for _, package in places[1:]:
            assert f"{package.removeprefix('specc_')} = {package}:PLUGIN" in points
        assert sum(item.file_size for item in archive.infolist()) <= 4_000_000
    with tarfile.open(source) as archive_:
        held = {name.partition("/")[2] for name in archive_.getnames()}
    sources = {file.relative_to(tmp_path / "clone").as_posix() for file in within}
    assert {*sources, "constraints.txt", "specs/lenet.yaml", "tests/test_package.py", "docs/index.md"} <= held


def test_python_versions_agree() -> None:
    """The classifiers, the lint target and the lowest version say the same."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = [c.split(" :: ")[-1] for c in config["project"]["classifiers"] if "Python :: 3." in c]
    assert config["project"]["requires-python"] == f">={versions[0]}"
    assert config["tool"]["ruff"]["target-version"] == "py" + versions[0].replace(".", "")
    assert all(int(b.split(".")[1]) == int(a.split(".")[1]) + 1 for a, b in pairwise(versions))
