"""Pairs of images: read from files, or one made of the other; and patches of both."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.pieces import command, index
from specc.pieces import runtime as rt
from specc.pieces.augment import normal
from specc.pieces.pixels import Images, cached, every_file
from specc.pieces.slots import FRAME, HEIGHT, READ_WINDOW, WIDTH, WORKERS, augment, moved_images
from specc_superres.pieces.deploy import prepared
from specc_superres.pieces.resample import cut_to
from specc_superres.pieces.slots import (
    BLACK,
    BLUR,
    CHANNELS,
    FACTOR,
    NOISE,
    PATCHES,
    SIDE,
    STEP,
    WHITE,
    blurred,
    noisy,
    pairs,
    shown,
    shrunk,
)

PLACES = 71  # last part of the key of where patches lie
GRAINS = 72  # of noise


def no_targets(rows: list[dict[str, str]]) -> dict[str, np.ndarray[Any, Any]]:
    """What is to come out is an image, which `known` reads or makes."""
    return {}


def of_size(entries: Sequence[index.Entry], height: int, width: int) -> None:
    """End the program unless all images have the size of the spec."""
    for entry in entries:
        if entry.facts and (entry.facts.height, entry.facts.width) != (height, width):
            found = f"{entry.path}: {entry.facts.height}x{entry.facts.width} pixels, the spec says {height}x{width}"
            rt.fail("D404", found, "`specc check` lists every file of another size", 2)


def nothing_known(images: Images, config: Any) -> Tensor:
    """Images are made of what is to come out of them."""
    of_size(images.entries, HEIGHT, WIDTH)
    return torch.empty(0)


def read_targets(images: Images, config: Any) -> Tensor:
    """(N, C, FACTOR * H, FACTOR * W): the files of the column `target`, edited as the images are, in their order."""
    of_size(images.entries, HEIGHT, WIDTH)
    given = command.options(WORKERS)
    paths, store = [given.data / row["target"] for row in images.rows], given.cache / "index.json"
    if rt.RANK:
        rt.wait()  # rank 0 fills the cache
    entries = index.index(paths, store, rt.leave_if_asked, READ_WINDOW, FRAME, max(1, given.workers))
    every_file(entries)
    of_size(entries, FACTOR * HEIGHT, FACTOR * WIDTH)
    shape = (CHANNELS, FACTOR * HEIGHT, FACTOR * WIDTH)
    array = cached(entries, READ_WINDOW, FRAME, images.edits, shape, given)
    if not rt.RANK:
        rt.wait()
    return torch.from_numpy(array)


def given_pairs(
    images: Images, targets: Tensor, ids: Tensor, key: tuple[int, ...], moved: bool
) -> tuple[Tensor, Tensor]:
    """Images and the files that belong to them; `moved` alike as the key says."""
    inputs, truth = images.pick(ids), targets[ids.to(targets.device)].to(ids.device)
    if moved:
        inputs, truth = augment(inputs, ids, key), moved_images(truth, ids, key, BLACK)
    return inputs, truth


def made_pairs(
    images: Images, targets: Tensor, ids: Tensor, key: tuple[int, ...], moved: bool
) -> tuple[Tensor, Tensor]:
    """Images and what they are made of, which is `moved` as the key says before."""
    truth = cut_to(augment(images.pick(ids), ids, key) if moved else images.pick(ids), FACTOR)
    return worsened(truth, ids, key), truth


def worsened(truth: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """(B, C, H, W) -> (B, C, H / FACTOR, W / FACTOR): blurred, shrunk, with noise, cut to the range as files are."""
    return noisy(shrunk(blurred(truth, BLUR), FACTOR), ids, key).clamp(BLACK, WHITE)


def with_noise(images: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """(B, C, H, W) with Gaussian noise of NOISE times the range; what is drawn follows from key and ids."""
    numbers = images[0].numel()
    drawn = normal(rt.uniform((*key, GRAINS), ids, numbers + numbers % 2))[:, :numbers]
    return images + NOISE * drawn.view_as(images)


def random_patches(inputs: Tensor, truth: Tensor, ids: Tensor, key: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """PATCHES squares of each image, SIDE pixels of what the network gets and STEP times as many of the truth.

    Where they lie follows from key and ids: (B, C, h, w), (B, C', STEP * h, STEP * w) -> (B * PATCHES, ...).
    """
    tops, lefts = corners(inputs, ids, key)
    return squares(inputs, tops, lefts, SIDE), squares(truth, STEP * tops, STEP * lefts, STEP * SIDE)


def first_patch(inputs: Tensor, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """(B, C, h, w) -> (B, C, SIDE, SIDE): of each image the first of the squares that a step takes."""
    tops, lefts = corners(inputs, ids, key)
    return squares(inputs, tops[:, :1], lefts[:, :1], SIDE)


def corners(inputs: Tensor, ids: Tensor, key: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Rows and columns (B, PATCHES) at which patches begin."""
    height, width = inputs.shape[2:]
    down, right = rt.uniform((*key, PLACES), ids, 2 * PATCHES).chunk(2, 1)
    return (down * (height - SIDE + 1)).long(), (right * (width - SIDE + 1)).long()


def fed(images: Images, ids: Tensor, key: tuple[int, ...]) -> Tensor:
    """Training images as the network gets them, of patches the first: (B,) -> (B, C, h, w)."""
    inputs, _ = pairs(images, images.pixels, ids, key, True)  # what is to come out is not looked at
    return shown(prepared(inputs), ids, key)


def squares(images: Tensor, tops: Tensor, lefts: Tensor, side: int) -> Tensor:
    """(B, C, H, W) and corners (B, P) -> (B * P, C, side, side)."""
    along = torch.arange(side, device=images.device)
    rows, columns = tops[:, :, None, None] + along[:, None], lefts[:, :, None, None] + along
    batch = torch.arange(len(images), device=images.device)[:, None, None, None]
    return images.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 1, 4, 2, 3).flatten(0, 1)


def whole_images(inputs: Tensor, truth: Tensor, ids: Tensor, key: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Both as they are."""
    return inputs, truth
