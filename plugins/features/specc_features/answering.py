"""What is done with a model that gives codes: tables of codes, the nearest training images, reconstructions; judging.

A classifier or a regression whose network has a layer `code` is asked for its codes by the same words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specc.answering import Asked, Judged, Judging, Ran, Said, fault, refused, run_cases
from specc_features import tables
from specc_features.reference import Reference, nearest, read

NEIGHBOURS = 5
FORMS = {
    "codes": "a table (.csv, .npz, .parquet) with the code of each image, and the error of its reconstruction",
    "neighbours": f"the {NEIGHBOURS} training images with the nearest codes (Euclidean); pictures of them in a folder",
    "neighbours_cosine": "the same by the angle between codes",
    "reconstruction": "a PNG of each image beside its reconstruction, in a folder",
}


class Codes:
    """Predicts and judges with models that give codes."""

    forms: Mapping[str, str] = FORMS

    def predict(self, asked: Asked) -> Iterator[Said]:
        """The code of each case, and what else is asked for. Raises SpeccError P890 to P893."""
        forms = asked.forms or ("codes",)
        output, given = asked.output, asked.session.outputs
        if "reconstruction" in forms and "reconstruction" not in given:
            message = "this model gives codes and no reconstruction"
            raise fault("P893", message, "take the whole autoencoder, `model.onnx`, instead of its encoder")
        if output is not None and output.suffix:
            tables.writable(output, tables.KINDS if "codes" in forms else tables.KINDS[:1])
        near = [form for form in forms if form.startswith("neighbours")]
        reference = read(asked.session.folder) if near else None
        return self._answers(asked, forms, near, reference)

    def _answers(
        self, asked: Asked, forms: tuple[str, ...], near: list[str], reference: Reference | None
    ) -> Iterator[Said]:
        folder = asked.output if asked.output is not None and not asked.output.suffix else None
        used, kept = Counter[str](), list[tuple[str, NDArray[Any], float | None]]()
        for ran in run_cases(asked.session, asked.cases, asked.patients, asked.tell):
            if ran.outputs is None:
                yield refused(ran)
                continue
            code = np.asarray(ran.outputs["code"], np.float32).ravel()
            if not np.isfinite(code).all():
                yield Said(str(ran.case[0]), refused=("P851", "the model gave a number that is not finite"))
                continue
            error = float(ran.outputs["error"]) if "error" in ran.outputs else None
            row: dict[str, Any] = {} if error is None else {"error": error}
            lines, files = [] if error is None else [f"error {error:.4g}"], list[FilePath]()
            name = unused(ran.case[0].stem, used)
            if "codes" in forms:
                row |= {f"code.{number}": float(value) for number, value in enumerate(code, 1)}
                lines.append(f"code of {len(code)}: {shortened(code)}")
            for form in near:
                assert reference is not None, "read before"
                row |= neighbours(code, reference, form, lines)
                if folder is not None:
                    picture = folder / f"{name}.{form}.png"
                    files.append(self._draw(picture, ran, asked.session.contract.input.scale, row, reference, form))
            if "reconstruction" in forms and folder is not None:
                files.append(tables.write_pair(folder / f"{name}.reconstruction.png", ran.outputs, asked.session))
            kept.append((str(ran.case[0]), code, error))
            others = dict(zip(asked.session.contract.input.stack[1:], map(str, ran.case[1:]), strict=False))
            yield Said(str(ran.case[0]), row, "  ".join(lines), ran.patient, others=others, files=tuple(files))
        if asked.output is not None and asked.output.suffix:
            tables.write(asked.output, kept)

    def _draw(
        self, file: FilePath, ran: Ran, scale: str, row: Mapping[str, Any], reference: Reference, form: str
    ) -> FilePath:
        """Query and neighbours as a picture."""
        from specc_features.pictures import draw_neighbours

        assert ran.outputs is not None and ran.pixels is not None, "answered"
        names = [str(row[f"{form}.{place}"]) for place in range(1, NEIGHBOURS + 1) if f"{form}.{place}" in row]
        far = [float(row[f"{form}.{place}.distance"]) for place in range(1, len(names) + 1)]
        order = {str(name): place for place, name in enumerate(reference.files)}
        draw_neighbours(file, ran, scale, [order[name] for name in names], far, reference)
        return file

    def judge(self, judging: Judging) -> Judged:
        """Errors beside a PCA's and the mean image's; what labels say of the codes. Raises SpeccError P890, P893."""
        from specc_features.judging import judge

        return judge(judging)


def neighbours(code: NDArray[Any], reference: Reference, form: str, lines: list[str]) -> dict[str, Any]:
    """Columns of the nearest training images; a line of them is added."""
    train = reference.train
    places, far = nearest(reference.code[train], code, NEIGHBOURS, form.endswith("cosine"))
    row: dict[str, Any] = {}
    for number, (place, distance) in enumerate(zip(train[places], far, strict=True), 1):
        row[f"{form}.{number}"] = str(reference.files[place])
        row[f"{form}.{number}.distance"] = float(distance)
        if reference.labels is not None:
            row[f"{form}.{number}.label"] = str(reference.labels[place])
    label = f" ({row[f'{form}.1.label']})" if reference.labels is not None else ""
    lines.append(f"nearest {row[f'{form}.1']}{label} at {row[f'{form}.1.distance']:.4g}")
    return row


def shortened(code: NDArray[Any], most: int = 4) -> str:
    """The first numbers of a code."""
    return " ".join(f"{value:.3g}" for value in code[:most]) + (" ..." if len(code) > most else "")


def unused(stem: str, used: Counter[str]) -> str:
    """A name for a file's pictures; images of one name get numbers."""
    used[stem] += 1
    return stem if used[stem] == 1 else f"{stem}-{used[stem]}"


ANSWERING = Codes()
