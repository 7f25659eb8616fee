"""What a restoring model says of an image: a picture; and how near its pictures are to the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.answering import Asked, CaseScores, Item, Judged, Judging, PrimaryMetric, Said, Session, fault, mean_interval
from specc.rules.common import plural
from specc_superres import tiles
from specc_superres.values import values_of

if TYPE_CHECKING:
    from specc_superres.measure import Array

FORMS = {
    "png": "the image as PNG, 8 bits where the file has no more, else 16 (the default)",
    "tiff": "the image as TIFF of 32-bit floating-point numbers, in the values of the file where they are known",
}
FILES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".dcm", ".npz", ".npy")
WORTH = 0.1  # dB: a gain worth having
METRICS = ("psnr", "ssim")


@dataclass(frozen=True)
class Case:
    """One image of a part: its figures and those of the baseline, with the pictures to show them (C, H, W in 0..1)."""

    item: Item
    figures: Mapping[str, float]
    rival: Mapping[str, float]
    more: Mapping[str, float] = field(default_factory=dict)


class Restoring:
    """The answers of the task super_resolution."""

    forms = FORMS

    def predict(self, asked: Asked) -> Iterator[Said]:
        """A picture for each file, into the folder that `-o` names."""
        words, used = asked.forms or ("png",), set[str]()
        if asked.output is not None and asked.output.is_file():
            raise fault("P885", f"{asked.output} is a file", "name a folder: `-o DIR`")
        if asked.output is not None and asked.output.suffix.casefold() in FILES:
            cure = f"name a folder: `-o {asked.output.stem}`; images in it are named after the files"
            raise fault("P885", f"{asked.output} is the name of a file, and images go into a folder", cure)
        if asked.forms and asked.output is None:
            raise fault("P885", "nothing says where the images go", "name a folder: `-o DIR`")
        for ran in tiles.run(asked.session, asked.cases, asked.patients, asked.tell):
            case, image = ran.case[0], tiles.image_of(ran)
            if image is None:
                yield Said(str(case), patient=ran.patient, refused=ran.refused)
                continue
            files = tuple(self._write(asked.session, case, image, asked.output, word, used) for word in words)
            height, width = image.shape[1:]
            row = {"height": ran.size[0], "width": ran.size[1], "restored_height": height, "restored_width": width}
            said = f"{ran.size[0]}x{ran.size[1]} -> {height}x{width}"
            written = tuple(file for file in files if file is not None)
            shown = f"{said}  {written[0].name}" if written else said
            named = {"restored": written[0].name} if written else {}
            yield Said(str(case), {**row, **named}, shown, ran.patient, None, {}, written)

    def _write(
        self, session: Session, source: FilePath, image: Any, folder: FilePath | None, form: str, used: set[str]
    ) -> FilePath | None:
        """Write one picture; its name is that of the file, with a number where two files have the same name."""
        if folder is None:
            return None
        stem, number, end = source.stem, 1, ".png" if form == "png" else ".tif"
        while (name := f"{stem}{f'-{number}' if number > 1 else ''}{end}") in used:
            number += 1
        used.add(name)
        file = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            values_of(session.contract, source).write(image, file, form)
        except OSError as error:
            raise fault(
                "P885", f"cannot write {file}: {error.strerror}", "choose another folder with `-o DIR`"
            ) from error
        return file

    def judge(self, judging: Judging) -> Judged:
        """PSNR and SSIM of each part beside the baseline: bicubic enlarging, or the image as it came in."""
        from specc_superres import pictures

        judging.folder.mkdir(parents=True, exist_ok=True)
        figures, lines, drawn, scored = dict[str, Any](), list[str](), list[str](), dict[str, list[CaseScores]]()
        total, done = sum(len(items) for items in judging.parts.values()), 0
        for name, items in judging.parts.items():
            cases: list[Case] = []
            for case in self._cases(judging, name, items):
                done += 1
                judging.tell(done, total)
                if case is not None:
                    cases.append(case)
            if not cases:
                continue
            about = _about(judging.session)
            figures[name] = _figures(cases, len(items), about, judging.seed)
            if judging.by is not None:
                figures[name]["by"] = {judging.by: _by_group(cases, about, judging.seed)}
            tail = "" if name == "external" else f"-{name}"
            shown = pictures.chosen([case.figures["psnr"] for case in cases])
            trios = [self._trio(judging, name, cases[place], word) for word, place in shown]
            picture = pictures.draw(
                trios, f"{name}: {about['rival']}, the network, the truth", f"restored{tail}.png", judging.folder
            )
            figures[name]["pictures"] = [picture]
            drawn.append(picture)
            lines += _lines(name, figures[name])
            scored[name] = [_scored(case, about["rival"]) for case in cases]
        if not figures:
            raise fault(
                "P879",
                "no image can be judged: each was refused, is too small, or has no truth",
                "look at the table of images",
            )
        return Judged(figures, lines, drawn, scored, PrimaryMetric("psnr", 1, WORTH, None))

    def _cases(self, judging: Judging, part: str, items: Sequence[Item]) -> Iterator[Case | None]:
        """Figures of each image in order; None where there is none."""
        from specc_superres.measure import brightness, psnr, ssim

        about, offset = _about(judging.session), _offset(judging, part)
        for number, item in enumerate(items):
            found = trio_of(judging.session, item, (judging.seed,), offset + number)
            if found is None:
                yield None
                continue
            rival, restored, truth = found
            y = [brightness(image, about["luma"]) for image in found]
            border, coloured = about["border"], len(truth) == 3
            ours = {"psnr": psnr(y[1], y[2], border), "ssim": ssim(y[1], y[2], border)}
            theirs = {"psnr": psnr(y[0], y[2], border), "ssim": ssim(y[0], y[2], border)}
            more = {"psnr_rgb": psnr(restored, truth, border), "rival_rgb": psnr(rival, truth, border)}
            yield Case(item, ours, theirs, more if coloured else {})

    def _trio(self, judging: Judging, part: str, case: Case, word: str) -> Any:
        """What a row of the picture shows."""
        from specc_superres.pictures import Trio

        number = _offset(judging, part) + list(judging.parts[part]).index(case.item)
        found = trio_of(judging.session, case.item, (judging.seed,), number)
        assert found is not None, "it was judged a moment ago"
        names = (_about(judging.session)["rival"], "network", "truth")
        return Trio(f"{word}: {_short(case.item.file)}", found, names, (case.rival, case.figures))


def _short(file: str) -> str:
    """A name as a picture has room for it."""
    return file if len(file) <= 90 else f"...{file[-87:]}"


def _offset(judging: Judging, part: str) -> int:
    """Place of the first image of a part among those of the run, which its noise follows from."""
    before = {"val": len(judging.train), "test": len(judging.train) + len(judging.parts.get("val", ()))}
    return before.get(part, 0)


def _about(session: Session) -> dict[str, Any]:
    """What the contract says of the answer, and what the baseline is called."""
    said: dict[str, Any] = dict(session.contract.plain["image"])
    return said | {"rival": "bicubic" if said["factor"] > 1 else "as it is"}


def trio_of(session: Session, item: Item, key: tuple[int, ...], number: int) -> tuple[Array, Array, Array] | None:
    """Baseline, answer and truth of an image (C, H, W) in shares of the range; None where one of them is not there, is
    no image that the model takes, or is too small for a window of the structural similarity.
    """
    import numpy as np

    from specc_superres.measure import WINDOW, bicubic, worsened

    about, word = _about(session), item.words.get("target", "")
    factor, how = about["factor"], about["degrade"]
    if not word and how is None:
        return None
    file = item.root / word if word else item.files[0]
    read = tiles.read(session, file)
    if read is None:
        return None
    truth = values_of(session.contract, file).shares(read)
    truth = truth[:, : truth.shape[1] // factor * factor, : truth.shape[2] // factor * factor]
    if min(truth.shape[1:]) < WINDOW + 2 * about["border"]:
        return None
    if word:
        seen, values = tiles.read(session, item.files[0]), values_of(session.contract, item.files[0])
        if seen is None or tuple(factor * side for side in seen.shape[1:]) != truth.shape[1:]:
            return None
        image = values.shares(seen)
    else:
        image = worsened(truth, factor, how, key, number)
        seen = values_of(session.contract, file).pixels(image, session.channels)
    rival = bicubic(image, factor) if factor > 1 else image
    return rival, tiles.restored(session, seen).astype(np.float64), truth


def _figures(cases: Sequence[Case], total: int, about: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Mean, deviation and 95 % interval (bootstrap over patients) of each metric, of the baseline, and of the gain."""
    import numpy as np

    patients = [case.item.patient for case in cases]

    def told(numbers: Sequence[float]) -> dict[str, Any]:
        sd = float(np.std(numbers, ddof=1)) if len(numbers) > 1 else None
        return {**mean_interval(numbers, patients, seed).plain(), "sd": sd}

    def all_of(pick: Any) -> dict[str, Any]:
        return {name: told([pick(case)[name] for case in cases]) for name in METRICS}

    figures: dict[str, Any] = {
        "images": len(cases),
        "patients": len(set(patients)),
        "refused": total - len(cases),
        "border": about["border"],
        "measured_on": "grey values" if about["channels"] == "mono" else f"brightness (BT.601, {about['luma']} range)",
        "metrics": all_of(lambda case: case.figures),
        "baseline": {about["rival"]: all_of(lambda case: case.rival)},
    }
    figures["gain"] = {name: told([case.figures[name] - case.rival[name] for case in cases]) for name in METRICS}
    if cases[0].more:
        figures["metrics"]["psnr_rgb"] = told([case.more["psnr_rgb"] for case in cases])
        figures["baseline"][about["rival"]]["psnr_rgb"] = told([case.more["rival_rgb"] for case in cases])
    return figures


def _by_group(cases: Sequence[Case], about: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The figures of each group of images."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.item.group, []).append(case)
    return {group: _figures(own, len(own), about, seed) for group, own in sorted(groups.items())}


def _lines(part: str, figures: Mapping[str, Any]) -> list[str]:
    """A table for a terminal."""
    (rival, theirs), ours = next(iter(figures["baseline"].items())), figures["metrics"]
    border = f", {figures['border']} pixels of border left out" if figures["border"] else ""
    who = f"{plural(figures['images'], 'image')}, {plural(figures['patients'], 'patient')}"
    who += f", {figures['refused']} refused" if figures["refused"] else ""
    head = f"{part}: {who}; {figures['measured_on']}{border}"
    lines = [head, f"  {'':10}{'network':>9}{'95 %':>19}{'sd':>8}{rival:>10}"]
    units = {"psnr": ("PSNR (dB)", 2), "ssim": ("SSIM", 4), "psnr_rgb": ("PSNR RGB", 2)}
    for name, one in ours.items():
        word, digits = units[name]
        known = one["low"] is not None
        span = f"{one['low']:.{digits}f} to {one['high']:.{digits}f}" if known else "-"
        sd = f"{one['sd']:.{digits}f}" if one["sd"] is not None else "-"
        value, other = (f"{number['value']:.{digits}f}" for number in (one, theirs[name]))
        lines.append(f"  {word:10}{value:>9}{span:>19}{sd:>8}{other:>10}")
    for column, groups in figures.get("by", {}).items():
        for group, own in groups.items():
            value, other = own["metrics"]["psnr"]["value"], own["baseline"][rival]["psnr"]["value"]
            lines.append(f"  {column} {group}: {own['images']} images, PSNR {value:.2f} dB, {rival} {other:.2f}")
    return lines


def _scored(case: Case, rival: str) -> CaseScores:
    """What the means over images are made of."""
    coloured = {"psnr_rgb": case.more["psnr_rgb"]} if case.more else {}
    theirs = {**case.rival, **({"psnr_rgb": case.more["rival_rgb"]} if case.more else {})}
    beside = {f"{rival} {name}": score for name, score in theirs.items()}
    return CaseScores(case.item.file, case.item.patient, {**case.figures, **coloured}, beside)


ANSWERING = Restoring()
