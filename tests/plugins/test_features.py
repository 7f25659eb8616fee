"""Autoencoders: the published counts, what the pieces compute, what the rules say. Small data, in memory."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from specc_features import PLUGIN
from specc_features.examples import PLAIN, SPARSE, VARIATIONAL
from specc_features.pictures import COLOURS, NONE, grouped
from specc_features.probes import CLASSES, judged, numbers
from specc_features.reference import Reference
from torch import Tensor

from specc.compile import compile as compile_study
from specc.emit.program import parameters
from specc.errors import Diagnostic
from specc.ir import decoder, encoder
from specc.lower.front import front
from specc.registry import core, merge, records
from specc.source import parse
from specc.study import Study
from specc.testing import check_plugin

SPECS = Path(__file__).resolve().parents[2] / "plugins" / "features" / "specs"
WORDS = merge([*records(core()), PLUGIN])


def asked(text: str) -> tuple[Study | None, tuple[Diagnostic, ...]]:
    """A study and what is found in it, with this plugin alone."""
    return front(parse(text, "example.yaml"), WORDS)


def study_of(text: str) -> Study:
    """The study of a spec in which nothing is wrong."""
    study, found = asked(text)
    assert study is not None and not found, [(fault.code, fault.message) for fault in found]
    return study


@contextmanager
def modules(text: str, folder: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Import the files of a spec's program by their names; afterwards they are forgotten."""
    files = compile_study(study_of(text))
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    names = {name.removesuffix(".py") for name in files if name.endswith(".py")}
    before = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(folder))
        for name in names & sys.modules.keys():
            del sys.modules[name]
        sys.modules |= before


def with_layers(text: str, *layers: str) -> str:
    """The spec with other layers."""
    body = "".join(f"    - {layer}\n" for layer in layers)
    return re.sub(r"model:\n  layers:\n(    - .*\n)+", f"model:\n  layers:\n{body}", text)


def batch_of(get: Callable[[str], ModuleType], ids: list[int], key: tuple[int, ...] = (7, 0, 0)) -> Any:
    """A step of some images that count alike."""
    runtime, places = get("runtime"), torch.tensor(ids)
    return runtime.Batch(places, torch.full((len(ids),), 1 / len(ids)), len(ids), key, runtime.Time(0, 1, 1), places)


def test_the_plugin_holds_what_plugins_are_held_to() -> None:
    """Words documented, rules speak on bad examples and not on good ones, programs clean and the same twice."""
    check_plugin(PLUGIN, train=False)


@pytest.mark.slow
def test_the_examples_train_and_go_on_after_a_kill(tmp_path: Path) -> None:
    """Plain, variational and sparse: falling losses, the same bytes after kill and resume, torch and ONNX agree."""
    check_plugin(PLUGIN, tmp_path)


LAYERS = {  # layers with parameters: output, parameters
    "ae_hinton": [
        ((1000,), 785_000),
        ((500,), 500_500),
        ((250,), 125_250),
        ((30,), 7_530),
        ((250,), 7_750),
        ((500,), 125_500),
        ((1000,), 501_000),
        ((784,), 784_784),
    ],
    "ae_conv": [
        ((16, 14, 14), 160),
        ((32, 7, 7), 4_640),
        ((32,), 50_208),
        ((1568,), 51_744),
        ((16, 14, 14), 4_624),
        ((1, 28, 28), 145),
    ],
}


@pytest.mark.parametrize("name", LAYERS)
def test_published_counts(name: str) -> None:
    """Hinton and Salakhutdinov 2006: 1,418,280 + 1,419,034 parameters; the convolutional one 111,521."""
    study = study_of((SPECS / f"{name}.yaml").read_text(encoding="utf-8"))
    graph, ops = study.graphs["network"], study.registry.ops
    found = [
        (node.shape, ops[node.op].parameters(node.attrs, tuple(graph.shape_of(source) for source in node.inputs)))
        for node in graph.nodes
    ]
    assert [(shape, count) for shape, count in found if count] == LAYERS[name]
    assert parameters(study, "network") == {"ae_hinton": 2_837_314, "ae_conv": 111_521}[name]
    assert graph.shape_of(next(iter(graph.outputs.values()))) == (1, 28, 28)


@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*.yaml")))
def test_shipped_specs_are_clean(name: str) -> None:
    """No error and no warning, before the data are looked at."""
    study_of((SPECS / f"{name}.yaml").read_text(encoding="utf-8"))


def test_the_two_halves_make_the_whole(tmp_path: Path) -> None:
    """Encoder and decoder share no node, and hold every node; forward is one after the other."""
    study = study_of(VARIATIONAL)
    graph = study.passed["network"]
    first, second = encoder(graph), decoder(graph)
    assert second is not None
    names = [[node.name for node in part.nodes] for part in (first, second)]
    assert names[0] + names[1] == [node.name for node in graph.nodes]
    assert second.inputs == {"code": (8,)} and graph.activation == "sigmoid"
    with modules(VARIATIONAL, tmp_path) as get:
        torch.manual_seed(0)
        net, images = get("model").Network().eval(), torch.rand(3, 1, 32, 32)
        mean, log_variance = net.encode(images)
        assert mean.shape == log_variance.shape == (3, 8)
        assert torch.equal(net(images), net.decode(mean))


def test_linear_codes_reach_the_pca(tmp_path: Path) -> None:
    """Without activations an autoencoder spans the plane of a PCA: of the eigenvalues 5, 3, 1, 0.5 two numbers leave
    1.5 a sample (Bourlard and Kamp 1988; Baldi and Hornik 1989).
    """
    text = with_layers(PLAIN, "flatten", "dense: {units: 2, id: code}", "dense: {units: 4}", "reshape: {to: [1, 2, 2]}")
    text = text.replace("size: [32, 32]", "size: [2, 2]").replace("0..1", "standardize")
    text = text.replace("optimizer: adam", "optimizer: {adam: {learning_rate: 0.01}}").replace(
        "batch_size: 16", "batch_size: 64"
    )
    dice = np.random.default_rng(3)
    white = dice.normal(size=(64, 4))
    white -= white.mean(0)
    white = white @ np.linalg.inv(np.linalg.cholesky(white.T @ white / 64)).T  # covariance 1, exactly
    turn = np.linalg.qr(dice.normal(size=(4, 4)))[0]
    points = (white * np.sqrt([5, 3, 1, 0.5])) @ turn.T
    pixels = torch.tensor(points, dtype=torch.float32).view(64, 1, 2, 2)
    with modules(text, tmp_path) as get:
        parts = {"train": range(64), "val": range(64), "test": range(0)}
        images = get("pixels").Images(pixels, {}, parts, [], [], None)
        work = get("train").build(get("train").Config(), images, torch.device("cpu"))
        batch = batch_of(get, list(range(64)))
        for _ in range(1500):
            work.stages[0].step(batch)
        scores = work.evaluate()
    assert 4 * scores["mse"] == pytest.approx(1.5, rel=0.01)
    assert scores["val_loss"] == pytest.approx(scores["mse"])


def test_noise_and_draws_follow_from_key_and_image(tmp_path: Path) -> None:
    """An image gets the same noise in whatever batch it is; other epochs and other images get other noise."""
    for text in (VARIATIONAL, SPARSE):
        folder = tmp_path / str(len(text))
        folder.mkdir()
        with modules(text, folder) as get:
            own = get("objective")
            spoil = getattr(own, "with_noise", None) or own.with_holes
            images = torch.rand(4, 1, 32, 32)
            whole = spoil(images, batch_of(get, [0, 1, 2, 3]))
            part = spoil(images[2:], batch_of(get, [2, 3]))
            assert torch.equal(whole[2:], part)
            assert not torch.equal(whole, spoil(images, batch_of(get, [0, 1, 2, 3], (7, 0, 1))))
            assert not torch.equal(whole[0] - images[0], whole[1] - images[1])
            if spoil.__name__ == "with_holes":
                holes = whole != images
                assert (whole[holes] == -1).all() and holes.float().mean().item() == pytest.approx(0.2, abs=0.02)
            else:
                assert (whole - images).std().item() == pytest.approx(0.05, rel=0.05)


def test_the_variational_bound(tmp_path: Path) -> None:
    """Kingma and Welling 2014, eq. 10: cross entropy of one draw and the divergence, as torch has it."""
    from torch.distributions import Normal, kl_divergence

    with modules(VARIATIONAL, tmp_path) as get:
        own, losses = get("objective"), get("metrics")
        torch.manual_seed(1)
        net, images, batch = get("model").Network(), torch.rand(5, 1, 32, 32), batch_of(get, [0, 1, 2, 3, 4])
        found = own.variational_objective(net, losses.pixel_cross_entropy, images, batch)
        mean, log_variance = net.encode(own.with_noise(images, batch))
        apart = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
        assert torch.allclose(own.divergence(mean, log_variance), apart, rtol=1e-5)
        draw = own.drawn((*batch.key, 5), batch.ids, 8)
        code = mean + (log_variance / 2).exp() * draw
        entropy = torch.nn.functional.binary_cross_entropy(net.decode(code).sigmoid(), images, reduction="none")
        assert torch.allclose(1024 * found, entropy.sum((1, 2, 3)) + apart, rtol=1e-4)
        many = own.drawn((1, 2, 3), torch.arange(4000), 3)
        assert many.mean().abs() < 0.03 and (many.std() - 1).abs() < 0.02
        found.mean().backward()  # both halves learn, the variances too
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_sparse_codes(tmp_path: Path) -> None:
    """The divergence is that of the means over the step (Ng 2011), and its gradient is the step's."""
    with modules(SPARSE, tmp_path) as get:
        own, batch = get("objective"), batch_of(get, [0, 1, 2])
        code = torch.rand(3, 6, generator=torch.Generator().manual_seed(2)).requires_grad_()
        added = own.seldom_active(torch.zeros(3), code, batch) @ batch.weights
        means, target = code.mean(0), 0.1
        wanted = target * (target / means).log() + (1 - target) * ((1 - target) / (1 - means)).log()
        assert added.item() == pytest.approx(0.001 * wanted.sum().item(), rel=1e-5)
        (own_gradient,) = torch.autograd.grad(added, code)
        (gradient,) = torch.autograd.grad(0.001 * wanted.sum(), code)
        assert torch.allclose(own_gradient, gradient, rtol=1e-4)


def test_errors_are_means_over_pixels(tmp_path: Path) -> None:
    """A reconstruction that is 0.5 off everywhere has the error 0.25, and 6 dB."""
    text = with_layers(
        PLAIN,
        "flatten",
        "dense: {units: 2, id: code, init: zeros}",
        "dense: {units: 1024, activation: sigmoid, init: zeros}",
        "reshape: {to: [1, 32, 32]}",
    )
    with modules(text, tmp_path) as get:
        parts = {"train": range(4), "val": range(4, 8), "test": range(0)}
        images = get("pixels").Images(torch.ones(8, 1, 32, 32), {}, parts, [], [], None)
        scores = get("train").build(get("train").Config(), images, torch.device("cpu")).evaluate()
    assert scores == pytest.approx({"val_loss": 0.25, "mse": 0.25, "psnr": 6.0206}, abs=1e-4)


CASES = {
    "odd size": (
        PLAIN.replace("[32, 32]", "[25, 25]"),
        (
            "conv2d: {filters: 2, kernel: 3, stride: 2, padding: same, activation: relu}",
            "conv2d: {filters: 1, kernel: 3, stride: 2, padding: same, id: code}",
            "upconv2d: {filters: 2, kernel: 3, stride: 2, padding: same, activation: relu}",
            "upconv2d: {filters: 1, kernel: 3, stride: 2, padding: same, activation: sigmoid}",
        ),
        "S282",
        "1x25x25 -conv2d-> 2x13x13 -conv2d-> 1x7x7 -upconv2d-> 2x14x14 -upconv2d-> 1x28x28",
    ),
    "no image": (
        PLAIN,
        ("flatten", "dense: {units: 9, id: code}", "dense: {units: 1024, activation: sigmoid}"),
        "S282",
        "`- reshape: {to: [1, 32, 32]}` as the last layer",
    ),
    "ends in the code": (PLAIN, ("flatten", "dense: {units: 1024, id: code}"), "S281", "nothing comes after the code"),
    "unnamed": (
        PLAIN,
        ("flatten", "dense: {units: 9}", "dense: {units: 1024, activation: sigmoid}", "reshape: {to: [1, 32, 32]}"),
        "S280",
        "9 numbers: the fewest",
    ),
    "not the narrowest": (
        PLAIN,
        (
            "flatten",
            "dense: {units: 4, activation: relu}",
            "dense: {units: 9, id: code}",
            "dense: {units: 1024, activation: sigmoid}",
            "reshape: {to: [1, 32, 32]}",
        ),
        "S285",
        "another layer has only 4",
    ),
    "loss of a line": (
        PLAIN.replace("mean_squared_error", "binary_cross_entropy"),
        ("flatten", "dense: {units: 9, id: code}", "dense: {units: 1024}", "reshape: {to: [1, 32, 32]}"),
        "S284",
        "fits sigmoid",
    ),
    "final softmax": (
        PLAIN,
        (
            "flatten",
            "dense: {units: 9, id: code}",
            "dense: {units: 1024, activation: softmax}",
            "reshape: {to: [1, 32, 32]}",
        ),
        "S283",
        "`softmax` at the end does not fit images on the scale 0..1",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_rules_say(case: str) -> None:
    """One message for one cause, with what it needs to be mended."""
    text, layers, code, words = CASES[case]
    _, found = asked(with_layers(text, *layers))
    assert [fault.code for fault in found] == [code]
    said = [found[0].message, found[0].label, *(label.text for label in found[0].labels)]
    assert words in "\n".join([*said, *(note.text for note in found[0].notes)])


def test_a_crop_mends_an_odd_size() -> None:
    """What the rule proposes is sound, and the sigmoid before it is taken off for training."""
    text, layers, _, _ = CASES["odd size"]
    study = study_of(with_layers(text, *layers, "crop: {to: input}"))
    assert study.passed["network"].activation == "sigmoid"


def test_codes_of_other_tasks_are_printed_apart(tmp_path: Path) -> None:
    """A classifier whose code something goes past has `encode`, and its own `forward`."""
    text = """
specc: 1
name: classifier
task: classification
input: {format: png, size: [8, 8], channels: mono, resize: fit, scale: 0..1}
output: {classes: [a, b]}
data: {manifest: t.csv, columns: {image: file, label: label, patient: p}, split: {train: 80, val: 20, group: patient}}
model:
  layers:
    - conv2d: {filters: 4, kernel: 3, padding: same, activation: relu, id: first}
    - conv2d: {filters: 4, kernel: 3, padding: same, activation: relu, id: code}
    - add: {with: first}
    - global_avgpool
    - dense: {units: 1, activation: sigmoid}
loss: binary_cross_entropy
optimizer: adam
train: {epochs: 1, batch_size: 4}
"""
    with modules(text, tmp_path) as get:
        torch.manual_seed(0)
        net, deploy = get("model").Network().eval(), get("deploy")
        images = torch.rand(2, 1, 8, 8)
        assert not hasattr(net, "decode") and net.encode(images).shape == (2, 4, 8, 8)
        whole = deploy.Coded(deploy.TwoClasses(torch.nn.Identity(), net, images)).eval()
        _, probabilities, _, _, code = whole(images)
        assert torch.equal(code, net.encode(images)) and torch.equal(probabilities[:, 1:], net(images).sigmoid())
        first = torch.relu(net.first(images))
        assert torch.equal(code, torch.relu(net.code(first)))


def test_neighbours() -> None:
    """Nearest first; an image of the training set finds itself; equal ones stand in their order."""
    from specc_features.reference import nearest

    codes = np.array([[1.0, 0.0], [0.0, 2.0], [4.0, 0.0], [1.0, 0.0]])
    places, far = nearest(codes, codes[0], 3, cosine=False)
    assert places.tolist() == [0, 3, 1] and far == pytest.approx([0, 0, 5**0.5])
    places, far = nearest(codes, codes[2], 4, cosine=True)
    assert places.tolist() == [0, 2, 3, 1] and far == pytest.approx([0, 0, 0, 1])


def test_half_precision_keeps_the_objective(tmp_path: Path) -> None:
    """With bf16 the losses stay float32 numbers near those without."""
    found: list[Tensor] = []
    for precision in ("float32", "bf16"):
        folder = tmp_path / precision
        folder.mkdir()
        with modules(VARIATIONAL.replace("batch_size: 16,", f"batch_size: 16, precision: {precision},"), folder) as get:
            generator = torch.Generator().manual_seed(5)
            parts = {"train": range(32), "val": range(32, 40), "test": range(0)}
            pixels = torch.rand(40, 1, 32, 32, generator=generator)
            images = get("pixels").Images(pixels, {}, parts, [], [], None)
            work = get("train").build(get("train").Config(), images, torch.device("cpu"))
            found.append(work.stages[0].step(batch_of(get, list(range(32))))["loss"])
    assert found[1].dtype == torch.float32 and found[0].item() == pytest.approx(found[1].item(), rel=0.01)


def test_the_first_spec_of_the_readme() -> None:
    """It is clean but for its data, which are yours."""
    page = (SPECS.parent / "README.md").read_text(encoding="utf-8")
    text = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    assert parameters(study_of(text), "network") == 542_081
    for path in SPECS.glob("*.yaml"):
        counted = f"{parameters(study_of(path.read_text(encoding='utf-8')), 'network'):,}"
        assert re.search(rf"\[{path.stem}\]\(specs/{path.name}\).*\| {counted} \|", page), path.name


def test_what_a_network_that_knows_nothing_would_have(tmp_path: Path) -> None:
    """`train --sanity` compares with it: the loss of gray images, and of whole ones; nothing where noise is added."""
    gray = PLAIN.replace("mean_squared_error", "binary_cross_entropy")
    for text, chance in ((PLAIN, 0.25 / 3), (gray, np.log(2)), (SPARSE, np.nan)):
        folder = tmp_path / str(hash(text))
        folder.mkdir()
        with modules(text, folder) as get:
            pixels = torch.rand(300, 1, 32, 32, generator=torch.Generator().manual_seed(1))
            parts = {"train": range(280), "val": range(280, 300), "test": range(0)}
            images = get("pixels").Images(pixels, {}, parts, [], [], None)
            work = get("train").build(get("train").Config(), images, torch.device("cpu"))
            assert work.chance == pytest.approx(chance, rel=0.01, nan_ok=True)
            entropy = -(pixels * pixels.log() + (1 - pixels) * (1 - pixels).log()).nanmean().item()
            assert work.least == pytest.approx(entropy if text == gray else 0, rel=0.01, abs=1e-6)


def test_colours_of_labels() -> None:
    """A colour for each of few labels, gray for none; many numbers are a scale; of many names none has a colour."""
    few = grouped(["b", "", "a", "b"])
    assert [(name, places.tolist()) for name, _, places in few] == [("no label", [1]), ("a", [2]), ("b", [0, 3])]
    assert (
        len(COLOURS) == CLASSES
        and few[0][1] == NONE
        and NONE not in COLOURS
        and len({colour for _, colour, _ in few}) == 3
    )
    assert numbers(["1", "2", "3"]) is None  # classes
    ages = numbers([f"{20.5 + number}" for number in range(40)] + [""])
    assert ages is not None and ages[:40].tolist() == [20.5 + number for number in range(40)] and np.isnan(ages[40])
    names = [f"site {number}" for number in range(40)]
    assert numbers(names) is None and [len(places) for _, _, places in grouped(names)] == [40]
    assert numbers([*(str(number) for number in range(40)), "inf"]) is None


@pytest.mark.parametrize(("kind", "probed"), [("ab", True), ("0123", True), ("ages", False), ("sites", True)])
def test_labels_that_measure_are_no_classes(kind: str, probed: bool) -> None:
    """Names and few numbers are told from the codes; ages, nearly all of them different, are no classes."""
    count, dice = 40, np.random.default_rng(0)
    ages, sites = [f"{20 + 1.5 * number}" for number in range(20)], [f"site {number}" for number in range(20)]
    words = {"ages": ages, "sites": sites}.get(kind, list(kind))
    labels = [words[number % len(words)] for number in range(count)]
    codes, text = dice.normal(size=(count, 3)), np.array([str(number) for number in range(count)])
    part, none = np.array(["train"] * count), np.zeros((count, 0))
    reference = Reference(
        part, text, text, codes, none, none, none, codes, np.zeros((0, 0), np.uint8), {"label": np.array(labels)}
    )
    ours, pca = judged(codes, codes, labels, text.tolist(), reference, 0)
    assert bool(ours) == bool(pca) == probed
    assert not probed or ours["neighbours_auc"]["value"] > 0.5
