"""Images of a program: every file decoded and edited once, kept in a cache that is mapped into memory."""

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from specc.pieces import cache, index, readers
from specc.pieces import runtime as rt

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Stack(index.Entry):
    """A case whose channels are files of their own: `path`, patient and size are those of the first file."""

    files: tuple[index.Entry, ...] = ()

    @classmethod
    def of(cls, files: tuple[index.Entry, ...]) -> "Stack":
        """The case that these files are."""
        digest = hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
        facts = files[0].facts and replace(files[0].facts, samples=len(files))
        return cls(files[0].path, sha256=digest, facts=facts, files=files)


def files_of(entry: index.Entry) -> tuple[index.Entry, ...]:
    """The files of a case: several where each is a channel, else the one."""
    return entry.files if isinstance(entry, Stack) else (entry,)


class Images(NamedTuple):
    """Every image edited, training first, then validation, then test; `parts` says which places are whose, and `root`
    where the paths in `rows` start.
    """

    pixels: Tensor  # (N, channels, height, width)
    targets: Mapping[str, Any]
    parts: Mapping[str, range]
    rows: list[dict[str, str]]
    entries: list[index.Entry]
    edits: Any  # a module; its `values` are black, white and the samples of a pixel as read
    root: Path = Path()

    def pick(self, ids: Tensor) -> Tensor:
        """(B, channels, height, width) on the device of `ids`."""
        return self.pixels[ids.to(self.pixels.device)].to(ids.device)

    def sizes(self) -> dict[str, int]:
        """How many images each part has."""
        return {part: len(places) for part, places in self.parts.items() if places}


def pixels_of(entry: index.Entry, window: str, frame: int | None, samples: int, folder: Path) -> Tensor:
    """(1, samples, H, W) modality values; a grey image among coloured ones has three equal samples."""
    if isinstance(entry, Stack):
        return torch.cat([pixels_of(file, window, frame, 1, folder) for file in entry.files], 1)
    pixels = torch.from_numpy(index.read(entry, folder, window, frame)).permute(2, 0, 1)
    return pixels.expand(samples, -1, -1)[None]


def every_file(entries: list[index.Entry]) -> list[int]:
    """Places of the files to use: all, and none may be unreadable."""
    for entry in entries:
        if entry.error or not entry.facts:
            reason = entry.error[1] if entry.error else "no image"
            rt.fail("D403", f"{entry.path}: {reason}", "`specc check` lists every file that cannot be read", 2)
    return list(range(len(entries)))


def cached(
    files: list[index.Entry], window: str, frame: int | None, edits: Any, shape: tuple[int, ...], options: Any
) -> np.ndarray[Any, Any]:
    """(N, channels, height, width) float32, mapped from a file named by contents, edits and code."""
    key = hashlib.sha256("".join(file.sha256 for file in files).encode())
    buffers = {name: value.tolist() for name, value in edits.state_dict().items()}  # every digit
    key.update(repr((window, frame, edits.values, shape, buffers)).encode())
    for code in (sys.modules[type(edits).__module__].__file__, readers.__file__):
        key.update(Path(str(code)).read_bytes())
    digest, folder = key.hexdigest()[:24], Path(options.cache)
    for index_of in {file.kept[0] for entry in files for file in files_of(entry) if file.kept}:
        cache.hold(folder / index_of)
    found = next((path for path in folder.glob(f"*.{digest}.npy") if cache.hold(path)), None)
    if found is None:
        found = folder / f"{study()}.{digest}.npy"
        make(found, files, window, frame, edits, shape, options)
    edited_images: np.ndarray[Any, Any] = np.load(found, mmap_mode="c")
    return edited_images


def make(
    target: Path,
    files: list[index.Entry],
    window: str,
    frame: int | None,
    edits: Any,
    shape: tuple[int, ...],
    options: Any,
) -> None:
    """Write the edited images. Mapped memory would turn a full disk into a crash: this ends with an OSError."""

    @torch.no_grad()
    def edited(file: index.Entry) -> bytes:
        image: np.ndarray[Any, Any] = edits(pixels_of(file, window, frame, edits.values[2], options.cache))[0].numpy()
        if image.shape != shape:
            raise ValueError(f"{file.path}: {'x'.join(map(str, image.shape))}, and not {'x'.join(map(str, shape))}")
        return image.astype("<f4", copy=False).tobytes()

    try:
        cache.make_room(target.parent, 4 * len(files) * math.prod(shape) + 4096)
    except ValueError as fault:
        rt.fail("T671", f"the limit of the cache is {fault}", f"set {cache.SETTING} to a size, or unset it", 2)
    with cache.writing(target) as store:
        heading = {"descr": "<f4", "fortran_order": False, "shape": (len(files), *shape)}
        np.lib.format.write_array_header_1_0(store, heading)
        for done, image in enumerate(index.several(edited, files, options.workers), 1):
            store.write(image)
            if done % 64 == 0 or done == len(files):
                rt.event("data", done=done, total=len(files))
                rt.leave_if_asked()


def study() -> str:
    """The name of the study that this program is of, where it stands beside its contract."""
    try:
        return str(json.loads(Path(__file__).with_name("contract.json").read_bytes())["name"])
    except (OSError, ValueError, LookupError):
        return "images"
