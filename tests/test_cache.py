"""The cache: shared by processes, bounded, and none the worse for kills, full disks and folders that are read only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import pillow, write
from PIL import Image
from programs import events, make_data, program, put, spec, start, table
from typer.testing import CliRunner

import specc
from specc.cli.app import app
from specc.errors import SpeccError
from specc.pieces import cache, index, readers

MB = 10**6


def entry(folder: Path, name: str, size: int = MB, age: float = 0.0) -> Path:
    """A file of the cache that was used `age` seconds ago."""
    file = write(folder / name, b"\0" * size)
    os.utime(file, (time.time() - age,) * 2)
    return file


def pictures(folder: Path, count: int, first: int = 0) -> list[Path]:
    """PNG files of 100x100 noise."""
    files = []
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(0, 255, (100, 100)).astype(np.uint8)
        files.append(write(folder / f"{number:03}.png", pillow(Image.fromarray(pixels), "PNG")))
    return files


HOLD = """
import sys, time
from pathlib import Path
from specc.pieces import cache
assert cache.hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""
WRITE = """
import sys, time
from pathlib import Path
from specc.pieces import cache
with cache.writing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(600)
"""


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that has said its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None and process.stdout.readline()
    return process


def end(process: subprocess.Popen[str]) -> None:
    """Kill it."""
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GB", 20 * 10**9), (" 1.5 GiB ", 3 << 29), ("500mb", 5 * 10**8), ("7", 7), ("12 kB", 12_000), ("0", 0)],
)
def test_sizes(text: str, size: int) -> None:
    assert cache.size_from(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1e9", "20 Gb s", "five", "1..5GB", "٣GB"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        cache.size_from(text)


def test_where_the_limit_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache.SETTING, raising=False)
    assert cache.limit(tmp_path) == cache.LIMIT == 20 * 10**9
    (tmp_path / "limit").write_text("3MB\n")
    assert cache.limit(tmp_path) == 3 * MB
    monkeypatch.setenv(cache.SETTING, "2MB")
    assert cache.limit(tmp_path) == 2 * MB


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.SETTING, "4MB")
    files = [entry(tmp_path, f"{n}.npy", age=100 - n) for n in range(4)]
    other = entry(tmp_path, "schema.json", 9 * MB, 1000)
    assert cache.make_room(tmp_path, 0) == 0
    assert cache.make_room(tmp_path, MB) == MB
    assert [file.exists() for file in files] == [False, True, True, True]
    assert cache.hold(files[1])  # used now: the others are older
    assert cache.make_room(tmp_path, 2 * MB) == MB
    assert [file.exists() for file in files] == [False, True, False, True]
    assert cache.make_room(tmp_path, 100 * MB) == MB
    assert [file.exists() for file in files] == [False, True, False, False], "what is used stays, whatever the limit"
    assert other.exists()
    cache.held.pop(str(files[1])).close()


def test_what_another_process_uses_stays_until_it_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.SETTING, "0")
    file = entry(tmp_path, "a.npy")
    process = child(HOLD, file)
    try:
        assert cache.in_use(file)
        assert cache.make_room(tmp_path) == 0 and file.exists()
    finally:
        end(process)
    assert not cache.in_use(file)
    assert cache.make_room(tmp_path) == MB and not file.exists()


def test_half_written_files_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    process = child(WRITE, tmp_path / "a.npy")
    try:
        cache.make_room(tmp_path)
        assert len(list(tmp_path.glob("a.npy.*.part"))) == 1
    finally:
        end(process)
    cache.make_room(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), cache.writing(tmp_path / "a.npy") as file:
        file.write(b"half")
        raise OSError(28, "full")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------ the index


def bins(folder: Path) -> dict[str, int]:
    """The files of decoded pixels and their sizes."""
    return {path.name: path.stat().st_size for path in folder.glob("pixels-*.bin")}


def test_pixels_that_were_removed_by_hand_are_kept_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, files = tmp_path / "c/index.json", pictures(tmp_path, 5)
    first = index.index(files, store)
    for name in bins(store.parent):
        (store.parent / name).unlink()
    again = index.index(files, store)
    assert [entry.kept is not None for entry in again] == [True] * 5
    assert [(a.sha256, a.pixels) for a in again] == [(b.sha256, b.pixels) for b in first]
    monkeypatch.setattr(readers, "read", None)
    index.read(again[3], store.parent, "none", None)


def test_many_partial_changes_stay_within_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BUDGET", 250_000)
    store, files = tmp_path / "c/index.json", pictures(tmp_path, 10)
    index.index(files, store)
    most, kept = 0, []
    for turn in range(30):
        changed = files[turn % 10 : turn % 10 + 3]
        for number, file in enumerate(changed):
            pixels = np.random.default_rng((turn, number)).integers(0, 255, (100, 100)).astype(np.uint8)
            write(file, pillow(Image.fromarray(pixels), "PNG"))
        found = index.index(files, store)
        most = max(most, sum(bins(store.parent).values()))
        kept.append(sum(entry.kept is not None for entry in found))
        for one in found[::4]:
            assert np.array_equal(index.read(one, store.parent, "none", None), readers.read(one.path, "none")[0])
    assert most <= 250_000
    assert kept[-10:] == [10] * 10


INDEX = """
import sys
from pathlib import Path
from specc.pieces import index
folder, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
files = [folder / f"{number:03}.png" for number in range(first, first + count)]
found = index.index(files, folder / "c/index.json")
assert all(entry.facts for entry in found)
"""


def test_several_processes_index_at_once(tmp_path: Path) -> None:
    """Each its own files: what one finds is not lost by what another writes, and nobody's pixels are removed."""
    files = pictures(tmp_path, 40)
    (tmp_path / "c").mkdir()
    command = [sys.executable, "-c", INDEX, str(tmp_path)]
    running = [subprocess.Popen([*command, str(10 * n), "10"]) for n in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    known = index.known_entries(tmp_path / "c/index.json", [index.VERSION, "none", None])
    assert sorted(known) == sorted(str(file) for file in files)
    assert all(entry.kept and (tmp_path / "c" / entry.kept[0]).exists() for entry in known.values())
    assert {entry.kept[0] for entry in known.values() if entry.kept} == set(bins(tmp_path / "c"))


def test_pixels_that_no_index_names_go_with_the_next_who_asks(tmp_path: Path) -> None:
    """But not while somebody uses them."""
    files, place = pictures(tmp_path, 3), tmp_path / "c/index.json"
    entries = index.index(files, place)
    stray = tmp_path / "c/pixels-0123456789abcdef.bin"
    stray.write_bytes(b"left over")
    with stray.open("rb") as used:
        cache.locked(used, alone=False)
        assert index.index(files, place) == entries and (stray.exists() or not cache.HAS_LOCKS)
    assert index.index(files, place) == entries
    assert set(bins(tmp_path / "c")) == {entry.kept[0] for entry in entries if entry.kept}


def test_killed_while_indexing(tmp_path: Path) -> None:
    files = pictures(tmp_path, 60)
    (tmp_path / "c").mkdir()
    for moment in (0.05, 0.15, 0.2, 0.25, 0.3):
        process = subprocess.Popen([sys.executable, "-c", INDEX, str(tmp_path), "0", "60"])
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = index.index(files, tmp_path / "c/index.json")
    assert all(entry.kept for entry in found)
    assert {entry.kept[0] for entry in found if entry.kept} == set(bins(tmp_path / "c"))
    assert not list((tmp_path / "c").glob("*.part"))


def test_an_index_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    files = pictures(tmp_path, 3)
    (tmp_path / "c").write_text("a file stands where the folder would be")
    found = index.index(files, tmp_path / "c/index.json")
    assert [entry.high > 0 and entry.kept is None for entry in found] == [True] * 3


# ------------------------------------------------------------------ programs


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program and its data beside it."""
    folder = tmp_path_factory.mktemp("study")
    make_data(folder / "data")
    put(program(spec()), folder / "one")
    return folder


def run_of(study: Path, name: str, *options: str, **environment: str) -> tuple[int, str, dict[str, Any]]:
    """Exit status, errors and events of a new run."""
    train = put(program(spec()), study / name)
    done = start(train, study / "data", "--cache", str(study / "shared"), *options, **environment)
    return done.returncode, done.stderr, {event["event"]: event for event in events(done.stdout)}


def test_two_trainings_at_once_on_the_same_data(study: Path) -> None:
    processes = []
    for name in ("left", "right"):
        train = put(program(spec()), study / name)
        folders = ["--data", study / "data", "--run", study / name / "run", "--cache", study / "both"]
        command = [sys.executable, str(train), *map(str, folders)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    left, right = (table(study / name / "run/eval/predictions.csv") for name in ("left", "right"))
    assert left == right
    # what one of them could not remove, since the other was using it, goes with the next who asks
    again = ["--data", study / "data", "--run", study / "again", "--cache", study / "both"]
    subprocess.run([sys.executable, str(train), *map(str, again)], check=True, capture_output=True)
    kept = sorted(path.name for path in (study / "both").iterdir())
    assert [name.split(".")[-1] for name in kept] == ["npy", "json", "bin"], kept
    assert kept[0].startswith("case.")


def test_edited_images_are_used_again_by_another_study(study: Path) -> None:
    assert run_of(study, "first")[0] == 0
    before = {path.name: path.stat().st_ino for path in (study / "shared").glob("*.npy")}
    train = put(program(spec(name="another", train="{epochs: 1, batch_size: 4}")), study / "another")
    assert start(train, study / "data", "--cache", str(study / "shared")).returncode == 0
    assert {path.name: path.stat().st_ino for path in (study / "shared").glob("*.npy")} == before


def test_a_limit_that_is_no_size_is_told(study: Path) -> None:
    code, errors, _ = run_of(study, "bad", SPECC_CACHE_LIMIT="lots")
    train = put(
        program(spec(input="{format: png, size: [9, 9], channels: mono, resize: fit, scale: 0..1}")), study / "b"
    )
    done = start(train, study / "data", "--cache", str(study / "shared"), SPECC_CACHE_LIMIT="lots")
    assert (done.returncode, code) == (2, 0), errors
    assert "error[T671]: the limit of the cache is `lots` is no size" in done.stderr


def test_a_run_with_a_limit_of_nothing_still_trains(study: Path) -> None:
    """What it uses is kept; what others left goes."""
    old = entry(study / "small", "old.npy", age=1000)
    train = put(program(spec()), study / "tiny")
    done = start(train, study / "data", "--cache", str(study / "small"), SPECC_CACHE_LIMIT="1kB")
    assert done.returncode == 0, done.stderr
    assert not old.exists()
    assert len(list((study / "small").glob("*.npy"))) == 1


def test_killed_while_images_are_edited(study: Path) -> None:
    """SIGKILL again and again: the next run finds nothing in its way and leaves nothing half-written."""
    make_data(study / "more", 120)
    train = put(program(spec()), study / "killed")
    folders = ["--data", study / "more", "--run", study / "killed/run", "--cache", study / "kills"]
    for seconds in (1.2, 1.6, 2.0, 2.4):
        process = subprocess.Popen([sys.executable, str(train), *map(str, folders)], stdout=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        process.wait()
    again = put(program(spec()), study / "whole")
    done = start(again, study / "more", "--cache", str(study / "kills"))
    assert done.returncode == 0, done.stderr
    assert sorted(path.suffix for path in (study / "kills").iterdir()) == [".bin", ".json", ".npy"]


# ------------------------------------------------------------------ specc cache


def test_cache_lists_limits_and_clears(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache.SETTING, raising=False)
    data = study / "data"
    (data / "s.yaml").write_text(spec())
    specc.train(data / "s.yaml", runs=study / "runs")
    found = specc.cache(study)
    (place,) = found.places
    assert place.data == data
    assert {(kept.what, kept.study) for kept in place.entries} == {("edited images", "case"), ("decoded pixels", "")}
    assert place.bytes == sum(kept.file.stat().st_size for kept in place.entries) == found.bytes
    text = "\n".join(found.lines())
    assert f"{data}: " in text and "of at most 20 GB" in text and "of the study case" in text and "just now" in text
    shown = CliRunner().invoke(app, ["cache", "--data", str(study), "--json"])
    assert json.loads(shown.stdout)["caches"][0]["bytes"] == found.bytes
    (file,) = (kept.file for kept in place.entries if kept.what == "edited images")
    process = child(HOLD, file)
    try:
        assert "in use" in "\n".join(specc.cache(study).lines())
        cleared = specc.cache(study, clear=True)
        assert [kept.file for kept in cleared.places[0].entries] == [file]
        assert cleared.freed == found.bytes - file.stat().st_size
    finally:
        end(process)
    assert specc.cache(data, limit="1 kB").freed > 0
    assert specc.cache(data).lines() == ["nothing is kept"]
    assert specc.cache(data).places[0].limit == 1000
    specc.cache(data, limit="20GB")
    specc.train(data / "s.yaml", runs=study / "runs")
    assert specc.cache(data).bytes == found.bytes


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--limit", "lots"], "T671"), (["--data", "nowhere"], "T672"), (["--limit", "-5"], "T671")]
)
def test_cache_refuses(arguments: list[str], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["cache", *arguments])
    assert done.exit_code == 2
    assert f"error[{code}]" in done.stderr
    assert "specc explain" in done.stderr
    monkeypatch.setenv(cache.SETTING, "five")
    (tmp_path / ".specc").mkdir()
    with pytest.raises(SpeccError) as caught:
        specc.cache()
    assert caught.value.diagnostics[0].code == "T671"
