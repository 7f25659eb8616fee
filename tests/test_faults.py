"""Signals, damaged and lost checkpoints, full disks, lost ranks, numbers that are none: no result is ever wrong."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from killing import (
    ADAM,
    PLAIN,
    PLATEAU,
    RICH,
    SGD,
    USUAL,
    Hurt,
    Running,
    Study,
    differences,
    finish,
    make_study,
    outcome,
    published,
    unreadable,
)
from safetensors.numpy import load_file

EVERY_STEP = ("--checkpoint-seconds", "0", "--workers", "1")
RESUME = (*EVERY_STEP, "--resume")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with a run that nothing happened to, `whole`, and one that was killed in its fifth validation, `half`."""
    study = make_study(tmp_path_factory.mktemp("faults") / "study", ADAM)
    finish(study, study.run("whole"), *EVERY_STEP)
    assert Running(study, study.run("half"), *EVERY_STEP, hurt=Hurt("share_buffers", 5)).end() == -signal.SIGKILL
    return study


@pytest.fixture
def half(study: Study, tmp_path: Path) -> Path:
    """A copy of the run that was killed half-way; its log is longer than its checkpoint says."""
    run = Path(shutil.copytree(study.run("half"), tmp_path / "half"))
    with (run / "metrics.jsonl").open("ab") as log:
        log.write(b'{"epoch": 5, "stage": "tr')
    return run


@pytest.fixture
def whole(study: Study) -> dict[str, bytes]:
    """What the study comes to when nothing happens."""
    return outcome(study.run("whole"))


def refused(running: Running, code: str, status: int) -> str:
    """The message of a program that ends with an error, which people and programs are told alike."""
    assert running.end() == status, running.errors[-2000:]
    assert running.told("error")["code"] == code and running.told("error")["help"]
    assert f"error[{code}]: {running.told('error')['message']}" in running.errors
    assert "Traceback" not in running.errors
    return str(running.told("error")["message"])


def finite(run: Path) -> bool:
    """Whether every number of every checkpoint is one."""
    values = [value for path in published(run) for value in load_file(path).values()]
    return bool(values) and all(np.isfinite(value).all() for value in values)


# ---------------------------------------------------------------------- signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_a_checkpoint(
    study: Study, whole: dict[str, bytes], tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    running = Running(study, run)  # which saves once a minute: the checkpoint comes from the signal
    assert running.until("epoch", 3)
    running.signal(number)
    assert running.end() == 130 and running.told("stopped")
    assert not running.told("trained") and not running.told("error")
    assert not unreadable(run)
    finish(study, run, *RESUME)
    assert not differences(run, whole)


def test_a_signal_ends_the_reading_of_images_and_the_export(study: Study, half: Path, tmp_path: Path) -> None:
    running = Running(study, tmp_path / "new", cache=tmp_path / "cache", hurt=Hurt("pixels_of", 10, "15"))
    assert running.end() == 130 and running.told("stopped") and not running.told("start")
    running = Running(study, half, *RESUME, hurt=Hurt("write_atomic", 1, "2"))
    assert running.end() == 130 and running.told("trained") and not running.told("parity")
    running = Running(study, half, *RESUME)
    assert running.end() == 0 and running.told("parity")["passed"]
    assert (half / "model.onnx").stat().st_size and (half / "eval" / "predictions.csv").stat().st_size


@pytest.fixture(scope="module")
def whole_of_two(study: Study) -> dict[str, bytes]:
    """What two ranks come to when nothing happens."""
    finish(study, study.run("whole of two"), *EVERY_STEP, ranks=2)
    return outcome(study.run("whole of two"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ranks_stop_together(
    study: Study, whole_of_two: dict[str, bytes], tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C in a terminal reaches every process, the signal of a scheduler the first one only."""
    run = tmp_path / "run"
    running = Running(study, run, ranks=2)
    assert running.until("epoch", 2)
    running.signal(number) if number == signal.SIGINT else running.process.send_signal(number)
    assert running.end() != 0  # of torchrun; returns once no process of the job writes any more
    assert running.told("stopped") and not running.told("trained")
    assert not unreadable(run)
    finish(study, run, *RESUME, ranks=2)
    assert not differences(run, whole_of_two)


def test_a_lost_rank_ends_the_job(study: Study, whole_of_two: dict[str, bytes], tmp_path: Path) -> None:
    """And a checkpoint that is damaged then is passed over by both ranks."""
    run = tmp_path / "run"
    running = Running(study, run, *EVERY_STEP, ranks=2, hurt=Hurt("share_gradients", 20, "kill", 1))
    assert running.until("epoch", 3)
    assert running.end(60) != 0  # by itself: whoever waits longer gives up here
    assert not running.told("trained") and not unreadable(run)
    newest = sorted((run / "checkpoints").glob("last-*"))[-1]
    damage(newest, "flipped")
    finish(study, run, *RESUME, ranks=2)
    assert newest.with_suffix(".damaged").exists()
    assert not differences(run, whole_of_two)


# ---------------------------------------------------------------------- checkpoints


def damage(path: Path, how: str) -> None:
    """One bit, or half of the file, or all of it."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data[: {"flipped": len(data), "cut": len(data) // 2, "empty": 0}[how]])


@pytest.mark.parametrize("count", [1, 2])
def test_killed_at_the_first_checkpoints(study: Study, whole: dict[str, bytes], tmp_path: Path, count: int) -> None:
    run = tmp_path / "run"
    assert Running(study, run, hurt=Hurt("save", count)).end() == -signal.SIGKILL
    assert len(published(run)) == count - 1
    finish(study, run, "--resume")
    assert not differences(run, whole)


@pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
def test_a_damaged_checkpoint_is_passed_over(study: Study, half: Path, whole: dict[str, bytes], how: str) -> None:
    newest = sorted((half / "checkpoints").glob("last-*"))[-1]
    damage(newest, how)
    kept = newest.read_bytes()
    running = finish(study, half, *RESUME)
    assert running.told("damaged")["file"] == newest.name
    assert newest.with_suffix(".damaged").read_bytes() == kept
    assert not differences(half, whole)


def test_without_a_good_checkpoint_nothing_starts_anew(study: Study, half: Path) -> None:
    for path in (half / "checkpoints").glob("last-*"):
        damage(path, "flipped")
    log = (half / "metrics.jsonl").read_bytes()
    for word in ("damaged", "lost"):
        assert word in refused(Running(study, half, *RESUME), "T603", 2)
    assert (half / "metrics.jsonl").read_bytes() == log and len(list(half.rglob("*.damaged"))) == 2


def lose_checkpoints(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")


def lose_lines(run: Path) -> None:
    (run / "metrics.jsonl").write_bytes((run / "metrics.jsonl").read_bytes()[:300])


@pytest.mark.parametrize("lose", [lose_checkpoints, lose_lines])
def test_what_is_lost_is_told(study: Study, half: Path, lose: Callable[[Path], None]) -> None:
    lose(half)
    before = [path.name for path in published(half)]
    assert "lost" in refused(Running(study, half, *RESUME), "T603", 2)
    assert [path.name for path in published(half)] == before


def test_a_second_training_in_a_run_folder(study: Study, half: Path) -> None:
    before = {path: path.read_bytes() for path in half.rglob("*") if path.is_file()}
    assert str(half) in refused(Running(study, half), "T602", 2)
    assert {path: path.read_bytes() for path in half.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("how", ["flipped", "gone"])
def test_no_other_epoch_stands_in_for_the_best(study: Study, tmp_path: Path, how: str) -> None:
    run = Path(shutil.copytree(study.run("whole"), tmp_path / "run"))
    best = sorted((run / "checkpoints").glob("best-*"))[-1]
    assert len(list((run / "checkpoints").glob("best-*"))) == 2
    damage(best, how) if how == "flipped" else best.unlink()
    assert "best" in refused(Running(study, run, *RESUME), "T603", 2)
    assert not (run / "model.onnx").exists()


# ---------------------------------------------------------------------- disks


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A disk of 200 kB, where the system lets us have one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    mounted = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def test_a_full_disk(study: Study, whole: dict[str, bytes], tmp_path: Path) -> None:
    """Where no small disk can be had, the system refuses to let files of the program grow."""
    with small_disk(tmp_path / "disk") as mounted:
        run, filler = tmp_path / "disk" / "run", tmp_path / "disk" / "filler"
        running = Running(study, run, *EVERY_STEP)
        assert running.until("epoch", 3)
        if mounted:
            fill(filler)
        else:
            resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
        reason = refused(running, "T659", 2)
        assert ("No space left on device" if mounted else "File too large") in reason
        assert not unreadable(run) and len(published(run)) >= 3
        if mounted:
            assert "No space" in refused(Running(study, run, *RESUME), "T659", 2)  # still
            assert not unreadable(run)
            filler.unlink()
        finish(study, run, *RESUME)
        assert not differences(run, whole)


@pytest.mark.parametrize(("place", "count"), [("replace", 20), ("fsync", 30), ("write_atomic", 1)])
def test_what_cannot_be_written_is_told(
    study: Study, half: Path, whole: dict[str, bytes], place: str, count: int
) -> None:
    message = refused(Running(study, half, *RESUME, hurt=Hurt(place, count, "full")), "T659", 2)
    assert "No space left on device" in message and not unreadable(half) and not (half / "model.onnx").exists()
    finish(study, half, *RESUME)
    assert not differences(half, whole)


def test_a_cache_that_cannot_be_written_is_told(study: Study, tmp_path: Path) -> None:
    running = Running(study, tmp_path / "run", cache=tmp_path / "cache", hurt=Hurt("pixels_of", 50, "full"))
    assert "No space left on device" in refused(running, "T659", 2)
    assert not list((tmp_path / "cache").glob("*.npy"))


def test_a_run_folder_that_cannot_be(study: Study, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file stands where the folder should be")
    assert "file" in refused(Running(study, tmp_path / "file" / "run"), "T659", 2)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoints").write_text("and here")
    assert "checkpoints" in refused(Running(study, tmp_path / "run"), "T659", 2)


# ---------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("place", "count", "how"),
    [
        ("share_gradients", 10, "gradients"),  # weights are none, while the loss of the step still was a number
        ("outputs_of", 1, "outputs"),  # the loss of a validation
    ],
)
def test_what_is_not_a_number_is_not_kept(study: Study, half: Path, place: str, count: int, how: str) -> None:
    message = refused(Running(study, half, *RESUME, hurt=Hurt(place, count, how)), "T601", 3)
    assert "not a number" in message and ("step" in message or "validation" in message)
    assert finite(half) and not unreadable(half)


@pytest.mark.parametrize("options", [EVERY_STEP, ("--checkpoint-seconds", "60")])
def test_a_learning_rate_that_is_too_large(tmp_path: Path, options: tuple[str, ...]) -> None:
    study = make_study(tmp_path / "study", SGD, PLAIN)
    code = study.train.read_text(encoding="utf-8")
    study.train.write_text(code.replace("learning_rate: float = 0.02", "learning_rate: float = 1e30"), encoding="utf-8")
    assert "not a number" in refused(Running(study, study.run("run"), *options), "T601", 3)
    assert finite(study.run("run")) and not (study.run("run") / "model.onnx").exists()


# ---------------------------------------------------------------------- ranks


@pytest.mark.parametrize(
    ("optimizer", "train", "mixing"),
    [
        (ADAM, USUAL % 12, ""),
        (ADAM, (RICH % (5, 7)).replace("float16", "float32"), "  - mixup"),
        (SGD, PLATEAU % 12, ""),
    ],
)
def test_two_ranks_learn_as_one(optimizer: str, train: str, mixing: str, tmp_path: Path) -> None:
    """Without batchnorm and dropout, the ranks' shares of a batch make up the batch; 15 images are 8 and 7."""
    study = make_study(tmp_path / "study", optimizer, PLAIN, train, mixing)
    logs = []
    for ranks in (1, 2):
        finish(study, study.run(str(ranks)), ranks=ranks)
        lines = (study.run(str(ranks)) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        logs.append([[json.loads(line)[name] for name in ("train_loss", "val_loss")] for line in lines])
    one, two = np.array(logs[0]), np.array(logs[1])
    assert one.shape == (12, 2) and abs(one - two).max() < 1e-6
    assert one[-1, 0] < one[0, 0] - 0.005
