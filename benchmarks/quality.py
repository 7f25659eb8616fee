"""How good the example specs are: trained with seeds 0 to 4 on real images, beside what needs no network.

    python benchmarks/quality.py [--packs DIR] [--only NAME] [--seeds 0,1,2,3,4] [--json FILE]

`benchmarks/quality.md` has the protocol and takes the figures. Run it with the Python that has specc. A training that
is done is kept in the work folder and not done again; remove the folder, or change the spec, and it is.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from specc.errors import SpeccError

HERE = Path(__file__).resolve().parent
SPECS = HERE.parent / "specs"
PAGE = HERE / "quality.md"
FOREST = "intensity forest"
BETTER = {"mae": -1}  # the other metrics: more is better


@dataclass(frozen=True)
class Task:
    """A question, the spec that answers it, the table of the whole set, and the figure to reach in the mean.

    `spec` is a path from the folder `specs` on, `image` the column of the files, `rivals` the baselines that are shown.
    Without an `aim` the best of the rivals is to be beaten.
    """

    name: str
    title: str
    spec: str
    table: str  # PACK/FILE.csv
    metric: str
    aim: float | None
    unit: str = ""
    image: str = "file"
    rivals: tuple[str, ...] = ("trivial", FOREST)

    @property
    def link(self) -> str:
        """The spec as the page names it."""
        return f"[{Path(self.spec).name}]({os.path.normpath(f'../specs/{self.spec}')})"


SEGMENTATION, SUPERRES, FEATURES = (f"../plugins/{name}/specs" for name in ("segmentation", "superres", "features"))
TASKS = (
    Task("t1t2-lenet", "T1 or T2", "lenet.yaml", "mr-t1t2/t1t2.csv", "balanced_accuracy", 0.97),
    Task("t1t2-resnet", "T1 or T2", "small_resnet.yaml", "mr-t1t2/t1t2.csv", "balanced_accuracy", 0.97),
    Task("sequences", "T1, T2 or FLAIR", "mr_sequences.yaml", "mr-t1t2/t1t2flair.csv", "balanced_accuracy", 0.94),
    Task("height-lenet", "height of the slice", "lenet_regression.yaml", "mr-t1t2/t1t2.csv", "mae", 0.06),
    Task("height", "height of the slice", "slice_height.yaml", "mr-t1t2/t1t2.csv", "mae", 0.06),
    Task("digits", "digits", "digits.yaml", "digits/digits.csv", "accuracy", 0.98),
    Task("angle", "angle of a digit", "digits_angle.yaml", "digits/rotation.csv", "mae", 8.0, "degrees"),
    Task("cells", "blood cells", "blood_cells.yaml", "blood-cell-crops/crops.csv", "balanced_accuracy", 0.95),
    Task("pneumonia", "pneumonia", "pneumonia.yaml", "cxr-pneumonia/cxr.csv", "balanced_accuracy", 0.95),
    Task(
        "superres",
        "photographs, twice as large",
        f"{SUPERRES}/kodak_x2.yaml",
        "superres-kodak/pairs.csv",
        "psnr",
        29.5,
        "dB, brightness of 0 to 255, every pixel",
        "hr",
        ("bicubic",),
    ),
    Task(
        "nuclei",
        "masks of nuclei",
        f"{SEGMENTATION}/nuclei.yaml",
        "nuclei-seg/nuclei.csv",
        "dice_per_image",
        0.9,
        "the mean over pictures",
        rivals=("all background", "mean training mask"),
    ),
    Task(
        "lesions",
        "lesions of multiple sclerosis in three sequences",
        f"{SEGMENTATION}/ms_lesions.yaml",
        "ms-lesion-seg/lesions.csv",
        "dice_per_image",
        None,
        "the mean over slices; one person trains, one validates, one tests",
        "flair",
        ("all background", "mean training mask"),
    ),
    Task(
        "codes",
        "chest films given back from 32 numbers",
        f"{FEATURES}/pneumonia_codes.yaml",
        "cxr-pneumonia/cxr.csv",
        "psnr",
        28.4,
        "dB, the mean over images",
        rivals=("PCA",),
    ),
    Task(
        "codes-pneumonia",
        "pneumonia from 32 numbers, by a linear probe",
        f"{FEATURES}/pneumonia_codes.yaml",
        "cxr-pneumonia/cxr.csv",
        "linear_probe_auc",
        0.95,
        rivals=("PCA",),
    ),
)


@dataclass(frozen=True)
class Job:
    """One training: a task, a seed, the table that stands for the spec's own (None: its own), where its files go."""

    task: Task
    seed: int
    table: Path | None
    work: Path
    settings: tuple[str, ...] = ()

    @property
    def kept(self) -> Path:
        """The figures of the training."""
        return self.work / Path(self.task.spec).stem / f"{'own' if self.table is None else 'whole'}-{self.seed}.json"


@dataclass(frozen=True)
class Done:
    """What is kept of a training. `figures` are those of `specc eval`; `spec` is the SHA-256 of the spec."""

    key: str
    spec: str
    seed: int
    seconds: float
    epochs: int
    best_epoch: int | None
    figures: dict[str, Any]

    @property
    def part(self) -> str:
        """The split that is judged: the test images, or where there are none the validation images."""
        return "test" if "test" in self.figures else "val"

    def figure(self, metric: str, rival: str | None = None) -> dict[str, float]:
        """Value, low and high of a metric, of the network or of a baseline."""
        part = self.figures[self.part]
        figures: dict[str, dict[str, float]] = part["baseline"][rival] if rival else part["metrics"]
        return figures[metric]


def train(job: Job) -> Done:
    """Train, export and evaluate with specc; nothing is done where the same program has done it on the same table."""
    import specc
    from specc.api.program import compile as program_of
    from specc.api.training import Trained
    from specc.emit.program import digest

    folder = job.kept.parent
    spec, table = SPECS / job.task.spec, job.table
    settings = (*job.settings, f"train.seed={job.seed}", *([f"data.manifest={table}"] if table else []))
    text = spec.read_bytes()
    seen = table or spec.parent / re.findall(r"manifest: (\S+)", text.decode())[0]
    told = digest(program_of(spec, settings=settings)) + hashlib.sha256(seen.read_bytes()).hexdigest()
    key = hashlib.sha256(told.encode()).hexdigest()
    if job.kept.exists() and json.loads(job.kept.read_text(encoding="utf-8"))["key"] == key:
        return Done(**json.loads(job.kept.read_text(encoding="utf-8")))
    began = time.monotonic()
    result = specc.train(spec, settings=settings, runs=folder / f"{job.kept.stem}.runs")
    if not isinstance(result, Trained) or result.evaluation is None:
        raise KeyboardInterrupt  # the training was stopped, and is not kept
    epochs = len((result.run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    seconds = round(time.monotonic() - began, 1)
    sha = hashlib.sha256(text).hexdigest()
    done = Done(key, sha, job.seed, seconds, epochs, result.best_epoch, result.evaluation.plain())
    job.kept.write_text(json.dumps(asdict(done)), encoding="utf-8")
    shutil.rmtree(result.run / "checkpoints", ignore_errors=True)
    return done


def attempt(job: Job) -> Done | str:
    """`train`, or why it failed."""
    try:
        return train(job)
    except SpeccError as fault:
        return str(fault)


def find(packs: Path, table: str) -> Path | None:
    """The table of a set that was unpacked somewhere in a folder, or None."""
    pack, name = table.split("/")
    return next((path.resolve() for path in sorted(packs.rglob(name)) if pack in path.parts), None)


def without_copies(found: Path, work: Path, image: str = "file") -> Path:
    """The table without training images that are in another part, too, beside a copy of the files; specc refuses both.

    Where there are none it is the table itself.
    """
    with found.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen = {row[image]: _pixels(found.parent / row[image]) for row in rows}
    judged = {seen[row[image]] for row in rows if row["split"] != "train"}
    kept = [row for row in rows if row["split"] != "train" or seen[row[image]] not in judged]
    if len(kept) == len(rows):
        return found
    copy = work / "without-copies" / found.parent.name
    shutil.copytree(found.parent, copy, dirs_exist_ok=True)
    with (copy / found.name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(kept)
    print(f"{found.name}: {len(rows) - len(kept)} training images are left out, copies of others", file=sys.stderr)
    return copy / found.name


def _pixels(file: Path) -> tuple[Any, ...]:
    with Image.open(file) as image:
        return image.mode, image.size, hashlib.sha256(image.tobytes()).digest()


def shown(value: float, task: Task) -> str:
    """A figure as a page shows it."""
    digits = 2 if task.metric == "psnr" else 1 if task.metric == "mae" and task.aim and task.aim > 1 else 3
    return f"{value:.{digits}f}"


def interval(figures: Sequence[dict[str, Any]], task: Task) -> str:
    """From the lowest lower bound to the highest upper one; one group alone has none."""
    lows, highs = ([figure[end] for figure in figures if figure[end] is not None] for end in ("low", "high"))
    return f"{shown(min(lows), task)} to {shown(max(highs), task)}" if lows else "-"


def row(task: Task, runs: Sequence[Done]) -> list[str]:
    """A line of the table of tasks."""
    values = [run.figure(task.metric)["value"] for run in runs]
    intervals = [run.figure(task.metric) for run in runs]
    mean, sign = statistics.mean(values), BETTER.get(task.metric, 1)
    part = runs[0].figures[runs[0].part]
    name = task.metric.replace("_", " ").replace("mae", "mean absolute error").replace("psnr", "PSNR")
    name = name.replace(" auc", " AUC")
    beside = {rival: runs[0].figure(task.metric, rival)["value"] for rival in task.rivals}
    rivals = [f"{shown(value, task)}{_named(rival)}" for rival, value in beside.items()]
    best = max(beside.values(), key=lambda value: sign * value)
    reached = sign * (mean - task.aim) >= 0 if task.aim is not None else sign * (mean - best) > 0
    return [
        task.title,
        task.link,
        f"{'test' if runs[0].part == 'test' else '**validation**'}: {part['images']} images, {part['patients']} groups",
        name + (f" ({task.unit})" if task.unit else ""),
        "the baselines" if task.aim is None else f"{'>=' if sign > 0 else '<='} {task.aim:g}",
        f"**{shown(mean, task)}**",
        shown(statistics.stdev(values), task) if len(values) > 1 else "-",
        f"{shown(min(values), task)} to {shown(max(values), task)}",
        interval(intervals, task),
        *rivals,
        *["-"] * (2 - len(rivals)),
        "yes" if reached else "**missed**",
    ]


def _named(rival: str) -> str:
    """A baseline that the head of the table does not name."""
    return "" if rival in ("trivial", FOREST) else f" ({rival})"


HEAD = (
    "task", "spec", "judged on", "metric", "aim", "mean", "sd", "seeds from, to", "interval by group", "trivial",
    "intensity forest", "reached",
)  # fmt: skip
EACH = ("task", "seed", "figure", "interval by group", "best epoch of", "seconds")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def each(task: Task, runs: Sequence[Done]) -> list[list[str]]:
    """Lines of the table of trainings."""
    lines = []
    for run in runs:
        figure = run.figure(task.metric)
        best = f"{run.best_epoch} of {run.epochs}"
        value = shown(figure["value"], task)
        head = f"{task.title}, {Path(task.spec).name}"
        lines.append([head, str(run.seed), value, interval([figure], task), best, f"{run.seconds:.0f}"])
    return lines


def commit() -> str:
    """The commit of this repository, with a mark when files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    said = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def page(found: dict[Task, list[Done]]) -> str:
    """The figures as Markdown."""
    specs = {Path(task.spec).name: runs[0].spec for task, runs in found.items()}
    seconds = sum({id(run): run.seconds for runs in found.values() for run in runs}.values())
    lines = table(HEAD, (row(task, runs) for task, runs in found.items()))
    lines += ["", f"Commit {commit()}; {seconds / 60:.0f} minutes of training, export and evaluation in all, each on"]
    lines += ["one thread. SHA-256 of the specs: " + ", ".join(f"{name} `{sha[:12]}`" for name, sha in specs.items())]
    lines += [".", "", *table(EACH, (line for task, runs in found.items() for line in each(task, runs)))]
    return "\n".join(lines).replace("`\n.", "`.")


def write(figures: str, kind: str, file: Path = PAGE) -> None:
    """Put figures between the marks `<!-- KIND -->` and `<!-- end of KIND -->` of the page."""
    text = file.read_text(encoding="utf-8")
    start, end = f"<!-- {kind} -->", f"<!-- end of {kind} -->"
    before, rest = text.split(start)
    file.write_text(f"{before}{start}\n\n{figures}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


def run_all(jobs: Sequence[Job], at_once: int) -> dict[Task, list[Done]]:
    """Do all jobs, so many at once, each on one thread; progress goes to stderr."""
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # of the programs that the workers start
    for job in jobs:
        job.kept.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    found: dict[Task, list[Done]] = {}
    asked: dict[Path, list[Job]] = {}  # tasks with one spec are judged on one training
    for job in jobs:
        asked.setdefault(job.kept, []).append(job)
    with ProcessPoolExecutor(at_once, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(attempt, same[0]): same for same in asked.values()}
        for count, future in enumerate(as_completed(waiting), 1):
            done = future.result()
            for job in waiting[future]:
                print(f"{count}/{len(asked)}  {job.task.name}, seed {job.seed}: ", end="", file=sys.stderr)
                if isinstance(done, str):  # the others go on; a task without all of its seeds is left out
                    print(done, file=sys.stderr, flush=True)
                    continue
                found.setdefault(job.task, []).append(done)
                value = shown(done.figure(job.task.metric)["value"], job.task)
                print(
                    f"{done.part} {job.task.metric} {value} (best epoch {done.best_epoch} of {done.epochs}, "
                    f"{done.seconds:.0f} s; {time.monotonic() - began:.0f} s in all)", file=sys.stderr, flush=True,
                )  # fmt: skip
    seeds = len({job.seed for job in jobs})
    whole = [task for task in TASKS if len(found.get(task, ())) == seeds]
    return {task: sorted(found[task], key=lambda run: run.seed) for task in whole}


def main() -> None:
    """Train what is not there yet, print the figures, write them into the page when they are complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, help="folder with the whole sets; else the images of this repository")
    parser.add_argument("--only", action="append", choices=[task.name for task in TASKS], help="this task alone")
    parser.add_argument("--seeds", default="0,1,2,3,4", help="seeds of the trainings (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="keep every figure in this file")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at once (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=HERE / "runs" / "quality", help="where trainings are kept")
    options = parser.parse_args()
    tasks = [task for task in TASKS if not options.only or task.name in options.only]
    work = options.work.absolute()
    tables = {task: find(options.packs, task.table) if options.packs else None for task in tasks}
    tables = {task: without_copies(found, work, task.image) if found else None for task, found in tables.items()}
    for task in [task for task in tasks if options.packs and tables[task] is None]:
        print(f"{task.name} is left out: there is no {task.table} in {options.packs}", file=sys.stderr)
        tasks.remove(task)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    found = run_all([Job(task, seed, tables[task], work) for task in tasks for seed in seeds], options.jobs)
    print(page(found))
    if options.json:
        plain = {task.name: [asdict(run) for run in runs] for task, runs in found.items()}
        options.json.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    if len(found) == len(TASKS) and len(seeds) > 1:
        write(page(found), "whole sets" if options.packs else "images of this repository")


if __name__ == "__main__":
    main()
