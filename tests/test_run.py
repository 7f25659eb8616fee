"""Runs: folders, a program that is started and followed, signals, resume, overrides; with a small stand-in program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from programs import make_data, spec

from specc.compile import check
from specc.errors import SpeccError
from specc.plugin import Call
from specc.run import resume
from specc.run.folders import Run, claimed, create, digest, fill, plain, slug
from specc.run.origins import origins
from specc.run.override import override
from specc.run.progress import Lines, line
from specc.run.start import command, follow
from specc.source import parse

SPEC = "specc: 1\nname: toy\ntrain: {epochs: 3}\n"
PROGRAM = """
import json, os, signal, sys, time
def tell(kind, **values): print(json.dumps({"event": kind, **values}), flush=True)
asked = []
for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, lambda n, f: asked.append(n))
tell("start", device="cpu", ranks=1, parameters=60941, images={"train": 8, "val": 2}, epochs=3, steps=4)
print("a library says hello on stdout"); print("and on stderr", file=sys.stderr)
"""


def program(folder: Path, body: str) -> list[str]:
    file = folder / "train.py"
    file.write_text(PROGRAM + textwrap.dedent(body))
    return [sys.executable, str(file)]


def codes(error: pytest.ExceptionInfo[SpeccError]) -> list[str]:
    return [diagnostic.code for diagnostic in error.value.diagnostics]


def shown(error: pytest.ExceptionInfo[SpeccError]) -> str:
    return "\n".join(note.text for diagnostic in error.value.diagnostics for note in diagnostic.notes)


# ---------------------------------------------------------------------- folders


def test_numbers_count_on_and_nothing_is_overwritten(tmp_path: Path) -> None:
    assert [create(tmp_path, "toy").folder.name for _ in range(3)] == ["001", "002", "003"]
    (tmp_path / "toy" / "017").mkdir()
    (tmp_path / "toy" / "notes").mkdir()
    run = create(tmp_path, "toy")
    assert run.folder == tmp_path / "toy" / "018"
    fill(run, SPEC, {"train.py": "pass\n"}, LOCK, {})
    with pytest.raises(FileExistsError):
        fill_again(run)


def fill_again(run: Run) -> None:
    try:
        fill(run, SPEC, {"train.py": "pass\n"}, LOCK, {})
    except SpeccError as error:
        assert error.diagnostics[0].code == "T659"
        raise FileExistsError from error


def test_two_at_once_get_two_numbers(tmp_path: Path) -> None:
    runs: list[Run] = []
    threads = [threading.Thread(target=lambda: runs.append(create(tmp_path, "toy"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.folder for run in runs}) == 8


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("t1-or-t2", "t1-or-t2"),
        ("../../etc", "etc"),
        ("", "run"),
        ("con", "con_"),
        (".hidden", "hidden"),
        ("a/b c", "a_b_c"),
    ],
)
def test_names_stay_inside(name: str, folder: str) -> None:
    assert slug(name) == folder


LOCK: dict[str, Any] = {
    "name": "toy",
    "task": "classification",
    "spec": {"file": "../spec.yaml", "folder": "../../..", "overrides": ["train.epochs=3"]},
    "seed": 42,
    "resolved": {"train": {"epochs": 3}},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = create(tmp_path / "runs", "toy")
    fill(run, SPEC, {"train.py": "print()\n", "model.py": "x = 1\n"}, LOCK, {"b.png": "22", "a.png": "11"})
    return run


def test_lock_holds_what_is_needed_to_do_it_again(run: Run) -> None:
    lock = yaml.safe_load(run.lock.read_text())
    assert lock["resolved"] == {"train": {"epochs": 3}}
    assert set(lock["code"]) == {"train.py", "model.py"}
    assert lock["data"] == {"images": 2, "sha256": digest({"a.png": "11", "b.png": "22"})}
    assert lock["versions"]["python"] and lock["versions"]["numpy"]
    environment = json.loads((run.folder / "env.json").read_text())
    assert set(environment) == {"system", "release", "machine", "processors", "python", "versions"}
    assert resume.read_lock(run).overrides == ("train.epochs=3",)


def test_plain_makes_calls_readable() -> None:
    assert plain({"optimizer": Call("adam", {"learning_rate": 0.1}), "size": (1, 2)}) == {
        "optimizer": {"adam": {"learning_rate": 0.1}},
        "size": [1, 2],
    }


def test_one_process_at_a_time(run: Run) -> None:
    script = (
        "from pathlib import Path; import sys\n"
        "from specc.run.folders import Run, claimed\n"
        "from specc.errors import SpeccError\n"
        "try:\n"
        "    with claimed(Run(Path(sys.argv[1]))): print('got it')\n"
        "except SpeccError as error: print(error)\n"
    )
    arguments = [sys.executable, "-c", script, str(run.folder)]
    with claimed(run):
        assert "T654" in subprocess.run(arguments, capture_output=True, text=True).stdout
    assert subprocess.run(arguments, capture_output=True, text=True).stdout == "got it\n"


# ---------------------------------------------------------------------- following a program


def test_events_are_heard_and_the_rest_is_logged(tmp_path: Path) -> None:
    arguments = program(
        tmp_path, 'tell("epoch", stage="train", epoch=1, train_loss=0.5)\ntell("done")\nprint("{no json")'
    )
    events: list[str] = []
    outcome = follow(arguments, tmp_path / "log.txt", lambda event: events.append(event["event"]))
    assert outcome.exit_code == 0
    assert events == ["start", "epoch", "done"]
    assert outcome.epochs[0]["train_loss"] == 0.5
    log = (tmp_path / "log.txt").read_text()
    assert "hello on stdout" in log and "and on stderr" in log and "{no json" in log


@pytest.mark.parametrize(
    ("code", "status", "exit_code"), [("T601", 3, 3), ("D430", 2, 2), ("X701", 5, 5), ("X701", 1, 5), ("E502", 1, 4)]
)
def test_an_error_event_becomes_a_diagnostic(tmp_path: Path, code: str, status: int, exit_code: int) -> None:
    body = f'tell("error", code="{code}", message="the loss is not finite", help="lower it")\nsys.exit({status})'
    with pytest.raises(SpeccError) as caught:
        follow(program(tmp_path, body), tmp_path / "log.txt")
    assert codes(caught) == [code]
    assert caught.value.exit_code == exit_code
    assert "lower it" in shown(caught)


def test_a_crash_shows_its_last_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("RuntimeError: of an earlier start\n")
    with pytest.raises(SpeccError) as caught:
        follow(program(tmp_path, 'raise RuntimeError("the disk\\x1b is odd")'), tmp_path / "log.txt")
    assert codes(caught) == ["T650"] and caught.value.exit_code == 3
    assert "RuntimeError: the disk" in shown(caught) and "\x1b" not in shown(caught)
    assert "Traceback" not in shown(caught) and "earlier" not in shown(caught)
    assert "Traceback" in (tmp_path / "log.txt").read_text()


def test_missing_package_and_memory_have_their_own_codes(tmp_path: Path) -> None:
    for body, code, exit_code in (
        ("import no_such_package", "E501", 4),
        ("raise MemoryError", "T656", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", "T656", 3),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "T650", 3),
        ("os._exit(7)", "T650", 3),
    ):
        with pytest.raises(SpeccError) as caught:
            follow(program(tmp_path, body), tmp_path / "log.txt")
        assert (codes(caught), caught.value.exit_code) == ([code], exit_code)


WAIT = """
while not asked: time.sleep(0.01)
tell("stopped")
sys.exit(130)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    outcome = follow(program(tmp_path, WAIT), tmp_path / "log.txt", lambda event: os.kill(os.getpid(), number))
    assert outcome.exit_code == 130 and outcome.stopped
    assert signal.getsignal(number) is before


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_program_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    arguments = program(tmp_path, "while True: time.sleep(0.01)")
    with pytest.raises(SpeccError) as caught:
        follow(arguments, tmp_path / "log.txt", lambda event: os.kill(os.getpid(), signal.SIGTERM), grace=0.5)
    assert codes(caught) == ["T650"]
    assert "did not stop in time" in caught.value.diagnostics[0].message


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_nothing_goes_on_when_the_listener_fails(tmp_path: Path) -> None:
    (tmp_path / "log.txt").touch()
    body = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); tell('go')\nwhile True: time.sleep(0.01)"

    def listen(event: Any) -> None:
        if event["event"] == "go":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        follow(program(tmp_path, body), tmp_path / "log.txt", listen)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_command_lines(tmp_path: Path) -> None:
    run = Run(tmp_path)
    one = command(run, tmp_path, tmp_path / "cache", resume=True)
    assert one[:2] == [sys.executable, str(tmp_path / "code" / "train.py")] and one[-1] == "--resume"
    two = command(run, tmp_path, tmp_path / "cache", sanity=True, ranks=2)
    assert two[1:7] == ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--"]
    assert two[7] == one[1] and two[-1] == "--sanity"


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    event = {"event": "epoch", "stage": "train", "epoch": 2, "train_loss": 0.51234, "accuracy": None, "best": True}
    assert line(event | {"seconds": 1.25}, 3) == "epoch 2/3  train_loss 0.5123  accuracy -  1.2 s  best"
    with Lines() as lines:
        lines({"event": "start", "device": "cpu", "parameters": 60941, "images": {"train": 8, "val": 2}, "epochs": 3})
        lines(event)
        lines({"event": "nobody knows this one"})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0] == "training 60,941 parameters on cpu: 8 train, 2 val images"
    assert captured.err.splitlines()[1].startswith("epoch 2/3")


# ---------------------------------------------------------------------- resume


def test_resume_needs_a_run_and_a_checkpoint(tmp_path: Path, run: Run) -> None:
    with pytest.raises(SpeccError) as caught:
        resume.read_lock(Run(tmp_path))
    assert codes(caught) == ["T651"]
    with pytest.raises(SpeccError) as caught:
        resume.check_checkpoint(run)
    assert codes(caught) == ["T651"]
    run.checkpoints.mkdir()
    (run.checkpoints / "last-000000003-abc.safetensors").touch()
    resume.check_checkpoint(run)
    run.lock.write_text("lock: 1\n")
    with pytest.raises(SpeccError) as caught:
        resume.read_lock(run)
    assert codes(caught) == ["T651"]


def test_resume_refuses_a_changed_spec_with_the_difference(run: Run) -> None:
    lock = resume.read_lock(run)
    resume.check_spec(run, lock.spec_sha256, None)
    resume.check_spec(run, lock.spec_sha256, ("spec.yaml", SPEC))
    with pytest.raises(SpeccError) as caught:
        resume.check_spec(run, lock.spec_sha256, ("spec.yaml", SPEC.replace("3", "5")))
    assert codes(caught) == ["T652"]
    assert "-train: {epochs: 3}" in shown(caught) and "+train: {epochs: 5}" in shown(caught)
    run.spec.write_text(SPEC.replace("toy", "boy"))
    with pytest.raises(SpeccError) as caught:
        resume.check_spec(run, lock.spec_sha256, ("spec.yaml", SPEC))
    assert "+name: boy" in shown(caught)


def test_resume_refuses_changed_images_with_the_difference(run: Run) -> None:
    before = json.loads(run.index.read_text())
    resume.check_data(run, dict(reversed(before.items())), before)
    with pytest.raises(SpeccError) as caught:
        resume.check_data(run, {"a.png": "xx", "c.png": "33"}, before)
    assert codes(caught) == ["T653"]
    assert "1 gone, 1 new, 1 with other content" in caught.value.diagnostics[0].message
    assert [text in shown(caught) for text in ("- b.png", "+ c.png", "~ a.png")] == [True] * 3


def test_edited_code_is_told(run: Run) -> None:
    lock = resume.read_lock(run)
    assert resume.edited(run, lock) == [] and resume.told_edited([]) == ()
    (run.code / "model.py").write_text("x = 2\n")
    (run.code / "extra.py").write_text("")
    (told,) = resume.told_edited(resume.edited(run, lock))
    assert (told.code, told.severity) == ("T655", "warning")
    assert "extra.py, model.py" in told.message and "train.py" not in told.message


# ---------------------------------------------------------------------- overrides

TEXT = """specc: 1
input: {size: [32, 32]}   # flow
optimizer: adam
train:
  epochs: 30     # a comment
  early_stop:
    patience: 5
    # the end
model:
  layers:
    - conv2d: {filters: 6}
    - flatten
"""


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("train.epochs=3", ("train", "epochs"), 3),
        ("train.seed=7", ("train", "seed"), 7),
        ("train.early_stop.watch=val_auc", ("train", "early_stop", "watch"), "val_auc"),
        ("train.schedule.step.factor=0.1", ("train", "schedule", "step", "factor"), 0.1),
        ("input.size=[64, 64]", ("input", "size", 1), 64),
        ("input.scale=0..1", ("input", "scale"), "0..1"),
        ("input.size.0=16", ("input", "size", 0), 16),
        ("optimizer.adam.learning_rate=1e-2", ("optimizer", "adam", "learning_rate"), 0.01),
        ("train={epochs: 1}", ("train", "epochs"), 1),
        ("model.layers.0.conv2d.filters=8", ("model", "layers", 0, "conv2d", "filters"), 8),
        ("init=he_normal", ("init",), "he_normal"),
    ],
)
def test_overrides(setting: str, path: tuple[str | int, ...], value: object) -> None:
    changed = override(parse(TEXT, "a.yaml"), [setting])
    node = changed.node(path)
    assert node is not None and getattr(node, "value", None) == value
    assert changed.text != TEXT and "# flow" in changed.text


@pytest.mark.parametrize(
    "setting",
    ["train.epochs", "=3", "train.epochs=", "model.layers.9=relu", "specc.a=1", "train.epochs=[", "a=1\nb: 2", "a b=1",
     "train.epochs=3\u2028x", "input.size.a=1"],
)  # fmt: skip
def test_bad_overrides(setting: str) -> None:
    with pytest.raises(SpeccError) as caught:
        override(parse(TEXT, "a.yaml"), [setting])
    assert codes(caught)[-1] == "T657"


def test_a_changed_file_of_names_is_a_change_of_the_data(tmp_path: Path) -> None:
    make_data(tmp_path)
    (tmp_path / "names.txt").write_text("dark\nlight\n", encoding="utf-8")
    (tmp_path / "s.yaml").write_text(spec(output="{classes: {file: names.txt}}"), encoding="utf-8")
    before, _ = check(tmp_path / "s.yaml", data=False)
    assert before is not None
    first = origins(before, tmp_path).hashes
    (tmp_path / "names.txt").write_text("light\ndark\n", encoding="utf-8")
    after, _ = check(tmp_path / "s.yaml", data=False)
    assert after is not None
    second = origins(after, tmp_path).hashes
    assert {name for name in first if first[name] != second[name]} == {"names.txt"}
    assert first.keys() == second.keys()
