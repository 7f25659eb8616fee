"""The data of a program: the table of files, every image decoded and edited once, batches."""

import argparse
import errno
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from specc.pieces import index, readers
from specc.pieces import runtime as rt
from specc.pieces.edits import StandardizedEdits
from specc.pieces.pixels import PARTS, Images, cached, every_file
from specc.pieces.slots import (
    FRAME,
    MODALITIES,
    READ_WINDOW,
    SHAPE,
    Edge,
    Edits,
    chosen,
    each_file,
    edit_all,
    file_by_file,
    parts_of,
    rows,
    shuffle,
    stacked,
    steps,
    targets_of,
    value_range,
)


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


def batches(
    key: tuple[int, ...], epochs: int, samples: int, size: int, first: int, device: torch.device
) -> Iterator[rt.Batch]:
    """This rank's share of every step from `first` on; a rank for which none is left gets an image of no weight."""
    order, count = shuffle(key, samples), steps(samples, size)
    for step in range(first, count):
        every = order[step * size : (step + 1) * size]
        share = every[rt.RANK :: rt.RANKS]
        weights, among = torch.full((len(share),), 1 / len(every)), share.to(device)
        if not len(share):  # fewer images than ranks
            share, weights = every[:1], torch.zeros(1)
        time = rt.Time(key[2] * count + step, count, epochs)
        yield rt.Batch(share.to(device), weights.to(device), len(every), key, time, among)


def files_of_modality(entries: list[index.Entry]) -> list[int]:
    """Places of the files to use: the spec leaves out other modalities and DICOM files without an image."""
    used = [place for place, entry in enumerate(entries) if not entry.error or entry.error[0] != "P808"]
    every_file([entries[place] for place in used])
    return [place for place in used if (facts := entries[place].facts) and facts.modality in MODALITIES]


def range_of_type(facts: Sequence[readers.Facts]) -> tuple[float, float]:
    """The range of the stored type: 0 to 255, or 0 to 65535 where a file has more than 8 bits."""
    return 0.0, 255.0 if all(fact.bits <= 8 for fact in facts) else 65535.0


def range_of_numbers(facts: Sequence[readers.Facts]) -> tuple[float, float]:
    """The range of the stored type up to 16 bits; numbers that are signed, real or larger stay as they are."""
    free = any(fact.signed or fact.floating or fact.bits > 16 for fact in facts)
    return 0.0, 1.0 if free else 255.0 if all(fact.bits <= 8 for fact in facts) else 65535.0


def edit_once(
    entries: list[index.Entry], train: int, values: tuple[Edge, Edge], options: argparse.Namespace
) -> tuple[np.ndarray[Any, Any], nn.Module]:
    """All images edited, and the module that does it."""
    samples = max(entry.facts.samples for entry in entries if entry.facts)
    edits = Edits(*values, samples)
    return cached(entries, READ_WINDOW, FRAME, edits, SHAPE, options), edits


def edit_standardized(
    entries: list[index.Entry], train: int, values: tuple[Edge, Edge], options: argparse.Namespace
) -> tuple[np.ndarray[Any, Any], nn.Module]:
    """As `edit_once`, then every channel by mean and deviation of the training images (the first `train`)."""
    plain, module = edit_once(entries, train, values, options)
    known = np.asarray(plain[:train], np.float64)
    mean, deviation = known.mean((0, 2, 3)), known.std((0, 2, 3))
    edits = StandardizedEdits(module, torch.tensor(mean).float(), torch.tensor(deviation).float())
    return cached(entries, READ_WINDOW, FRAME, edits, SHAPE, options), edits


def load_images(options: argparse.Namespace, device: torch.device) -> Images:
    """The data of the run. A table or file that is not as the spec says ends the program with a message."""
    try:
        return read_data(options, device)
    except (OSError, ValueError) as fault:
        if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EFBIG, errno.EROFS):
            raise  # the cache, not the data
        rt.fail("D404", f"the data cannot be used: {fault}", "`specc check` on the spec says where and why", 2)


def read_data(options: argparse.Namespace, device: torch.device) -> Images:
    """Read the table, edit what the cache does not hold, put the images where they train fastest."""
    if rt.RANK > 0:
        rt.wait()  # rank 0 fills the cache
    table, store, workers = rows(options.data), options.cache / "index.json", max(1, options.workers)
    paths = [options.data / row["image"] for row in file_by_file(table)]
    entries = stacked(index.index(paths, store, rt.leave_if_asked, READ_WINDOW, FRAME, workers))
    used = chosen(entries)
    split = parts_of([table[place] for place in used], [entries[place] for place in used])
    order = [place for part in PARTS for place, where in enumerate(split) if where == part]
    table, entries = [table[used[place]] for place in order], [entries[used[place]] for place in order]
    facts = [entry.facts for entry in each_file(entries) if entry.facts]
    ends = np.cumsum([split.count(part) for part in PARTS]).tolist()
    parts = {part: range(end - split.count(part), end) for part, end in zip(PARTS, ends, strict=True)}
    array, edits = edit_all(entries, len(parts["train"]), value_range(facts), options)
    if rt.RANK == 0:
        rt.wait()
    roomy = device.type == "cuda" and array.nbytes < 0.6 * torch.cuda.mem_get_info(device)[0]
    pixels = torch.from_numpy(array).to(device if roomy else "cpu")
    targets = {name: torch.from_numpy(value).to(device) for name, value in targets_of(table).items()}
    return Images(pixels, targets, parts, table, entries, edits, options.data)
