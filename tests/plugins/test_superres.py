"""The plugin superres: its arithmetic held to Pillow, published vectors and formulas; its networks; its rules."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from front_end import examine, study
from specc_superres import PLUGIN, checks, colours, measure, sizes
from specc_superres.pieces import colour, data, deploy, losses, quality, resample
from specc_superres.rules import RULES

import specc
from specc import core
from specc.compile import compile as compile_study
from specc.errors import has_errors
from specc.pieces import index, readers
from specc.registry import Registry, merge
from specc.rules.examples import sections

ROOT = Path(__file__).resolve().parent.parent.parent
SPECS = ROOT / "plugins" / "superres" / "specs"
KNOWN = {
    "srcnn_915": (8_129, 6, 1),
    "srcnn_935": (24_513, 7, 1),
    "srcnn_955": (57_281, 8, 1),
    "espcn": (21_284, 0, 2),
    "edsr_small": (158_979, 0, 2),
    "dncnn_small": (47_009, 0, 1),
}  # parameters, margin, step

UNEVEN = "{conv2d: {filters: 4, kernel: 2}}, {pixel_shuffle: {factor: 2}}, {conv2d: {filters: 1, kernel: 2}}"
FIXED = "{conv2d: {filters: 4, kernel: 3, padding: same}}, {pixel_shuffle: {factor: 2}}, {crop: {to: [32, 24]}}"
BASE = {
    "specc": "1",
    "name": "case",
    "task": "super_resolution",
    "input": "{format: png, size: [16, 12], channels: rgb, scale: 0..1}",
    "output": "{channels: luma, factor: 2}",
    "data": "{manifest: t.csv, columns: {image: low, target: high}, split: {column: part, group: none}}",
    "model": "{layers: [{conv2d: {filters: 4, kernel: 3, padding: same}}, {pixel_shuffle: {factor: 2}}]}",
    "loss": "mean_squared_error",
    "optimizer": "adam",
    "train": "{epochs: 1, batch_size: 4}",
}


def text(**parts: str) -> str:
    """A whole spec; a part that is given stands for, or beside, the usual one."""
    return "".join(f"{key}: {value}\n" for key, value in (BASE | parts).items() if value)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return merge([core.PLUGIN, PLUGIN])


def codes(registry: Registry, **parts: str) -> set[str]:
    """Codes of the errors of a spec."""
    return {fault.code for fault in examine(text(**parts), registry)[1] if fault.severity == "error"}


def noise(seed: int, *shape: int) -> Any:
    """Numbers in 0..1 as float32."""
    return np.random.default_rng(seed).random(shape).astype(np.float32)


# ---------------------------------------------------------------------- resampling


@pytest.mark.parametrize(("height", "width", "factor"), [(13, 17, 2), (30, 21, 3), (5, 4, 4)])
def test_enlarging_and_shrinking_are_those_of_pillow(height: int, width: int, factor: int) -> None:
    small, large = noise(1, height, width), noise(2, height * factor, width * factor)
    kinds = {resample.shrunk_bicubic: PIL.Image.Resampling.BICUBIC, resample.shrunk_area: PIL.Image.Resampling.BOX}
    up = PIL.Image.fromarray(small).resize((width * factor, height * factor), PIL.Image.Resampling.BICUBIC)
    assert np.abs(resample.bicubic(torch.tensor(small)[None, None], factor)[0, 0].numpy() - np.asarray(up)).max() < 5e-6
    for piece, kind in kinds.items():
        down = np.asarray(PIL.Image.fromarray(large).resize((width, height), kind))
        assert np.abs(piece(torch.tensor(large)[None, None], factor)[0, 0].numpy() - down).max() < 5e-6


def test_the_cubic_kernel_has_a_of_minus_one_half() -> None:
    taps = [-0.0625, 0.5625, 0.5625, -0.0625]  # at t = 0.5; a = -0.75 would give -0.09375 and 0.59375
    assert resample.cubic(torch.tensor([-1.5, -0.5, 0.5, 1.5])).tolist() == taps
    assert measure.cubic(np.array([-1.5, -0.5, 0.5, 1.5])).tolist() == taps


def test_a_blur_keeps_what_is_flat_and_has_the_deviation_that_is_asked() -> None:
    assert torch.allclose(resample.blurred_by(torch.ones(1, 1, 9, 7), 1.5), torch.ones(1, 1, 9, 7))
    spot = torch.zeros(1, 1, 41, 41)
    spot[0, 0, 20, 20] = 1
    line = resample.blurred_by(spot, 2.0)[0, 0].sum(1)
    variance = (line * (torch.arange(41) - 20.0) ** 2).sum() / line.sum()
    assert variance.sqrt().item() == pytest.approx(2.0, rel=0.01)


def test_what_a_factor_leaves_over_is_cut_off_below_and_right() -> None:
    image = torch.arange(35.0).view(1, 1, 5, 7)
    assert torch.equal(resample.cut_to(image, 2), image[:, :, :4, :6])


# ---------------------------------------------------------------------- colours and figures


def test_brightness_is_that_of_matlab_or_that_of_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    colours_of = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 1, 1], [0, 0, 0]])[:, :, None, None]
    for luma, known in (("limited", [81.481, 144.553, 235, 16]), ("full", [76.245, 149.685, 255, 0])):
        rows, offset = colours.rows_of(luma)
        monkeypatch.setattr(colour, "TO_PARTS", rows)
        monkeypatch.setattr(colour, "OFFSET", offset)
        monkeypatch.setattr(colour, "TO_COLOURS", colours.inverse(rows))
        y = 255 * colour.share_of_brightness(colours_of).flatten()
        assert y.tolist() == pytest.approx(known, abs=2e-3)
        ours = [
            255 * measure.brightness(one[:, :, None].astype(float), luma).item() for one in colours_of.numpy()[..., 0]
        ]
        assert ours == pytest.approx(known, abs=2e-3)
        for scale, back in ((colour.to_symmetric, colour.from_symmetric), (torch.clone, torch.clone)):
            monkeypatch.setattr(colour, "to_scale", scale)
            monkeypatch.setattr(colour, "to_shares", back)
            image = scale(torch.rand(2, 3, 4, 5))
            assert torch.allclose(colour.to_colours(colour.to_parts(image)), image, atol=1e-5)


def test_psnr_of_known_errors() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4) / 15
    assert quality.psnr(x, x + 0.1, 0).item() == pytest.approx(20, abs=1e-5)
    assert quality.psnr(x, x + 6.5025**0.5 / 255, 0).item() == pytest.approx(40, abs=1e-5)
    assert quality.psnr(x, x, 0).item() == pytest.approx(100)
    wrong = x.clone()
    wrong[..., 0] += 0.5  # a border of one pixel is left out
    assert quality.psnr(wrong, x, 1).item() == pytest.approx(100)
    assert measure.psnr(x[0].numpy(), x[0].numpy() + 0.1, 0) == pytest.approx(20, abs=1e-5)


def test_ssim_of_the_pattern_of_wang() -> None:
    at = np.arange(24)
    x = ((24 * at[:, None] + at) * 37 % 256).astype(float)
    y = (x + 8 * ((at[:, None] + at) % 2) - 4).clip(0, 255)
    first, second = torch.tensor(x)[None, None] / 255, torch.tensor(y)[None, None] / 255
    assert quality.ssim(first, second, 0).item() == pytest.approx(0.9985723215, abs=1e-9)
    assert measure.ssim(x[None] / 255, y[None] / 255, 0) == pytest.approx(0.9985723215, abs=1e-9)
    assert quality.ssim(first, first, 2).item() == pytest.approx(1)
    assert quality.psnr(first, second, 0).item() == pytest.approx(36.1551266588, abs=1e-8)


def test_what_is_measured_without_torch_is_what_the_program_measures() -> None:
    a, b = noise(3, 2, 3, 30, 25), noise(4, 2, 3, 30, 25)
    for border in (0, 3):
        ours = [measure.psnr(x.astype(float), y.astype(float), border) for x, y in zip(a, b, strict=True)]
        assert quality.psnr(torch.tensor(a), torch.tensor(b), border).tolist() == pytest.approx(ours)
        ours = [measure.ssim(x.astype(float), y.astype(float), border) for x, y in zip(a, b, strict=True)]
        assert quality.ssim(torch.tensor(a), torch.tensor(b), border).tolist() == pytest.approx(ours)


def test_losses_are_means_over_each_image() -> None:
    outputs, truth = torch.tensor(noise(5, 2, 3, 4, 4)), torch.tensor(noise(6, 2, 3, 4, 4))
    errors = (outputs - truth).flatten(1)
    assert torch.allclose(losses.mean_squared_error(outputs, truth), errors.square().mean(1))
    assert torch.allclose(losses.mean_absolute_error(outputs, truth), errors.abs().mean(1))
    near = losses.charbonnier(outputs, truth, 1e-3)
    assert torch.allclose(near, (errors.square() + 1e-6).sqrt().mean(1))


# ---------------------------------------------------------------------- pairs and patches


def bind(monkeypatch: pytest.MonkeyPatch, **slots: Any) -> None:
    """Put values in the places of the slots of pieces.data."""
    for name, value in slots.items():
        monkeypatch.setattr(data, name, value)


def test_patches_lie_where_seed_epoch_and_image_say(monkeypatch: pytest.MonkeyPatch) -> None:
    bind(monkeypatch, SIDE=5, PATCHES=7, STEP=2)
    truth = torch.arange(3 * 40 * 36.0).view(3, 1, 40, 36)
    inputs = truth[:, :, ::2, ::2]
    ids = torch.tensor([4, 0, 9])
    low, high = data.random_patches(inputs, truth, ids, (42, 0, 3))
    assert low.shape == (21, 1, 5, 5)
    assert torch.equal(high[:, :, ::2, ::2], low)  # both from the same place
    again = data.random_patches(inputs[1:], truth[1:], ids[1:], (42, 0, 3))  # whatever else is in the batch
    assert torch.equal(again[0], low[7:])
    assert torch.equal(data.first_patch(inputs, ids, (42, 0, 3)), low[::7])  # what a picture shows
    other = data.random_patches(inputs, truth, ids, (42, 0, 4))[0]
    assert not torch.equal(other, low)
    corners = {tuple(divmod(int(patch[0, 0, 0]) % 1440, 36)) for patch in high}
    assert len(corners) > 10
    assert all(top % 2 == 0 and left % 2 == 0 for top, left in corners)


def test_noise_is_the_same_in_the_program_and_where_a_model_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    bind(monkeypatch, NOISE=0.2, BLUR=0.8, FACTOR=3, BLACK=0.0, WHITE=1.0, blurred=resample.blurred_by)
    bind(monkeypatch, noisy=data.with_noise, shrunk=resample.shrunk_area)
    truth, how = noise(7, 2, 3, 9, 15), {"blur": 0.8, "kernel": "area", "noise": 0.2}
    made = data.worsened(torch.tensor(truth), torch.tensor([3, 8]), (42,))
    assert made.shape == (2, 3, 3, 5)
    for place, number in enumerate((3, 8)):
        ours = measure.worsened(truth[place].astype(float), 3, how, (42,), number)
        assert np.abs(made[place].numpy() - ours).max() < 1e-5
    spread = data.with_noise(torch.full((1, 1, 200, 200), 0.5), torch.tensor([1]), (0,))
    assert spread.std().item() == pytest.approx(0.2, rel=0.02)


def test_files_of_another_size_end_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = (index.Entry(name, facts=readers.Facts("png", size, 12, 1, 8)) for name, size in (("a", 16), ("b", 17)))
    data.of_size([good], 16, 12)
    with pytest.raises(SystemExit):
        data.of_size([good, bad], 16, 12)
    assert "b: 17x12 pixels, the spec says 16x12" in capsys.readouterr().err


def test_edges_go_on_outside() -> None:
    image = torch.arange(6.0).view(1, 1, 2, 3)
    assert deploy.repeated(image, 1)[0, 0].tolist() == [
        [0, 0, 1, 2, 2],
        [0, 0, 1, 2, 2],
        [3, 3, 4, 5, 5],
        [3, 3, 4, 5, 5],
    ]


# ---------------------------------------------------------------------- networks


@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*.yaml") if path.stem in KNOWN))
def test_networks_have_their_parameters_and_their_border(name: str, registry: Registry) -> None:
    parameters, margin, step = KNOWN[name]
    made = study((SPECS / f"{name}.yaml").read_text(encoding="utf-8"), registry)
    program = compile_study(made)
    assert re.search(rf"parameters: network {parameters:,}\.", program["train.py"])
    found = sizes.sizes(made.passed["network"], registry.ops)
    assert found == sizes.Sizes(step, 2 * margin * step, 1)
    assert found.margin == margin
    if name.startswith("srcnn"):
        shape = sizes.shape_at(made.graphs["network"], registry.ops, (33, 33))
        assert shape == (1, 33 - 2 * margin, 33 - 2 * margin)
        assert sizes.reach(made.graphs["network"], registry.ops) == margin + 1
        assert "'conv3': 0.1" in program["train.py"].replace('"', "'")
        assert program["model.py"].count("std=0.001") == 1
        assert json.loads(program["contract.json"])["output"]["image"]["reach"] == -(-(margin + 1) // 2) + 4


def test_the_six_networks_are_there() -> None:
    assert {path.stem for path in SPECS.glob("*.yaml")} >= set(KNOWN)


@pytest.mark.parametrize("name", ["kodak_x2", "mr_x2", "mr_denoise"])
def test_examples_find_no_fault_in_their_images(name: str) -> None:
    found = specc.check(SPECS / f"{name}.yaml")
    assert found.require()
    assert not found.diagnostics
    lines = [line for line in (SPECS / f"{name}.yaml").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert sum("#" in line for line in lines) >= 0.6 * len(lines)


def test_the_page_of_the_plugin_has_a_spec_that_compiles(registry: Registry) -> None:
    page = (SPECS.parent / "README.md").read_text(encoding="utf-8")
    block = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    assert "train.py" in compile_study(study(block, registry))
    for name, parameters in re.findall(r"\[(\w+)\]\(specs/\w+\.yaml\) \| ([\d,]+) \|", page):
        program = compile_study(study((SPECS / f"{name}.yaml").read_text(encoding="utf-8"), registry))
        assert f"parameters: network {parameters}." in program["train.py"], name


def test_a_network_with_pools_takes_multiples(registry: Registry) -> None:
    layers = "[{conv2d: {filters: 4, kernel: 3, padding: same}}, {maxpool: {size: 2}}, {upsample: {factor: 2}}, "
    layers += "{conv2d: {filters: 3, kernel: 3, padding: same}}]"
    parts = {"output": "{factor: 1}", "model": f"{{layers: {layers}}}"}
    made = study(text(**parts), registry)
    assert sizes.sizes(made.graphs["network"], registry.ops) == sizes.Sizes(1, 0, 2)
    assert "S277" in codes(registry, **parts, input="{format: png, size: [17, 16], channels: rgb, scale: 0..1}")


def test_programs_use_nothing_of_specc(registry: Registry) -> None:
    program = compile_study(study(text(patches="{size: 8}", augment="[{flip: {axis: horizontal}}]"), registry))
    for name, content in program.items():
        assert not re.search(r"^\s*(from|import) specc", content, re.MULTILINE), name


# ---------------------------------------------------------------------- rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_bad_and_good_examples_of_rules(rule: Any, registry: Registry) -> None:
    parts = sections(rule.doc)
    assert {"What", "Why", "Bad", "Good"} <= parts.keys()
    for kind in ("Bad", "Good"):
        given = re.split(r"^(?=[a-z]+:)", parts[kind], flags=re.MULTILINE)
        own = {piece.partition(":")[0]: piece.partition(":")[2].rstrip() for piece in given if piece.strip()}
        own = {key: value.strip() if "\n" not in value else value for key, value in own.items()}
        if "degrade" in own:
            own.setdefault("data", "{manifest: t.csv, columns: {image: high}, split: {column: part, group: none}}")
        count = {"mono": 1, "luma": 1, "rgb": 3}[
            "mono" if "mono" in own.get("input", "") and "luma" not in own.get("output", "") else "luma"
        ]
        own.setdefault("input", "{format: png, size: [16, 12], channels: mono, scale: 0..1}")
        own.setdefault("output", "{factor: 2}")
        if "model" not in own and "factor: 1" in own["output"]:
            own["model"] = f"{{layers: [{{conv2d: {{filters: {count}, kernel: 3, padding: same}}}}]}}"
        found = codes(registry, **own)
        assert found == ({rule.code} if kind == "Bad" else set()), (kind, own, found)


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("S270", {"input": "{format: png, size: [16, 12], channels: mono, scale: 0..1}"}),
        ("S271", {"input": "{format: png, size: [16, 12], channels: rgb, scale: standardize}"}),
        ("S272", {"degrade": "{kernel: bicubic}"}),
        (
            "S273",
            {
                "output": "{factor: 1, enlarge: bicubic, channels: luma}",
                "model": "{layers: [{conv2d: {filters: 1, kernel: 1}}]}",
            },
        ),
        ("S275", {"patches": "{size: 9}"}),
        ("S275", {"patches": "{size: 26}"}),
        ("S276", {"output": "{channels: rgb, factor: 2}"}),
        ("S277", {"output": "{channels: luma, factor: 3}"}),
        (
            "S277",
            {"model": f"{{layers: [{UNEVEN}]}}"},
        ),
        (
            "S277",
            {"model": f"{{layers: [{FIXED}]}}"},
        ),
        (
            "S278",
            {"model": "{layers: [{conv2d: {filters: 4, kernel: 1, activation: tanh}}, {pixel_shuffle: {factor: 2}}]}"},
        ),
        ("S279", {"loss": "huber"}),
    ],
)
def test_faults_have_their_code(code: str, parts: dict[str, str], registry: Registry) -> None:
    assert code in codes(registry, **parts)


def test_a_spec_without_faults_is_accepted(registry: Registry) -> None:
    assert not has_errors(examine(text(), registry)[1])
    assert checks.CHECKS[0].code == "D450"
