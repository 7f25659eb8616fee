"""What a segmentation does with its model: masks in the grid of the images, and how good they are. Without torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from os.path import commonpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specc.answering import Asked, Judged, Judging, Ran, Said, Session, fault, refused, run_cases
from specc_segmentation.grid import InGrid
from specc_segmentation.pieces.coco import compressed, encode_runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 4  # images of one size that go through together: maps of whole images are large ...
FEW = 8  # ... and those of more classes are kept for one image at a time
FORMS = {
    "png": "a mask a case (of labels one each), with the numbers of the training masks",
    "tiff": "the same as TIFF",
    "probabilities": "a TIFF a case: a page of probabilities a class or label",
    "rle": "masks.json: all masks as run-length codes of COCO",
}


def at_once(contract: Any) -> int:
    """How many images of one size go through together."""
    return AT_ONCE if len(named(contract)) <= FEW else 1


def in_grid(session: Session) -> InGrid:
    """The session, with maps in the grid of its images."""
    return InGrid(
        session.runtime, session.contract, session.outputs, session.channels, session.device, session.warnings
    )


def named(contract: Any) -> tuple[str, ...]:
    """The classes, or the labels."""
    return tuple(contract.plain.get("classes") or contract.plain["labels"])


def counted(contract: Any) -> tuple[str, ...]:
    """The classes but the first, which is the background; or the labels."""
    return named(contract)[1:] if contract.plain.get("classes") else named(contract)


def masks_of(outputs: Mapping[str, NDArray[Any]], contract: Any) -> NDArray[np.uint8]:
    """Probabilities (K, H, W) -> (1, H, W) places of classes, or (L, H, W) of 1 and 0; not answered is 0."""
    likely = outputs["probabilities"]
    said = likely.argmax(0)[None] if contract.plain.get("classes") else likely > 0.5
    answers: NDArray[np.uint8] = np.where(outputs["answered"][None], said, 0).astype(np.uint8)
    return answers


def each(masks: NDArray[np.uint8], contract: Any) -> dict[str, NDArray[np.bool_]]:
    """(H, W) of yes and no for each class but the first, or for each label."""
    if contract.plain.get("classes"):
        return {name: masks[0] == place for place, name in enumerate(named(contract)) if place}
    return {name: masks[place] == 1 for place, name in enumerate(named(contract))}


def spacing_of(session: Session, file: Path) -> tuple[float, float] | None:
    """Millimetres from row to row and from column to column: of the file's header, or of the spec; None if unknown."""
    from specc.pieces import readers

    if session.contract.input.format == "dicom":
        try:
            facts = readers.header(file)
        except readers.ReadError:
            return None
        if facts.row_mm > 0 and facts.column_mm > 0:
            return facts.row_mm, facts.column_mm
    told = session.contract.plain.get("spacing")
    return (float(told[0]), float(told[1])) if told else None


class Segmentation:
    """Masks of cases."""

    forms: Mapping[str, str] = FORMS

    def predict(self, asked: Asked) -> Iterator[Said]:
        """Of each case how many pixels (and mm2) each class has, and in how many pieces; `-o` names a folder for masks.

        Raises SpeccError P880 where forms are asked and no folder is named.
        """
        if asked.forms and asked.output is None:
            raise fault("P880", "masks need a folder to be written into", "`-o FOLDER`", exit_code=2)
        session, contract = in_grid(asked.session), asked.session.contract
        writer = Writer(asked.output, asked.forms or ("png",), contract) if asked.output is not None else None
        for ran in run_cases(session, asked.cases, asked.patients, asked.tell, batch=at_once(contract)):
            if ran.outputs is None:
                yield refused(ran)
                continue
            masks = masks_of(ran.outputs, contract)
            row, line = described(session, ran, masks)
            files = writer.write(ran, masks) if writer else ()
            yield Said(str(ran.case[0]), row, line, ran.patient, files=files)
        if writer:
            writer.finish()

    def judge(self, judging: Judging) -> Judged:
        """Figures of masks with known truth, a table a part, and pictures."""
        judged: Judged = import_module("specc_segmentation.judging").judge(judging)
        return judged


def described(session: Session, ran: Ran, masks: NDArray[np.uint8]) -> tuple[dict[str, Any], str]:
    """The columns of a case and what a terminal shows."""
    from scipy.ndimage import label

    assert ran.outputs is not None, "asked of an answered case"
    spacing = spacing_of(session, ran.case[0])
    row: dict[str, Any] = {}
    words = []
    for name, there in each(masks, session.contract).items():
        pixels, pieces = int(there.sum()), int(label(there, np.ones((3, 3)))[1])
        area = pixels * spacing[0] * spacing[1] if spacing else None
        row |= {f"{name}.pixels": pixels, f"{name}.mm2": area, f"{name}.pieces": pieces}
        size = f"{area:,.1f} mm2" if area is not None else f"{pixels:,} pixels"
        words.append(f"{name} {size} in {pieces} piece{'s' * (pieces != 1)}" if pixels else f"no {name}")
    unknown = int((~ran.outputs["answered"]).sum())
    if unknown:
        row["not_answered"] = unknown
        words.append(f"{unknown:,} pixels not answered")
    row["ood_score"] = float(ran.outputs["ood_score"])
    return row, ", ".join(words)


class Writer:
    """Writes masks into a folder, each named as its image; names that come twice get a number."""

    def __init__(self, folder: Path, forms: tuple[str, ...], contract: Any) -> None:
        if folder.exists() and not folder.is_dir():
            raise fault("P880", f"{folder} is a file, and masks need a folder", "`-o FOLDER`", exit_code=2)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.forms, self.contract = folder, forms, contract
        self.taken, self.cases = set[str](), list[Path]()
        self.safe: dict[str, str] = {}
        for name in named(contract):
            letters = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in name)
            self.safe[name] = free(letters, {safe.casefold() for safe in self.safe.values()})
        self.coco: dict[str, list[Any]] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": place, "name": name} for place, name in enumerate(counted(contract), 1)],
        }

    def write(self, ran: Ran, masks: NDArray[np.uint8]) -> tuple[Path, ...]:
        """The files of one case."""
        assert ran.outputs is not None, "asked of an answered case"
        stem = free(ran.case[0].stem, self.taken)
        self.taken.add(stem.casefold())
        files: list[Path] = []
        for form in dict.fromkeys(self.forms):
            if form == "rle":
                self._coded(ran, masks)
            elif form == "probabilities":
                files.append(self.folder / f"{stem}.probabilities.tif")
                _tiff(files[-1], ran.outputs["probabilities"].astype(np.float32))
            else:
                files += [self._image(stem, form, name, numbers) for name, numbers in self._numbers(masks)]
        return tuple(files)

    def _numbers(self, masks: NDArray[np.uint8]) -> list[tuple[str, NDArray[Any]]]:
        """What is written: the numbers of the training masks, or 0 and 255 for each label."""
        if not self.contract.plain.get("classes"):
            return [(name, mask * np.uint8(255)) for name, mask in zip(named(self.contract), masks, strict=True)]
        values = np.array(self.contract.plain["values"])
        kind = np.uint8 if values.max() < 256 else np.uint16
        return [("", values.astype(kind)[masks[0]])]

    def _image(self, stem: str, form: str, name: str, numbers: NDArray[Any]) -> Path:
        from PIL import Image

        middle = f".{self.safe[name]}" if name else ""
        file = self.folder / f"{stem}{middle}.mask.{'png' if form == 'png' else 'tif'}"
        if form == "png":
            Image.fromarray(numbers).save(file)
        else:
            _tiff(file, numbers)
        return file

    def _coded(self, ran: Ran, masks: NDArray[np.uint8]) -> None:
        """One annotation a class or label that is there."""
        height, width = ran.size
        self.cases.append(ran.case[0].absolute())
        image = len(self.cases)
        self.coco["images"].append({"id": image, "height": height, "width": width})
        for place, there in enumerate(each(masks, self.contract).values(), 1):
            if there.any():
                counts = {"size": [height, width], "counts": compressed(encode_runs(there))}
                entry: dict[str, Any] = {
                    "id": len(self.coco["annotations"]) + 1,
                    "image_id": image,
                    "category_id": place,
                }
                entry |= {"segmentation": counts, "area": int(there.sum()), "iscrowd": 0, "bbox": _box(there)}
                self.coco["annotations"].append(entry)

    def finish(self) -> None:
        """What is written for all cases together: images are named from the folder on that holds them all."""
        if "rle" in self.forms:
            drives = {case.anchor for case in self.cases}
            shared = commonpath([case.parent for case in self.cases]) if len(drives) == 1 else None
            for entry, case in zip(self.coco["images"], self.cases, strict=True):
                entry["file_name"] = case.relative_to(shared).as_posix() if shared else case.name
            (self.folder / "masks.json").write_text(json.dumps(self.coco, ensure_ascii=True), encoding="utf-8")


def free(name: str, taken: set[str]) -> str:
    """The name, or with the first number from 2 on that nobody has; upper and lower case are the same."""
    number, found = 1, name
    while found.casefold() in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _box(there: NDArray[np.bool_]) -> list[int]:
    """x, y, width, height around what is there."""
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    return [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)]


def _tiff(file: Path, values: NDArray[Any]) -> None:
    import tifffile

    tifffile.imwrite(file, values, photometric="minisblack", compression="zlib")


ANSWERING = Segmentation()
