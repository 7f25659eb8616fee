"""Images that a network made earlier, which its judge is shown again."""

from typing import Any

import torch
from torch import Tensor

from specc.pieces import runtime as rt


def of_all_ranks(share: Tensor, count: int) -> Tensor:
    """(count, ...) in the order of the step, out of this rank's (B, ...) and that of the others."""
    whole = torch.zeros(-(-count // rt.RANKS) * rt.RANKS, *share.shape[1:], dtype=share.dtype, device=share.device)
    mine = whole[rt.RANK : count : rt.RANKS]
    mine.copy_(share[: len(mine)])
    return rt.total(whole)[:count]


class Pool:
    """Images that were made earlier; half of what a judge sees (Shrivastava et al. 2017, section 2.3).

    The same on every rank. The first `size` images fill it and are shown themselves; then each is shown, or takes the
    place of one of the pool, which is shown instead. `salt` tells the chances of several pools apart.
    """

    def __init__(self, size: int, example: Tensor, salt: int) -> None:
        self.images = torch.zeros(size, *example.shape, device=example.device)
        self.filled, self.salt = 0, salt

    def exchange(self, made: Tensor, batch: rt.Batch) -> Tensor:
        """(B, C, H, W) new images, without a graph -> as many to show."""
        ids, new = of_all_ranks(batch.ids, batch.size), of_all_ranks(made, batch.size)
        shown = new.clone()
        for place, (swap, where) in enumerate(rt.uniform((*batch.key, self.salt), ids, 2).tolist()):
            if self.filled < len(self.images):
                self.images[self.filled] = new[place]
                self.filled += 1
            elif swap < 0.5:
                other = int(where * len(self.images))
                shown[place] = self.images[other]
                self.images[other] = new[place]
        mine = torch.arange(rt.RANK, len(made) * rt.RANKS, rt.RANKS, device=made.device)
        return shown[mine.clamp(max=batch.size - 1)]

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {"images": self.images, "filled": self.filled}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse."""
        self.images.copy_(state["images"])
        self.filled = state["filled"]
