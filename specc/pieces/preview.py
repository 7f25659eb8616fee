"""What the network really sees: some training images as edited, and as they are changed in the first epochs."""

import json
import math
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from specc.pieces import runtime as rt
from specc.pieces.pixels import Images
from specc.pieces.slots import TRUTH, augment, overlaid, seen, shuffle

MOST = 8  # images
EPOCHS = 5
ROOM = 2**28  # bytes


def size_or_word(text: str) -> tuple[float, str]:
    """Numbers by size, then words."""
    try:
        return float(text), ""
    except ValueError:
        return math.inf, text


def spread(answers: Sequence[tuple[str, ...]], most: int) -> list[int]:
    """Places of samples that differ: one of each answer in turn, or where there are many answers, every so many."""
    seen: Counter[tuple[str, ...]] = Counter()
    turns = []
    for place, answer in enumerate(answers):
        turns.append((seen[answer], [size_or_word(text) for text in answer], place))
        seen[answer] += 1
    return [place for _, _, place in sorted(turns)[:: -(-len(seen) // most)][:most]]


def augmented(images: Images, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """(B, C, H, W) as a training step makes them."""
    return augment(images.pick(ids), ids, key)


def save_samples(work: rt.Work, images: Images, seed: int, options: Namespace, device: torch.device) -> None:
    """Write eval/samples.safetensors: `edited`, and `epoch 1` and so on as the network gets them, (n, C, H, W) each."""
    if rt.RANK or options.resume:
        return
    keys = [(seed, index, epoch) for index, stage in enumerate(work.stages) for epoch in range(stage.epochs)]
    keys, order = keys[:EPOCHS], shuffle((seed, 0, 0), work.samples).tolist()
    room = ROOM // ((1 + len(keys)) * images.pixels[0].numel() * images.pixels.element_size())
    answers = [tuple(images.rows[place].get(word, "") for word in TRUTH) for place in order]
    ids = torch.tensor([order[place] for place in spread(answers, max(2, min(MOST, room)))], device=device)
    tensors = {f"epoch {number}": seen(images, ids, key) for number, key in enumerate(keys, 1)}
    rows = [{word: images.rows[place].get(word, "") for word in ("file", *TRUTH)} for place in ids.tolist()]
    tensors = overlaid({"edited": images.pick(ids), **tensors}, images, ids, keys)
    own = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    told = to_bytes(own, {"samples": json.dumps(rows)})
    file = options.run / "eval" / "samples.safetensors"
    file.parent.mkdir(exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_bytes(told)
    part.replace(file)
    rt.event("samples", file=str(file))
