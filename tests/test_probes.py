"""Tasks of a foreign distribution: a GAN with a replay pool, a segmenter whose masks move with the images, a network
and a fit. A detector and a translation between two kinds of images have tests of their own.

The distribution is not part of specc and nothing in specc knows of it. Its tasks compile, train, survive SIGKILL with
the same bytes, export, and are never imported unless the project enables them.
"""

from __future__ import annotations

import json
import math
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from probes import FORBIDDEN, PLUGIN, Project, contents, killed_and_resumed, opened, prepared, same_bytes, tensors

from specc.pieces import runtime

TASKS = ("gan", "segmenter", "staged")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The plugin installed, the project enabled, images and specs in place."""
    return prepared(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def programs(project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every task's program, compiled by the command line."""
    place = tmp_path_factory.mktemp("programs")
    for task in TASKS:
        project.specc("compile", f"{task}.yaml", "-o", str(place / task))
    return {task: place / task for task in TASKS}


# ------------------------------------------------------------------ the plugin and the project


def test_the_plugin_is_not_imported_unless_the_project_enables_it(project: Project, tmp_path: Path) -> None:
    watch = (
        "import sys\nopened = []\n"
        "sys.addaudithook(lambda event, values: event == 'import' and opened.append(values[0]))\n"
        "from specc import registry\nfrom specc.registry import enabled\n"
        "found = enabled(sys.argv[1])\n"
        "imported = any(name.startswith('specc_probe') for name in opened)\n"
        "print(sorted(set(found.installed) - set(registry.own())), 'probe_gan' in found.tasks, imported)"
    )
    for folder, says in ((tmp_path, "['probe'] False False"), (project.folder, "['probe'] True True")):
        command = [sys.executable, "-c", watch, str(folder)]
        done = subprocess.run(
            command, env=project.environment, capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert done.stdout.strip() == says
    (tmp_path / "gan.yaml").write_bytes((PLUGIN / "specs/gan.yaml").read_bytes())
    refused = project.specc("check", str(tmp_path / "gan.yaml"), code=1)
    assert "installed, but not enabled" in refused.stdout + refused.stderr


def test_the_plugin_imports_the_interface_and_pieces_only() -> None:
    modules = ("plugin", "answering", "data.look", "errors", "ir", "pieces", "study")
    public = ("specc_probe", *(f"specc.{module}" for module in modules))
    for file in PLUGIN.glob("specc_probe/**/*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]) and words[1].startswith("specc"):
                assert words[1].startswith(public), (file.name, line)


def test_compiling_loads_no_torch(project: Project) -> None:
    code = (
        "import sys\nfrom specc import compile\nfor name in sys.argv[1:]: assert compile(name)['train.py']\n"
        "print([name for name in ('torch', 'sklearn', 'specc_probe.pieces.gan') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, *(f"{task}.yaml" for task in TASKS)]
    done = subprocess.run(command, cwd=project.folder, env=project.environment, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_same_spec_gives_the_same_bytes(project: Project, programs: dict[str, Path], tmp_path: Path) -> None:
    for task, program in programs.items():
        project.specc("compile", f"{task}.yaml", "-o", str(tmp_path / task))
        assert contents(tmp_path / task) == contents(program)
        assert {"train.py", "model.py", "data.py", "deploy.py", "runtime.py", "contract.json"} <= contents(
            program
        ).keys()
        for name, text in contents(program).items():
            assert b"specc_probe" not in text, name
            assert b"import specc" not in text, name
            assert b"from specc" not in text, name


# ------------------------------------------------------------------ faults that only the task knows


@pytest.mark.parametrize(
    ("task", "old", "new", "code", "word"),
    [
        ("gan", "filters: 1,", "filters: 3,", "Z101", "the generator must give [1, 16, 16] numbers"),
        ("gan", "loss: binary_cross_entropy", "loss: mean_squared_error", "Z102", "does not fit a discriminator"),
        ("gan", "latent: 8", "latent: 0", "S104", "latent"),
        ("gan", "shape: [8, 4, 4]", "shape: [8, 4, 5]", "S302", "8x4x5 needs 160 numbers, and there are 128"),
        ("staged", "units: 2, id: last", "units: 3, id: last", "Z104", "`logits` has a number for each class"),
        ("staged", "watch: accuracy", "watch: recall", "S219", "`recall` is not measured in this task"),
    ],
)
def test_what_is_wrong_is_said(
    project: Project, tmp_path: Path, task: str, old: str, new: str, code: str, word: str
) -> None:
    text = (PLUGIN / "specs" / f"{task}.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    spec = project.folder / f"bad_{tmp_path.name}.yaml"
    spec.write_text(text.replace(old, new), encoding="utf-8")
    refused = project.specc("check", spec.name, code=1)
    assert code in refused.stdout + refused.stderr
    assert word in refused.stdout + refused.stderr


# ------------------------------------------------------------------ training


@pytest.fixture(scope="module")
def whole(project: Project, programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each task that nothing interrupted."""
    runs = {}
    for task in TASKS:
        runs[task] = tmp_path_factory.mktemp(task) / "run"
        *events, last = project.run(programs[task], runs[task])
        assert events[-1]["event"] == "parity"
        imported = last["imported"]
        assert isinstance(imported, list)
        assert [name for name in FORBIDDEN if name in imported] == []
    return runs


@pytest.mark.parametrize("task", TASKS)
def test_losses_are_finite(whole: Mapping[str, Path], task: str) -> None:
    rows = [json.loads(line) for line in (whole[task] / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    wanted = {"gan": {"train_d_loss", "train_g_loss", "fooled"}}
    wanted["segmenter"] = {"train_loss", "val_loss", "overlap"}
    for row in rows:
        assert wanted.get(task, {"train_loss", "val_loss", "accuracy"}) <= row.keys()
        assert all(math.isfinite(value) for name, value in row.items() if name != "stage")
    if task == "gan":
        assert [row["pool"] for row in rows] == [40, 50, 50]


@pytest.mark.parametrize(
    ("task", "kills"),
    [
        ("gan", [("save", 2), ("save", 5)]),  # while the pool fills, and when it is full
        ("segmenter", [("save", 3)]),
        ("staged", [("save", 2), ("fit", 1), ("trained", 1)]),  # in epoch 1; between the fit's two saves; before export
    ],
)
def test_killed_and_resumed_is_the_same(
    project: Project,
    programs: dict[str, Path],
    whole: dict[str, Path],
    tmp_path: Path,
    task: str,
    kills: list[tuple[str, int]],
) -> None:
    killed_and_resumed(project, programs[task], tmp_path / "run", kills)
    same_bytes(whole[task], tmp_path / "run")


def test_the_pool_is_part_of_the_checkpoint(whole: Mapping[str, Path]) -> None:
    pool = tensors(whole["gan"], "last")[".parts.pool.images"]
    assert pool.shape == (50, 1, 16, 16)
    assert np.all(pool.std(axis=(1, 2, 3)) > 0)


def test_the_coefficients_belong_to_the_best_epoch(whole: Mapping[str, Path]) -> None:
    best, last = tensors(whole["staged"], "best"), tensors(whole["staged"], "last")
    assert np.any(best[".parts.readout.weight"] != 0)
    assert best.keys() == last.keys()
    for name, value in best.items():
        assert np.array_equal(value, last[name]), name


# ------------------------------------------------------------------ what leaves


def test_the_generator_leaves(whole: Mapping[str, Path]) -> None:
    model = opened(whole["gan"])
    assert [place.name for place in model.get_inputs()] == ["latent"]
    assert [place.name for place in model.get_outputs()] == ["image"]
    latent = np.random.default_rng(0).normal(size=(7, 8)).astype(np.float32)
    (images,) = model.run(["image"], {"latent": latent})
    assert images.shape == (7, 1, 16, 16)
    assert np.all((images > 0) & (images < 1))  # its sigmoid was not taken off
    assert images.std(axis=0).max() > 0


def test_the_segmenter_leaves(whole: Mapping[str, Path]) -> None:
    model = opened(whole["segmenter"])
    (mask,) = model.run(["mask"], {"pixels": np.zeros((3, 1, 40, 21), np.float32)})
    assert mask.shape == (3, 1, 16, 16)
    assert np.all((mask > 0) & (mask < 1))


def test_masks_move_with_the_images(programs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of the emitted program: whole pixels move, so that mask and image agree to the pixel."""
    monkeypatch.setitem(sys.modules, "runtime", runtime)
    segmenter = runpy.run_path(str(programs["segmenter"] / "augment.py"), run_name="segmenter")
    masks, ids, key = torch.zeros(64, 1, 16, 16, dtype=torch.uint8), torch.arange(64), (42, 0, 1)
    masks[:, :, 3:7, 5:10] = 1
    images, moved = segmenter["augment"](masks.float(), ids, key), segmenter["moved_masks"](masks, ids, key, 255)
    assert torch.equal(images.round() == 1, moved == 1)  # the noise of the image is small, and the mask has none
    assert set(moved.unique().tolist()) == {0, 1, 255}


def test_the_coefficients_leave_in_the_graph(whole: Mapping[str, Path], project: Project) -> None:
    model, parts = opened(whole["staged"]), tensors(whole["staged"], "best")
    pixels = np.array(PIL.Image.open(project.folder / "images/03.png"), np.float32)[None, None]
    answer, probabilities = model.run(["answer", "probabilities"], {"pixels": pixels})
    assert probabilities.shape == (1, 2)
    assert answer.tolist() == probabilities.argmax(1).tolist()
    logit = math.log(probabilities[0, 1] / probabilities[0, 0])
    weight, bias = parts[".parts.readout.weight"], parts[".parts.readout.bias"]
    assert np.all(weight[0] == 0)
    assert abs(logit - bias[1]) <= np.abs(weight[1]).sum() + 1e-4  # features end in tanh: between -1 and 1


# ------------------------------------------------------------------ through specc


@pytest.mark.parametrize("task", TASKS)
def test_specc_train_follows_a_foreign_task(project: Project, tmp_path: Path, task: str) -> None:
    done = project.specc("train", f"{task}.yaml", "--runs", str(tmp_path), "-S", "train.epochs=2", "--json")
    answered = task in ("staged", "segmenter")
    assert ("next: specc predict" in done.stderr) == answered
    told = json.loads(done.stdout.splitlines()[-1])
    run = Path(tmp_path / f"probe-{task}/001")
    assert (run / "model.onnx").exists()
    assert (run / "eval/learning_curve.png").read_bytes().startswith(b"\x89PNG")
    assert (told["verdict"] == "not judged") == (task == "gan")
    assert ("evaluation" in told) == answered
    lock = (run / "spec.lock.yaml").read_text(encoding="utf-8")
    assert "distribution: specc-probe" in lock
    again = project.specc("eval", str(run), code=0 if answered else 5)
    refused = project.specc("predict", str(run / "model.onnx"), "images/01.png", code=0 if answered else 5)
    if not answered:
        assert "P848" in again.stderr
        assert f"`probe_{task}` gives no classes or values" in refused.stderr


def test_settings_that_a_task_does_not_heed_are_refused(project: Project) -> None:
    """The GAN has a training step of its own: an average of its weights would be a word without a deed."""
    text = (PLUGIN / "specs" / "gan.yaml").read_text(encoding="utf-8")
    assert "train: {" in text
    (project.folder / "averaged.yaml").write_text(text.replace("train: {", "train: {ema: 0.9, "), encoding="utf-8")
    done = project.specc("check", "averaged.yaml", "--no-data", code=1)
    assert "error[S254]: the task `probe_gan` does not heed `ema`" in done.stderr + done.stdout
