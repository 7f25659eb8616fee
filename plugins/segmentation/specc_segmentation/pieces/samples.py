"""Masks for the picture of what the network sees."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from specc.pieces.pixels import Images
from specc.pieces.slots import moved_masks
from specc_segmentation.pieces.known import IGNORE
from specc_segmentation.pieces.slots import masks_of


def masked(
    samples: Mapping[str, Tensor], images: Images, ids: Tensor, keys: Sequence[tuple[int, ...]]
) -> dict[str, Tensor]:
    """Samples with `masks` (n, C, h, w) of the edited images, `masks of epoch 1` and so on, moved as in training."""
    read = [masks_of(images.rows[place], str(images.root)) for place in ids.tolist()]
    masks = torch.from_numpy(np.stack(read)).to(ids.device)
    moved = {f"masks of epoch {number}": moved_masks(masks, ids, key, IGNORE) for number, key in enumerate(keys, 1)}
    return {**samples, "masks": masks, **moved}
