"""Answers in the grid of the images: tiles, resizes undone, files that are written, figures of parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from specc_segmentation import answering, judging
from specc_segmentation.grid import InGrid, ramp, starts
from specc_segmentation.pieces import coco

from specc.answering import Asked, Item, Judging, Session
from specc.deploy.contract import Contract, parse
from specc.errors import SpeccError

Array = np.ndarray[Any, Any]


def contract(size: tuple[int, int], answered: Sequence[int] | None = None, **parts: Any) -> Contract:
    """What a model of background and thing promises."""
    output: dict[str, Any] = {
        "classes": ["background", "thing"],
        "values": [0, 200],
        "ignore": 9,
        "spacing": [0.5, 0.25],
    }
    output |= {"tolerance": 1.0, "map": list(answered or (0, 0, *size)), "columns": {"mask": "mask"}}
    output |= parts.pop("output", {})
    inputs: dict[str, Any] = {"format": "png", "size": list(size), "channels": "mono", "scale": "0..1"}
    inputs |= {"window": "none", "resize": None, "accepts": {"samples": [1], "bits": [8]}, **parts}
    plain = {"name": "case", "task": "segmentation", "plugin": "segmentation", "specc": "0", "spec_sha256": "0"}
    return parse(json.dumps({"format_version": 1, **plain, "input": inputs, "output": output}))


class Mean:
    """A runtime: the probability of a thing is the mean of the pixels around, without padding or with zeros."""

    def __init__(self, reach: int, padded: bool, fixed: tuple[int, int] | None = None) -> None:
        self.reach, self.padded, self.fixed, self.calls = reach, padded, fixed, 0

    def run(self, names: Sequence[str], feed: Mapping[str, Array]) -> list[Array]:
        """Outputs of the graph."""
        pixels, n = feed["pixels"], self.reach
        self.calls += 1
        assert self.fixed in (None, pixels.shape[2:]), pixels.shape
        values = np.pad(pixels, ((0, 0), (0, 0), (n, n), (n, n))) if self.padded else pixels
        high, wide = (side - 2 * n for side in values.shape[2:])
        around = [values[:, :, i : i + high, j : j + wide] for i in range(2 * n + 1) for j in range(2 * n + 1)]
        there = (np.mean(around, 0) / 255).astype(np.float32)
        said = {"probabilities": np.concatenate([1 - there, there], 1), "ood_score": np.zeros(len(pixels), np.float32)}
        said |= {"mask": (there[:, 0] > 0.5).astype(np.int64), "accepted": np.ones(len(pixels), bool)}
        return [np.asarray(said[name]) for name in names]


def session(promised: Contract, runtime: Mean) -> Session:
    """A model that is ready to answer."""
    return Session(runtime, promised, ("probabilities", "mask", "ood_score", "accepted"), 1, "cpu")


def grey(*shape: int, seed: int = 0) -> Array:
    """Noise with large structures."""
    from scipy.ndimage import gaussian_filter

    values = gaussian_filter(np.random.default_rng(seed).random(shape), [0] * (len(shape) - 2) + [3, 3])
    grey_values: Array = (255 * (values - values.min()) / np.ptp(values)).astype(np.float32)
    return grey_values


# ---------------------------------------------------------------------- tiles


@pytest.mark.parametrize("size", [(20, 24), (57, 40), (16, 100), (33, 33), (5, 7)])
def test_tiles_of_a_network_without_padding_are_one_full_pass(size: tuple[int, int]) -> None:
    """Exactly what one pass over the image with mirrored borders gives, whatever the size."""
    tile, margin = (26, 30), 4
    part = (tile[0] - 2 * margin, tile[1] - 2 * margin)
    promised = contract(tile, (margin, margin, *part), tiled=True)
    net = InGrid(*vars_of(session(promised, Mean(margin, False, tile))))
    pixels = grey(2, 1, *size)
    said = net.run(pixels)
    whole = np.pad(pixels, ((0, 0), (0, 0), (margin, margin), (margin, margin)), "reflect")
    (wanted,) = Mean(margin, False).run(["probabilities"], {"pixels": whole})
    assert said["probabilities"].shape == (2, 2, *size) and said["answered"].all()
    assert np.abs(said["probabilities"] - wanted).max() < 1e-5


def vars_of(one: Session) -> tuple[Any, ...]:
    """The fields of a session."""
    return one.runtime, one.contract, one.outputs, one.channels, one.device, one.warnings


def test_any_size_goes_through_in_one_piece_with_mirrored_rest() -> None:
    runtime = Mean(2, True)
    net = InGrid(*vars_of(session(contract((32, 32), multiple=16, tiled=True), runtime)))
    pixels = grey(1, 1, 37, 50)
    said = net.run(pixels)["probabilities"]
    (wanted,) = Mean(2, True).run(["probabilities"], {"pixels": pixels})
    assert said.shape == (1, 2, 37, 50) and runtime.calls == 1
    assert np.abs(said - wanted)[..., :35, :48].max() < 1e-6  # the mirrored rest is seen only from the last two


def test_large_images_are_blended_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from the borders of tiles the answer is that of one pass; at them it goes over smoothly."""
    monkeypatch.setattr("specc_segmentation.grid.WHOLE", 1000)
    monkeypatch.setattr("specc_segmentation.grid.TILE", 64)
    monkeypatch.setattr("specc_segmentation.grid.OVERLAP", 24)
    runtime = Mean(3, True)
    net = InGrid(*vars_of(session(contract((64, 64), multiple=16, tiled=True), runtime)))
    pixels = grey(1, 1, 150, 171)
    said = net.run(pixels)["probabilities"]
    (wanted,) = Mean(3, True).run(["probabilities"], {"pixels": pixels})
    assert runtime.calls == len(starts(160, 64, 24, 16)) * len(starts(176, 64, 24, 16)) == 20
    assert said.shape == (1, 2, 150, 171) and np.abs(said.sum(1) - 1).max() < 1e-5
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    assert np.abs(said - wanted)[inner].max() < 0.06
    assert np.abs(said - wanted)[inner].mean() < 0.005
    jumps = [np.abs(np.diff(maps[0, 1], axis=axis)).max() for maps in (said, wanted) for axis in (0, 1)]
    assert max(jumps[:2]) < 1.5 * max(jumps[2:])


def test_small_images_of_a_network_of_one_size_are_mirrored() -> None:
    runtime = Mean(1, True, (32, 48))
    net = InGrid(*vars_of(session(contract((32, 48), tiled=True), runtime)))
    for size in ((32, 48), (9, 60), (80, 20)):
        assert net.run(grey(1, 1, *size))["probabilities"].shape == (1, 2, *size)


@pytest.mark.parametrize("step", [1, 4, 32])
@pytest.mark.parametrize(("length", "tile", "overlap"), [(64, 64, 16), (96, 64, 16), (320, 64, 16), (1024, 512, 128)])
def test_tiles_cover_an_image(length: int, tile: int, overlap: int, step: int) -> None:
    found = starts(length, tile, overlap, step)
    assert found[0] == 0 and found[-1] == length - tile and not any(start % step for start in found)
    assert all(0 < after - before <= tile - overlap for before, after in pairwise(found))
    odd = starts(length + 1, tile, overlap)
    assert odd[-1] == length + 1 - tile and all(0 < b - a <= tile - overlap for a, b in pairwise(odd))
    assert ramp(tile, overlap).min() > 0 and ramp(tile, overlap).max() == 1


# ---------------------------------------------------------------------- files that are written


@pytest.fixture
def things(tmp_path: Path) -> tuple[Path, dict[str, Array]]:
    """Images of several sizes whose bright parts are the things."""
    masks = {}
    for number, size in enumerate(((20, 31), (40, 24), (24, 24))):
        there = np.zeros(size, bool)
        there[4:11, 5:17] = True
        there[14:18, 2:5] = number < 2
        PIL.Image.fromarray((there * 255).astype(np.uint8)).save(tmp_path / f"{number}.png")
        masks[f"{number}.png"] = there
    return tmp_path, masks


def ask(promised: Contract, runtime: Mean, folder: Path, masks: Mapping[str, Array], **more: Any) -> list[Any]:
    """What is said of all images."""
    cases = [(folder / name,) for name in masks]
    return list(answering.ANSWERING.predict(Asked(session(promised, runtime), cases, **more)))


@pytest.mark.parametrize("rule", ["fit", "stretch"])
def test_masks_have_the_size_and_the_numbers_of_the_originals(things: tuple[Path, dict[str, Array]], rule: str) -> None:
    """A network that sees a canvas of 48 x 48 answers in the grid of each image."""

    class Resized(Mean):
        def run(self, names: Sequence[str], feed: Mapping[str, Array]) -> list[Array]:
            from specc_segmentation.pieces.masks import fitted

            seen = [fitted(one[0], rule, (48, 48)) for one in feed["pixels"].astype(np.int64)]
            canvas = np.where(np.stack(seen)[:, None] == 255, 255.0, 0).astype(np.float32)
            return super().run(names, {"pixels": canvas})

    folder, masks = things
    promised = contract((48, 48), resize=rule)
    for form, kind in (("png", "png"), ("tiff", "tif")):
        said = ask(promised, Resized(0, True), folder, masks, output=folder / form, forms=(form,))
        for one, there in zip(said, masks.values(), strict=True):
            (file,) = one.files
            assert file.name == f"{Path(one.file).stem}.mask.{kind}"
            found = np.asarray(PIL.Image.open(file) if form == "png" else tifffile.imread(file))
            assert found.shape == there.shape and set(np.unique(found)) <= {0, 200}
            assert ((found == 200) != there).mean() < 0.04
            assert one.row["thing.pixels"] == (found == 200).sum()
            assert one.row["thing.mm2"] == pytest.approx(one.row["thing.pixels"] * 0.5 * 0.25)
            assert one.row["thing.pieces"] == (2 if there[14:18, 2:5].all() else 1)


def test_forms(things: tuple[Path, dict[str, Array]]) -> None:
    folder, masks = things
    promised, out = contract((24, 24), multiple=1, tiled=True), folder / "out"
    said = ask(promised, Mean(0, True), folder, masks, output=out, forms=("rle", "probabilities", "png"))
    assert len(list(out.glob("*.mask.png"))) == 3
    likely = tifffile.imread(out / "0.probabilities.tif")
    assert likely.shape == (2, 20, 31) and likely.dtype == np.float32
    assert likely.sum(0) == pytest.approx(1)
    rows = coco.read_coco(out / "masks.json")  # what is written can be trained with
    for row, there in zip(rows, masks.values(), strict=True):
        (mask,) = coco.drawn_shapes(json.loads(row["shapes"]), there.shape, ("thing",), True)
        assert (mask.astype(bool) == there).all() and row["file"] in masks
    assert {file.suffix for one in said for file in one.files} == {".png", ".tif"}


def test_what_cannot_be_written(things: tuple[Path, dict[str, Array]]) -> None:
    folder, masks = things
    promised = contract((24, 24), multiple=1, tiled=True)
    for more in ({"forms": ("png",)}, {"forms": ("png",), "output": folder / "0.png"}):
        with pytest.raises(SpeccError) as caught:
            ask(promised, Mean(0, True), folder, masks, **more)
        assert [one.code for one in caught.value.diagnostics] == ["P880"]


def test_files_of_one_name_in_several_folders(tmp_path: Path) -> None:
    cases = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        PIL.Image.new("L", (24, 24)).save(tmp_path / name / "1.png")
        cases.append((tmp_path / name / "1.png",))
    one = session(contract((24, 24)), Mean(0, True))
    said = list(answering.ANSWERING.predict(Asked(one, cases, output=tmp_path / "out")))
    assert [file.name for answer in said for file in answer.files] == ["1.mask.png", "1-2.mask.png"]


def test_labels_have_a_file_each(things: tuple[Path, dict[str, Array]]) -> None:
    folder, masks = things
    output = {"classes": None, "values": None, "labels": ["dark", "thing/1"], "spacing": None}
    promised = contract((24, 24), multiple=1, tiled=True, output=output)
    said = ask(promised, Mean(0, True), folder, masks, output=folder / "out")
    assert [file.name for file in said[0].files] == ["0.dark.mask.png", "0.thing_1.mask.png"]
    for one, there in zip(said, masks.values(), strict=True):
        dark, thing = (np.asarray(PIL.Image.open(file)) for file in one.files)
        assert (thing == 255 * there).all() and (dark == 255 * ~there).all()
        assert one.row["thing/1.pixels"] == there.sum() and one.row["thing/1.mm2"] is None


# ---------------------------------------------------------------------- judging


def items(folder: Path, masks: Mapping[str, Array], change: Callable[[Array], Array]) -> list[Item]:
    """Cases whose truth is the bright part, changed; the first has a pixel of which nothing is known."""
    found = []
    for number, (name, there) in enumerate(masks.items()):
        truth = np.where(change(there), 200, 0).astype(np.uint8)
        truth[0, 0] = 9 if number == 0 else truth[0, 0]
        PIL.Image.fromarray(truth).save(folder / f"truth-{name}")
        found.append(Item(folder, name, (folder / name,), f"p{number}", {"mask": f"truth-{name}"}))
    return found


def test_figures_of_a_part(things: tuple[Path, dict[str, Array]], tmp_path: Path) -> None:
    folder, masks = things
    one = session(contract((24, 24), multiple=1, tiled=True), Mean(0, True))
    right = items(folder, masks, lambda there: there)
    out = tmp_path / "eval"
    out.mkdir()
    right = [replace(item, group="large" if number else "small") for number, item in enumerate(right)]
    told = judging.judge(Judging(one, {"val": right}, out, train=right, by="size"))
    val = told.figures["val"]
    assert {name: group["cases"] for name, group in val["by"]["size"].items()} == {"large": 2, "small": 1}
    assert any("size large: 1.000" in line for line in told.lines)
    assert val["metrics"]["dice_per_image"]["value"] == 1 and val["metrics"]["pixel_accuracy"]["value"] == 1
    assert val["classes"]["thing"]["hausdorff95"]["value"] == 0 and val["unit"] == "mm"
    assert val["baseline"]["all background"]["dice_per_image"]["value"] == 0
    assert 0 < val["baseline"]["mean training mask"]["dice_per_image"]["value"] < 1
    json.dumps(told.figures, allow_nan=False)
    for name in told.pictures:
        assert (out / name).read_bytes()[:4] == b"\x89PNG"
    rows = told.cases["val"]
    assert [row.file for row in rows] == list(masks) and all(row.scores["dice_per_image"] == 1 for row in rows)


def test_a_shifted_truth_has_the_dice_and_the_distance_of_its_shift(
    things: tuple[Path, dict[str, Array]], tmp_path: Path
) -> None:
    folder, masks = things
    one = session(contract((24, 24), multiple=1, tiled=True), Mean(0, True))
    shifted = items(folder, masks, lambda there: np.roll(there, 2, 1))
    val = judging.judge(Judging(one, {"val": shifted}, tmp_path)).figures["val"]
    dices = []
    for there in masks.values():
        moved = np.roll(there, 2, 1)
        dices.append(2 * (there & moved).sum() / (there.sum() + moved.sum()))
    assert val["classes"]["thing"]["dice"]["value"] == pytest.approx(np.mean(dices))
    assert val["classes"]["thing"]["dice"]["sd"] == pytest.approx(np.std(dices, ddof=1))
    assert val["classes"]["thing"]["hausdorff95"]["value"] == pytest.approx(2 * 0.25)
    assert "mean training mask" not in val["baseline"]  # there are no training cases
    assert np.sum(val["pixels"]) == sum(there.size for there in masks.values()) - 1


def test_of_a_stack_of_files_the_first_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three sequences are no colours."""
    from specc_segmentation import pictures

    shown: list[tuple[int, ...]] = []
    monkeypatch.setattr(pictures, "_image", lambda axes, pixels: shown.append(pixels.shape))
    for name in "abc":
        PIL.Image.fromarray(grey(24, 24).astype(np.uint8)).save(tmp_path / f"{name}.png")
    PIL.Image.new("L", (24, 24)).save(tmp_path / "truth.png")
    item = Item(tmp_path, "a.png", tuple(tmp_path / f"{name}.png" for name in "abc"), "p", {"mask": "truth.png"})
    accepts = {name: {"samples": [1], "bits": [8]} for name in ("flair", "t1", "t2")}
    promised = contract((24, 24), channels=list(accepts), columns=["a", "b", "c"], accepts_by_channel=accepts)

    class First(Mean):
        def run(self, names: Sequence[str], feed: Mapping[str, Array]) -> list[Array]:
            return super().run(names, {"pixels": feed["pixels"][:, :1]})

    one = Session(First(0, True), promised, ("probabilities", "mask", "ood_score", "accepted"), 3, "cpu")
    judging.judge(Judging(one, {"val": [item]}, tmp_path))
    assert shown == [(1, 24, 24)]


def test_nothing_there_and_nothing_answered_is_right(tmp_path: Path) -> None:
    PIL.Image.new("L", (24, 24)).save(tmp_path / "0.png")
    one = session(contract((24, 24)), Mean(0, True))
    empty = items(tmp_path, {"0.png": np.zeros((24, 24), bool)}, lambda there: there)
    val = judging.judge(Judging(one, {"test": empty}, tmp_path)).figures["test"]
    assert val["metrics"]["dice_per_image"]["value"] == 1
    assert val["classes"]["thing"]["dice"] == {"value": None, "low": None, "high": None, "sd": None, "cases": 0}


def test_masks_that_cannot_be_used_are_named(things: tuple[Path, dict[str, Array]], tmp_path: Path) -> None:
    folder, masks = things
    one = session(contract((24, 24), multiple=1, tiled=True), Mean(0, True))
    cases = items(folder, masks, lambda there: there)
    PIL.Image.new("L", (5, 5)).save(folder / "truth-1.png")
    with pytest.raises(SpeccError, match=r"the mask of 1.png: has 5x5 pixels"):
        judging.judge(Judging(one, {"val": cases}, tmp_path))
    PIL.Image.new("L", (24, 40), 77).save(folder / "truth-1.png")
    with pytest.raises(SpeccError, match=r"has the value 77, of no class"):
        judging.judge(Judging(one, {"val": cases}, tmp_path))


def test_millimetres_of_a_dicom_header(tmp_path: Path) -> None:
    """The header counts; where it does not tell, the spec does."""
    from pictures import dicom

    pixels = np.zeros((24, 24), np.uint16)
    (tmp_path / "told.dcm").write_bytes(dicom(pixels, PixelSpacing=[2.0, 3.0]))
    (tmp_path / "silent.dcm").write_bytes(dicom(pixels))
    one = session(contract((24, 24), format="dicom"), Mean(0, True))
    assert answering.spacing_of(one, tmp_path / "told.dcm") == (2, 3)
    assert answering.spacing_of(one, tmp_path / "silent.dcm") == (0.5, 0.25)
