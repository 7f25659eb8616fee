"""An example of a plugin, tried: compiled twice, linted, trained, killed, resumed and exported."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import math
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path as FilePath
from typing import Any

from specc.compile import compile as compile_study
from specc.data import check_data
from specc.data.check import look_at
from specc.emit.model import class_name
from specc.emit.program import parameters
from specc.errors import Diagnostic, SpeccError, has_errors
from specc.lower.front import front
from specc.plugin import Example, Piece, Plugin
from specc.registry import Registry
from specc.render import render
from specc.run.override import override
from specc.source import Document, parse
from specc.study import Study
from specc.testing.images import draw

STEPS = 22  # of the training: the losses of the first and of the last epoch are compared
KILLED = 3  # the checkpoint after which the training is killed
LINT = "E,W,F,I,B,C4,PIE,RET,UP,BLE,S102,S301,S307"
PACKAGES = (
    *("torch", "numpy", "safetensors", "onnx", "onnxscript", "onnxruntime"),
    *("PIL", "pydicom", "tifffile", "sklearn"),
)  # what a program may need beside the standard library: specc needs it, too
SAME = ("metrics.jsonl", "contract.json", "parity.json", "model.onnx")

# Says how many parameters each network has; the names of the classes and of the networks are filled in.
COUNTED = """
import json
import model
names = {0!r}
counts = {{name: sum(p.numel() for p in getattr(model, kind)().parameters()) for kind, name in names.items()}}
print(json.dumps(counts), flush=True)
"""
# Runs trainings, each in a process of its own that finds torch imported: jobs are (arguments, log, kill). Where `kill`
# is not 0, the job ends at its so many-th checkpoint as if the power failed.
DRIVER = """
import importlib, json, os, runpy, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in barred:
            raise ImportError(f"a program must not need {name}")

def work(arguments, log, kill):
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(out, 1), os.dup2(out, 2)
    sys.argv = arguments
    sys.path.insert(0, os.path.dirname(arguments[0]))
    sys.meta_path.insert(0, Refuse())
    import checkpoints
    save, left = checkpoints.save, [kill]
    def saved(*given, **named):
        save(*given, **named)
        left[0] -= 1
        if left[0] == 0:
            os._exit(99)
    checkpoints.save = saved
    runpy.run_path(arguments[0], run_name="__main__")

barred, jobs = json.load(sys.stdin)
if len(jobs) == 1:
    work(*jobs[0])
    sys.exit()
for name in ("torch", "numpy", "onnx", "onnxscript", "onnxruntime", "safetensors.torch"):
    importlib.import_module(name)
codes = []
for job in jobs:
    child = os.fork()
    if not child:
        try:
            work(*job)
        except SystemExit as end:
            os._exit(end.code if isinstance(end.code, int) else 0 if end.code is None else 1)
        except BaseException:
            import traceback
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""


def tried(plugin: Plugin, words: Registry, example: Example, folder: FilePath, train: bool) -> list[str]:
    """What is wrong with an example. With `train` its data are there, and it is trained."""
    texts = {str(folder / "example.yaml"): example.spec}
    try:
        document = parse(example.spec, *texts)
        if train:
            fill(example, folder)
        study, found = studied(document, words, train)
        if left := unclean(found):
            return [f"it is not clean:\n{shown(left, texts)}"]
        assert study is not None
        program = compile_study(study)
        if compile_study(studied(document, words, False)[0] or study) != program:
            return ["compiled twice, the programs differ"]
        faults = outsiders(plugin, program) + linted(program, folder / "code")
        return faults or (trained(plugin, words, document, folder) if train else [])
    except SpeccError as error:
        return [f"it is refused:\n{shown(error.diagnostics, texts | error.texts)}"]
    except Exception as error:  # noqa: BLE001  (records of a plugin may raise anything; its author wants all that fails)
        where = traceback.extract_tb(error.__traceback__)[-1]
        return [f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"]


def fill(example: Example, folder: FilePath) -> None:
    """The files that the spec names."""
    if example.data is None:
        draw(folder)
    else:
        getattr(import_module(example.data.module), example.data.name)(folder)


def studied(document: Document, words: Registry, data: bool) -> tuple[Study | None, tuple[Diagnostic, ...]]:
    """The study, and everything that is found."""
    study, found = front(document, words)
    if study is not None and data:
        found += tuple(check_data(study)[0])
    return (None if has_errors(found) else study), found


def unclean(found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Errors and warnings; warnings about data are left out, because examples have few of them."""
    return tuple(d for d in found if d.severity == "error" or (d.severity == "warning" and d.code[0] != "D"))


def shown(found: tuple[Diagnostic, ...], texts: Mapping[str, str]) -> str:
    """Diagnostics with their places."""
    return render(found, texts, "text")


def outsiders(plugin: Plugin, program: Mapping[str, str]) -> list[str]:
    """Imports of specc, of the plugin, or of what no program of specc needs."""
    barred, faults = packages(plugin), []
    known = {*sys.stdlib_module_names, *PACKAGES, *(name.removesuffix(".py") for name in program)}
    for name, text in program.items():
        if name.endswith(".py"):
            for node in ast.walk(ast.parse(text)):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                bad = [module for module in modules if module.partition(".")[0] in barred]
                faults += [f"its program imports {module} in {name}" for module in bad]
                strange = [module for module in modules if module.partition(".")[0] not in known | barred]
                more = f"a program has the standard library, {', '.join(PACKAGES)}"
                faults += [f"its program imports {module} in {name}, and {more}" for module in strange]
    return faults


def packages(plugin: Plugin) -> set[str]:
    """The packages that a program must not need: specc, and those of the plugin's pieces."""
    return {piece.module.partition(".")[0] for piece in pieces(plugin)} | {"specc"}


def pieces(value: Any) -> Iterator[Piece]:
    """Every piece in a record, at any depth."""
    if isinstance(value, Piece):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from pieces(getattr(value, field.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from pieces(one)


def linted(program: Mapping[str, str], code: FilePath) -> list[str]:
    """Write the program; what ruff says of it."""
    from ruff import find_ruff_bin

    code.mkdir()
    for name, text in program.items():
        (code / name).write_text(text, encoding="utf-8", newline="\n")
    usual = ["--isolated", "--line-length", "120"]
    faults = []
    for command in (
        ["format", "--check", *usual],
        ["check", "--output-format", "concise", *usual, "--select", LINT, "--ignore", "RET504,RET505"],
    ):
        done = subprocess.run([find_ruff_bin(), *command, "."], cwd=code, capture_output=True, text=True)
        faults += [f"its program is not clean:\n{done.stdout.strip()}"] if done.returncode else []
    return faults


def trained(plugin: Plugin, words: Registry, document: Document, folder: FilePath) -> list[str]:
    """Train it whole, and killed and resumed; what is wrong with losses, bytes and the exported model."""
    study = longer(document, words)
    program = compile_study(study)
    program["counted.py"] = COUNTED.format({class_name(network): network for network in study.passed})
    for name, text in program.items():
        (folder / "code" / name).write_text(text, encoding="utf-8", newline="\n")
    jobs = [([str(folder / "code/counted.py")], str(folder / "counted.log"), 0)]
    jobs += [job(folder, "whole"), job(folder, "again", kill=KILLED), job(folder, "again", "--resume")]
    codes = run(jobs, sorted(packages(plugin)))
    for (_, log, kill), code in zip(jobs, codes, strict=True):
        if code != (99 if kill else 0):
            tail = FilePath(log).read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
            return [f"its training ended with {code}:\n" + "\n".join(line[:300] for line in tail)]
    faults = miscounted(study, json.loads((folder / "counted.log").read_text(encoding="utf-8").splitlines()[-1]))
    faults += losses(folder / "whole")
    first, second = contents(folder / "whole"), contents(folder / "again")
    other = sorted(name for name in first if first[name] != second.get(name))
    faults += [f"killed and resumed, {', '.join(other)} differ"] if other else []
    parity = json.loads((folder / "whole" / "parity.json").read_text(encoding="utf-8"))
    return faults if parity.get("passed") else [*faults, "torch and onnxruntime give different answers"]


def miscounted(study: Study, counts: Mapping[str, int]) -> list[str]:
    """Networks whose operations count other parameters than torch does."""
    told = {network: parameters(study, network) for network in study.passed}
    return [
        f"network `{network}` has {counts[network]} parameters, and its operations count {count}"
        for network, count in told.items()
        if count != counts[network]
    ]


def longer(document: Document, words: Registry) -> Study:
    """The study with at least so many epochs that it has STEPS steps; one with phases as it is."""
    study, _ = studied(document, words, False)
    assert study is not None
    train = study.spec.train
    images = look_at(study, None, study.folder)[0].parts.count("train")
    steps = max(1, math.ceil(images / (train.batch_size * (getattr(train, "accumulate", 1) or 1))))
    epochs = max(2, math.ceil(STEPS / steps))
    if getattr(train, "phases", None) or train.epochs >= epochs:
        return study
    again, found = studied(override(document, [f"train.epochs={epochs}"]), words, False)
    if again is None:
        raise SpeccError(found)
    return again


def job(folder: FilePath, run: str, *more: str, kill: int = 0) -> tuple[list[str], str, int]:
    """A training: its arguments, the file of what it says, the checkpoint that is its last."""
    (folder / run).mkdir(exist_ok=True)
    arguments = [str(folder / "code/train.py"), "--data", str(folder), "--run", str(folder / run)]
    arguments += ["--cache", str(folder / ".cache"), "--checkpoint-seconds", "0", "--workers", "1", *more]
    return arguments, str(folder / f"{run}{len(more)}.log"), kill


def run(jobs: list[tuple[list[str], str, int]], barred: list[str]) -> list[int]:
    """The exit codes of trainings, one after another; where processes can be copied, torch is imported once."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-P", "-c", DRIVER]
    if hasattr(os, "fork"):
        asked = json.dumps([barred, jobs])
        done = subprocess.run(command, input=asked, env=environment, capture_output=True, text=True)
        if done.returncode:
            return [done.returncode] * len(jobs)
        codes: list[int] = json.loads(done.stdout.splitlines()[-1])
        return codes
    return [
        subprocess.run(command, input=json.dumps([barred, [one]]), env=environment, text=True).returncode
        for one in jobs
    ]


def losses(run: FilePath) -> list[str]:
    """Numbers of the log that are none, and a loss that did not fall."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    numbers = [value for row in rows for value in row.values() if isinstance(value, float)]
    if not numbers or not all(math.isfinite(value) for value in numbers):
        return ["its losses and scores are not all finite"]
    shown = [row["train_loss"] for row in rows if "train_loss" in row]
    if shown and not shown[-1] < shown[0]:
        return [f"its loss does not fall: {shown[0]:.6g} in the first epoch, {shown[-1]:.6g} after {len(shown)}"]
    return []


def contents(run: FilePath) -> dict[str, str]:
    """SHA-256 of what a training leaves: its log, its model, its last checkpoints."""
    files = [run / name for name in SAME if (run / name).is_file()]
    for kind in ("last", "best"):
        files += sorted((run / "checkpoints").glob(f"{kind}-*.safetensors"))[-1:]
    return {
        ("the " + file.name[:4] + " checkpoint" if file.suffix == ".safetensors" else file.name): hashlib.sha256(
            file.read_bytes()
        ).hexdigest()
        for file in files
    }
