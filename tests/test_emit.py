"""The emitted program: the same bytes each time, clean, within its lines, alone, and never more than its spec says."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from front_end import UPDATE, examine
from programs import ROOT, SAME, events, program, put, spec, start, study_of
from ruff import find_ruff_bin

from specc.compile import check
from specc.compile import compile as compile_study
from specc.emit.inert import NotInert, placeholder, require_inert
from specc.emit.link import LinkFault
from specc.emit.literal import literal
from specc.emit.program import digest, linked
from specc.pieces import tables
from specc.study import Study

SPECS = sorted((ROOT / "specs").glob("*.yaml"))
LIMITS = {"train": 160, "data": 150, "deploy": 100, "runtime": 170, "readers": 400}
MAY = {"torch", "numpy", "safetensors", "onnx", "onnxruntime", "PIL", "tifffile", "pydicom"}


def emitted(path: Path) -> dict[str, str]:
    """The program of a spec that comes along."""
    study, found = check(path, data=False)
    assert study is not None, found
    return compile_study(study)


@pytest.fixture(scope="module")
def programs() -> dict[str, dict[str, str]]:
    """The programs of all specs that come along."""
    return {path.stem: emitted(path) for path in SPECS}


def test_there_are_specs() -> None:
    assert {"lenet", "lenet_dicom", "lenet_regression", "small_resnet"} <= {path.stem for path in SPECS}


def test_same_spec_same_bytes(programs: dict[str, dict[str, str]]) -> None:
    """In this process again, and in one that orders its sets in another way."""
    assert emitted(SPECS[0]) == programs[SPECS[0].stem]
    code = (
        "import sys; from specc.compile import check, compile\n"
        "from specc.emit.program import digest\n"
        "for path in sys.argv[1:]: print(digest(compile(check(path, data=False)[0])))"
    )
    command = [sys.executable, "-c", code, *map(str, SPECS)]
    said = {
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True).stdout
        for seed in ("1", "2")
    }
    assert said == {"".join(digest(programs[path.stem]) + "\n" for path in SPECS).encode()}


def test_formatted_and_lint_clean(programs: dict[str, dict[str, str]], tmp_path: Path) -> None:
    for name, files in programs.items():
        put(files, tmp_path / name)
    for command in (
        ["format", "--check", "--isolated", "--line-length", "120", "."],
        ["check", "--isolated", "--line-length", "120", "."],
        ["check", "--isolated", "--line-length", "120", "--select", "E,W,F,I,B,C4,PIE,RET,UP,BLE,S102,S301,S307",
         "--ignore", "RET504,RET505", "."],
    ):  # fmt: skip
        for folder in tmp_path.iterdir():
            done = subprocess.run([find_ruff_bin(), *command], cwd=folder, capture_output=True, text=True)
            assert done.returncode == 0, (folder.name, done.stdout)


def test_imports(programs: dict[str, dict[str, str]]) -> None:
    for files in programs.values():
        own = {name.removesuffix(".py") for name in files}
        for name, text in files.items():
            if name == "contract.json":
                continue
            tree = ast.parse(text)
            compile(tree, name, "exec")
            assert text.isascii()
            found = {alias.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
            found |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
            assert found <= own | MAY | sys.stdlib_module_names, name
            assert "specc" not in found
            assert name in ("deploy.py", "export.py") or not {"onnx", "onnxruntime"} & found


def test_line_limits(programs: dict[str, dict[str, str]]) -> None:
    for path in SPECS:
        study, files = check(path, data=False)[0], programs[path.stem]
        assert study is not None
        for name, most in LIMITS.items():
            assert files[f"{name}.py"].count("\n") <= most, (path.stem, name)
        layers = sum(len(graph.nodes) for graph in study.passed.values())
        written = files["model.py"].count("\n")
        modules = sum(study.registry.ops[n.op].module is not None for g in study.passed.values() for n in g.nodes)
        assert written <= 40 + layers + modules, path.stem
    assert programs["lenet"]["model.py"].count("\n") <= 40 + 8


def test_what_is_the_same_everywhere(programs: dict[str, dict[str, str]]) -> None:
    for name in SAME:
        assert len({files[f"{name}.py"] for files in programs.values()}) == 1, name


GOLDEN = {"train.py", "model.py", "data.py", "deploy.py", "augment.py"}


@pytest.mark.parametrize("name", ["lenet", "small_resnet"])
def test_golden(name: str, programs: dict[str, dict[str, str]]) -> None:
    folder = Path(__file__).parent / "cases" / "emit" / name
    for file in sorted(GOLDEN & programs[name].keys()):
        text = programs[name][file]
        if UPDATE:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        assert (folder / file).read_text(encoding="utf-8") == text, f"{file}: SPECC_UPDATE_CASES=1 writes it anew"


def test_runs_alone(tmp_path: Path) -> None:
    """`python train.py` in a folder that was empty, with the data beside it; a second training is refused."""
    text = (ROOT / "specs" / "lenet.yaml").read_text(encoding="utf-8").replace("../specc/demo/data/", "")
    put(program(text.replace("epochs: 40", "epochs: 1 ")), tmp_path)
    source = ROOT / "specc" / "demo" / "data" / "mr-t1t2"
    for row in [{"file": "t1t2.csv"}, *tables.read_manifest(source / "t1t2.csv")]:
        place = tmp_path / "mr-t1t2" / row["file"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((source / row["file"]).read_bytes())
    done = start(tmp_path / "train.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert events(done.stdout)[-1]["event"] == "parity"
    assert json.loads((tmp_path / "run" / "parity.json").read_bytes())["passed"]
    assert (tmp_path / "run" / "model.onnx").stat().st_size > 200_000
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 1


# ---------------------------------------------------------------------- networks


def test_a_line_for_each_operation_and_no_import_too_many() -> None:
    model = program(spec(model="{layers: [global_avgpool, {dense: {units: 1, activation: sigmoid}}]}"))["model.py"]
    assert "import torch" not in model.replace("from torch import", "")
    assert "x = image.mean((2, 3))  # (B, 1)\n        x = self.dense1(x)  # (B, 1)\n        return x\n" in model


def test_any_id_is_safe() -> None:
    """An id may be called like what torch or the emitted file uses: the network is the same."""
    import keyword

    import torch

    names = [name for name in dir(torch.nn.Module()) if name[0] != "_" and name.islower()]
    names += ["x", "l", "self", "torch", "nn", "f", "tensor", "print", "isinstance", "module", "conv1", "relu2"]
    names = [name for name in dict.fromkeys(names) if not keyword.iskeyword(name)]
    images = torch.rand(2, 1, 8, 8)
    answers = []
    for name in ["usual", *names]:
        layers = f"""[{{conv2d: {{id: {name}, filters: 2, kernel: 3, padding: same}}}}, relu, {{conv2d: {{filters: 2,
            kernel: 3, padding: same}}}}, relu, {{add: {{with: {name}}}}}, global_avgpool,
            {{dense: {{units: 1, activation: sigmoid}}}}]"""
        study = study_of(spec(model=f"{{layers: {layers}}}"))
        space: dict[str, object] = {}
        exec(compile(linked(study)[1]["model.py"], "model.py", "exec"), space)
        network = space["Network"]
        assert isinstance(network, type)
        torch.manual_seed(0)
        net = network().eval()
        assert len(list(net.train().named_parameters())) == 6
        answers.append(net(images))
    assert all(torch.equal(answer, answers[0]) for answer in answers)


# ---------------------------------------------------------------------- injection

TARGET = {
    "task": "regression",
    "model": "{layers: [flatten, {dense: {units: 1}}]}",
    "loss": "mean_squared_error",
}
LABELS = "columns: {image: file, label: label}"
PARTS = "split: {train: 80, val: 20, group: GROUP}"
PLACES = {
    "classes": spec(output="{classes: [plain, TEXT]}"),
    "positive": spec(output="{classes: [TEXT, plain], positive: TEXT}"),
    "manifest": spec(data=f"{{manifest: TEXT, {LABELS}, split: {{column: part}}}}"),
    "folders": spec(data=f"{{folders: TEXT, {PARTS}}}".replace("GROUP", "folder")),
    "columns": spec(
        data="{manifest: t.csv, columns: {image: TEXT, label: TEXT, patient: TEXT}, split: {column: TEXT}}",
        card="TEXT",
        model="{layers: [flatten, {dense: {units: 2, activation: softmax}}]}",
        loss="categorical_cross_entropy",
        allow="{two_class_softmax: TEXT}",
    ),
    "word": spec(data=f"{{manifest: t.csv, {LABELS}, {PARTS}}}".replace("}, split", ", TEXT: other}, split", 1)),
    "before": spec(data=f"{{manifest: t.csv, {LABELS}, {PARTS}}}".replace("GROUP", "{before: TEXT}")),
    "target": spec(
        **TARGET,
        output="{target: TEXT, unit: TEXT}",
        data="{manifest: t.csv, columns: {image: file, target: TEXT}, split: {column: part}}",
    ),
    "targets": spec(
        **TARGET,
        output="{targets: {TEXT: TEXT}, standardize: true}",
        data="{manifest: t.csv, columns: {image: file, targets: {TEXT: TEXT}}, split: {column: part}}",
    ),
}
PLACES["word"] = PLACES["word"].replace("GROUP", "TEXT")
HOSTILE = [
    "it's", '"', "'", '"""', "'''", "\\", "a\\", "a\nb", "a\rb", "a\r\nimport os", "a\0b", "a\ud800b", "a\u2028b",
    "a\x0cb", "a\u202eb", "# coding: raw_unicode_escape \\u000aimport os", "\\u000aimport os", "\\N{LINE FEED}",
    "{{7*7}}", "{0.__class__}", "{x!r:>{y}}", "}", "{", "%(x)s", "${env:HOME}", "$(rm -rf /)",
    "__import__('os').system('id')", "'}/{__import__(\"os\").system(\"id\")}'", "]); import os; os.system('id') #",
    '"); import os; os.system("id") #', "#", "class", "match", "lambda: 0", "torch", "self", "__class__", "ﬁ", "fi",
    "а", "é\u0301", "肺", "", " ", "x" * 10_000, "Name ", "CON", "../../etc/passwd", "/etc/passwd", "\\\\host\\share",
    "C:\\x", "-rf", "~", "http://example.org/x.pkl", "x.pkl", "!!python/object/apply:os.system [id]", "no", "012",
    "12:30:45", ".nan", "1e400", "9" * 5000, "true", "folder", "none", "patient", "file", "label",
    "os.system", "torch.load", "torch.hub.load", "builtins.eval", "_target_", "$expr",
]  # fmt: skip


def hostile(place: str, text: str) -> str:
    """The spec with a text in a place, in double quotes."""
    return PLACES[place].replace("TEXT", json.dumps(text))


@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_is_refused_with_a_place_or_is_only_data(place: str) -> None:
    usual = study_of(hostile(place, "plainly"))
    shape = linked(usual)[1]
    passed = 0
    for text in HOSTILE:
        study, found = examine(hostile(place, text))
        if study is None:
            assert all(fault.span is not None for fault in found if fault.severity == "error"), text
            continue
        passed += 1
        files = linked(study)[1]
        require_inert(files, linked(placeholder(study))[1])
        constants = {n.value for t in files.values() for n in ast.walk(ast.parse(t)) if isinstance(n, ast.Constant)}
        assert place == "word" or any(text in value for value in constants if isinstance(value, str)), text
        if text not in ("folder", "none", "patient", "file", "label"):  # words with a meaning of their own
            require_inert({**files, "train.py": ""}, {**shape, "train.py": ""})  # its docstring has the spec's hash
    assert passed > 10


def test_hostile_text_through_the_whole_emission() -> None:
    for place in PLACES:
        for text in ("'}/{__import__(\"os\")}'", 'ä"\\'):
            study, _ = examine(hostile(place, text))
            if study is not None:
                files = compile_study(study)
                assert files.keys() == program(hostile(place, "plainly")).keys()


def test_a_leak_is_noticed() -> None:
    """The proof fails for text in code, comments, docstrings, imports, file names, and for what is not ASCII."""
    plain = {"a.py": '"""Doc."""\nimport os\n\nx = "text1"  # why\n'}
    require_inert({"a.py": '"""Doc."""\nimport os\n\nx = "\\xe4\'"  # why\n'}, plain)
    for text in (
        '"""Doc."""\nimport os\n\nx = "a"; y  # why\n',
        '"""Doc."""\nimport os\n\nx = "a"  # who\n',
        '"""Dog."""\nimport os\n\nx = "a"  # why\n',
        '"""Doc."""\nimport sys\n\nx = "a"  # why\n',
        '"""Doc."""\nimport os\n\nx = "ä"  # why\n',
        '"""Doc."""\nimport os\n\nx = f"{a}"  # why\n',
        '"""Doc."""\nimport os\n\nx = "a\n',
        '"""Doc."""\nimport os\n\nx = 1  # why\n',
    ):
        with pytest.raises(NotInert):
            require_inert({"a.py": text}, plain)
    with pytest.raises(NotInert, match="files depend"):
        require_inert({"b.py": plain["a.py"]}, plain)


def test_the_emission_is_refused_where_a_text_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sink that forgets the literal is found before anything is written."""
    from specc.emit import tasks

    def careless(value: object) -> str:
        return f"({', '.join(value)},)" if isinstance(value, tuple) and "np" in value else literal(value)

    monkeypatch.setattr(tasks, "literal", careless)
    with pytest.raises((NotInert, LinkFault)):
        program(spec(output="{classes: [np, Any]}"))


@pytest.mark.parametrize("value", ["é\u202e\n'\"\\{", (), ("a",), [1, 2.5], {"k": None, "j": (True,)}, -0.0, 10**30])
def test_literals_are_what_they_say(value: object) -> None:
    text = literal(value)
    assert text.isascii()
    assert ast.literal_eval(text) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {1, 2}, (float("nan"),), print])
def test_no_literal(value: object) -> None:
    with pytest.raises(ValueError, match="has no literal"):
        literal(value)


AUDIT = """
import json, sys
sys.path.insert(0, {tests!r})
import yaml
from test_emit import CANARIES, HOSTILE, PLACES, examine, hostile, inert, strings
usual = [hostile(place, "plainly") for place in PLACES]
texts = [hostile(place, text) for place in PLACES for text in HOSTILE[::7]]
for text in usual:
    tree = yaml.safe_load(text)
    for node, key in list(strings(tree)):
        for canary in CANARIES:
            old, node[key] = node[key], canary
            texts.append(json.dumps(tree))
            node[key] = old
bad = ["model: [", "a: !!python/name:os.system x", usual[0] + "x: 1", usual[0].replace("adam", "os.system"), "\\0", ""]
for text in usual + bad + texts[::20]:
    inert(examine(text)[0])  # what specc itself imports lazily
heard, usually = set(), set()
watched = {{"import", "exec", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "subprocess.Popen",
           "socket.connect", "socket.getaddrinfo", "pickle.find_class", "ctypes.dlopen", "marshal.loads"}}
def listen(event, details):
    if event in watched:
        code = getattr(details[0], "co_names", ()), getattr(details[0], "co_consts", details[0])
        heard.add((event, str(code)))
sys.addaudithook(listen)
for text in usual:
    inert(examine(text)[0])
usually, heard = heard, set()  # annotations of specc's own models, which pydantic evaluates
done = [0, 0]
for text in texts:
    study, found = examine(text)
    done[study is None] += 1
    assert study is not None or any(fault.severity == "error" and fault.span for fault in found), text
    inert(study)
assert heard <= usually, heard - usually
assert {{event for event, _ in usually}} <= {{"exec"}}, usually
assert min(done) > 50, done
assert "torch" not in sys.modules
eval("'canary'")
assert len(heard - usually) == 1, "the hook listens"
"""
CANARIES = ("os.system", "torch.load", "torch.hub.load")


def strings(node: Any) -> Iterator[tuple[Any, Any]]:
    """Where texts stand in a tree: container and key."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, str):
                yield node, key
            yield from strings(value)


def inert(study: Study | None) -> None:
    """What is printed for a study is proved to be inert."""
    if study is not None:
        require_inert(linked(study)[1], linked(placeholder(study))[1])


def test_nothing_is_imported_or_executed(tmp_path: Path) -> None:
    """An audit hook listens while hostile specs are read, checked and printed; canaries stand in every string field."""
    code = AUDIT.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
