"""LeNet on 22,000 digits: specc beside a hand-written PyTorch script, Lightning and Keras, in one run.

    python benchmarks/lenet/run.py [-n 3] [--python-lightning PATH] [--python-keras PATH]

Run it with the Python that has specc. Nothing is asserted: the table is for people, and the exit code is 0.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from make_data import make

HERE = Path(__file__).resolve().parent
GOAL = 0.65  # of the best hand-written epoch
DISTURBED = 0.05  # of the computer taken by other programs
SPOKEN = re.compile(r"epoch (\d+)/\d+ .*?accuracy ([\d.]+)|(trained)\b")  # what `specc train` says on a pipe
SPEC = """\
specc: 1
name: lenet
task: classification
input: {{format: png, size: [32, 32], channels: mono, scale: 0..1}}
output: {{classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]}}
data:
  manifest: {table}
  columns: {{image: file, label: label}}
  split: {{column: split}}
model:
  layers:
    - conv2d:  {{filters: 6, kernel: 5, activation: relu}}
    - maxpool: {{size: 2}}
    - conv2d:  {{filters: 16, kernel: 5, activation: relu}}
    - maxpool: {{size: 2}}
    - flatten
    - dense:   {{units: 120, activation: tanh}}
    - dense:   {{units: 84, activation: tanh}}
    - dense:   {{units: 10, activation: softmax}}
loss: categorical_cross_entropy
optimizer: {{adam: {{learning_rate: 0.001}}}}
train: {{epochs: {epochs}, batch_size: 64}}
"""


@dataclass(frozen=True)
class Program:
    """Something that trains: `command(out)` is its command line, `prepare` runs before the clock does."""

    name: str
    kind: str  # hand-written | framework | specc
    command: Callable[[Path], Sequence[str | Path]]
    prepare: Callable[[], object] = lambda: None
    cut: bool = False  # what follows the training is not waited for


@dataclass
class Run:
    """One process. Seconds from its start: when each epoch was over, and when training was."""

    program: str
    ends: list[float] = field(default_factory=list)
    trained: float = float("nan")
    accuracy: float = float("nan")
    others: float = float("nan")  # what other programs took of the computer meanwhile, 0..1

    @property
    def epoch(self) -> float:
        """The median epoch after the first, validation and everything else that happens between two included."""
        return statistics.median(b - a for a, b in zip(self.ends, self.ends[1:], strict=False))


def measure(program: Program, out: Path) -> Run:
    """Run a program; the moments are those when its lines arrive here. Raises RuntimeError if it fails."""
    out.mkdir(parents=True)
    program.prepare()
    run, said, cut = Run(program.name), list[str](), False
    busy, own, start = busy_seconds(), child_seconds(), time.perf_counter()
    with subprocess.Popen(
        [str(word) for word in program.command(out)],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            note(run, line, time.perf_counter() - start)
            said = [*said[-19:], line]
            if program.cut and not cut and run.trained == run.trained:
                cut = end(process)
    whole = time.perf_counter() - start
    foreign = busy_seconds() - busy - (child_seconds() - own)
    run.others = max(0.0, foreign) / whole / (os.cpu_count() or 1)
    if (process.returncode and not cut) or len(run.ends) < 2 or run.trained != run.trained:
        raise RuntimeError(f"{program.name} ended with {process.returncode}:\n{''.join(said)}")
    return run


def end(process: subprocess.Popen[str]) -> bool:
    """Kill what a program has started, or itself if it is alone; whether this computer can (Linux)."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return False
    for child in map(int, children or [str(process.pid)]):
        os.kill(child, signal.SIGKILL)
    return True


def wait(most: float) -> None:
    """Wait until other programs are idle for six seconds, at most so many seconds; not at all where /proc is silent."""
    still, until, little = 0, time.monotonic() + most, 2 * DISTURBED * (os.cpu_count() or 1)
    while still < 3 and time.monotonic() < until and (before := busy_seconds()) == before:
        time.sleep(2)
        still = still + 1 if busy_seconds() - before < 2 * little else 0


def busy_seconds() -> float:
    """What all programs of this computer have worked, summed over its cores; nan where /proc does not tell."""
    try:
        words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    except OSError:
        return float("nan")
    user, nice, system, _, _, irq, soft = (int(word) for word in words[1:8])
    return (user + nice + system + irq + soft) / float(os.sysconf("SC_CLK_TCK"))


def child_seconds() -> float:
    """What the programs that were run here have worked."""
    times = os.times()
    return times.children_user + times.children_system


def quietest(program: Program, out: Path, tries: int, patience: float) -> Run:
    """The run in which other programs disturbed least; the first that was hardly disturbed will do."""
    best: Run | None = None
    for number in range(tries):
        wait(patience)
        run = measure(program, out / str(number))
        if best is None or run.others < best.others:
            best = run
        if not best.others > DISTURBED:
            break
    assert best is not None
    return best


def note(run: Run, line: str, now: float) -> None:
    """What a line says about the run: an event as JSON, or the words of `specc train`."""
    if line.startswith("{"):
        event = json.loads(line)
        if event.get("event") == "epoch":
            run.ends.append(now)
            run.accuracy = event["accuracy"]
        elif event.get("event") == "trained":
            run.trained = now
    elif found := SPOKEN.match(line):
        if found[3]:
            run.trained = now
        else:
            run.ends.append(now)
            run.accuracy = float(found[2])


def programs(work: Path, table: Path, options: argparse.Namespace) -> Iterable[Program]:
    """All that are compared, in the order in which they take turns."""
    data, spec, code = table.parent, table.parent / "lenet.yaml", work / "program"
    spec.write_text(SPEC.format(table=table.name, epochs=options.epochs), encoding="utf-8")

    def peer(python: str | Path, script: str, *extra: str) -> Callable[[Path], Sequence[str | Path]]:
        return lambda out: [python, HERE / script, table, "--epochs", str(options.epochs), "--out", out, *extra]

    def command(out: Path) -> Sequence[str | Path]:
        return [sys.executable, "-m", "specc", "train", spec, "--runs", out]

    def program(out: Path) -> Sequence[str | Path]:
        return [sys.executable, code / "train.py", "--data", data, "--run", out, "--cache", data / ".specc"]

    def compile_() -> None:
        words = [sys.executable, "-m", "specc", "compile", str(spec), "-o", str(code), "--force"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def forget() -> None:
        shutil.rmtree(data / ".specc", ignore_errors=True)

    yield Program("PyTorch by hand, 0 workers", "hand-written", peer(sys.executable, "peer_torch.py"))
    yield Program("PyTorch by hand, 2 workers", "hand-written", peer(sys.executable, "peer_torch.py", "--workers", "2"))
    yield Program("PyTorch by hand, in memory", "hand-written", peer(sys.executable, "peer_torch.py", "--in-memory"))
    for name, python in (("Lightning", options.python_lightning), ("Keras", options.python_keras)):
        if python is not None and Path(python).exists():
            yield Program(f"{name}, in memory", "framework", peer(python, f"peer_{name.lower()}.py"))
        else:
            print(f"{name} is left out: give --python-{name.lower()} the Python of an environment that has it")
    yield Program("specc train", "specc", command, forget, cut=True)
    yield Program("specc's program, images cached", "specc", program, compile_, cut=True)


def table_of(order: Sequence[Program], runs: Sequence[Run]) -> Iterable[str]:
    """Medians of every program, then specc's part of the others'."""
    by_name = {program.name: [run for run in runs if run.program == program.name] for program in order}
    order = [program for program in order if by_name[program.name]]
    by_name = {name: own for name, own in by_name.items() if own}
    epochs = {name: statistics.median(run.epoch for run in own) for name, own in by_name.items()}
    trained = {name: statistics.median(run.trained for run in own) for name, own in by_name.items()}
    yield f"{'':32}{'epoch s':>8}{'least':>8}{'trained s':>11}{'least':>8}{'accuracy':>10}{'others':>8}"
    for name, own in by_name.items():
        accuracy, others = (statistics.median(getattr(run, what) for run in own) for what in ("accuracy", "others"))
        yield (
            f"{name:32}{epochs[name]:8.2f}{min(run.epoch for run in own):8.2f}"
            f"{trained[name]:11.2f}{min(run.trained for run in own):8.2f}"
            f"{accuracy:10.3f}{others:8.0%}"
        )
    hand = [program.name for program in order if program.kind == "hand-written"]
    others = [program.name for program in order if program.kind != "specc"]
    ours = [program.name for program in order if program.kind == "specc"]
    if not hand or not ours:
        return
    best, first = min(hand, key=lambda name: epochs[name]), min(others, key=lambda name: trained[name])
    yield ""
    for name in ours:
        pairs = [a.epoch / b.epoch for a, b in zip(by_name[name], by_name[best], strict=False)]
        within = f"in single turns {min(pairs):.2f} to {max(pairs):.2f}; the goal is at most {GOAL}"
        yield f"{name}: epoch {epochs[name] / epochs[best]:.2f} of `{best}` ({within})"
    for name in ours:
        yield f"{name}: start to trained {trained[name] / trained[first]:.2f} of `{first}` (the goal is below 1)"


def in_turn(order: Sequence[Program], work: Path, options: argparse.Namespace) -> Iterable[Run]:
    """Everything `-n` times; what fails once is said and left out."""
    failed: set[str] = set()
    for turn in range(options.n):
        for number, program in enumerate(order):
            if program.name in failed:
                continue
            try:
                run = quietest(program, work / f"{turn}-{number}", options.tries, options.wait)
            except (OSError, RuntimeError, subprocess.CalledProcessError) as fault:
                print(f"{program.name} is left out: {fault}")
                failed.add(program.name)
                continue
            figures = f"{run.epoch:8.2f}{run.trained:8.2f}{run.others:6.0%}"
            print(f"{turn + 1}/{options.n}  {run.program:32}{figures}", flush=True)
            yield run


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-n", type=int, default=3, help="how often everything is run, in turn (default 3)")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--images", type=int, default=22_000)
    parser.add_argument("--glyphs", type=Path, help="a table (file, label, split) of digits to use instead of a font")
    parser.add_argument("--python-lightning", metavar="PATH")
    parser.add_argument("--python-keras", metavar="PATH")
    parser.add_argument("--tries", type=int, default=3, help="runs that other programs disturb are repeated so often")
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait until other programs are idle")
    parser.add_argument("--only", default="", help="only programs with this in their names")
    parser.add_argument("--json", type=Path, help="where to write every single figure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="specc-lenet-") as place:
        work = Path(place)
        table = make(work / "data", options.images, glyphs=options.glyphs)
        order = [program for program in programs(work, table, options) if options.only in program.name]
        print(f"{platform.platform()}, {os.cpu_count()} cores, {options.images} images, {options.epochs} epochs")
        runs = list(in_turn(order, work / "out", options))
    print()
    for line in table_of(order, runs):
        print(line)
    if options.json:
        options.json.write_text(json.dumps([asdict(run) for run in runs], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
