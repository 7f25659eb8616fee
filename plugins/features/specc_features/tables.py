"""Files of codes: npz and parquet; and pictures of single images."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from specc.answering import Session, fault

if TYPE_CHECKING:
    from PIL import Image

Kept = tuple[str, NDArray[Any], float | None]  # file, code, error
KINDS = (".csv", ".npz", ".parquet")


def writable(file: FilePath, kinds: Sequence[str]) -> None:
    """Raise SpeccError P891 or P892 where a table cannot be written so."""
    if file.suffix.casefold() not in kinds:
        cure = f"end its name in {', '.join(kinds)}, or name a folder"
        other = file.suffix.casefold() in KINDS
        what = "holds codes, and `--as` asks for others" if other else "is no kind of table that specc writes"
        raise fault("P892", f"{file.name} {what}", f"{cure}; or take `--as codes`" if other else cure)
    if file.suffix.casefold() == ".parquet" and find_spec("pyarrow") is None:
        raise fault(
            "P891",
            "a parquet table needs the package pyarrow, which is not installed",
            "install it: `pip install 'specc-compiler[parquet]'`, or write `codes.npz` or `codes.csv`",
        )


def write(file: FilePath, kept: Sequence[Kept]) -> None:
    """The codes of all files: `files`, `error` and, in npz, `code` (N, n); in parquet, a column for each number. The
    table of CSV is written by `specc predict` itself.
    """
    names = [name for name, _, _ in kept]
    codes = np.stack([code for _, code, _ in kept]) if kept else np.zeros((0, 0), np.float32)
    errors = None if any(error is None for _, _, error in kept) else np.array([error for _, _, error in kept])
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    kind = file.suffix.casefold()
    if kind == ".npz":
        arrays: dict[str, Any] = {"files": np.array(names, np.str_), "code": codes}
        arrays |= {} if errors is None else {"error": errors}
        data = io.BytesIO()
        np.savez_compressed(data, **arrays)
        part.write_bytes(data.getvalue())
        part.replace(file)
    elif kind == ".parquet":
        write_parquet(part, names, codes, errors)
        part.replace(file)


def write_parquet(file: FilePath, names: Sequence[str], codes: NDArray[Any], errors: NDArray[Any] | None) -> None:
    """One row an image: file, error, code.1 and so on."""
    import pyarrow
    from pyarrow import parquet

    columns: dict[str, Any] = {"file": list(names)} | ({} if errors is None else {"error": errors})
    columns |= {f"code.{number}": values for number, values in enumerate(codes.T, 1)}
    parquet.write_table(pyarrow.table(columns), file)


def limits(scale: str, image: NDArray[Any]) -> tuple[float, float]:
    """Numbers of black and white: those of the spec's scale, or the smallest and the largest of an image."""
    fixed = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0)}.get(scale)
    return fixed or (float(image.min()), max(float(image.max()), float(image.min()) + 1e-6))


def visible(image: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    """(C, H, W) -> (H, W) or (H, W, 3): channels that are no colours stand below each other."""
    levels = np.clip((image - black) / (white - black) * 255 + 0.5, 0, 255).astype(np.uint8)
    if len(levels) == 3:
        return levels.transpose(1, 2, 0)
    return levels.reshape(-1, levels.shape[2])


def write_pair(file: FilePath, outputs: Mapping[str, NDArray[Any]], session: Session) -> FilePath:
    """A PNG: the image as the network sees it, and beside it what the code gives back."""
    from PIL import Image

    black, white = limits(session.contract.input.scale, outputs["image"])
    both = [visible(outputs[name], black, white) for name in ("image", "reconstruction")]
    gap = np.full((both[0].shape[0], 2, *both[0].shape[2:]), 128, np.uint8)
    picture: Image.Image = Image.fromarray(np.concatenate([both[0], gap, both[1]], 1))
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)
    return file
