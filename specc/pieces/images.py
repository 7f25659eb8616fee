"""The data of a program: the table of files, every image decoded and edited once, batches."""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from specc.pieces import export, index, readers
from specc.pieces import runtime as rt
from specc.pieces.edits import StandardizedEdits
from specc.pieces.slots import (
    FRAME,
    MODALITIES,
    READ_WINDOW,
    SHAPE,
    Edits,
    chosen,
    edit_all,
    parts_of,
    rows,
    shuffle,
    steps,
    targets_of,
    value_range,
)

PARTS = ("train", "val", "test")


def shuffled(key: tuple[int, ...], samples: int) -> Tensor:
    """The order of an epoch follows from its key."""
    return rt.uniform((*key, 1), torch.arange(samples), 1)[:, 0].argsort(stable=True)


def in_order(key: tuple[int, ...], samples: int) -> Tensor:
    """Every epoch in the order of the table."""
    return torch.arange(samples)


def all_steps(samples: int, size: int) -> int:
    """The last step of an epoch may be smaller."""
    return -(-samples // size)


def whole_steps(samples: int, size: int) -> int:
    """Images that do not fill a step wait for another epoch."""
    return max(1, samples // size)


def batches(key: tuple[int, ...], samples: int, size: int, first: int, device: torch.device) -> Iterator[rt.Batch]:
    """This rank's share of every step from `first` on; short shares are padded with images of no weight."""
    order = shuffle(key, samples)
    for step in range(first, steps(samples, size)):
        ids = order[step * size : (step + 1) * size]
        count, short = len(ids), -len(ids) % rt.RANKS
        weights = torch.cat([torch.full((count,), 1 / count), torch.zeros(short)])[rt.RANK :: rt.RANKS]
        ids = torch.cat([ids, ids[:1].expand(short)])[rt.RANK :: rt.RANKS]
        yield rt.Batch(ids.to(device), weights.to(device), count, key)


def every_file(entries: list[index.Entry]) -> list[int]:
    """Places of the files to use: all, and none may be unreadable."""
    for entry in entries:
        if entry.error or not entry.facts:
            rt.fail("D403", f"{entry.path}: {entry.error}", "`specc check` lists every file that cannot be read", 2)
    return list(range(len(entries)))


def files_of_modality(entries: list[index.Entry]) -> list[int]:
    """Places of the files to use: the spec leaves out other modalities and DICOM files without an image."""
    used = [place for place, entry in enumerate(entries) if not entry.error or entry.error[0] != "P808"]
    every_file([entries[place] for place in used])
    return [place for place in used if (facts := entries[place].facts) and facts.modality in MODALITIES]


class Images(NamedTuple):
    """Every image edited, training first, then validation, then test; `parts` says which places are whose."""

    pixels: Tensor  # (N, channels, height, width)
    targets: Mapping[str, Any]
    parts: Mapping[str, range]
    rows: list[dict[str, str]]
    entries: list[index.Entry]
    edits: nn.Module

    def pick(self, ids: Tensor) -> Tensor:
        """(B, channels, height, width) on the device of `ids`."""
        return self.pixels[ids.to(self.pixels.device)].to(ids.device)


def cached(files: list[index.Entry], edits: nn.Module, options: argparse.Namespace) -> np.ndarray[Any, Any]:
    """(N, channels, height, width) float32, mapped from a file named by contents, edits and code."""
    key = hashlib.sha256("".join(file.sha256 for file in files).encode())
    key.update(repr((READ_WINDOW, FRAME, edits.values, sorted(edits.state_dict().items()))).encode())
    for code in (sys.modules[type(edits).__module__].__file__, readers.__file__):
        key.update(Path(str(code)).read_bytes())
    target = options.cache / f"{key.hexdigest()[:24]}.npy"
    if not target.exists():
        part = target.with_suffix(f".{os.getpid()}.part")
        array = np.lib.format.open_memmap(part, "w+", np.float32, (len(files), *SHAPE))
        for first in range(0, len(files), 64):  # a bounded number of large images at a time
            with ThreadPoolExecutor(max(1, options.workers)) as pool:
                chunk = pool.map(
                    lambda file: export.edited(file.path, READ_WINDOW, FRAME, edits), files[first : first + 64]
                )
                array[first : first + 64] = np.stack(list(chunk))
            rt.event("data", done=min(first + 64, len(files)), total=len(files))
            if rt.asked:
                sys.exit(130)
        array.flush()
        part.replace(target)
    return np.load(target, mmap_mode="c")


def edit_once(
    entries: list[index.Entry], train: int, values: tuple[float, float], options: argparse.Namespace
) -> tuple[np.ndarray[Any, Any], nn.Module]:
    """All images edited, and the module that does it."""
    samples = max(entry.facts.samples for entry in entries if entry.facts)
    edits = Edits(*values, samples)
    return cached(entries, edits, options), edits


def edit_standardized(
    entries: list[index.Entry], train: int, values: tuple[float, float], options: argparse.Namespace
) -> tuple[np.ndarray[Any, Any], nn.Module]:
    """As `edit_once`, then every channel by mean and deviation of the training images (the first `train`)."""
    plain, module = edit_once(entries, train, values, options)
    known = np.asarray(plain[:train], np.float64)
    mean, deviation = known.mean((0, 2, 3)), known.std((0, 2, 3))
    edits = StandardizedEdits(module, torch.tensor(mean).float(), torch.tensor(deviation).float())
    return cached(entries, edits, options), edits


def load_images(options: argparse.Namespace, device: torch.device) -> Images:
    """Read the table, edit what the cache does not hold, put the images where they train fastest."""
    if rt.RANK > 0:
        torch.distributed.barrier()  # rank 0 fills the cache
    table, store, workers = rows(options.data), options.cache / "index.json", max(1, options.workers)
    entries = index.index([options.data / row["image"] for row in table], store, None, READ_WINDOW, FRAME, workers)
    used = chosen(entries)
    split = parts_of([table[place] for place in used], [entries[place] for place in used])
    order = sorted(range(len(used)), key=lambda place: PARTS.index(split[place]))
    table, entries = [table[used[place]] for place in order], [entries[used[place]] for place in order]
    facts = [entry.facts for entry in entries if entry.facts]
    ends = np.cumsum([split.count(part) for part in PARTS]).tolist()
    parts = {part: range(end - split.count(part), end) for part, end in zip(PARTS, ends, strict=True)}
    array, edits = edit_all(entries, len(parts["train"]), value_range(facts), options)
    if rt.RANKS > 1 and rt.RANK == 0:
        torch.distributed.barrier()
    roomy = device.type == "cuda" and array.nbytes < 0.6 * torch.cuda.mem_get_info(device)[0]
    pixels = torch.from_numpy(array).to(device if roomy else "cpu")
    targets = {name: torch.from_numpy(value).to(device) for name, value in targets_of(table).items()}
    return Images(pixels, targets, parts, table, entries, edits)
