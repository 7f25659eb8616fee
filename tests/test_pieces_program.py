"""Pieces of programs: the order of parts, the cache of edited images, metrics, answers, the export and its proof."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from pictures import write
from programs import encode
from sklearn import metrics as judge
from torch import Tensor, nn

from specc.pieces import answers, edits, export, images, index, metrics, pixels, readers, resize
from specc.pieces import runtime as rt

Slots = pytest.MonkeyPatch


def bind(slots: Slots, module: Any, **values: Any) -> None:
    """Fill slots of a module."""
    for name, value in values.items():
        slots.setattr(module, name, value)


def same(items: Any) -> Any:
    """What a slot that is left out does."""
    return items


@pytest.fixture
def data(tmp_path: Path, monkeypatch: Slots) -> Path:
    """Twelve PNG files; slots filled so that a program of 8x8 pixels reads them."""
    return fill(tmp_path, monkeypatch)


def fill(folder: Path, slots: Slots) -> Path:
    """Write the files and fill the slots."""
    for number in range(12):
        write(folder / f"{number:02}.png", encode("png", number))
    table = [{"file": f"{n:02}.png", "image": f"{n:02}.png", "label": "ab"[n % 2]} for n in range(12)]
    split = ["val", "train", "test", "train"] * 3
    bind(
        slots,
        images,
        rows=lambda root: table,
        chosen=pixels.every_file,
        parts_of=lambda rows, entries: [split[int(row["file"][:2])] for row in rows],
        targets_of=lambda rows: {"target": np.array([int(row["file"][:2]) for row in rows])},
        value_range=images.range_of_type,
        edit_all=images.edit_once,
        Edits=edits.UnitEdits,
        SHAPE=(1, 8, 8),
        READ_WINDOW="none",
        FRAME=None,
        file_by_file=same,
        stacked=same,
        each_file=same,
    )
    bind(slots, edits, HEIGHT=8, WIDTH=8, mixing=edits.to_mono)
    bind(slots, edits, resize=resize.resize_fit, window=edits.clip_window, edited=same)
    return folder


def options(folder: Path, **more: Any) -> argparse.Namespace:
    """Options of a program."""
    (folder / "cache").mkdir(exist_ok=True)
    (folder / "run").mkdir(exist_ok=True)
    return argparse.Namespace(data=folder, cache=folder / "cache", run=folder / "run", workers=2, **more)


def loaded(folder: Path) -> pixels.Images:
    """The images of a program."""
    return images.load_images(options(folder), torch.device("cpu"))


# ---------------------------------------------------------------------- images


def test_training_comes_first_then_validation_then_test_each_in_the_order_of_the_table(data: Path) -> None:
    found = loaded(data)
    assert found.parts == {"train": range(6), "val": range(6, 9), "test": range(9, 12)}
    assert found.targets["target"].tolist() == [1, 3, 5, 7, 9, 11, 0, 4, 8, 2, 6, 10]
    assert [row["file"][:2] for row in found.rows] == [f"{n:02}" for n in found.targets["target"].tolist()]
    assert [Path(entry.path).name for entry in found.entries] == [row["file"] for row in found.rows]
    assert found.pixels.shape == (12, 1, 8, 8)
    assert found.sizes() == {"train": 6, "val": 3, "test": 3}
    for place, entry in enumerate(found.entries):
        alone = torch.from_numpy(readers.read(entry.path, "none")[0]).permute(2, 0, 1)[None]
        torch.testing.assert_close(found.pixels[place], resize.resize_fit(alone / 255, 8, 8)[0])
    assert torch.equal(found.pick(torch.tensor([3, 3])), found.pixels[[3, 3]])


def decoded(data: Path, monkeypatch: Slots) -> list[str]:
    """Load the images; the names of the files that were edited."""
    names: list[str] = []
    whole = pixels.pixels_of

    def listening(entry: index.Entry, *rest: Any) -> Any:
        names.append(Path(entry.path).name)
        return whole(entry, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(pixels, "pixels_of", listening)
        loaded(data)
    return sorted(names)


def test_a_second_run_decodes_nothing_and_a_change_is_seen(data: Path, monkeypatch: Slots) -> None:
    every = [f"{n:02}.png" for n in range(12)]
    assert decoded(data, monkeypatch) == every
    assert decoded(data, monkeypatch) == []
    before = loaded(data).pixels.clone()
    status = (data / "01.png").stat()
    write(data / "01.png", encode("png", 2))
    os.utime(data / "01.png", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert decoded(data, monkeypatch) == every  # the file's bytes
    after = loaded(data).pixels
    assert (before != after).any((1, 2, 3)).tolist() == [True] + [False] * 11
    monkeypatch.setattr(images, "value_range", lambda facts: (10.0, 200.0))
    assert decoded(data, monkeypatch) == every  # the spec's window
    assert decoded(data, monkeypatch) == []
    monkeypatch.setattr(images, "READ_WINDOW", "auto")
    assert decoded(data, monkeypatch) == every  # what the reader does
    monkeypatch.setattr(images, "SHAPE", (1, 9, 8))
    bind(monkeypatch, edits, HEIGHT=9)
    assert decoded(data, monkeypatch) == every  # the size


def test_a_tiny_change_of_the_training_mean_is_another_cache(data: Path) -> None:
    """Seen at full precision: the files and their order may be the same while the parts are not."""
    entries = loaded(data).entries
    plain = edits.UnitEdits(0, 255, 1)
    results: list[Any] = []
    for mean in (0.123456, 0.1234561):
        module = edits.StandardizedEdits(plain, torch.tensor([mean]), torch.tensor([0.5]))
        results.append(pixels.cached(entries, "none", None, module, (1, 8, 8), options(data)))
    assert not np.array_equal(results[0], results[1])


def test_the_cache_is_private_to_a_process(data: Path) -> None:
    first, again = loaded(data).pixels, loaded(data).pixels
    first += 1
    assert not torch.equal(first, again)
    assert torch.equal(again, loaded(data).pixels)


def build(data: Path, out: Any) -> None:
    """Load the images in another process; threads of OpenMP do not live through a fork."""
    torch.set_num_threads(1)
    out.put(loaded(data).pixels.sum().item())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="filled slots come along by fork")
def test_builders_at_once_do_not_harm_each_other(data: Path) -> None:
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    builders = [context.Process(target=build, args=(data, results)) for _ in range(4)]
    for builder in builders:
        builder.start()
    sums = {results.get() for _ in builders}
    for builder in builders:
        builder.join()
        assert builder.exitcode == 0
    assert sums == {loaded(data).pixels.sum().item()}
    assert list((data / "cache").glob("*.part")) == []


def test_files_that_cannot_be_used_end_the_program(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(data / "04.png", b"no picture")
    with pytest.raises(SystemExit) as end:
        loaded(data)
    assert end.value.code == 2
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["event"], said["code"]) == ("error", "D403")
    assert "04.png" in said["message"]


def test_another_size_without_resize_ends_the_program(
    data: Path, monkeypatch: Slots, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(edits, "resize", resize.resize_none)
    with pytest.raises(SystemExit) as end:
        loaded(data)
    assert end.value.code == 2
    assert "the network takes 8x8" in capsys.readouterr().err


def test_steps_and_orders() -> None:
    assert [images.all_steps(n, 4) for n in (1, 4, 5, 8)] == [1, 1, 2, 2]
    assert [images.whole_steps(n, 4) for n in (1, 4, 5, 8)] == [1, 1, 1, 2]
    order = images.shuffled((42, 0, 0), 1000)
    assert sorted(order.tolist()) == list(range(1000))
    assert order.tolist() != images.shuffled((42, 0, 1), 1000).tolist()
    assert torch.equal(order, images.shuffled((42, 0, 0), 1000))
    assert images.in_order((1, 2, 3), 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_share_every_step(ranks: int, monkeypatch: Slots) -> None:
    """Every image once an epoch over all ranks, with the weight that makes the sum of losses a mean."""
    bind(monkeypatch, images, shuffle=images.shuffled, steps=images.all_steps)
    shares: list[list[rt.Batch]] = []
    for rank in range(ranks):
        bind(monkeypatch, rt, RANK=rank, RANKS=ranks)
        shares.append(list(images.batches((1, 0, 0), 1, 10, 4, 0, torch.device("cpu"))))
    assert {len(share) for share in shares} == {3}
    seen = []
    for step in zip(*shares, strict=True):
        assert sum(batch.weights.sum().item() for batch in step) == pytest.approx(1)
        counts = [len(batch.ids) for batch in step]
        assert max(counts) - min(counts) <= 1 and min(counts) >= 1
        copies = sum(not w for batch in step for w in batch.weights.tolist())
        assert copies == max(0, ranks - step[0].size)  # only a rank for which there is no image
        seen += [i for batch in step for i, w in zip(batch.ids.tolist(), batch.weights.tolist(), strict=True) if w]
    assert sorted(seen) == list(range(10))
    later = list(images.batches((1, 0, 0), 1, 10, 4, 2, torch.device("cpu")))
    assert torch.equal(later[0].ids, shares[-1][2].ids)  # a resumed epoch goes on in the same order


def test_range_of_the_type() -> None:
    eight, sixteen = readers.Facts("png", 1, 1, 1, 8, False), readers.Facts("png", 1, 1, 1, 16, False)
    assert images.range_of_type([eight, eight]) == (0, 255)
    assert images.range_of_type([eight, sixteen]) == (0, 65535)


# ---------------------------------------------------------------------- metrics


@pytest.mark.parametrize("seed", range(6))
def test_metrics_of_two_classes_against_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, logits = rng.integers(0, 2, 60), rng.normal(size=60).round(seed % 3)  # rounding makes ties
    found = metrics.two_class_scores(torch.tensor(logits)[:, None], torch.tensor(labels))
    assert found["auc"] == pytest.approx(judge.roc_auc_score(labels, logits), abs=1e-12)
    assert found["accuracy"] == pytest.approx(judge.accuracy_score(labels, logits > 0))
    assert found["balanced_accuracy"] == pytest.approx(judge.balanced_accuracy_score(labels, logits > 0))


@pytest.mark.parametrize("seed", range(4))
def test_metrics_of_many_classes_against_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, logits = rng.integers(0, 4, 80), rng.normal(size=(80, 4)).round(1)
    found = metrics.class_scores(torch.tensor(logits), torch.tensor(labels))
    shares = torch.tensor(logits).double().softmax(1).numpy()
    expected = judge.roc_auc_score(labels, shares, multi_class="ovr", average="macro")
    assert found["auc"] == pytest.approx(expected, abs=1e-12)
    assert found["accuracy"] == pytest.approx(judge.accuracy_score(labels, logits.argmax(1)))
    assert found["balanced_accuracy"] == pytest.approx(judge.balanced_accuracy_score(labels, logits.argmax(1)))


@pytest.mark.parametrize("width", [1, 3])
def test_metrics_of_values_against_scikit_learn(width: int) -> None:
    rng = np.random.default_rng(width)
    truth, values = rng.normal(40, 9, (50, width)), rng.normal(41, 8, (50, width))
    found = metrics.value_scores(torch.tensor(values), torch.tensor(truth))
    assert found["mae"] == pytest.approx(judge.mean_absolute_error(truth, values))
    assert found["rmse"] == pytest.approx(judge.mean_squared_error(truth, values) ** 0.5)
    assert found["r2"] == pytest.approx(judge.r2_score(truth, values))


def test_metrics_at_their_edges() -> None:
    one = torch.tensor([[0.3], [0.3]]), torch.tensor([1, 1])
    wanted = {"accuracy": 1, "balanced_accuracy": 1, "auc": 0.5, "output_spread": 0}
    assert metrics.two_class_scores(*one) == wanted
    assert metrics.auc(torch.tensor([1.0, 1, 1, 1]), torch.tensor([True, False, True, False])) == 0.5
    assert metrics.auc(torch.tensor([2.0, 1, 0]), torch.tensor([True, False, False])) == 1
    constant = metrics.value_scores(torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0], [2.0]]))
    assert constant == {"mae": 1, "rmse": 1, "r2": 0, "output_spread": 1}
    assert metrics.class_scores(torch.tensor([[1.0, 5], [1, 9]]), torch.tensor([0, 1]))["output_spread"] == 2
    assert (
        metrics.finding_scores(torch.tensor([[1.0, 5], [1, 9]]), torch.tensor([[0, 1], [1, 0]]))["output_spread"] == 2
    )


# ---------------------------------------------------------------------- answers


class Sum(nn.Module):
    """A network that answers multiples of an image's mean."""

    def __init__(self, *factors: float) -> None:
        super().__init__()
        self.register_buffer("factors", torch.tensor(factors))

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))[:, None] * self.get_buffer("factors")


class Plain(nn.Module):
    """Edits that change nothing; black is 0, white 1."""

    def __init__(self, samples: int = 1) -> None:
        super().__init__()
        self.values = (0.0, 1.0, samples)

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels


GREY = torch.stack([torch.full((1, 4, 4), level) for level in (0.2, 0.4, 0.6)])


def test_two_classes(monkeypatch: Slots) -> None:
    logit = torch.tensor([0.5, -2.0])
    pixels = logit[:, None, None, None].expand(2, 1, 4, 4)
    p = torch.sigmoid(logit)
    monkeypatch.setattr(answers, "to_pair", answers.positive_second)
    answer, shares, score, accepted = answers.TwoClasses(Plain(), Sum(1.0), GREY)(pixels)
    assert answer.tolist() == [1, 0]
    torch.testing.assert_close(shares, torch.stack([1 - p, p], 1))
    assert accepted.tolist() == [True, True]
    assert (score > 0).all()
    monkeypatch.setattr(answers, "to_pair", answers.positive_first)
    answer, shares, *_ = answers.TwoClasses(Plain(), Sum(1.0), GREY)(pixels)
    assert answer.tolist() == [0, 1]
    torch.testing.assert_close(shares, torch.stack([p, 1 - p], 1))


def test_many_classes() -> None:
    answer, shares, _, _ = answers.ManyClasses(Plain(), Sum(1.0, -1.0, 3.0), GREY)(GREY)
    torch.testing.assert_close(
        shares, torch.softmax(torch.tensor([[0.2, -0.2, 0.6]]) * torch.tensor([[1.0], [2], [3]]), 1)
    )
    assert answer.tolist() == [2, 2, 2]


def test_values_in_their_own_units() -> None:
    net = answers.Rescaled(Sum(3.75), torch.tensor([10.0]), torch.tensor([2.0]))  # 1.5 for a mean of 0.4
    answer, values, _, _ = answers.Values(Plain(), net, GREY)(GREY[1:2])
    assert values.ravel().tolist() == pytest.approx([13.0])
    assert torch.equal(answer, values)


def test_strangeness_counts_deviations_of_the_training_images() -> None:
    usual = answers.typical(GREY)
    assert usual[0].tolist() == pytest.approx([0.4, 0.4])
    assert usual[1].tolist() == pytest.approx([np.std([0.2, 0.4, 0.6])] * 2, rel=1e-5)
    assert answers.ood_score(GREY, usual).tolist() == pytest.approx([1.2247, 0, 1.2247], abs=1e-3)
    assert answers.ood_score(torch.ones(1, 1, 4, 4), usual).item() > 3
    assert answers.typical(GREY[:1])[1].tolist() == pytest.approx([0.02, 0.02])  # one image has no spread


# ---------------------------------------------------------------------- export


class Net(nn.Module):
    """A small network with weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.dense = nn.Conv2d(1, 3, 3), nn.Linear(3, 1)

    def forward(self, image: Tensor) -> Tensor:
        values: Tensor = self.dense(torch.relu(self.conv(image)).mean((2, 3)))
        return values


OUTPUTS = ("answer", "probabilities", "ood_score", "accepted")


class Exported(NamedTuple):
    """What went out: the module, the images it was certified on, where the files are, whether parity holds."""

    deploy: nn.Module
    found: pixels.Images
    run: Path
    passed: bool


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    """A small network, exported."""
    with pytest.MonkeyPatch.context() as slots:
        data = fill(tmp_path_factory.mktemp("hospital-of-Mrs-Doe"), slots)
        contract = {"name": "case", "input": {"size": [8, 8], "resize": "fit", "window": "none", "frame": None}}
        contract |= {"output": {"classes": ["a", "b"]}}
        write(data / "pieces" / "contract.json", json.dumps(contract).encode())
        bind(slots, export, __file__=str(data / "pieces" / "export.py"))
        bind(slots, answers, to_pair=answers.positive_second)
        torch.manual_seed(0)
        found = loaded(data)
        deploy = answers.TwoClasses(found.edits, Net(), found.pixels[:6])
        yield Exported(
            deploy, found, data / "run", export.export_images(deploy, OUTPUTS, found, ("label",), options(data))
        )


def test_export(exported: Exported) -> None:
    deploy, found, run, passed = exported
    assert passed
    certificate = json.loads((run / "parity.json").read_bytes())
    assert certificate["passed"]
    assert certificate["images"] == len(found.rows) + len(export.SIZES)
    assert certificate["tolerance"] == 1e-5
    model = onnx.load(str(run / "model.onnx"))
    onnx.checker.check_model(model, full_check=True)
    contract = json.loads((run / "contract.json").read_bytes())
    assert {entry.key: json.loads(entry.value) for entry in model.metadata_props} == {"specc.contract": contract}
    assert (contract["input"]["accepts"]["samples"], contract["input"]["accepts"]["bits"]) == ([1], [8])
    assert [out.name for out in model.graph.output] == list(OUTPUTS)
    assert not model.functions
    session = onnxruntime.InferenceSession(str(run / "model.onnx"))
    batch = torch.rand(5, 1, 13, 21) * 255
    for ours, theirs in zip(deploy(batch), session.run(None, {"pixels": batch.numpy()}), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, atol=1e-5)


def test_nothing_of_this_computer_leaves(exported: Exported) -> None:
    leaving = exported.run.joinpath("model.onnx").read_bytes() + exported.run.joinpath("contract.json").read_bytes()
    words = ["hospital", "Mrs-Doe", str(Path(torch.__file__).parent), str(Path.home()), ".py", "stack_trace", "00.png"]
    words += ["site-packages", "namespace", "pkg.torch", "Traceback", sys.prefix, platform.node()]
    assert [word for word in words if word.encode() in leaving] == []
    model = onnx.load_from_string((exported.run / "model.onnx").read_bytes())
    for item in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input,
                 *model.graph.output, *model.graph.initializer):  # fmt: skip
        assert item.doc_string == ""
        assert not list(getattr(item, "metadata_props", ())) or item is model
    assert "external" not in str({tensor.data_location for tensor in model.graph.initializer})


def test_a_wrong_weight_is_found(exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deploy, _, run, _ = exported
    model = onnx.load(str(run / "model.onnx"))
    weights = [tensor for tensor in model.graph.initializer if tensor.name.endswith("dense.weight")]
    assert len(weights) == 1
    values = onnx.numpy_helper.to_array(weights[0]).copy()
    values += 0.001
    write(tmp_path / "model.onnx", b"the file")
    weights[0].CopyFrom(onnx.numpy_helper.from_array(values, weights[0].name))
    certificate = export.Certificate(deploy, model.SerializeToString(), OUTPUTS)
    certificate.run("one", torch.full((1, 1, 9, 9), 128.0))
    assert not certificate.save(tmp_path)
    assert not json.loads((tmp_path / "parity.json").read_bytes())["passed"]
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["event"], said["code"]) == ("error", "X701")
    assert "one: probabilities differs" in said["message"]
    assert not (tmp_path / "model.onnx").exists()


class Says(nn.Module):
    """Always the same answers."""

    def __init__(self, *told: Tensor) -> None:
        super().__init__()
        self.told = told

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return self.told


def test_parity_notices_shapes_classes_and_numbers_that_are_none(exported: Exported) -> None:
    deploy, _, run, _ = exported
    model = (run / "model.onnx").read_bytes()
    pixels = torch.full((1, 1, 9, 9), 128.0)
    right = [value.detach() for value in deploy(pixels)]
    for place, wrong in ((0, 1 - right[0]), (1, right[1][:, :1]), (1, right[1] * torch.nan), (2, right[2] + 0.01)):
        told = [wrong if i == place else value for i, value in enumerate(right)]
        certificate = export.Certificate(Says(*told), model, OUTPUTS)
        certificate.run("one", pixels)
        assert certificate.wrong, place
    certificate = export.Certificate(deploy, model, OUTPUTS)
    certificate.run("one", pixels)
    assert not certificate.wrong


class Degrees:
    """An ONNX session whose one answer is not quite 0.5."""

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="pixels")]

    def run(self, names: Any, feed: Any) -> list[Any]:
        return [np.array([[0.50012]], np.float32)]


@pytest.mark.parametrize("output", ["values", "probabilities"])
@pytest.mark.parametrize("spread", [0.0, 35.0])
def test_a_quantity_is_rounded_as_its_targets_are(spread: float, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.5 degrees of 60 are as exact as 60 degrees; a probability has no such excuse."""
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *told, **named: Degrees())
    certificate = export.Certificate(Says(torch.tensor([[0.5]])), b"", [output], spread)
    certificate.run("one", torch.zeros(1, 1, 2, 2))
    assert bool(certificate.wrong) is not (spread > 0 and output == "values")


def test_near_the_middle_either_class_is_right(exported: Exported) -> None:
    deploy, _, run, _ = exported
    certificate = export.Certificate(deploy, (run / "model.onnx").read_bytes(), OUTPUTS)
    pixels = torch.full((1, 1, 9, 9), 128.0)
    real = certificate.session

    class Half:
        """The file's answers, but undecided ones."""

        def get_inputs(self) -> Any:
            return real.get_inputs()

        def run(self, names: Any, feed: Any) -> Any:
            answer, shares, *rest = real.run(names, feed)
            return [1 - answer, np.full_like(shares, 0.5), *rest]

    certificate.session = Half()
    with torch.no_grad():
        own = deploy(pixels)
    certificate.deploy = Says(own[0], torch.tensor([[0.5 - 4e-6, 0.5 + 4e-6]]), *own[2:])
    certificate.run("one", pixels)
    assert not certificate.wrong
    certificate.deploy = Says(own[0], torch.tensor([[0.4, 0.6]]), *own[2:])
    certificate.run("one", pixels)
    assert len(certificate.wrong) == 2


def test_predictions_table(exported: Exported) -> None:
    deploy, found, run, _ = exported
    lines = (run / "eval" / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "split,file,patient,label,answer,a,b"
    assert len(lines) == 13
    assert [line.split(",")[0] for line in lines[1:]] == ["train"] * 6 + ["val"] * 3 + ["test"] * 3
    with torch.no_grad():
        shares = deploy(pixels.pixels_of(found.entries[7], "none", None, 1, run))[1][0]
    assert [float(cell) for cell in lines[8].split(",")[5:]] == pytest.approx(shares.tolist(), abs=1e-5)
    assert lines[8].split(",")[4] == "ab"[int(shares.argmax())]


def test_without_resize_the_file_takes_one_size(data: Path, monkeypatch: Slots) -> None:
    contract = {"input": {"size": [8, 8], "resize": None, "window": "none", "frame": None}, "output": {}}
    bind(monkeypatch, edits, resize=resize.resize_none)
    monkeypatch.setattr(answers, "to_pair", answers.positive_second)
    deploy = answers.TwoClasses(edits.UnitEdits(0, 255, 1), Net(), torch.zeros(2, 1, 8, 8)).eval()
    axes = {"pixels": {0: "batch"}}
    model = export.to_onnx(deploy, [torch.zeros(2, 1, 8, 8)], axes, OUTPUTS, contract)
    session = onnxruntime.InferenceSession(model)
    assert session.get_inputs()[0].shape[2:] == [8, 8]
    for count in (1, 3):
        feed = {"pixels": np.zeros((count, 1, 8, 8), np.float32)}
        assert session.run(None, feed)[1].shape == (count, 2)
    for size in ((16, 16), (8, 9), (4, 16)):
        with pytest.raises(Exception, match="INVALID_ARGUMENT"):
            session.run(None, {"pixels": np.zeros((1, 1, *size), np.float32)})


def test_index_of_entries_is_shared(data: Path) -> None:
    """The index that a check writes is the one that a program reads."""
    found = loaded(data)
    again = index.index([entry.path for entry in found.entries], data / "cache" / "index.json")
    assert again == found.entries


def test_what_was_decoded_is_not_decoded_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index keeps pixels; what is torn, changed or of another file is not believed but decoded anew."""
    cache = data / "cache"
    entries = loaded(data).entries
    (kept,) = cache.glob("pixels-*.bin")
    plain = [readers.read(entry.path, "none")[0] for entry in entries]
    calls: list[str] = []
    read = readers.read

    def counted(path: str, window: str, frame: int | None) -> Any:
        calls.append(path)
        return read(path, window, frame)

    monkeypatch.setattr(readers, "read", counted)
    for entry, values in zip(entries, plain, strict=True):
        assert np.array_equal(index.read(entry, cache, "none", None), values)
    assert calls == []
    damaged = bytearray(kept.read_bytes())
    damaged[0] ^= 1
    kept.write_bytes(bytes(damaged[:-1]))
    for entry, values in zip(entries, plain, strict=True):
        assert np.array_equal(index.read(entry, cache, "none", None), values)
    stored = sorted(entries, key=lambda entry: entry.kept[1] if entry.kept else -1)
    assert sorted(calls) == sorted([stored[0].path, stored[-1].path])
    kept.unlink()
    assert np.array_equal(index.read(entries[3], cache, "none", None), plain[3])


def test_kept_pixels_have_a_budget_and_old_ones_go(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [entry.path for entry in loaded(data).entries]
    store = data / "other" / "index.json"
    first = index.index(paths[:4], store)
    (file,) = store.parent.glob("pixels-*.bin")
    size = file.stat().st_size
    assert all(entry.kept for entry in first) and size == sum(index.size_of(entry) for entry in first)
    monkeypatch.setattr(index, "BUDGET", size + index.size_of(first[0]))
    second = index.index(paths, store)
    assert [bool(entry.kept) for entry in second] == [True] * 5 + [False] * (len(paths) - 5)
    for path in paths[:4]:
        os.utime(path, (1, 1))
    index.index(paths, store)
    assert not file.exists()


@pytest.mark.parametrize("seconds", [0.0, 2e-3])
@pytest.mark.parametrize("count", [0, 3, 40])
def test_several_keeps_the_order(seconds: float, count: int) -> None:
    def work(number: int) -> int:
        time.sleep(seconds * (number % 3))
        return number * number

    assert list(index.several(work, range(count), 3)) == [number * number for number in range(count)]
