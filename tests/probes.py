"""What the tests of the foreign distribution share: the plugin installed, a project with images, runs and kills."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import PIL.Image
from safetensors.numpy import load_file

HERE = Path(__file__).parent
PLUGIN = HERE / "probe_plugin"
FORBIDDEN = ("specc", "specc_probe", "pydantic", "yaml")

# Runs a program in this process and ends it: after so many events of a kind, by SIGKILL; or, at the end, with a list
# of the modules that it must not have imported.
RUNNER = """
import json, os, runpy, signal, sys
kind, left = sys.argv[1], int(sys.argv[2])
sys.argv = sys.argv[3:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
import runtime
plain = runtime.event
def event(name, **values):
    global left
    plain(name, **values)
    left -= name == kind
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
runtime.event = event
import checkpoints
save = checkpoints.save
def saved(folder, what, step, state):
    save(folder, what, step, state)
    fitted = what == "best" and state["at"]["epoch"] == 0
    event("fit" if fitted else "save")
checkpoints.save = saved
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(json.dumps({"imported": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@dataclass(frozen=True)
class Project:
    """A folder with images, a table and specs; the plugin is installed beside it, and `specc.toml` enables it."""

    folder: Path
    site: Path

    @property
    def environment(self) -> dict[str, str]:
        """With the plugin, and specc as it is tested."""
        path = os.pathsep.join([str(self.site), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
        return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}

    def specc(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run specc in the project's folder."""
        command = [sys.executable, "-m", "specc", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def run(
        self, program: Path, run: Path, *arguments: str, kill: tuple[str, int] = ("", -1)
    ) -> list[dict[str, object]]:
        """Run an emitted program, without the plugin and specc in its path; its events, and last its modules."""
        command = [sys.executable, "-P", "-c", RUNNER, kill[0], str(kill[1]), str(program / "train.py"), *arguments]
        command += ["--data", str(self.folder), "--run", str(run), "--cache", str(run.parent / "cache")]
        environment = {key: value for key, value in self.environment.items() if key != "PYTHONPATH"}
        command += ["--checkpoint-seconds", "0"]
        done = subprocess.run(command, cwd=run.parent, env=environment, capture_output=True, text=True)
        assert done.returncode == (-signal.SIGKILL if kill[1] > 0 else 0), done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def draw(folder: Path, count: int = 40) -> None:
    """Dark images with none to three bright squares, and a table that knows where these are."""
    dice = np.random.default_rng(0)
    (folder / "images").mkdir()
    rows = [["file", "label", "part", "things"]]
    for number in range(count):
        pixels = dice.integers(0, 60, (16, 16))
        corners = dice.integers(0, 12, (number % 4, 2)).tolist()
        for x, y in corners:
            pixels[y : y + 4, x : x + 4] += 180
        PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{number:02}.png")
        boxes = ";".join(f"{x / 16},{y / 16},0.25,0.25" for x, y in corners)
        part = "train" if number < count - 12 else "val"
        rows.append([f"images/{number:02}.png", "bright" if boxes else "dark", part, boxes])
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def draw_shapes(folder: Path, count: int = 60) -> None:
    """Images of many sizes with none to three squares and bars, and a table that knows where these are."""
    dice = np.random.default_rng(1)
    (folder / "shapes").mkdir()
    rows = [["file", "part", "objects"]]
    for number in range(count):
        height, width = dice.integers(24, 41, 2).tolist()
        pixels, objects = dice.integers(0, 40, (height, width)), list[list[object]]()
        for _ in range(number % 4):
            name, wide, high = (("square", 9, 9), ("bar", 14, 6))[int(dice.integers(2))]
            x, y = int(dice.integers(width - wide)), int(dice.integers(height - high))
            pixels[y : y + high, x : x + wide] = 160 if name == "square" else 240
            objects.append([name, x, y, wide, high])
        PIL.Image.fromarray(pixels.astype(np.uint8)).save(folder / "shapes" / f"{number:02}.png")
        rows.append([f"shapes/{number:02}.png", "train" if number < count - 16 else "val", json.dumps(objects)])
    with (folder / "shapes.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def draw_all(folder: Path) -> None:
    """What all specs of the plugin name."""
    draw(folder)
    draw_shapes(folder)
    with (folder / "shapes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    boxes = [(number, *box) for number, row in enumerate(rows) for box in json.loads(row["objects"])]
    kinds = {"square": 3, "bar": 7}
    told = {
        "images": [{"id": number, "file_name": row["file"]} for number, row in enumerate(rows)],
        "annotations": [{"image_id": n, "category_id": kinds[name], "bbox": box} for n, name, *box in boxes],
        "categories": [{"id": number, "name": name} for name, number in kinds.items()],
    }
    (folder / "shapes.json").write_text(json.dumps(told), encoding="utf-8")


def install(site: Path) -> None:
    """What `pip install --target` leaves behind, without pip: the packages, and the metadata out of pyproject.toml."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    made = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"]["specc.plugins"]
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (made / "entry_points.txt").write_text(f"[specc.plugins]\n{lines}")
    for file in sorted(PLUGIN.glob("specc_probe/**/*.py")):
        copy = site / file.relative_to(PLUGIN)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    (made / "RECORD").write_text("".join(f"{f.relative_to(site).as_posix()},,\n" for f in sorted(site.rglob("*.*"))))


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file by name."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*.*"))}


def tensors(run: Path, kind: str) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Of the newest checkpoint of a kind."""
    return load_file(sorted((run / "checkpoints").glob(f"{kind}-*.safetensors"))[-1])


def opened(run: Path) -> onnxruntime.InferenceSession:
    """The exported model; its certificate says that torch agrees."""
    parity = json.loads((run / "parity.json").read_text())
    assert parity["passed"]
    assert parity["images"] >= 40
    return onnxruntime.InferenceSession(run / "model.onnx", providers=["CPUExecutionProvider"])


def prepared(folder: Path, site: Path) -> Project:
    """The plugin installed, the project enabled, images and specs in place."""
    install(site)
    draw_all(folder)
    for spec in PLUGIN.glob("specs/*.yaml"):
        (folder / spec.name).write_bytes(spec.read_bytes())
    (folder / "specc.toml").write_text('[plugins]\nenabled = ["probe"]\n')
    return Project(folder, site)


def killed_and_resumed(project: Project, program: Path, run: Path, kills: list[tuple[str, int]]) -> None:
    """A run that was killed at these events, and went on to its end."""
    more = list[str]()
    for kill in kills:
        project.run(program, run, *more, kill=kill)
        assert not (run / "model.onnx").exists()
        more = ["--resume"]
    project.run(program, run, "--resume")


def same_bytes(one: Path, other: Path) -> None:
    """Both runs end in the same checkpoints, figures and model."""
    first, second = contents(one), contents(other)
    for kind in ("last", "best"):
        (name,) = [name for name in sorted(first) if f"/{kind}-" in name][-1:]
        assert [other for other in sorted(second) if f"/{kind}-" in other][-1] == name
        assert first[name] == second[name], name
    for name in ("metrics.jsonl", "contract.json", "parity.json", "model.onnx"):
        assert first[name] == second[name], name
