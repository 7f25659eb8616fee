"""Plugins that are wrong: whatever they do, a person gets a message that names the plugin, and never a traceback."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from specc.compile import check
from specc.compile import compile as compile_study
from specc.errors import Diagnostic, SpeccError
from specc.render import render
from specc.rules.examples import complete

NUMBERS = itertools.count(1)
HEAD = """
from pydantic import Field
from specc.data.look import DataRule
from specc.errors import Diagnostic
from specc.plugin import (
    Arguments, Augmentation, Column, Layer, Loss, Op, Optimizer, Piece, Plugin, Program, Rule, Schedule, Setting,
    ShapeFault, Source, Task,
)
"""
GOOD = """
def good(outputs, targets):
    return (outputs.flatten(1) - targets[:, None]).square().mean(1)
"""
LOSS = complete("loss: clumsy_loss\nallow: {other_loss: to be seen}")
TASK = """
specc: 1
name: study
task: clumsy_task
input: {format: png, size: [16, 16], channels: mono, scale: 0..1}
data: {images: images, split: {train: 80, val: 20, group: none}}
model: {layers: [flatten, dense: {units: 1}]}
loss: mean_squared_error
optimizer: adam
train: {epochs: 1, batch_size: 4}
"""
PARTS = """
import torch
from specc.pieces import runtime as rt
from specc.pieces.slots import Network

def build(config, images, device):
    return rt.Work({"network": Network()}, (), dict, ("epoch", 1), 1)

def leave(work, images, options):
    return True

"""
DATA = """
def known(rows):
    return {}
"""
SYMBOLS = '{"build": at("build"), "export_model": at("leave"), "targets_of": at("known", "data")}'
HOMES = '{"PACKAGE.parts": "train", "PACKAGE.data": "data"}'

PROBES_ALONE = {"default_boxes", "domains", "judge_a", "judge_b", "cycle_error", "fooled"}
Ask = Callable[..., list[Diagnostic]]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """What is said of a spec in a project that enables a plugin of this text (`PACKAGE` is the name of its package)."""

    def asked(record: str, spec: str = LOSS, **modules: str) -> list[Diagnostic]:
        package, project = f"clumsy_{next(NUMBERS)}", tmp_path / "project"
        site = tmp_path / f"site_of_{package}"
        for place in (site / package, site / f"{package}-1.0.dist-info", project / "images"):
            place.mkdir(parents=True, exist_ok=True)
        (site / f"{package}-1.0.dist-info/METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.0\n"
        )
        (site / f"{package}-1.0.dist-info/entry_points.txt").write_text(f"[specc.plugins]\nclumsy = {package}:PLUGIN\n")
        for name, text in {"__init__": HEAD + record, "parts": PARTS, "data": DATA, **modules}.items():
            (site / package / f"{name}.py").write_text(textwrap.dedent(text.replace("PACKAGE", package)), "utf-8")
        for number in range(8):
            pixels = np.random.default_rng(number).integers(0, 255, (16, 16)).astype(np.uint8)
            PIL.Image.fromarray(pixels).save(project / f"images/{number}.png")
        (project / "table.csv").write_text("file,thing\n" + "".join(f"images/{n}.png,{n}\n" for n in range(8)))
        (project / "list.txt").write_text("images/0.png\n")
        (project / "specc.toml").write_text('[plugins]\nenabled = ["clumsy"]\n')
        (project / "study.yaml").write_text(spec, encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(site)
            try:
                study, found = check(project / "study.yaml", data="task: clumsy_task" in spec)
                texts = dict[str, str]()
                if study is not None:
                    compile_study(study)
            except SpeccError as error:
                found, texts = error.diagnostics, error.texts
        assert bool(render(tuple(found), texts)) == bool(found)
        return [one for one in found if one.severity == "error"]

    return asked


def named(found: list[Diagnostic], code: str, *words: str, spec: bool = True) -> None:
    """One fault, which says whose it is, where it is, and what to do."""
    (one,) = found
    assert one.code == code, one
    text = " ".join([one.message, one.label, *(note.text for note in one.notes)])
    assert "the plugin `clumsy`" in one.message
    for word in words:
        assert word in text, (word, text)
    assert {note.kind for note in one.notes} >= {"help", "more"}
    assert one.span is not None, "it has a place"
    assert one.span.file.endswith("study.yaml" if spec else "specc.toml")
    assert "\n" not in one.message


def task(program: str = f"Program({SYMBOLS}, HOMES)", more: str = "", before: str = "") -> str:
    """The text of a plugin with a task."""
    return f"""
HOMES = {HOMES}

def at(name, module="parts"):
    return Piece(f"PACKAGE.{{module}}", name)

def program(study):
    return {program}

{before}
TASK = Task("clumsy_task", "To be seen.", program, lambda study: {{}}{more and ", "}{more})
PLUGIN = Plugin("clumsy", tasks=(TASK,))
"""


def loss(piece: str, more: str = "") -> str:
    """The text of a plugin with a loss."""
    return f'PLUGIN = Plugin("clumsy", losses=(Loss("clumsy_loss", {piece}, ("sigmoid",), "To be seen."{more}),))'


def test_what_is_right_is_silent(ask: Ask) -> None:
    assert ask(loss('Piece("PACKAGE.good", "good")'), good=GOOD) == []
    assert ask(task(), TASK) == []


# ------------------------------------------------------------------ records


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ('losses=Loss("clumsy_loss", Piece("a", "b"), (), "x")', ["write (Loss(...),) with a comma"]),
        ('losses=(Loss("clumsy loss", Piece("a", "b"), (), "x"),)', ["PLUGIN.losses[0].name", "'clumsy loss'"]),
        ('losses=(Loss("Clumsy", Piece("a", "b"), (), "x"),)', ["small letters", "'Clumsy'"]),
        ('losses=(Loss("class", Piece("a", "b"), (), "x"),)', ["'class'"]),
        ('losses=(Loss(7, Piece("a", "b"), (), "x"),)', ["PLUGIN.losses[0].name must be text", "7 (int)"]),
        ('losses=(Loss("clumsy_loss", "a.b", (), "x"),)', ["PLUGIN.losses[0].piece must be a Piece"]),
        ('losses=(Loss("clumsy_loss", Piece("a", 3), (), "x"),)', ["PLUGIN.losses[0].piece", "name must be text"]),
        ('losses=(Loss("clumsy_loss", Piece("a", "b"), "sigmoid", "x"),)', ["fits must be a tuple of text"]),
        ('losses=(Loss("clumsy_loss", Piece("a", "b"), (), None),)', ["doc must be text"]),
        ('losses=(Loss("clumsy_loss", Piece("a", "b"), (), "x", arguments=dict),)', ["a class made from Arguments"]),
        ('losses=("clumsy_loss",)', ["PLUGIN.losses[0] must be a Loss record"]),
        ('layers=(Loss("clumsy_loss", Piece("a", "b"), (), "x"),)', ["PLUGIN.layers[0] must be a Layer record"]),
        ('rules=(Rule("Z1", "x", print),)', ["capital letter and three or four digits"]),
        ('rules=(Rule("Z101", "x", None),)', ["PLUGIN.rules[0].check must be a function"]),
        ('tasks=(Task("t", "x", print, print, networks=("a b",)),)', ["PLUGIN.tasks[0].networks: 'a b'"]),
        ('tasks=(Task("t", "x", print, print, keys={"my-key": (int, 1)}),)', ["'my-key'"]),
        ('tasks=(Task("t", "x", print, print, columns=(Column("a,b", "x"),)),)', ["columns[0].name"]),
        ('tasks=(Task("t", "x", print, print, metrics=["dice"]),)', ["metrics must be a Mapping"]),
        ('tasks=(Task("t", "x", print, print, output={"a": 1}),)', ["output must be a class made from Arguments or"]),
        ('doc=3, losses=(Loss("clumsy_loss", 1, 2, 3),)', ["also: "]),
    ],
)
def test_a_record_of_another_form(ask: Ask, record: str, words: list[str]) -> None:
    named(ask(f'PLUGIN = Plugin("clumsy", {record})'), "S120", *words, spec=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def (:", ["SyntaxError"]),
        ("import no_such_module_at_all", ["no_such_module_at_all"]),
        ("raise SystemExit(3)", ["SystemExit"]),
        ("PLUGIN = 3", ["is not a Plugin record"]),
        ('PLUGIN = Plugin("another")', ["calls itself `another`"]),
        ('PLUGIN = Plugin("clumsy", losses=(Loss("x"),))', ["TypeError", "missing"]),
        ("", ["PLUGIN"]),
    ],
)
def test_a_module_that_cannot_be_loaded(ask: Ask, text: str, words: list[str]) -> None:
    (one,) = ask(text)
    assert one.code == "S112"
    assert "the plugin `clumsy`" in one.message
    assert all(word in one.message for word in words)


def test_two_plugins_with_one_word_are_both_named(ask: Ask) -> None:
    (one,) = ask(loss('Piece("PACKAGE.good", "good")').replace("clumsy_loss", "mean_squared_error"), good=GOOD)
    assert one.code == "S109"
    assert "`specc` and `clumsy`" in one.message
    (one,) = ask('PLUGIN = Plugin("clumsy", rules=(Rule("S204", "mine", lambda study: []),))')
    assert one.code == "S109"
    assert "two plugins bring `S204` (codes): `specc` and `clumsy`" in one.message


# ------------------------------------------------------------------ pieces


@pytest.mark.parametrize(
    ("piece", "text", "words"),
    [
        ('Piece("PACKAGE.good", "nowhere")', GOOD, ["has no `nowhere`"]),
        ('Piece("PACKAGE.gone", "good")', GOOD, ["there is no source of module", "gone"]),
        ('Piece("no_such_package.good", "good")', GOOD, ["no_such_package"]),
        ('Piece("PACKAGE.good", "good")', "def good(:\n", ["is no Python", "line 1"]),
        ('Piece("PACKAGE.good", "good")', "def good(outputs):\n    return outputs\n", ["takes 1 arguments", "given 2"]),
        ('Piece("PACKAGE.good", "good")', "def good(a, b, c):\n    return a\n", ["needs `c`"]),
        ('Piece("PACKAGE.good", "good")', "def good(a, b, *, c):\n    return a\n", ["needs `c`"]),
        (
            'Piece("PACKAGE.good", "good")',
            "from specc.errors import Span\n\ndef good(a, b):\n    return Span\n",
            ["uses Span of specc.errors", "a program needs no specc"],
        ),
        (
            'Piece("PACKAGE.good", "good")',
            "def good(a, b):\n    from specc.errors import Span\n    return Span\n",
            ["imports specc.errors inside of itself"],
        ),
        (
            'Piece("PACKAGE.good", "good")',
            "def good(a, b):\n    import PACKAGE\n    return a\n",
            ["inside of itself", "clumsy_"],
        ),
        (
            'Piece("PACKAGE.good", "good")',
            "from PACKAGE import PLUGIN\n\ndef good(a, b):\n    return PLUGIN\n",
            ["has no file in the program"],
        ),
        ('Piece("PACKAGE.good", "good")', "def good(a, b):\n    return helper(a)\n", ["uses helper, which is not"]),
        ('Piece("PACKAGE.good", "good")', 'def good(a, b):\n    """Größe."""\n    return a\n', ["which is not ASCII"]),
        (
            'Piece("PACKAGE.good", "good")',
            "from specc.pieces.slots import no_such_slot\n\ndef good(a, b):\n    return no_such_slot(a)\n",
            ["nothing is bound to the slot no_such_slot"],
        ),
        (
            'Piece("PACKAGE.good", "good")',
            "from specc.pieces import losses\n\ndef good(a, b):\n    return losses.huber(a, b, 1)\n",
            ["uses losses of specc.pieces"],
        ),
        (
            'Piece("PACKAGE.good", "good"), bind=lambda given: {"depth": 3}',
            GOOD,
            ["has no argument `depth`"],
        ),
        ('Piece("PACKAGE.good", "good"), bind=lambda given: 1 / 0', GOOD, ["ZeroDivisionError", "in <lambda>"]),
        (
            'Piece("PACKAGE.good", "good"), bind=lambda given: {"c": {1, 2}}',
            "def good(a, b, c):\n    return a\n",
            ["set has no literal"],
        ),
        (
            'Piece("PACKAGE.good", "good"), compose=lambda given, answers: ("good(outputs", ("good",))',
            GOOD,
            ["cannot stand in a program", "no Python"],
        ),
        ('Piece("PACKAGE.good", "good"), compose=lambda given, answers: None', GOOD, ["cannot stand in a program"]),
    ],
)
def test_a_piece_that_cannot_stand_in_a_program(ask: Ask, piece: str, text: str, words: list[str]) -> None:
    first, _, more = piece.partition("), ")
    record = loss(first + ")", f", {more}") if more else loss(piece)
    named(ask(record, good=text), "S119" if "1 / 0" in piece else "S117", *words)


def test_relative_imports_and_quotes_are_no_fault(ask: Ask) -> None:
    text = "from .helper import half\n\ndef good(a, b, word):\n    return half(a) if word else a\n"
    record = """
    PLUGIN = Plugin("clumsy", losses=(
        Loss("clumsy_loss", Piece("PACKAGE.good", "good"), ("sigmoid",), "x",
             bind=lambda given: {"word": "it's \\"so\\" \\\\ \\n {x}"}),
        Loss("other_loss", Piece("PACKAGE.helper", "half"), ("sigmoid",), "x"),
    ))
    """
    assert ask(textwrap.dedent(record), good=text, helper="def half(a, b=1):\n    return a / 2\n") == []


# ------------------------------------------------------------------ rules, layers, tasks


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise KeyError('gone')", ["raises KeyError: 'gone'", "in judge"]),
        ("return None", ["has a rule Z101 that answers with None"]),
        ("return ['wrong']", ["answers with ['wrong']"]),
        ("return study.spec.no_such_key", ["AttributeError", "no_such_key"]),
    ],
)
def test_a_rule_that_fails(ask: Ask, body: str, words: list[str]) -> None:
    record = f"def judge(study):\n    {body}\n\nPLUGIN = Plugin('clumsy', rules=(Rule('Z101', 'mine', judge),))"
    named(ask(record, complete("train: {epochs: 3, batch_size: 8}")), "S119", *words)


LAYER = """
def infer(attrs, shapes):
    {infer}

def lower(builder, arguments, value):
    {lower}

OP = Op("clumsy_op", infer, lambda node, names: {call}, "x", "x")
PLUGIN = Plugin("clumsy", ops=(OP,), layers=(Layer("clumsy_layer", Arguments, lower, "x", "clumsy_layer"),))
"""
LOWER = 'return builder.add("clumsy_op", (value,))'


@pytest.mark.parametrize(
    ("infer", "lower", "call", "words"),
    [
        ("return shapes[0]", "return None", "names[0]", ["`lower` returns None"]),
        ("return shapes[0]", "return 'elsewhere'", "names[0]", ["`lower` returns 'elsewhere'"]),
        ("return shapes[0]", "return value.nothing", "names[0]", ["AttributeError"]),
        ("return shapes[0]", "return builder.add('no_op', (value,))", "names[0]", ["KeyError: 'no_op'"]),
        ("return shapes[0]", "return builder.add('clumsy_op', ('gone',))", "names[0]", ["KeyError: 'gone'"]),
        ("return None", LOWER, "names[0]", ["`infer` returns None, which is no shape"]),
        ("return (0, 3)", LOWER, "names[0]", ["`infer` returns (0, 3)"]),
        ("return [4]", LOWER, "names[0]", ["`infer` returns [4]"]),
        ("return shapes[3]", LOWER, "names[0]", ["IndexError"]),
        ("return shapes[0]", LOWER, "names[7]", ["IndexError"]),
        ("return shapes[0]", LOWER, "'((('", ["cannot stand in a program"]),
    ],
)
def test_a_layer_that_fails(ask: Ask, infer: str, lower: str, call: str, words: list[str]) -> None:
    spec = complete(
        "model: {layers: [clumsy_layer, flatten, dense: {units: 1, activation: sigmoid}]}\nloss: binary_cross_entropy"
    )
    named(ask(LAYER.format(infer=infer, lower=lower, call=call), spec), "S117" if "(((" in call else "S119", *words)


def test_a_layer_that_says_no_is_heard(ask: Ask) -> None:
    spec = complete(
        "model: {layers: [clumsy_layer, flatten, dense: {units: 1, activation: sigmoid}]}\nloss: binary_cross_entropy"
    )
    refuse = 'raise ShapeFault("S302", "it does not fit")'
    (one,) = ask(LAYER.format(infer=refuse, lower=LOWER, call="names[0]"), spec)
    assert (one.code, one.message) == ("S302", "it does not fit")


@pytest.mark.parametrize(
    ("program", "more", "words"),
    [
        ("1 / 0", "", ["raises ZeroDivisionError", "in program"]),
        ("None", "", ["returns None, which is no Program record"]),
        ("Program({}, HOMES)", "", ["binds nothing to `build`"]),
        (
            "Program({'build': at('leave'), 'export_model': at('leave'), 'targets_of': at('known', 'data')}, {})",
            "",
            ["no file"],
        ),
        (
            f"Program({SYMBOLS} | {{'build': at('known', 'data')}}, HOMES)",
            "",
            ["takes 1"],
        ),
        (
            "Program({'build': 3, 'export_model': at('leave'), 'targets_of': at('known', 'data')}, HOMES)",
            "",
            ["Program.symbols"],
        ),
        (f"Program({SYMBOLS}, HOMES, settings=(Setting('a b', 1, 'x'),))", "", ["Program.settings[0].name"]),
        (f"Program({SYMBOLS}, HOMES, settings=(Setting('a', object(), 'x'),))", "", ["Program.settings[0].value"]),
        (f"Program({SYMBOLS}, HOMES, printed={{'<x>': ('data', 'def (:')}})", "", ["<x> is no Python"]),
        (f"Program({SYMBOLS} | {{'STEP_SIZE': '((('}}, HOMES)", "", ["cannot stand in a program"]),
        (f"Program({SYMBOLS}, HOMES)", "inputs=lambda study: 1 / 0", ["ZeroDivisionError"]),
        (f"Program({SYMBOLS}, HOMES)", "keys={'extra': (3, 4, 5)}", ["keys"]),
        (f"Program({SYMBOLS}, HOMES)", "keys={'extra': ('no such type', 4)}", ["keys or output make no spec"]),
        (f"Program({SYMBOLS}, HOMES)", "rules=(Rule('Z102', 'x', lambda study: 1 / 0),)", ["ZeroDivisionError"]),
        (f"Program({SYMBOLS}, HOMES)", "checks=(DataRule('Z402', 'x', lambda look: 1 / 0),)", ["ZeroDivisionError"]),
        (f"Program({SYMBOLS}, HOMES)", "checks=(DataRule('Z402', 'x', lambda look: 7),)", ["Z402", "answers with 7"]),
    ],
)
def test_a_task_that_fails(ask: Ask, program: str, more: str, words: list[str]) -> None:
    found = ask(task(program, more), TASK)
    named(found, found[0].code, *words, spec=found[0].code != "S120")
    assert found[0].code in ("S117", "S119", "S120")


def test_a_reason_of_several_lines_stays_a_comment(ask: Ask) -> None:
    assert ask(task(f"Program({SYMBOLS}, HOMES, settings=(Setting('a', 1, 'one\\nimport os'),))"), TASK) == []


def test_a_contract_that_fails(ask: Ask) -> None:
    named(ask(task().replace("lambda study: {}", "lambda study: study.gone"), TASK), "S119", "AttributeError")
    named(ask(task().replace("lambda study: {}", "lambda study: {1: object()}"), TASK), "S117", "JSON")


GIVEN = 'Arguments, lambda a: {}, "x"'
LATE = 'Piece("PACKAGE.good", "good"), lambda a, s: 2'
WORDS = {
    "optimizer: clumsy_word": f'optimizers=(Optimizer("clumsy_word", "torch.optim.SGD", {GIVEN}),)',
    "augment: [clumsy_word]": f'augmentations=(Augmentation("clumsy_word", {LATE}, {GIVEN}),)',
    "train: {epochs: 3, batch_size: 2, schedule: clumsy_word}": (
        f'schedules=(Schedule("clumsy_word", "PACKAGE.good", {GIVEN}),)'
    ),
    "init: clumsy_word": f'initializers=(Initializer("clumsy_word", "nn.init.ones_", {GIVEN}),)',
}


@pytest.mark.parametrize("spec", WORDS)
@pytest.mark.parametrize(
    ("given", "code", "word"),
    [("1 / 0", "S119", "ZeroDivisionError"), ("object()", "S117", "cannot stand"), ("None", "S117", "cannot stand")],
)
def test_a_word_that_fails_is_shown_where_it_stands(ask: Ask, spec: str, given: str, code: str, word: str) -> None:
    record = WORDS[spec].replace("lambda a: {}", f"lambda a: {given}")
    found = ask(
        f'from specc.plugin import Initializer\n\nPLUGIN = Plugin("clumsy", {record})', complete(spec), good=GOOD
    )
    named(found, found[0].code, word if found[0].code == code else "clumsy")
    assert found[0].code in (code, "S119")
    assert found[0].path[0] == spec.partition(":")[0]


SOURCED = TASK.replace("data: {images: images,", "data: {listed: list.txt,")
SOURCE = 'sources=(Source("listed", at("read"), "a list", ("thing",)),), columns=(Column("thing", "x"),)'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise RuntimeError('no luck')", ["raises RuntimeError: no luck", "in read"]),
        ("return None", ["lists no rows"]),
        ("return [{'file': 'images/0.png'}]", ["row 1 lacks `thing`"]),
        ("return [{'file': 'images/0.png', 'thing': 3}]", ["row 1 is no dict of texts"]),
        ("return [{'thing': '3'}]", ["row 1 lacks `file`"]),
        ("return ['images/0.png']", ["row 1 is no dict of texts"]),
    ],
)
def test_a_source_that_fails(ask: Ask, body: str, words: list[str]) -> None:
    parts = f"{PARTS}\ndef read(path):\n    {body}\n"
    named(ask(task(f"Program({SYMBOLS}, HOMES)", SOURCE), SOURCED, parts=parts), "S119", *words)


def test_a_source_that_is_not_there_or_says_no(ask: Ask) -> None:
    named(ask(task(more=SOURCE), SOURCED), "S119", "names `read`", "cannot be used")
    parts = f"{PARTS}\ndef read(path):\n    raise ValueError('line 3 is empty')\n"
    (one,) = ask(task(more=SOURCE), SOURCED, parts=parts)
    assert one.code == "D405"
    assert "line 3 is empty" in one.message


@pytest.mark.parametrize(
    ("fault", "words"),
    [("1 / 0", ["ZeroDivisionError"]), ("entry.gone", ["AttributeError"])],
)
def test_a_column_that_fails(ask: Ask, fault: str, words: list[str]) -> None:
    spec = TASK.replace("data: {images: images,", "data: {manifest: table.csv, columns: {image: file, thing: thing},")
    more = f'columns=(Column("image", "x"), Column("thing", "x", fault=lambda entry: {fault}))'
    named(ask(task(more=more), spec), "S119", *words)


@pytest.mark.slow
def test_a_training_that_fails_names_whose_code_takes_part(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line, as a person sees it: a code, a reason, the plugin; no traceback."""
    parts = PARTS.replace("    return rt.Work(", "    raise KeyError('no luck')\n    return rt.Work(")
    assert ask(task(), TASK, parts=parts) == []
    (site,) = tmp_path.glob("site_of_*")
    path = os.pathsep.join([str(site), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "specc", "train", "study.yaml"],
        cwd=tmp_path / "project",
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 3, said
    assert "error[T650]" in said and "KeyError: 'no luck'" in said
    assert f"that of `clumsy` ({site.name.removeprefix('site_of_').replace('_', '-')})" in said
    assert "Traceback" not in said and "internal error" not in said


# ------------------------------------------------------------------ models that are asked


class Asking:
    """A session as far as a plugin's object is asked about it."""

    def __init__(self) -> None:
        self.contract = type("Contract", (), {"plugin": "clumsy", "task": "clumsy_task"})()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise RuntimeError('no luck')", ["raises RuntimeError: no luck"]),
        ("yield 3", ["answers with 3, which is no Said record"]),
        ("yield Said('a.png', {'x': float('nan')})", ["what is no JSON"]),
        ("yield Said('a.png', {'x': {1}})", ["what is no JSON"]),
        ("return iter(())", ["answers 0 of 1 cases"]),
    ],
)
def test_answers_that_fail(body: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specc.api import answered
    from specc.plugin import Piece, Task

    package = f"clumsy_{next(NUMBERS)}"
    (tmp_path / f"{package}.py").write_text(
        "from specc.answering import Said\n\nclass Object:\n    forms = {}\n\n    def predict(self, asked):\n"
        f"        {body}\n\nOBJECT = Object()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    task = Task("clumsy_task", "x", print, dict, answering=Piece(package, "OBJECT"))  # type: ignore[arg-type]
    with pytest.raises(SpeccError) as raised:
        list(answered.ask(task, Asking(), [(Path("a.png"),)], None, None, (), print))  # type: ignore[arg-type]
    (one,) = raised.value.diagnostics
    assert one.code == "S119"
    assert one.message.startswith("the plugin `clumsy` ")
    assert all(word in one.message for word in words), one.message


def test_figures_that_are_no_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specc.answering import Judging
    from specc.api import answered
    from specc.plugin import Piece, Task

    for number, (result, word) in enumerate(
        (
            ("3", "no Judged record"),
            ("Judged({'val': {1}}, [])", "no JSON"),
            ("1 / 0", "ZeroDivisionError"),
            ("Judged({}, [], (), {'val': [3]})", "no CaseScores record"),
            ("Judged({}, [], (), {'val': [CaseScores('a.png', 'p', {'dice': 'high'})]})", "no finite number: 'high'"),
            (
                "Judged({}, [], (), {'val': [CaseScores('a.png', 'p', {'dice': float('inf')})]})",
                "no finite number: inf",
            ),
            ("Judged({}, [], (), {'val': [CaseScores('a.png', 'p', {'dice': 10**400})]})", "no finite number"),
            ("Judged({}, [], (), {'val': [CaseScores('a.png', None, {})]})", "`patient` is no text"),
            ("Judged({}, [], (), {'val': [CaseScores('a.png', 'p', [0.5])]})", "not by name"),
            ("Judged({}, [], (), {'val': (CaseScores('a', 'p', {}) for _ in 'ab')})", "not by a list"),
            ("Judged({}, [], (), [CaseScores('a', 'p', {})])", "not by part"),
            ("Judged({}, [], (), {}, 'dice')", "it is no such record"),
            ("Judged({}, [], (), {}, PrimaryMetric('dice', 1, float('nan')))", "`margin` is no number"),
            (
                "Judged({'val': {'metrics': {'x': {'value': 0.5}}}}, [], "
                "(), {'val': [CaseScores('a', 'p', {'x': 1})]})",
                "val cases whose mean is not its figure `x`",
            ),
        )
    ):
        (tmp_path / f"judging_{number}.py").write_text(
            "from specc.answering import CaseScores, Judged, PrimaryMetric\n\nclass Object:\n"
            "    def judge(self, judging):\n"
            f"        return {result}\n\nOBJECT = Object()\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        task = Task("clumsy_task", "x", print, dict, answering=Piece(f"judging_{number}", "OBJECT"))  # type: ignore[arg-type]
        with pytest.raises(SpeccError, match=word) as raised:
            answered.judge(task, Judging(Asking(), {}, tmp_path), {})  # type: ignore[arg-type]
        assert raised.value.diagnostics[0].code == "S119"


def test_no_name_of_a_foreign_plugin_stands_in_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probes are tasks that specc does not know: nothing in its source names them or a word of theirs."""
    root = Path(__file__).parents[2]
    monkeypatch.syspath_prepend(root / "tests" / "probe_plugin")
    probe = importlib.import_module("specc_probe").PLUGIN
    words = {record.name for kind in ("layers", "ops", "losses", "tasks") for record in getattr(probe, kind)}
    rules = [rule for task in probe.tasks for rule in (*task.rules, *task.checks)]
    words |= {"specc_probe", *(rule.name for rule in rules), *(rule.code for rule in rules)}
    words |= {name for task in probe.tasks for name in (*task.networks, *task.keys, *task.metrics)} & PROBES_ALONE
    assert len(words) > 20
    for file in sorted((root / "specc").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        assert not [word for word in words if re.search(rf"\b{word}\b", text)], file
