"""Images of any size through a model: large ones in overlapping tiles, others with rows repeated at the edges."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specc.answering import Case, Ran, Session, run_cases

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.float32]

TILE = 512  # pixels of a side of a tile of what is to come out, less what tiles share
BATCH = 8  # images of one size that go through the network together


class Tiled(Session):
    """A session whose model answers about images of any size."""

    def run(self, pixels: Pixels) -> dict[str, NDArray[Any]]:
        """(B, samples, H, W) -> `image` (B, C, factor * H, factor * W)."""
        import numpy as np

        about, multiple = self.contract.plain["image"], self.contract.input.multiple or 1
        (height, width), factor = pixels.shape[2:], about["factor"]
        more = [(0, -length % multiple) for length in (height, width)]
        padded = np.pad(pixels, [(0, 0), (0, 0), *more], mode="edge") if any(end for _, end in more) else pixels
        side = max(multiple, TILE // factor // multiple * multiple)
        if about["reach"] is None or max(padded.shape[2:]) <= 2 * side:
            image = super().run(padded)["image"]
        else:
            image = self._in_tiles(padded, factor, side, -(-about["reach"] // multiple) * multiple)
        return {"image": image[:, :, : factor * height, : factor * width]}

    def _in_tiles(self, pixels: Pixels, factor: int, side: int, shared: int) -> Pixels:
        """Tile by tile; each sees `shared` pixels more than it answers about, as far as its pixels look."""
        import numpy as np

        whole: Pixels | None = None
        height, width = pixels.shape[2:]
        for top in range(0, height, side):
            for left in range(0, width, side):
                up, west = max(0, top - shared), max(0, left - shared)
                seen = pixels[:, :, up : top + side + shared, west : left + side + shared]
                answer = super().run(np.ascontiguousarray(seen))["image"]
                if whole is None:
                    whole = np.empty((*answer.shape[:2], factor * height, factor * width), np.float32)
                down, right = min(top + side, height), min(left + side, width)
                whole[:, :, factor * top : factor * down, factor * left : factor * right] = answer[
                    :, :, factor * (top - up) : factor * (down - up), factor * (left - west) : factor * (right - west)
                ]
        assert whole is not None, "an image has pixels"
        return whole


class Reading(Session):
    """A session that gives back what it is given: files are read, and held against the contract."""

    def run(self, pixels: Pixels) -> dict[str, NDArray[Any]]:
        """Nothing comes out."""
        return {}


def read(session: Session, file: FilePath) -> Pixels | None:
    """Pixels (samples, H, W) of a file that the model takes; None where it does not."""
    reading = Reading(**{field.name: getattr(session, field.name) for field in dataclasses.fields(session)})
    return next(run_cases(reading, [(file,)])).pixels


def tiled(session: Session) -> Tiled:
    """The session for images of any size."""
    return Tiled(**{field.name: getattr(session, field.name) for field in dataclasses.fields(session)})


def run(
    session: Session,
    cases: Sequence[Case],
    patients: Mapping[Any, str] | None = None,
    tell: Callable[[int], object] = lambda done: None,
) -> Iterator[Ran]:
    """What the model gives for each case, in their order."""
    return run_cases(tiled(session), cases, patients, tell, BATCH)


def image_of(ran: Ran) -> Pixels | None:
    """The picture (C, H, W) in 0..1 that came out; None where the case was refused."""
    return None if ran.outputs is None else ran.outputs["image"]


def restored(session: Session, pixels: Pixels) -> Pixels:
    """Pixels as read (samples, H, W) -> the picture (C, factor * H, factor * W) in 0..1."""
    image: Pixels = tiled(session).run(pixels[None])["image"][0]
    return image
