"""The data of the spec: which file is what, edited images, batches."""

import argparse
import errno
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import index
import readers
import runtime as rt
import tables
from deploy import ImageStandardizedEdits
from pixels import PARTS, Images, cached, every_file


def shuffled(key: tuple[int, ...], samples: int) -> Tensor:
    """The order of an epoch follows from its key."""
    return rt.uniform((*key, 1), torch.arange(samples), 1)[:, 0].argsort(stable=True)


def all_steps(samples: int, size: int) -> int:
    """The last step of an epoch may be smaller."""
    return -(-samples // size)


def batches(
    key: tuple[int, ...], epochs: int, samples: int, size: int, first: int, device: torch.device
) -> Iterator[rt.Batch]:
    """This rank's share of every step from `first` on; a rank for which none is left gets an image of no weight."""
    order, count = shuffled(key, samples), all_steps(samples, size)
    for step in range(first, count):
        every = order[step * size : (step + 1) * size]
        share = every[rt.RANK :: rt.RANKS]
        weights, among = torch.full((len(share),), 1 / len(every)), share.to(device)
        if not len(share):  # fewer images than ranks
            share, weights = every[:1], torch.zeros(1)
        time = rt.Time(key[2] * count + step, count, epochs)
        yield rt.Batch(share.to(device), weights.to(device), len(every), key, time, among)


def parts_of(rows: list[dict[str, str]], entries: list[index.Entry]) -> list[str]:
    """The part of each row as the table tells it."""
    return tables.split_column(rows, "part")


def edit_once(
    entries: list[index.Entry], train: int, values: tuple[float, float], options: argparse.Namespace
) -> tuple[np.ndarray[Any, Any], nn.Module]:
    """All images edited, and the module that does it."""
    samples = max(entry.facts.samples for entry in entries if entry.facts)
    edits = ImageStandardizedEdits(*values, samples)
    return cached(entries, "none", None, edits, (1, 128, 128), options), edits


def rows(root: Path) -> list[dict[str, str]]:
    """The lines of the manifest by our words; its files lie beside it or below."""
    table, folder = tables.read_manifest(root / "../specc/demo/data/mr-t1t2/t1t2.csv"), "../specc/demo/data/mr-t1t2"
    folders: dict[str, Path] = {}
    for row in table:
        tables.inside(root / folder, row["file"], folders)
    return [
        {
            "file": row["file"],
            "image": folder + "/" + row["file"],
            "label": row["label"],
            "patient": row["patient"],
            "part": row["split"],
        }
        for row in table
    ]


def range_of_type(facts: Sequence[readers.Facts]) -> tuple[float, float]:
    """The range of the stored type: 0 to 255, or 0 to 65535 where a file has more than 8 bits."""
    return 0.0, 255.0 if all(fact.bits <= 8 for fact in facts) else 65535.0


CLASSES = ("T1", "T2")


def targets_of(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """The place of each label in the list of classes."""
    return {"target": np.array([CLASSES.index(row["label"]) for row in rows])}


def read_data(options: argparse.Namespace, device: torch.device) -> Images:
    """Read the table, edit what the cache does not hold, put the images where they train fastest."""
    if rt.RANK > 0:
        rt.wait()  # rank 0 fills the cache
    table, store, workers = rows(options.data), options.cache / "index.json", max(1, options.workers)
    paths = [options.data / row["image"] for row in table]
    entries = index.index(paths, store, rt.leave_if_asked, "none", None, workers)
    used = every_file(entries)
    split = parts_of([table[place] for place in used], [entries[place] for place in used])
    order = [place for part in PARTS for place, where in enumerate(split) if where == part]
    table, entries = [table[used[place]] for place in order], [entries[used[place]] for place in order]
    facts = [entry.facts for entry in entries if entry.facts]
    ends = np.cumsum([split.count(part) for part in PARTS]).tolist()
    parts = {part: range(end - split.count(part), end) for part, end in zip(PARTS, ends, strict=True)}
    array, edits = edit_once(entries, len(parts["train"]), range_of_type(facts), options)
    if rt.RANK == 0:
        rt.wait()
    roomy = device.type == "cuda" and array.nbytes < 0.6 * torch.cuda.mem_get_info(device)[0]
    pixels = torch.from_numpy(array).to(device if roomy else "cpu")
    targets = {name: torch.from_numpy(value).to(device) for name, value in targets_of(table).items()}
    return Images(pixels, targets, parts, table, entries, edits, options.data)


def load_images(options: argparse.Namespace, device: torch.device) -> Images:
    """The data of the run. A table or file that is not as the spec says ends the program with a message."""
    try:
        return read_data(options, device)
    except (OSError, ValueError) as fault:
        if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EFBIG, errno.EROFS):
            raise  # the cache, not the data
        rt.fail("D404", f"the data cannot be used: {fault}", "`specc check` on the spec says where and why", 2)
