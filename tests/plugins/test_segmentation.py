"""Masks, their losses and metrics against published numbers and independent formulas."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
import torch
from scipy import ndimage
from specc_segmentation.pieces import coco, losses, masks, scores
from specc_segmentation.pieces.known import IGNORE
from specc_segmentation.surfaces import border, surface_scores

from specc.pieces.resize import resize_crop, resize_fit, resize_stretch

ROOT = Path(__file__).resolve().parents[2]
KNOWN: dict[str, Any] = json.loads((ROOT / "tests" / "cases" / "segmentation.json").read_text(encoding="utf-8"))
RESIZES = {"fit": resize_fit, "crop": resize_crop, "stretch": resize_stretch}
Array = np.ndarray[Any, Any]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    """Logits."""
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 2, shape).astype(np.float32))


def truth(*shape: int, classes: int = 2, unknown: float = 0.2, seed: int = 1) -> torch.Tensor:
    """Places of classes, some of them not known."""
    dice = np.random.default_rng(seed)
    known = dice.integers(0, classes, shape)
    return torch.from_numpy(np.where(dice.random(shape) < unknown, IGNORE, known).astype(np.uint8))


# ---------------------------------------------------------------------- losses


def test_binary_cross_entropy_is_the_mean_over_known_pixels() -> None:
    outputs, targets = noise(3, 1, 5, 4), truth(3, 1, 5, 4)
    found = losses.binary_cross_entropy(outputs, targets)
    for image in range(3):
        terms = []
        for z, t in zip(outputs[image].flatten().tolist(), targets[image].flatten().tolist(), strict=True):
            if t != IGNORE:
                p = 1 / (1 + math.exp(-z))
                terms.append(-math.log(p if t else 1 - p))
        assert found[image].item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_categorical_cross_entropy_is_the_mean_over_known_pixels() -> None:
    outputs, targets = noise(2, 3, 4, 4), truth(2, 1, 4, 4, classes=3)
    found = losses.categorical_cross_entropy(outputs, targets)
    for image in range(2):
        likely = np.exp(outputs[image].numpy().astype(float))
        likely /= likely.sum(0)
        there = targets[image, 0].numpy()
        terms = [-np.log(likely[there[y, x], y, x]) for y in range(4) for x in range(4) if there[y, x] != IGNORE]
        assert found[image].item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_an_image_of_which_nothing_is_known_has_no_loss() -> None:
    outputs, unknown = noise(2, 1, 3, 3).requires_grad_(), torch.full((2, 1, 3, 3), IGNORE, dtype=torch.uint8)
    three = noise(2, 3, 3, 3)
    found = losses.binary_cross_entropy(outputs, unknown)
    found.sum().backward()
    assert found.tolist() == [0, 0] and outputs.grad is not None and not outputs.grad.any()
    assert losses.categorical_cross_entropy(three, unknown).tolist() == [0, 0]
    assert losses.dice(outputs, unknown, 1.0, losses.each_label).tolist() == pytest.approx([0, 0])


def test_soft_dice_is_what_its_formula_says() -> None:
    outputs, targets = noise(2, 1, 6, 6), truth(2, 1, 6, 6, unknown=0)
    found = losses.dice(outputs, targets, 1e-9, losses.each_label)
    likely, there = 1 / (1 + np.exp(-outputs.numpy().astype(float))), targets.numpy().astype(float)
    wanted = 1 - 2 * (likely * there).sum((1, 2, 3)) / (likely + there).sum((1, 2, 3))
    assert found.numpy() == pytest.approx(wanted, rel=1e-5)


def test_dice_of_a_perfect_and_of_an_empty_answer() -> None:
    """Nothing there and nothing answered is no loss, and never more than 1 of a Dice (Pytorch-UNet#24)."""
    targets = truth(1, 1, 8, 8, unknown=0)
    sure = torch.where(targets == 1, 40.0, -40.0)
    empty = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    none = torch.full((1, 1, 8, 8), -40.0)
    for smooth in (1e-6, 1.0, 100.0):
        assert losses.dice(sure, targets, smooth, losses.each_label).item() == pytest.approx(0, abs=1e-6)
        assert losses.dice(none, empty, smooth, losses.each_label).item() == pytest.approx(0, abs=1e-6)
        assert 0 <= losses.dice(sure, empty, smooth, losses.each_label).item() <= 1


def test_dice_of_classes_leaves_out_the_background_and_what_is_not_known() -> None:
    outputs, targets = noise(2, 3, 5, 5), truth(2, 1, 5, 5, classes=3)
    found = losses.dice(outputs, targets, 1.0, losses.each_class)
    for image in range(2):
        likely = np.exp(outputs[image].numpy().astype(float))
        likely /= likely.sum(0)
        there, known = targets[image, 0].numpy(), targets[image, 0].numpy() != IGNORE
        terms = []
        for place in (1, 2):
            p, t = likely[place][known], (there[known] == place).astype(float)
            terms.append(1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))
        assert found[image].item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_tversky_with_halves_is_dice_and_weighs_what_is_missed() -> None:
    outputs, targets = noise(2, 2, 5, 5), truth(2, 2, 5, 5)
    half = losses.tversky(outputs, targets, 0.5, 0.5, 0.5, losses.each_label)
    assert half.numpy() == pytest.approx(losses.dice(outputs, targets, 1.0, losses.each_label).numpy(), rel=1e-5)
    there, none = torch.ones(1, 1, 4, 4, dtype=torch.uint8), torch.full((1, 1, 4, 4), -1.0)
    missed = losses.tversky(none, there, 0.3, 0.7, 1.0, losses.each_label)
    assert missed > losses.tversky(none, there, 0.7, 0.3, 1.0, losses.each_label)


def test_focal_without_gamma_is_cross_entropy() -> None:
    outputs, targets = noise(2, 1, 5, 5), truth(2, 1, 5, 5)
    plain = losses.yes_no_losses(outputs, targets)
    assert losses.less_if_easy(plain, 0.0).numpy() == pytest.approx(plain.numpy(), abs=1e-6)
    likely = torch.exp(-plain)
    focal = ((1 - likely) ** 2 * plain).numpy()
    assert losses.less_if_easy(plain, 2.0).numpy() == pytest.approx(focal, rel=1e-4, abs=1e-6)


def test_weights_of_classes_multiply_pixels() -> None:
    targets = truth(2, 1, 5, 5, classes=3)
    weights = losses.pixel_weights(targets, [[0.5, 2.0, 3.0]])
    wanted = np.select([targets == 0, targets == 1, targets == 2], [0.5, 2.0, 3.0], 0.0)
    assert weights.numpy() == pytest.approx(wanted)
    each = losses.pixel_weights(truth(2, 2, 5, 5), torch.tensor([[1.0, 4.0], [1.0, 9.0]]))
    assert set(each[:, 0].unique().tolist()) <= {0, 1, 4} and set(each[:, 1].unique().tolist()) <= {0, 1, 9}


def test_balanced_weights_are_median_frequencies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published example: frequencies .5, .3 and .2, each counted in the images that contain the class."""
    monkeypatch.setattr(losses, "CLASSES", 3)
    known = KNOWN["vectors"]["median_freq_balancing"]
    first = np.concatenate([np.full(50, 0), np.full(30, 1), np.full(20, 2)]).reshape(10, 10)
    targets = torch.from_numpy(np.stack([first, first]).astype(np.uint8))
    assert losses.balancing(targets).tolist() == pytest.approx(known["weights"])
    rare = np.concatenate([np.full(60, 0), np.full(40, 2)]).reshape(10, 10)  # this image does not count for class 1
    unknown = np.where(np.arange(100).reshape(10, 10) < 50, IGNORE, np.where(first == 0, 0, first))
    mixed = torch.from_numpy(np.stack([first, rare, unknown]).astype(np.uint8))
    frequency = [(50 + 60) / 200, 60 / 150, (20 + 40 + 20) / 250]
    assert losses.balancing(mixed).tolist() == pytest.approx([np.median(frequency) / f for f in frequency], rel=1e-6)
    absent = losses.balancing(torch.zeros(1, 4, 4, dtype=torch.uint8))
    assert absent.tolist() == [1, 1, 1]


def test_balanced_loss_has_a_row_for_each_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "CLASSES", 2)
    labels = losses.median_frequency(lambda class_weights: class_weights, truth(4, 3, 6, 6))
    bordered = losses.median_frequency(lambda class_weights: class_weights, truth(4, 2, 6, 6).float())
    assert labels().shape == (3, 2) and bordered().shape == (1, 2)  # the channel of borders has no classes


# ---------------------------------------------------------------------- metrics


def test_metrics_of_the_published_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from specc_segmentation.judging import of_table

    monkeypatch.setattr(scores, "CLASSES", 3)
    known = KNOWN["vectors"]["seg_metrics"]
    table = np.array(known["confusion_rows_gt_cols_pred"])
    there = np.repeat(np.arange(9) // 3, table.ravel())
    said = np.repeat(np.arange(9) % 3, table.ravel())
    found = scores.confusion(torch.tensor(said).view(1, 1, 10, -1), torch.tensor(there).view(1, 1, 10, -1))
    assert found[0, 0].tolist() == table.tolist()
    dice, iou = scores.shares(found[0, 0])
    assert dice.tolist() == pytest.approx(known["dice"]) and iou.tolist() == pytest.approx(known["iou"])
    told = scores.mask_scores(found)
    assert told["pixel_accuracy"] == pytest.approx(known["pixel_acc"])
    assert told["mean_iou"] == pytest.approx(known["mIoU"])
    assert told["dice"] == pytest.approx(np.mean(known["dice"][1:]))
    whole = of_table(table[None])
    assert whole["mean_accuracy"] == pytest.approx(known["mean_acc"])
    assert whole["weighted_iou"] == pytest.approx(known["fwIoU"])
    assert whole["mean_iou"] == pytest.approx(known["mIoU"])


def test_metrics_come_from_one_table_and_not_from_means_of_images() -> None:
    large, small = truth(1, 1, 8, 8, unknown=0), torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    small[..., 0, 0] = 1
    answers = torch.cat([large, torch.zeros_like(small)]).long()
    told = scores.mask_scores(scores.confusion(answers, torch.cat([large, small])))
    count = int((large == 1).sum())
    assert told["dice"] == pytest.approx(2 * count / (2 * count + 1))
    assert told["dice_per_image"] == pytest.approx(0.5)


def test_an_empty_image_that_is_answered_empty_is_right() -> None:
    empty = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    told = scores.mask_scores(scores.confusion(empty.long(), empty))
    assert told["dice"] == told["dice_per_image"] == told["pixel_accuracy"] == 1
    assert told["output_spread"] == 0
    unknown = torch.full((1, 1, 4, 4), IGNORE)
    assert scores.confusion(torch.ones(1, 1, 4, 4).long(), unknown).sum() == 0


def test_dice_and_iou_belong_together() -> None:
    known = KNOWN["vectors"]["dice_iou_relation"]
    table = scores.confusion(torch.tensor(known["b"]).view(1, 1, 1, -1), torch.tensor(known["a"]).view(1, 1, 1, -1))
    dice, iou = scores.shares(table[0, 0])
    assert (dice[1].item(), iou[1].item()) == pytest.approx((known["dice"], known["iou"]))


def test_distances_of_borders() -> None:
    """Two squares, one moved by three columns: by hand in pixels, and in mm."""
    first, second = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    first[5:15, 5:15] = second[5:15, 8:18] = True
    assert border(first).sum() == 36
    assert surface_scores(first, second, 3) == pytest.approx((3, 1))
    assert surface_scores(first, second, 1.5, (1.0, 0.5)) == pytest.approx((1.5, 1))
    assert surface_scores(first, second, 0.3, (0.1, 0.1)) == pytest.approx((0.3, 1)), "three times 0.1 is within 0.3"
    assert surface_scores(first, first, 1e-6) == (0, 1)
    assert 0 < (surface_scores(first, second, 1.0)[1] or 0) < 1
    none = np.zeros_like(first)
    assert surface_scores(first, none, 1.0) == surface_scores(none, first, 1.0) == (None, 0)
    assert surface_scores(none, none, 1.0) == (None, None)
    whole = np.ones_like(first)
    assert surface_scores(whole, whole, 1.0) == (0, 1), "the end of the image is a border"


@pytest.mark.parametrize(("first", "second"), [("blobs", "blobs"), ("corner", "corner"), ("blobs", "corner")])
def test_hausdorff_against_all_pairs(first: str, second: str) -> None:
    """Also of things in a corner of a large image, of which only the part around both is looked at."""
    dice, masks = np.random.default_rng(5), []
    for kind in (first, second):
        mask = ndimage.gaussian_filter(dice.random((24, 31)), 2) > 0.5
        if kind == "corner":
            mask[:, :20] = mask[:18] = False
            mask[20:, 25:] = True
        masks.append(mask)
    spacing = (0.7, 1.9)
    one, two = (np.argwhere(border(mask)) * spacing for mask in masks)
    apart = np.linalg.norm(one[:, None] - two[None], axis=2)
    wanted = max(np.percentile(apart.min(1), 95), np.percentile(apart.min(0), 95))
    within = ((apart.min(1) <= 1).sum() + (apart.min(0) <= 1).sum()) / (len(one) + len(two))
    assert surface_scores(masks[0], masks[1], 1.0, spacing) == pytest.approx((wanted, within))


# ---------------------------------------------------------------------- borders


def test_weight_between_two_cells() -> None:
    """The published number: distances 3 and 4 give 10 exp(-49 / 50)."""
    known = KNOWN["weight_map"]
    things = np.zeros((5, 20), np.int64)
    things[:, :2], things[:, 8:] = 1, 2
    close = masks.closeness(things, known["sigma"])
    assert known["w0"] * close[2, 4] == pytest.approx(known["weight"], rel=1e-6)  # 3 from the first, 4 from the second
    assert not close[things > 0].any()


def test_closeness_against_distance_transforms() -> None:
    dice = np.random.default_rng(3)
    things, count = ndimage.label(ndimage.gaussian_filter(dice.random((60, 70)), 3) > 0.53)
    assert count > 3
    far = np.sort([ndimage.distance_transform_edt(things != n) for n in range(1, count + 1)], axis=0)
    wanted = np.where(things > 0, 0, np.exp(-((far[0] + far[1]) ** 2) / (2 * 2.0**2)))
    assert masks.closeness(things, 2.0) == pytest.approx(wanted, abs=1e-7)
    assert masks.distances(things == 1) == pytest.approx(ndimage.distance_transform_edt(things != 1))
    alone = masks.closeness((things == 1).astype(int), 2.0)
    assert not alone.any()


@pytest.mark.parametrize("seed", range(6))
def test_components_against_scipy(seed: int) -> None:
    there = np.random.default_rng(seed).random((31, 27)) < 0.2 + 0.08 * seed
    found = masks.components(there)
    wanted, count = ndimage.label(there, np.ones((3, 3)))
    assert found.max() == count
    pairs = {(int(a), int(b)) for a, b in zip(found.ravel(), wanted.ravel(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) == count + (not there.all())


# ---------------------------------------------------------------------- geometry


@pytest.mark.parametrize("rule", RESIZES)
@pytest.mark.parametrize("size", [(9, 31), (40, 24), (16, 16), (333, 512), (1, 7), (64, 50), (31, 33), (12, 200)])
def test_an_image_that_is_its_own_mask(rule: str, size: tuple[int, int]) -> None:
    """A left half and an upper half lie on the canvas where the image's own edges lie, to half a pixel."""
    canvas = (24, 20)
    for axis in (0, 1):
        mask = np.zeros(size, np.uint8)
        (mask if axis == 0 else mask.T)[: size[axis] // 2] = 1
        image = torch.from_numpy(mask.astype(np.float32))[None, None]
        seen = RESIZES[rule](image, *canvas)[0, 0].numpy()
        whole = RESIZES[rule](torch.ones_like(image), *canvas)[0, 0].numpy()
        found = masks.fitted(mask, rule, canvas)
        assert ((found == IGNORE) == (whole < 0.5)).all(), "the canvas has the image at the same place"
        sure = (found != IGNORE) & (np.abs(seen - 0.5) > 0.499)
        assert (found[sure] == (seen[sure] > 0.5)).all()
        line = (found == 1).sum(axis).max() if found[found != IGNORE].size else 0
        assert abs(line - (seen > 0.5).sum(axis).max()) <= 1


@pytest.mark.parametrize("rule", RESIZES)
def test_where_the_size_fits_nothing_is_changed(rule: str) -> None:
    mask = np.random.default_rng(0).integers(0, 5, (17, 23)).astype(np.uint8)
    assert (masks.fitted(mask, rule, (17, 23)) == mask).all()
    assert (masks.fitted(mask, "none", (17, 23)) == mask).all()
    with pytest.raises(ValueError, match="no rule to resize"):
        masks.fitted(mask, "none", (17, 24))


def test_twice_as_large_and_back() -> None:
    from specc_segmentation.grid import undone

    dice = np.random.default_rng(2)
    likely = ndimage.gaussian_filter(dice.random((3, 24, 40)), (0, 2, 2)).astype(np.float32)
    for rule in RESIZES:
        for size in ((24, 40), (12, 20), (50, 71), (31, 9)):
            maps, known = undone(likely[None], (24, 40), (0, 0), rule, size)
            assert maps.shape == (1, 3, *size) and np.isfinite(maps).all()
            assert known.all() == (rule != "crop" or size in ((24, 40), (12, 20)))
        same, _ = undone(likely[None], (24, 40), (0, 0), rule, (24, 40))
        assert same[0] == pytest.approx(likely)


@pytest.mark.parametrize("rule", ["fit", "stretch"])
@pytest.mark.parametrize("size", [(48, 32), (31, 57), (100, 30)])
def test_a_mask_that_is_fitted_and_brought_back_covers_the_same(rule: str, size: tuple[int, int]) -> None:
    from specc_segmentation.grid import undone

    mask = np.zeros(size, np.uint8)
    mask[size[0] // 4 : size[0] // 2, size[1] // 3 :] = 1
    canvas = masks.fitted(mask, rule, (64, 64))
    maps, known = undone((canvas == 1)[None, None].astype(np.float32), (64, 64), (0, 0), rule, size)
    back = maps[0, 0] > 0.5
    assert known.all()
    apart = (back != (mask == 1)).sum()
    assert apart <= 2 * max(1, max(size) / 64) * border(mask == 1).sum()
    if max(size) <= 64:  # nothing was lost on the way
        assert apart <= 0.35 * border(mask == 1).sum()


# ---------------------------------------------------------------------- files


def test_numbers_of_mask_files(tmp_path: Path) -> None:
    numbers = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
    PIL.Image.fromarray(numbers).save(tmp_path / "grey.png")
    palette = PIL.Image.fromarray(numbers, "P")
    palette.putpalette([10 * n for n in range(18)])
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "palette.tif", compression="tiff_lzw")
    palette.save(tmp_path / "clear.png", transparency=2)
    PIL.Image.fromarray(numbers > 2).save(tmp_path / "bits.png")
    PIL.Image.fromarray(np.stack([numbers] * 3, 2)).save(tmp_path / "grey-as-rgb.png")
    PIL.Image.fromarray(numbers.astype(np.uint16) * 1000).save(tmp_path / "deep.png")
    tifffile.imwrite(tmp_path / "deep.tif", numbers.astype(np.uint16) * 1000)
    for name in ("grey.png", "palette.png", "palette.tif", "clear.png", "grey-as-rgb.png"):
        assert (masks.read_mask(tmp_path / name) == numbers).all(), name
    assert (masks.read_mask(tmp_path / "bits.png") == 255 * (numbers > 2)).all()
    for name in ("deep.png", "deep.tif"):
        assert (masks.read_mask(tmp_path / name) == numbers.astype(int) * 1000).all(), name


def test_what_is_no_mask(tmp_path: Path) -> None:
    dice = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    PIL.Image.fromarray(dice).save(tmp_path / "colours.png")
    PIL.Image.fromarray(dice[..., 0]).save(tmp_path / "lossy.jpg")
    tifffile.imwrite(tmp_path / "half.tif", np.full((4, 4), 0.5, np.float32))
    (tmp_path / "text.png").write_text("no image")
    for name, word in (
        ("colours.png", "colours"),
        ("lossy.jpg", "JPEG"),
        ("half.tif", "not whole"),
        ("text.png", "P801"),
    ):
        with pytest.raises(ValueError, match=word):
            masks.read_mask(tmp_path / name)


def test_numbers_that_mean_nothing_are_named() -> None:
    numbers = np.array([[0, 255, 7, 8]])
    with pytest.raises(ValueError, match=r"values 7, 8, of no class; there are \[0, 255\]"):
        masks.places(numbers, {0: 0, 255: 1})
    assert masks.places(numbers, {0: 0, 255: 1, 7: IGNORE, 8: 2}).tolist() == [[0, 1, IGNORE, 2]]


# ---------------------------------------------------------------------- COCO


@pytest.mark.parametrize("seed", range(8))
def test_runs_there_and_back(seed: int) -> None:
    dice = np.random.default_rng(seed)
    there = ndimage.gaussian_filter(dice.random((37, 53)), 0.5 + seed / 3) > 0.5
    there = there if seed else np.zeros((37, 53), bool)
    counts = coco.encode_runs(there)
    assert sum(counts) == there.size and all(count >= 0 for count in counts)
    assert (coco.decode_runs(counts, (37, 53)) == there).all()
    assert coco.counted(coco.compressed(counts)) == counts
    assert (coco.filled({"size": [37, 53], "counts": coco.compressed(counts)}, (37, 53)) == there).all()
    assert (coco.filled({"size": [37, 53], "counts": counts}, (37, 53)) == there).all()


def test_runs_go_down_the_columns() -> None:
    """The example of the COCO API's mask.py: [0 0 1 1 1 0 1] is [2 3 1 1], and [1 1 1 1 1 1 0] is [0 6 1]."""
    assert coco.encode_runs(np.array([[0, 0, 1, 1, 1, 0, 1]]).T) == [2, 3, 1, 1]
    assert coco.encode_runs(np.array([[1, 1, 1, 1, 1, 1, 0]])) == [0, 6, 1]
    square = np.zeros((4, 5), bool)
    square[1:3, 2] = True
    assert coco.encode_runs(square) == [9, 2, 9]


def test_compressed_strings_by_hand() -> None:
    """LEB128 with 5 bits a character from 48 on: 9 is `9`, 40 is 8 + 32 more and 1, differences from the fourth on."""
    assert coco.compressed([9, 2, 9]) == "929"
    assert coco.compressed([40]) == "X1" and coco.counted("X1") == [40]
    assert coco.compressed([9, 2, 9, 1]) == "929O" and coco.counted("929O") == [9, 2, 9, 1]  # 1 - 2 = -1 is 31
    assert coco.compressed([16]) == "`0" and coco.counted("`0") == [16]  # the fifth bit of a last part is a sign


@pytest.mark.parametrize("text", ["X", "é", "\x7f\x80"])
def test_broken_strings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"cut short|no place"):
        coco.counted(text)


def test_runs_that_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="do not add up to 3 x 3"):
        coco.decode_runs([4, 4], (3, 3))
    with pytest.raises(ValueError, match="and the image has"):
        coco.filled({"size": [2, 2], "counts": [4]}, (3, 3))


@pytest.mark.parametrize(
    "outline",
    [
        {"size": [4, 4], "counts": [2**62] * 4 + [16]},  # adds up to 16 where numbers of 64 bits wrap around
        {"size": [4, 4], "counts": "o" * 100_000 + "0"},
        {"size": [4, 4], "counts": None},
        {"size": 4, "counts": [16]},
        [{"a": 1}],
        [[0, 0, 1e300, 0, 1e300, 1e300]],
        None,
        5,
    ],
)
def test_outlines_that_are_none_are_refused(outline: Any) -> None:
    with pytest.raises(ValueError, match=r"counts|polygon|runs"):
        coco.filled(outline, (4, 4))


def test_polygons_take_pixels_whose_middle_is_inside() -> None:
    square = coco.inside_polygon([1, 1, 4, 1, 4, 3, 1, 3], (5, 6))
    wanted = np.zeros((5, 6), bool)
    wanted[1:3, 1:4] = True
    assert (square == wanted).all()
    circle = [value for t in np.linspace(0, 2 * np.pi, 200) for value in (20 + 15 * np.cos(t), 20 + 15 * np.sin(t))]
    far = np.hypot(*(np.mgrid[:40, :40] + 0.5 - 20))
    assert (coco.inside_polygon(circle, (40, 40)) == (far < 15))[np.abs(far - 15) > 0.01].all()
    hole = coco.filled([[0, 0, 6, 0, 6, 5, 0, 5], [2, 2, 4, 2, 4, 4, 2, 4]], (5, 6))
    assert hole.all()  # several polygons are parts of one thing
    with pytest.raises(ValueError, match="three corners"):
        coco.inside_polygon([1, 2, 3, 4], (5, 5))


def test_a_coco_file_as_rows(tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    known = {
        "images": [{"id": 7, "file_name": "a.png", "height": 4, "width": 5, "split": "train"}],
        "categories": [{"id": 1, "name": "lung"}, {"id": 3, "name": "heart"}],
        "annotations": [
            {"image_id": 7, "category_id": 3, "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]], "iscrowd": 0},
            {"image_id": 7, "category_id": 1, "segmentation": {"size": [4, 5], "counts": [8, 2, 10]}, "iscrowd": 1},
        ],
    }
    file.write_text(json.dumps(known))
    (row,) = coco.read_coco(file)
    assert (row["file"], row["size"], row["patient"], row["part"]) == ("a.png", "4x5", "", "train")
    (mask,) = coco.drawn_shapes(json.loads(row["shapes"]), (4, 5), ("lung", "heart"), True)
    assert mask.tolist() == [[2, 2, IGNORE, 0, 0], [2, 2, IGNORE, 0, 0], [0] * 5, [0] * 5]
    lung, heart = coco.drawn_shapes(json.loads(row["shapes"]), (4, 5), ("lung", "heart"), False)
    assert (lung == IGNORE).sum() == 2 and (heart == 1).sum() == 4
    with pytest.raises(ValueError, match="'heart' is none of"):
        coco.drawn_shapes(json.loads(row["shapes"]), (4, 5), ("lung",), True)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[]", "no lists"),
        ("{", "not JSON"),
        ('{"images": [{}], "annotations": []}', "has no 'id'"),
        ('{"images": [{"id": 1}], "annotations": []}', r"images\[0\]: has no 'height'"),
        ('{"images": [], "annotations": [{"image_id": 1, "category_id": 1, "segmentation": []}]}', r"annotations\[0\]"),
        ("[" * 200_000, "not JSON"),
        ('{"images": [{"id": 1, "file_name": "a", "height": 1e999, "width": 4}], "annotations": []}', "infinity"),
        ('{"images": [{"id": 1, "file_name": "a", "height": -4, "width": 4}], "annotations": []}', "-4x4 pixels"),
        ('{"images": [{"id": 1, "file_name": "a", "height": 1e6, "width": 1e6}], "annotations": []}', "1000000x1000"),
        ('{"images": [{"id": 1}, {"id": 1}], "annotations": []}', "one id"),
    ],
)
def test_broken_coco_files_name_the_place(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "all.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=word):
        coco.read_coco(file)


# ---------------------------------------------------------------------- parity


@pytest.mark.parametrize(
    ("shape", "apart", "same"), [((1, 2, 8, 8), 5e-5, True), ((1, 2, 8, 8), 2e-4, False), ((1, 2), 5e-5, False)]
)
def test_maps_and_numbers_have_tolerances_of_their_own(shape: tuple[int, ...], apart: float, same: bool) -> None:
    """A map has so many numbers that the largest rounding is larger; a single probability is held to less."""
    from specc.pieces.export import Certificate

    likely = torch.full(shape, 0.4)
    likely[:, 1] = 0.6

    class Other:
        """An ONNX file that differs a little."""

        def get_inputs(self) -> list[Any]:
            """None."""
            return []

        def run(self, names: Any, feed: Any) -> list[Array]:
            """One output."""
            return [likely.numpy() + np.float32(apart)]

    certificate = Certificate.__new__(Certificate)
    certificate.session, certificate.deploy = Other(), lambda: (likely,)  # type: ignore[assignment]
    certificate.outputs, certificate.spread, certificate.largest = ["probabilities"], 1.0, {"probabilities": 0.0}
    certificate.cases, certificate.wrong = 0, []
    certificate.run("case")
    assert (certificate.wrong == []) == same
    assert certificate.largest["probabilities"] == pytest.approx(apart, rel=1e-2)


def test_the_picture_of_training_gets_its_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the images as edited, and of each epoch as that moves them."""
    from specc_segmentation.pieces import samples

    class Images:
        rows = ({"mask": "a"}, {"mask": "b"}, {"mask": "c"})
        root = Path("data")

    def moved(masks: torch.Tensor, ids: torch.Tensor, key: tuple[int, ...], ignore: float) -> torch.Tensor:
        assert ignore == IGNORE
        return masks + ids[:, None, None, None].to(torch.uint8) + key[0]

    monkeypatch.setattr(samples, "masks_of", lambda row, root: np.full((1, 2, 3), ord(row["mask"]), np.uint8))
    monkeypatch.setattr(samples, "moved_masks", moved)
    images: Any = Images()
    found = samples.masked({"edited": torch.zeros(2)}, images, torch.tensor([2, 0]), [(5,), (6,)])
    assert list(found) == ["edited", "masks", "masks of epoch 1", "masks of epoch 2"]
    assert found["masks"].shape == (2, 1, 2, 3)
    first = {name: tensor[:, 0, 0, 0].tolist() for name, tensor in found.items() if name != "edited"}
    assert first == {"masks": [99, 97], "masks of epoch 1": [106, 102], "masks of epoch 2": [107, 103]}


def test_masks_move_as_their_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned by 25 degrees and shifted: no number is invented, what comes from outside is not known, and where the
    moved image leaves no doubt the mask says the same.
    """
    from specc_segmentation.pieces import learner

    from specc.pieces import augment_fields
    from specc.pieces import runtime as rt
    from specc.pieces.augment_places import rotate, shift

    size = (40, 30)

    def look(points: torch.Tensor, ids: torch.Tensor, key: tuple[int, ...]) -> torch.Tensor:
        turned = rotate(points, torch.ones(len(ids), 1), size, 25.0)
        return shift(turned, torch.full((len(ids), 2), 0.8), size, 0.1)

    for name, value in (("look", look), ("HEIGHT", size[0]), ("WIDTH", size[1])):
        monkeypatch.setattr(augment_fields, name, value)
    monkeypatch.setattr(learner, "moved_masks", augment_fields.moved_masks)
    monkeypatch.setattr(learner, "cropped", lambda masks: masks[..., 4:-4, 4:-4])
    there = torch.zeros(2, 1, *size)
    there[:, :, 8:30, 10:24] = 1
    ids = torch.arange(2)
    batch = rt.Batch(ids, torch.ones(2) / 2, 2, (1,), rt.Time(0, 1, 1), ids)
    moved = learner.seen_masks(there.to(torch.uint8), batch)
    assert set(moved.unique().tolist()) == {0, 1, IGNORE} and moved.shape == (2, 1, 32, 22)
    seen = augment_fields.moved_images(there, ids, (1,), 0.0)[..., 4:-4, 4:-4]
    whole = augment_fields.moved_images(torch.ones_like(there), ids, (1,), 0.0)[..., 4:-4, 4:-4]
    assert (moved[seen > 0.999] == 1).all() and (moved[(seen < 0.001) & (whole > 0.999)] == 0).all()
    assert (moved[whole < 0.001] == IGNORE).all() and (whole < 0.001).any()
