"""The command line: exit codes, streams, JSON, what is listed; with a small stand-in for the emitted program."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import typing
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_predict import CONTRACT, model

import specc
from specc.cli import main

DEMO = Path(specc.__file__).parent / "demo"
CODE = r"\"((?:S\d|D4|E5|T6|X7|P8)\d\d)\""
COMMANDS = ["demo", "check", "explain", "show", "compile", "train", "eval", "export", "predict", "cache", "plugins"]

PROGRAM = '''
"""A stand-in: trains nothing, writes what a training writes."""
import argparse, csv, json, os, signal, sys, time
from pathlib import Path
p = argparse.ArgumentParser()
for name in ("--data", "--run", "--cache", "--workers"): p.add_argument(name)
for name in ("--resume", "--sanity"): p.add_argument(name, action="store_true")
o = p.parse_args()
run = Path(o.run)
def tell(kind, **values): print(json.dumps({"event": kind, **values}), flush=True)
asked = []
for n in (signal.SIGINT, signal.SIGTERM): signal.signal(n, lambda n, f: asked.append(n))
rows = list(csv.DictReader(open(Path(o.data) / "t.csv")))
tell("start", device="cpu", ranks=1, parameters=10, images={"train": 8, "val": 4}, epochs=4, steps=2)
(run / "checkpoints").mkdir(exist_ok=True)
(run / "checkpoints" / "last-000000001-0123456789abcdef.safetensors").touch()
HOOK
with open(run / "metrics.jsonl", "a") as log:
    for e in range(1, 1 if (run / "model.onnx").exists() else 5):
        row = {"stage": "train", "epoch": e, "train_loss": 0.7 / e, "val_loss": 0.8 / e, "val_accuracy": 1 - 0.4 / e}
        log.write(json.dumps(row) + "\\n")
        tell("epoch", **row, seconds=0.01, best=True)
tell("trained", best_epoch=4, seconds=0.1)
(run / "model.onnx").write_bytes(bytes.fromhex(MODEL))
(run / "contract.json").write_text(CONTRACT)
tell("exported", file="model.onnx")
(run / "eval").mkdir(exist_ok=True)
with open(run / "eval" / "predictions.csv", "w") as out:
    w = csv.writer(out)
    w.writerow(["split", "file", "target", "answer", "dark", "bright"])
    for r in rows:
        bright = 0.9 if r["label"] == "bright" else 0.2
        w.writerow([r["split"], r["file"], r["label"], "bright" if bright > 0.5 else "dark", 1 - bright, bright])
tell("parity", passed=True, images=12, largest=1e-7)
tell("done")
'''

SPEC = """specc: 1
name: brightness
task: classification
input: {format: png, size: [8, 8], channels: mono, resize: fit, scale: 0..1}
output: {classes: [dark, bright], aggregate: patient}
data:
  manifest: t.csv
  columns: {image: file, label: label, patient: patient}
  split: {column: split}
model:
  layers:
    - conv2d: {filters: 2, kernel: 3, activation: relu}
    - flatten
    - dense: {units: 1, activation: sigmoid}
loss: binary_cross_entropy
optimizer: adam
train: {epochs: 4, batch_size: 4}
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec with sixty small images, in a fresh current folder."""
    lines, dice = ["file,label,patient,split"], np.random.default_rng(1)
    for number in range(60):
        bright = number % 2
        pixels = dice.integers(-20, 20, (8, 8)) + (200 if bright else 40)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{number}.png")
        split = ("train", "val", "train")[number // 2 % 3]
        lines.append(f"{number}.png,{'bright' if bright else 'dark'},p{number},{split}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "a.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "a.yaml"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Compiles every spec to the stand-in; call it with lines that the program is to run."""

    def use(hook: str = "") -> None:
        by_patient = {"output": {"classes": ["dark", "bright"], "positive": "bright", "aggregate": "patient"}}
        values = f"MODEL = {model().SerializeToString().hex()!r}\nCONTRACT = {json.dumps(CONTRACT | by_patient)!r}\n"
        text = values + PROGRAM.replace("HOOK", textwrap.dedent(hook))
        monkeypatch.setattr(import_module("specc.compile"), "compile", lambda study: {"train.py": text})

    use()
    return use


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """`cli("check", "a.yaml")` -> exit code, standard output, standard error."""

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["specc", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capfd.readouterr()
        code = caught.value.code
        assert isinstance(code, int) or code is None
        assert "Traceback" not in out + err
        return Result(code or 0, out, err)

    return run


# ---------------------------------------------------------------------- as a whole


def test_help_lists_what_works(cli: Any) -> None:
    out = cli("--help").out
    listed = out.split("Commands:")[1].split("Exit codes:")[0]
    assert [line.split()[0] for line in listed.splitlines() if line.strip()] == COMMANDS
    for command in COMMANDS:
        assert cli(command, "--help").code == 0


def test_version(cli: Any) -> None:
    assert cli("--version").out == f"specc {specc.__version__}\n"


def test_usage_errors_end_in_two(cli: Any) -> None:
    for arguments in (
        ["nonsense"],
        ["check"],
        ["train"],
        ["check", "--format", "xml", "a"],
        ["train", "--nproc", "0", "a"],
    ):
        result = cli(*arguments)
        assert (result.code, result.out) == (2, ""), arguments
        assert result.err


def fresh(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}
    )


def test_module_and_lazy_imports(tmp_path: Path) -> None:
    assert fresh("-m", "specc", "--version").stdout.startswith("specc ")
    script = (
        "import sys, specc; print([m for m in sys.modules if m.split('.')[0] in ('pydantic','numpy','torch','typer')])"
    )
    assert fresh("-c", script).stdout == "[]\n"
    script = (
        "import sys\nfrom specc.cli import main\nsys.argv = ['specc', '--help']\ntry: main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'yaml', 'rich', 'onnx', 'sklearn', 'matplotlib'}\n"
        "assert not heavy & {m.split('.')[0] for m in sys.modules}, heavy & set(sys.modules)\n"
    )
    done = fresh("-c", script)
    assert done.returncode == 0, done.stderr


def test_compile_is_a_call_whoever_imports_its_module_first(study: Path) -> None:
    code = "from specc.compile import check\nimport specc\nprint(len(specc.compile('a.yaml')) > 5)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=study.parent)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_public_names() -> None:
    assert set(specc.__all__) == {
        "__version__",
        "enable_plugin",
        "new_plugin",
        "plugin_info",
        "plugins",
        "cache",
        "check",
        "compile",
        "evaluate",
        "export",
        "predict",
        "show",
        "summarize",
        "train",
    }
    for name in specc.__all__:
        assert callable(getattr(specc, name)) or name == "__version__"
    assert specc.compile is specc.compile and callable(specc.compile)
    with pytest.raises(AttributeError):
        specc.nothing  # noqa: B018


def test_an_unforeseen_error_is_one_message_and_a_file(cli: Any, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*arguments: object, **more: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("specc.api.program.check", burst)
    result = cli("check", study)
    assert result.code == 101
    assert result.err.startswith("internal error: ZeroDivisionError") and "secret detail" not in result.err
    (report,) = Path(".specc").glob("internal-error-*.txt")
    assert "secret detail" in report.read_text() and str(report) in result.err


def test_ctrl_c_is_one_word(cli: Any, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specc.api.program.check", stop)
    result = cli("check", study)
    assert (result.code, result.err) == (130, "interrupted\n")


# ---------------------------------------------------------------------- check, explain, show, compile


def test_check_of_a_good_spec(cli: Any, study: Path) -> None:
    result = cli("check", "a.yaml")
    assert (result.code, result.err) == (0, "")
    assert result.out == "a.yaml: no errors\nnext: specc train a.yaml\n"


def test_check_of_a_bad_spec(cli: Any, study: Path) -> None:
    study.write_text(SPEC.replace("conv2d", "conv2").replace("dense:", "dence:"))
    result = cli("check", "a.yaml")
    assert result.code == 1
    assert "error[S101]" in result.err and "conv2d" in result.err and "--> a.yaml:12:7" in result.err
    assert result.out.startswith("next: ") and result.out.count("\n") == 1
    assert "\x1b" not in result.err


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machine_formats_have_standard_output_to_themselves(cli: Any, study: Path, form: str) -> None:
    (study.parent / "b.yaml").write_text(SPEC.replace("conv2d", "conv2"))
    result = cli("check", "a.yaml", "b.yaml", "--format", form)
    assert result.code == 1
    data = json.loads(result.out)
    assert result.err.splitlines()[-1].startswith("next: ")
    if form == "json":
        assert [d["code"] for d in data["diagnostics"]] == ["S101"]
        assert data["diagnostics"][0]["span"]["file"] == "b.yaml"
    good = cli("check", "a.yaml", "--format", form)
    assert good.code == 0 and json.loads(good.out)


def test_check_of_no_file(cli: Any, study: Path) -> None:
    result = cli("check", "gone.yaml")
    assert result.code == 2 and "S040" in result.err


def test_fix_applies_safe_fixes_only(cli: Any, study: Path) -> None:
    study.write_text(SPEC.replace("loss: binary", "loss:\tbinary").replace("name: brightness", "name：brightness"))
    before = cli("check", "a.yaml")
    assert before.code == 1 and "safe" in before.err
    result = cli("check", "a.yaml", "--fix")
    assert result.code == 0, result.err
    assert "fixed a.yaml" in result.err
    assert "\t" not in study.read_text() and "：" not in study.read_text()
    study.write_text(SPEC.replace("conv2d", "conv2"))
    assert cli("check", "a.yaml", "--fix").code == 1
    assert "conv2:" in study.read_text()


def test_explain(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "kernel" in cli("explain", "conv2d").out
    assert "T652" in cli("explain", "t652").out
    listed = cli("explain").out
    for word in ("conv2d", "binary_cross_entropy", "adam", "classification", "P820"):
        assert word in listed
    missing = cli("explain", "conv2")
    assert missing.code == 2 and "did you mean `conv2d`" in missing.err


def test_every_listed_word_has_a_page(tmp_path: Path) -> None:
    from specc.api import reference

    found = reference.pages(tmp_path)
    assert len(found) > 60
    for page in found:
        text = "\n".join(reference.find(found, page.word).lines())
        assert len(text) > len(page.word) + 20, page.word


def test_every_key_has_a_page(tmp_path: Path) -> None:
    """Of the language and of every task, by its path and by its own name, whatever the capitals."""
    from pydantic import BaseModel

    from specc.api import reference
    from specc.registry import core
    from specc.spec.keys import FIXED

    found = reference.pages(tmp_path)
    words = {page.word for page in found}

    def paths(path: str, annotation: Any) -> Iterator[str]:
        yield path
        for part in (annotation, *typing.get_args(annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                for name, field in part.model_fields.items():
                    yield from paths(f"{path}.{field.alias or name}", field.annotation)

    keys = {key for name, (annotation, _) in FIXED.items() for key in paths(name, annotation)}
    keys |= {key for task in core().tasks.values() for key in paths("output", task.output)}
    assert len(keys) > 50 and not keys - words, sorted(keys - words)
    assert {"vars", "blocks", "repeat", "id", "networks", "loss", "optimizer"} <= words
    assert reference.find(found, "Patience").word == "train.early_stop.patience"
    assert reference.find(found, "CONV2D").word == "conv2d"
    stride = reference.find(found, "stride")
    assert stride.kind == "argument" and any("conv2d" in words for words, _, _ in stride.arguments)
    assert "value" not in {kind for page in found for _, kind, _ in page.arguments}
    assert all(kind for page in found for _, kind, _ in page.arguments)


@pytest.mark.parametrize("name", ["reference", "diagnostics"])
def test_the_handbook_is_what_explain_shows(name: str, tmp_path: Path) -> None:
    """docs/reference.md and docs/diagnostics.md, of specc without plugins; SPECC_UPDATE_CASES=1 writes them."""
    from front_end import UPDATE

    from specc.api import handbook, reference
    from specc.registry import core

    text, file = (
        getattr(handbook, name)(reference.pages_of(core())),
        Path(__file__).resolve().parent.parent / "docs" / f"{name}.md",
    )
    if UPDATE:
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, "SPECC_UPDATE_CASES=1 pytest tests/test_cli.py -k handbook"
    assert text.count("```") % 2 == 0 and len(text) > 20_000


def test_every_code_has_a_page(tmp_path: Path) -> None:
    """Whatever code a message can carry, `specc explain` knows it."""
    from specc.api import reference

    words = {page.word for page in reference.pages(tmp_path)}
    package = Path(specc.__file__).parent
    used = {code for file in package.rglob("*.py") for code in re.findall(CODE, file.read_text(encoding="utf-8"))}
    assert len(used) > 150 and not used - words, sorted(used - words)


def test_show(cli: Any, study: Path) -> None:
    result = cli("show", "a.yaml")
    assert result.code == 0
    assert "conv1" in result.out and "2x6x6" in result.out and "3x3" in result.out
    data = json.loads(cli("show", "a.yaml", "--json").out)
    assert data["parameters"] == (9 + 1) * 2 + 72 + 1
    assert data["multiply_adds"] == 36 * 9 * 2 + 72
    first = data["layers"][0]
    assert list(first.items())[:4] == [
        ("name", "conv1"),
        ("type", "conv2d"),
        ("output_shape", [2, 6, 6]),
        ("parameters", 20),
    ]
    assert sum(layer["parameters"] for layer in data["layers"]) == data["parameters"]


def test_show_writes_pictures_and_nothing_over_anything_else(cli: Any, study: Path) -> None:
    result = cli("show", "a.yaml", "--svg", "a.svg")
    assert (result.code, result.out.splitlines()[0]) == (0, "a.svg")
    first = Path("a.svg").read_text(encoding="utf-8")
    assert first.startswith("<svg ") and "conv2d" in first
    assert cli("show", "a.yaml", "--svg", "a.svg").code == 0  # an older picture may go
    assert json.loads(cli("show", "a.yaml", "--svg", "a.svg", "--json").out)["layers"]
    text = study.read_text(encoding="utf-8")
    refused = cli("show", "a.yaml", "--svg", "a.yaml")
    assert refused.code == 2 and "T660" in refused.err and study.read_text(encoding="utf-8") == text
    assert "T659" in cli("show", "a.yaml", "--svg", "nowhere/a.svg").err


def test_show_resolved(cli: Any, study: Path) -> None:
    result = cli("show", "a.yaml", "--resolved")
    assert result.code == 0 and "next:" not in result.out and "next:" in result.err
    assert cli("show", "a.yaml", "--resolved", "-o", "b.yaml").code == 0
    assert Path("b.yaml").read_text(encoding="utf-8") == result.out
    assert cli("check", "b.yaml").code == 0
    assert "T660" in cli("show", "a.yaml", "--resolved", "-o", "b.yaml").err
    assert cli("show", "a.yaml", "--resolved", "-o", "b.yaml", "--force").code == 0


def test_show_schema(cli: Any, study: Path) -> None:
    for arguments in ([], ["a.yaml"]):
        result = cli("show", "--schema", *arguments)
        assert result.code == 0 and "# yaml-language-server: $schema=.specc/schema.json" in result.out
        schema = json.loads(Path(".specc/schema.json").read_text(encoding="utf-8"))
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_show_of_a_bad_spec_says_why(cli: Any, study: Path) -> None:
    study.write_text(study.read_text(encoding="utf-8").replace("kernel: 3", "kernel: 99"), encoding="utf-8")
    for option in ([], ["--json"], ["--svg", "a.svg"], ["--resolved"]):
        result = cli("show", "a.yaml", *option)
        assert result.code == 1 and "error[S301]" in result.err and not result.out.startswith("{"), option
    assert not Path("a.svg").exists()
    usage = cli("show")
    assert usage.code == 2 and "which spec" in usage.err


def test_lenet_has_the_parameters_of_the_paper() -> None:
    from specc.api.summary import show

    summary = show(DEMO / "lenet.yaml")
    assert summary.parameters == 156 + 2416 + 48120 + 10164 + 85
    fields = {row.name: row.field.pixels for row in summary.rows if row.field}
    assert (fields["conv1"], fields["pool1"], fields["conv2"], fields["pool2"]) == ((5, 5), (6, 6), (14, 14), (16, 16))


def test_compile_never_overwrites_unasked(cli: Any, study: Path, stand_in: Any) -> None:
    assert cli("compile", "a.yaml", "-o", "out").code == 0
    assert cli("compile", "a.yaml", "-o", "out").code == 0  # the same bytes
    assert cli("compile", "a.yaml", "-o", "out", "--diff").code == 0
    (study.parent / "out" / "train.py").write_text("mine\n")
    differs = cli("compile", "a.yaml", "-o", "out", "--diff")
    assert differs.code == 1 and "-mine" in differs.out
    refused = cli("compile", "a.yaml", "-o", "out")
    assert refused.code == 2 and "T660" in refused.err
    assert (study.parent / "out" / "train.py").read_text() == "mine\n"
    assert cli("compile", "a.yaml", "-o", "out", "--force").code == 0


def test_names_that_are_nearly_right(cli: Any, study: Path) -> None:
    (study.parent / "m.onnx").write_bytes(model().SerializeToString())
    asked = {
        ("check", "b.yaml"): "did you mean `a.yaml`?",
        ("train", "."): "name the YAML file in it: `a.yaml`",
        ("train", "--resume", "a.yaml"): "a.yaml is not the folder of a run: it is a file",
        ("predict", "n.onnx", "0.png"): "models near there: `m.onnx`",
        ("predict", "0.png", "m.onnx"): "the model comes first, then the images",
        ("predict", "m.onnx"): "no image is named",
        ("predict", "m.onnx", "0.png", "-o", "."): "is a folder",
        ("predict", "m.onnx", "0.png", "-o", "no/a.csv"): "there is no folder no",
        ("compile", "a.yaml", "-o", "t.csv"): "t.csv is a file",
    }
    for arguments, said in asked.items():
        result = cli(*arguments)
        assert result.code == 2 and said in result.err, (arguments, result.err)
        assert "specc init" not in result.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_is_no_fault_of_specc(cli: Any, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (study.parent / "m.onnx").write_bytes(model().SerializeToString())
    monkeypatch.setattr("specc.run.folders.replace", lambda file, text: Path("/dev/full").write_text(text))
    result = cli("predict", "m.onnx", "0.png", "-o", "a.csv")
    assert result.code == 2 and "error[T659]: cannot write: No space left on device" in result.err


def test_a_place_where_no_file_can_be_made_is_told_before_the_work(
    cli: Any, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder as /proc, or one that may be read only: whatever the system says when a file is made there."""

    def refuse(dir: Path) -> None:  # noqa: A002  (the name that tempfile has)
        raise OSError(errno.EROFS, "Read-only file system", str(dir))

    monkeypatch.setattr("specc.run.folders.tempfile.TemporaryFile", refuse)
    result = cli("predict", "no model at all.onnx", "0.png", "-o", "a.csv")
    assert result.code == 2 and "error[T659]: cannot write a.csv: Read-only file system" in result.err
    assert not Path("a.csv").exists()


# ---------------------------------------------------------------------- train, eval, export, predict


def test_train_to_prediction(cli: Any, study: Path, stand_in: Any) -> None:
    result = cli("train", "a.yaml", "-S", "train.epochs=7")
    assert result.code == 0, result.err
    run = Path("runs/brightness/001")
    assert "epoch 4/4" in result.err and "epoch" not in result.out.split("verdict")[0]
    assert "intensity forest" in result.out and "validation" in result.out
    assert result.out.splitlines()[-1] == f"next: specc predict {run / 'model.onnx'} FILES"
    assert "epochs: 7" in (run / "spec.yaml").read_text()
    assert (run / "eval" / "learning_curve.png").stat().st_size > 10_000
    evaluated = json.loads(cli("eval", run, "--json").out)
    assert evaluated["val"]["patients"] == 20 and evaluated["val"]["by_patient"] is not None
    assert cli("export", run).code == 0
    answered = cli("predict", run, "0.png", "1.png", "gone.png", "--json")
    rows = [json.loads(line) for line in answered.out.splitlines()]
    assert [row.get("answer") for row in rows] == ["dark", "bright", None]
    assert answered.code == 0 and answered.err.splitlines()[-1].startswith("next: ")
    assert cli("predict", run, "gone.png").code == 2


def test_train_json_is_the_last_line(cli: Any, study: Path, stand_in: Any) -> None:
    result = cli("train", "a.yaml", "--json")
    row = json.loads(result.out.splitlines()[-1])
    assert row["run"] == "runs/brightness/001" and row["best_epoch"] == 4
    assert row["metrics"]["val_accuracy"] == pytest.approx(0.9)
    assert result.err.startswith("next: ")


def test_a_run_that_is_stopped_and_resumed(cli: Any, study: Path, stand_in: Any) -> None:
    stand_in('if not o.resume: tell("stopped"); sys.exit(130)')
    stopped = cli("train", "a.yaml")
    assert stopped.code == 130
    assert stopped.out.splitlines()[-1] == "next: specc train --resume runs/brightness/001"
    assert not Path("runs/brightness/001/model.onnx").exists()
    resumed = cli("train", "--resume", "runs/brightness/001")
    assert resumed.code == 0, resumed.err
    assert Path("runs/brightness/001/model.onnx").exists() and not Path("runs/brightness/002").exists()


def test_resume_refuses_what_changed(cli: Any, study: Path, stand_in: Any) -> None:
    stand_in('if not o.resume: tell("stopped"); sys.exit(130)')
    cli("train", "a.yaml", "-S", "train.epochs=3")
    run = "runs/brightness/001"
    study.write_text(SPEC.replace("filters: 2", "filters: 3"))
    refused = cli("train", "--resume", run)
    assert refused.code == 2 and "T652" in refused.err and "filters: 3" in refused.err
    study.write_text(SPEC)
    table = study.parent / "t.csv"
    text = table.read_text()
    table.write_text(text.replace("0.png,dark", "0.png,bright"))
    assert "T653" in cli("train", "--resume", run).err
    table.write_text(text)
    before = Path("0.png").read_bytes()
    shutil.copy("1.png", "0.png")
    changed = cli("train", "--resume", run)
    assert changed.code == 2 and "T653" in changed.err and "0.png" in changed.err
    Path("0.png").write_bytes(before)
    Path(run, "code", "train.py").write_text(Path(run, "code", "train.py").read_text() + "# by hand\n")
    edited = cli("train", "--resume", run)
    assert edited.code == 0 and "warning[T655]" in edited.err


def test_failures_of_the_program(cli: Any, study: Path, stand_in: Any) -> None:
    stand_in('tell("error", code="T601", message="the loss is not finite", help="a lower learning rate"); sys.exit(3)')
    result = cli("train", "a.yaml")
    assert result.code == 3 and "error[T601]" in result.err and "a lower learning rate" in result.err
    stand_in('raise RuntimeError("something odd")')
    result = cli("train", "a.yaml")
    assert result.code == 3 and "error[T650]" in result.err and "RuntimeError: something odd" in result.err
    assert Path("runs/brightness/002/log.txt").read_text().count("Traceback") == 1


def test_a_bad_spec_makes_no_run(cli: Any, study: Path, stand_in: Any) -> None:
    study.write_text(SPEC.replace("conv2d", "conv2"))
    assert cli("train", "a.yaml").code == 1
    assert not Path("runs").exists()


@pytest.mark.parametrize(("end", "code"), [(0.001, 0), (0.68, 3)])
def test_sanity_keeps_no_run(cli: Any, study: Path, stand_in: Any, end: float, code: int) -> None:
    told = f'tell("sanity", first_loss=0.69, expected=0.693, last_loss={end}, passed={end < 0.1})'
    stand_in(f"if o.sanity: {told}; sys.exit({code})")
    result = cli("train", "a.yaml", "--sanity")
    assert result.code == code and not Path("runs").exists()
    if code:
        assert "error[T604]: one batch could not be learned by heart: its loss went from 0.69 to 0.68" in result.err
    else:
        assert result.out.startswith("sanity   passed") and result.out.endswith("next: specc train a.yaml\n")
        assert json.loads(cli("train", "a.yaml", "--sanity", "--json").out)["sanity"]["passed"] is True


def test_runs_elsewhere_and_unknown_runs(cli: Any, study: Path, stand_in: Any) -> None:
    assert cli("train", "a.yaml", "--runs", "elsewhere").code == 0
    assert Path("elsewhere/brightness/001/spec.lock.yaml").exists()
    for command in (["eval", "gone"], ["export", "gone"], ["train", "--resume", "gone"]):
        result = cli(*command)
        assert result.code == 2 and "T651" in result.err


def test_prediction_tables(cli: Any, study: Path, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(model().SerializeToString())
    table = cli("predict", "m.onnx", ".")
    assert table.out.splitlines()[0].split()[:2] == ["0.png", "dark"]
    assert "60 answered, 0 refused" in table.err and "left out: not named as PNG" in table.err
    assert cli("predict", "m.onnx", "0.png", "-o", "out.csv").code == 0
    assert Path("out.csv").read_text().splitlines()[0] == "file,patient,images,answer,dark,bright,refused,reason"
    assert "T660" in cli("predict", "m.onnx", "0.png", "-o", "out.csv").err
    by_table = cli("predict", "m.onnx", "--manifest", "t.csv", "--patient", "patient", "--json")
    rows = [json.loads(line) for line in by_table.out.splitlines()]
    assert len(rows) == 120 and rows[-1]["patient"] == "p59" and rows[-1]["images"] == 1
    assert cli("predict", "m.onnx", "--manifest", "t.csv").code == 2
    assert "P840" in cli("predict", "t.csv", "0.png").err


def test_a_thousand_files(cli: Any, study: Path, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(model().SerializeToString())
    many = tmp_path / "many"
    many.mkdir()
    for number in range(1000):
        shutil.copy("0.png", many / f"{number:04d}.png")
    (many / "0500.png").write_bytes(b"broken")
    result = cli("predict", "m.onnx", "many", "--json")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert len(rows) == 1000 and [i for i, row in enumerate(rows) if "refused" in row] == [500]
    shown = cli("predict", "m.onnx", "many")
    assert "500/1000 images" in shown.err


def test_demo_folder_is_never_overwritten(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specc.demo.run import unpack

    monkeypatch.chdir(tmp_path)
    spec = unpack(tmp_path / "specc-demo")
    assert spec.read_text() == (DEMO / "lenet.yaml").read_text()
    assert (tmp_path / "specc-demo" / "data" / "mr-t1t2" / "t1t2.csv").exists()
    result = cli("demo")
    assert result.code == 2 and "T660" in result.err
