"""The plugin superres, run: trained, killed and resumed, exported, asked and judged, on images of many kinds."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from specc_superres import PLUGIN, examples, likeness, measure, tiles
from specc_superres.values import png

import specc
from specc.deploy.session import open_model
from specc.errors import SpeccError
from specc.pieces import readers
from specc.run import montage
from specc.testing import check_plugin, draw

Array = np.ndarray[Any, Any]


def table(file: Path) -> list[dict[str, str]]:
    """A CSV file."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def kept_epoch(run: Path) -> dict[str, float]:
    """What training said of the epoch that was kept."""
    log = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    kept: dict[str, float] = min(log, key=lambda row: float(row["val_loss"]))
    return kept


def train(folder: Path, text: str) -> Path:
    """The folder of a finished run."""
    (folder / "spec.yaml").write_text(text, encoding="utf-8")
    return specc.train(folder / "spec.yaml", runs=folder / "runs").run


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on colour pairs."""
    folder = tmp_path_factory.mktemp("pairs")
    examples.draw_pairs(folder)
    return train(folder, examples.PAIRS)


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that takes noise away, on grey images of 16 bits, whose network has a pool."""
    folder = tmp_path_factory.mktemp("cleaned")
    draw(folder)
    for file in (folder / "images").glob("*.png"):
        file.write_bytes(png(np.asarray(PIL.Image.open(file)).astype(np.uint16) * 257))
    return train(folder, examples.CLEANED)


@pytest.mark.slow
def test_the_suite_of_plugins(tmp_path: Path) -> None:
    check_plugin(PLUGIN, tmp_path)  # with kills and resumes to the same bytes


def test_words_and_rules_are_documented_with_examples_that_hold() -> None:
    check_plugin(PLUGIN, train=False)


def test_a_run_on_pairs_is_judged_beside_bicubic(pairs: Path) -> None:
    figures = json.loads((pairs / "eval/metrics.json").read_text(encoding="utf-8"))
    rows = table(pairs / "eval/cases.csv")
    assert [row["split"] for row in rows] == ["val"] * 4 + ["test"] * 4
    for part in ("val", "test"):
        own = [row for row in rows if row["split"] == part]
        for name in ("psnr", "ssim"):
            told = figures[part]["metrics"][name]
            assert told["value"] == pytest.approx(np.mean([float(row[name]) for row in own]), rel=1e-5)
            assert told["low"] <= told["value"] <= told["high"]
            rival = figures[part]["baseline"]["bicubic"][name]["value"]
            assert rival == pytest.approx(np.mean([float(row[f"baseline bicubic {name}"]) for row in own]), rel=1e-5)
        assert figures[part]["border"] == 2
        assert figures[part]["patients"] == 2
        with PIL.Image.open(pairs / "eval" / figures[part]["pictures"][0]) as picture:
            assert min(picture.size) > 500
    kept = kept_epoch(pairs)
    assert figures["val"]["metrics"]["psnr"]["value"] == pytest.approx(kept["psnr"], abs=1e-3)  # in training, too
    low, high = (np.asarray(PIL.Image.open(pairs.parents[2] / f"{kind}/16.png")) / 255 for kind in ("low", "high"))
    y = [measure.brightness(image.transpose(2, 0, 1), "full") for image in (low, high)]
    assert measure.psnr(measure.bicubic(y[0], 2), y[1], 2) == pytest.approx(
        float(rows[0]["baseline bicubic psnr"]), abs=0.05
    )


def test_the_exported_model_agrees_with_torch_on_odd_sizes(pairs: Path, cleaned: Path) -> None:
    for run, files in ((pairs, 24), (cleaned, 48)):
        parity = json.loads((run / "parity.json").read_text(encoding="utf-8"))
        assert parity["passed"]
        assert parity["images"] == files + 3  # three sizes of noise: that of the spec and two others
        assert parity["largest"]["image"] < 1e-5
    session = open_model(pairs / "model.onnx", "cpu")
    for height, width in ((1, 1), (1, 9), (31, 7)):
        image = tiles.restored(session, np.full((3, height, width), 128, np.float32))
        assert image.shape == (3, 2 * height, 2 * width)
        assert np.isfinite(image).all()


def test_a_judged_run_with_noise_has_the_figures_of_its_training(cleaned: Path) -> None:
    figures = json.loads((cleaned / "eval/metrics.json").read_text(encoding="utf-8"))
    kept = kept_epoch(cleaned)
    assert figures["val"]["metrics"]["psnr"]["value"] == pytest.approx(kept["psnr"], abs=1e-3)
    assert figures["val"]["metrics"]["ssim"]["value"] == pytest.approx(kept["ssim"], abs=1e-4)
    noise = figures["val"]["baseline"]["as it is"]["psnr"]["value"]
    assert 19 < noise < 22  # of sd 0.1, less what is cut off at black and white


def test_predict_writes_a_png_of_twice_the_size(pairs: Path, tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    for number, size in enumerate(((16, 12), (17, 31), (5, 40))):
        PIL.Image.fromarray(dice.integers(0, 256, (*size, 3)).astype(np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "0.png").write_bytes((tmp_path / "0.png").read_bytes())
    files = [*sorted(tmp_path.glob("*.png")), tmp_path / "again" / "0.png"]
    said = specc.predict(pairs, files, output=tmp_path / "out", forms=("png", "tiff"))
    sizes = [(one.row["restored_height"], one.row["restored_width"]) for one in said]
    assert sizes == [(32, 24), (34, 62), (10, 80), (32, 24)]
    assert [one.row["restored"] for one in said] == ["0.png", "1.png", "2.png", "0-2.png"]
    for one in said:
        large, real = np.asarray(PIL.Image.open(one.files[0])), tifffile.imread(one.files[1])
        assert large.dtype == np.uint8
        assert large.shape == real.shape == (one.row["restored_height"], one.row["restored_width"], 3)
        assert np.abs(large - real).max() <= 0.5 + 1e-4  # both in values of the file
        assert readers.header(one.files[1]).format == "tiff"


def test_predict_keeps_sixteen_bits_and_odd_sizes(cleaned: Path, tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    values = {"odd": (25, 19), "even": (24, 24)}
    for name, size in values.items():
        (tmp_path / f"{name}.png").write_bytes(png(dice.integers(0, 65_536, size).astype(np.uint16)))
    said = specc.predict(cleaned, sorted(tmp_path.glob("*.png")), output=tmp_path / "out")
    for one in said:
        assert one.refused is None
        pixels, facts = readers.read(one.files[0], window="none")
        assert (facts.bits, pixels.shape[:2]) == (16, values[Path(one.file).stem])
        assert len(np.unique(pixels)) > 256


def test_a_large_image_in_tiles_is_the_same_as_in_one(
    pairs: Path, cleaned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = np.random.default_rng(2)
    for run, samples, top in ((pairs, 3, 255), (cleaned, 1, 65_535)):
        session = open_model(run / "model.onnx", "cpu")
        pixels = dice.uniform(0, top, (samples, 101, 83)).astype(np.float32)
        whole = tiles.restored(session, pixels)
        with monkeypatch.context() as patched:
            patched.setattr(tiles, "TILE", 32)
            assert np.abs(tiles.restored(session, pixels) - whole).max() < 1e-5


def test_another_table_is_judged(pairs: Path, tmp_path: Path) -> None:
    examples.draw_pairs(tmp_path)
    for file in tmp_path.rglob("*.png"):  # other images
        PIL.Image.open(file).transpose(PIL.Image.Transpose.FLIP_TOP_BOTTOM).save(file)
    found = specc.evaluate(pairs / "model.onnx", data=tmp_path / "pairs.csv", output=tmp_path / "eval")
    assert found.plain()["external"]["images"] == 24
    again = specc.evaluate(pairs / "model.onnx", data=tmp_path / "pairs.csv", output=tmp_path / "by", by="part")
    groups = again.plain()["external"]["by"]["part"]
    assert {name: group["images"] for name, group in groups.items()} == {"train": 16, "val": 4, "test": 4}
    value = sum(group["images"] * group["metrics"]["psnr"]["value"] for group in groups.values()) / 24
    assert value == pytest.approx(found.plain()["external"]["metrics"]["psnr"]["value"])
    assert any("part val: 4 images" in line for line in again.lines())
    assert (tmp_path / "eval" / "restored.png").is_file()


def test_what_the_contract_does_not_cover_is_not_judged(cleaned: Path, tmp_path: Path) -> None:
    draw(tmp_path)  # 8 bits, and the model was trained on 16
    with pytest.raises(SpeccError, match="no image can be judged"):
        specc.evaluate(cleaned / "model.onnx", data=tmp_path / "table.csv", output=tmp_path / "eval")


def test_lossy_images_are_told(tmp_path: Path) -> None:
    draw(tmp_path)
    for file in (tmp_path / "images").glob("*.png"):
        PIL.Image.open(file).save(file.with_suffix(".jpg"))
    (tmp_path / "table.csv").write_text((tmp_path / "table.csv").read_text().replace(".png", ".jpg"))
    (tmp_path / "spec.yaml").write_text(examples.CLEANED.replace("format: png", "format: jpeg"))
    found = specc.check(tmp_path / "spec.yaml")
    assert [fault.severity for fault in found.diagnostics if fault.code == "D452"] == ["warning"]


def test_pairs_that_do_not_fit_are_told(tmp_path: Path) -> None:
    examples.draw_pairs(tmp_path)
    (tmp_path / "spec.yaml").write_text(examples.PAIRS, encoding="utf-8")
    with PIL.Image.open(tmp_path / "high/03.png") as image:
        image.crop((0, 0, 23, 32)).save(tmp_path / "high/03.png")
    with PIL.Image.open(tmp_path / "high/04.png") as image:
        image.convert("L").save(tmp_path / "high/04.png")
    codes = [fault.code for fault in specc.check(tmp_path / "spec.yaml").diagnostics]
    assert "D450" in codes
    PIL.Image.new("RGB", (24, 32), (9, 9, 9)).save(tmp_path / "high/03.png")
    codes = [fault.code for fault in specc.check(tmp_path / "spec.yaml").diagnostics]
    assert "D450" not in codes
    assert "D451" in codes


def test_columns_that_are_exchanged_are_told(tmp_path: Path) -> None:
    examples.draw_pairs(tmp_path)
    text = examples.PAIRS.replace("{image: low, target: high,", "{image: high, target: low,").replace(
        "size: [16, 12]", "size: [32, 24]"
    )
    (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
    (fault,) = [fault for fault in specc.check(tmp_path / "spec.yaml").diagnostics if fault.severity == "error"]
    assert fault.code == "D450"
    assert "the two are exchanged: `columns: {image: low, target: high}`" in [note.text for note in fault.notes]


def test_images_of_several_sizes_are_to_be_cut_and_not_resized(tmp_path: Path) -> None:
    draw(tmp_path)
    (tmp_path / "spec.yaml").write_text(examples.CLEANED.replace("[24, 24]", "[20, 20]"), encoding="utf-8")

    def cures() -> list[str]:
        found = specc.check(tmp_path / "spec.yaml").diagnostics
        assert [fault.code for fault in found if fault.severity == "error"] == ["D402"]
        return [note.text for fault in found for note in fault.notes if fault.code == "D402" and note.kind == "help"]

    assert cures() == ["`size: [24, 24]`; the exported model then takes images of any size"]
    with PIL.Image.open(tmp_path / "images/03.png") as image:
        image.crop((0, 0, 24, 18)).save(tmp_path / "images/03.png")
    assert cures() == [
        "`size: [18, 24]`, and cut all images to that size; the exported model then takes images of any size"
    ]


def test_a_prediction_into_the_name_of_a_file_is_refused(pairs: Path, tmp_path: Path) -> None:
    file = pairs.parents[2] / "low/00.png"
    for name in ("larger.png", "larger.TIF"):
        with pytest.raises(SpeccError, match="P885") as caught:
            specc.predict(pairs, [file], output=tmp_path / name)
        assert any("name a folder" in note.text for note in caught.value.diagnostics[0].notes)
        assert list(tmp_path.iterdir()) == []
    specc.predict(pairs, [file], output=tmp_path / "v1.2")
    assert (tmp_path / "v1.2/00.png").is_file()


def slipped(folder: Path, change: Callable[[Array, int], Array], text: str = examples.PAIRS) -> list[tuple[str, str]]:
    """Codes and messages of what is found of pairs whose large image is changed; its arguments are pixels, number."""
    examples.draw_pairs(folder)
    for number, file in enumerate(sorted((folder / "high").glob("*.png"))):
        pixels = change(np.asarray(PIL.Image.open(file)), number)
        PIL.Image.fromarray(pixels).save(file)
    (folder / "spec.yaml").write_text(text, encoding="utf-8")
    found = specc.check(folder / "spec.yaml").diagnostics
    return [(fault.code, fault.message) for fault in found if fault.code in ("D453", "D454")]


def shifted(pixels: Array, down: int, right: int) -> Array:
    """Content moved down and right; what comes in repeats the edge."""
    height, width = pixels.shape[:2]
    rows, columns = (np.arange(n) - by for n, by in ((height, down), (width, right)))
    moved: Array = pixels[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]
    return moved


def test_targets_beside_their_images_are_told(tmp_path: Path) -> None:
    cases: dict[str, tuple[Callable[[Array, int], Array], str]] = {
        "right": (lambda pixels, number: pixels, ""),
        "down": (lambda pixels, number: shifted(pixels, 1, 0), "by 1 row down"),
        "both": (lambda pixels, number: shifted(pixels, -1, 2), "by 1 row up, 2 columns right"),
        "each": (lambda pixels, number: shifted(pixels, *((1, 0), (0, -1), (-1, 1))[number % 3]), "each by others"),
        "some": (lambda pixels, number: shifted(pixels, number % 2, 0), ""),
        "flat": (lambda pixels, number: np.full_like(pixels, 9), ""),
        "noise": (lambda pixels, number: noisy(shifted(pixels, 0, 1), number), "by 1 column right"),
    }
    for name, (change, said) in cases.items():
        (tmp_path / name).mkdir()
        found = slipped(tmp_path / name, change)
        assert [code for code, _ in found] == (["D453"] if said else []), (name, found)
        assert all(message.endswith(f"do not lie on their images, {said}") for _, message in found)


def noisy(pixels: Array, seed: int) -> Array:
    """With noise of 5 grey values."""
    return (pixels + np.random.default_rng(seed).normal(0, 5, pixels.shape)).clip(0, 255).astype(np.uint8)


def test_lines_that_slipped_and_pairs_of_one_image_are_told(tmp_path: Path) -> None:
    def table_with(name: str, low: str, high: str, turn: int) -> list[tuple[str, str]]:
        (tmp_path / name).mkdir()
        examples.draw_pairs(tmp_path / name)
        rows = table(tmp_path / name / "pairs.csv")
        lines = [
            f"{row[low]},{rows[(place + turn) % len(rows)][high]},{row['patient']},{row['part']}"
            for place, row in enumerate(rows)
        ]
        (tmp_path / name / "pairs.csv").write_text("\n".join(["low,high,patient,part", *lines]), encoding="utf-8")
        text = examples.PAIRS
        if low == high:
            layer = "{channels: rgb, factor: 1}"
            text = examples.GREY.replace("channels: mono", "channels: rgb").replace(
                "{factor: 2}\ndata", f"{layer}\ndata"
            )
            text = (
                text[: text.index("model:")]
                + "model: {layers: [{conv2d: {filters: 3, kernel: 1}}]}\n"
                + text[text.index("loss:") :]
            )
        (tmp_path / name / "spec.yaml").write_text(text, encoding="utf-8")
        found = specc.check(tmp_path / name / "spec.yaml").diagnostics
        assert not [fault for fault in found if fault.severity == "error"], found
        return [(fault.code, fault.message) for fault in found if fault.code in ("D453", "D454")]

    assert table_with("right", "low", "high", 0) == []
    ((code, message),) = table_with("slipped", "low", "high", 5)
    assert code == "D454"
    assert "more like other images than their own" in message
    assert table_with("same", "low", "low", 0) == [
        ("D454", "in all 12 pairs that were looked at both images are the same")
    ]


def test_the_middles_of_both_images_are_the_same_part(tmp_path: Path) -> None:
    large = np.random.default_rng(0).integers(0, 255, (3 * 71, 3 * 40), dtype=np.uint8)
    PIL.Image.fromarray(large).save(tmp_path / "large.png")
    PIL.Image.fromarray(large[1::3, 1::3]).save(tmp_path / "small.png")
    small, truth = (likeness._middle(tmp_path / f"{name}.png", 0, 20, unit, None) for name, unit in
                    (("small", 1), ("large", 3)))  # fmt: skip
    assert small is not None
    assert truth is not None
    assert small.shape == (20, 20)
    assert (truth[1::3, 1::3] == small).all()


def test_images_too_small_to_be_judged_are_refused(pairs: Path, tmp_path: Path) -> None:
    examples.draw_pairs(tmp_path)
    for file in tmp_path.rglob("*.png"):  # other images
        PIL.Image.open(file).transpose(PIL.Image.Transpose.FLIP_TOP_BOTTOM).save(file)
    sizes = [(7, 7), (8, 7), (1, 1), (30, 7), (7, 8), (8, 30)]  # 11 pixels, less 2 of border on each side: 15
    for number, (width, height) in enumerate(sizes):
        with PIL.Image.open(tmp_path / f"high/{number:02}.png") as image:
            image.resize((2 * width, 2 * height)).save(tmp_path / f"high/{number:02}.png")
            image.resize((width, height)).save(tmp_path / f"low/{number:02}.png")
    found = specc.evaluate(pairs / "model.onnx", data=tmp_path / "pairs.csv", output=tmp_path / "eval")
    figures = found.plain()["external"]
    assert (figures["images"], figures["refused"]) == (19, 5)
    assert len(table(tmp_path / "eval/cases.csv")) == 19
    assert any(", 5 refused" in line for line in found.lines())


def test_folds_and_parts_of_the_data_are_summed_up_over_patients(tmp_path: Path) -> None:
    examples.draw_pairs(tmp_path)
    text = examples.GREY.replace("split: {column: part, group: patient}", "split: {folds: 2, group: patient}")
    (tmp_path / "folds.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(examples.GREY, encoding="utf-8")
    series: Any = specc.train(tmp_path / "folds.yaml", runs=tmp_path / "runs")
    told = json.loads((series.run / "summary.json").read_text(encoding="utf-8"))
    (cell,) = told["val"]["cells"]
    assert "24 images, 12 patients" in str(series.summary)
    rows = [row for fold in (1, 2) for row in table(series.run / f"fold-{fold}/eval/cases.csv")]
    assert len({row["file"] for row in rows}) == 24 and told["val"]["patients"] == 12
    assert cell["metrics"]["psnr"]["value"] == pytest.approx(np.mean([float(row["psnr"]) for row in rows]))
    assert cell["metrics"]["psnr"]["low"] < cell["metrics"]["psnr"]["value"] < cell["metrics"]["psnr"]["high"]
    assert cell["baseline"]["bicubic psnr"]["low"] < cell["baseline"]["bicubic psnr"]["value"]
    more: Any = specc.train(tmp_path / "spec.yaml", runs=tmp_path / "runs", fractions=(50, 100))
    found = more.summary.figures["more_data"]
    assert (found["metric"], found["worth_having"], found["from"]["patients"]) == ("psnr", 0.1, 4)
    assert found["verdict"] == "cannot tell" and "2 patients validate" in found["text"]
    assert "more cases?" in (more.run / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("example", "shape"),
    [(examples.PAIRS, (1, 8, 8)), (examples.MADE, (1, 15, 15)), (examples.CLEANED, (1, 24, 24))],
    ids=["patches of brightness", "made smaller and enlarged", "whole, with noise"],
)
def test_the_picture_shows_what_the_network_gets(
    example: str, shape: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patches where they are trained on, what was made worse where the spec makes it: the input of the network."""
    draw(tmp_path)
    examples.draw_pairs(tmp_path)
    seen, read = list[montage.Samples](), montage.read_samples

    def noted(file: Path) -> montage.Samples:
        seen.append(read(file))
        return seen[-1]

    monkeypatch.setattr(montage, "read_samples", noted)
    run = train(tmp_path, example.replace("epochs: 2", "epochs: 1"))
    (samples,) = seen
    assert samples.epochs[0].shape[1:] == shape
    assert samples.edited.shape[1] == (3 if example is examples.PAIRS else 1)
    with PIL.Image.open(run / "eval/what_the_network_sees.png") as picture:
        assert min(picture.size) > 300
