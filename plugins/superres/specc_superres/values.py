"""Between the pixels of a file and shares of the range: what black and white are for a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 256  # of a picture that are made whole numbers together
GREY = (0.299, 0.587, 0.114)  # of colour, as the program makes it grey (ITU-R BT.601)


@dataclass(frozen=True)
class Values:
    """`low` and `high` are modality values of black and white; `known` says that they are those of the file, and
    `bits` how many an integer picture gets.
    """

    low: float
    high: float
    known: bool
    bits: int
    mono: bool

    def shares(self, pixels: NDArray[Any]) -> NDArray[np.float64]:
        """Pixels as read (samples, H, W) -> (C, H, W) in 0..1."""
        shares = ((pixels.astype(np.float64) - self.low) / (self.high - self.low)).clip(0, 1)
        if self.mono and len(shares) == 3:
            shares = np.tensordot(np.array([GREY]), shares, 1)
        elif not self.mono and len(shares) == 1:
            shares = shares.repeat(3, 0)
        result: NDArray[np.float64] = shares
        return result

    def pixels(self, shares: NDArray[np.float64], samples: int | None) -> NDArray[np.float32]:
        """Shares (C, H, W) -> pixels (samples, H, W) as a file would have them: what the model takes."""
        pixels = self.low + shares * (self.high - self.low)
        if samples == 3 and len(pixels) == 1:
            pixels = pixels.repeat(3, 0)
        if samples == 1:
            pixels = pixels[:1]
        return pixels.astype(np.float32)

    def write(self, image: NDArray[Any], file: FilePath, form: str) -> None:
        """Write (C, H, W) of 0..1 as PNG of `bits` bits, or as TIFF of floating-point numbers. Raises OSError."""
        picture = image.transpose(1, 2, 0) if len(image) == 3 else image[0]
        part = file.with_name(f".{file.name}.part")
        if form == "tiff":
            import tifffile

            numbers = self.low + picture.astype(np.float64) * (self.high - self.low) if self.known else picture
            kind = "rgb" if len(image) == 3 else "minisblack"
            tifffile.imwrite(part, numbers.astype(np.float32), photometric=kind, metadata=None)
        else:
            top = 2**self.bits - 1
            span = (self.high - self.low) if self.known and self.low == 0 and self.high in (255, 65535) else top
            whole = np.empty(picture.shape, np.uint8 if self.bits == 8 else np.uint16)
            for row in range(0, len(whole), ROWS):  # a large picture as 64-bit numbers would fill the memory
                few = picture[row : row + ROWS].astype(np.float64)
                whole[row : row + ROWS] = np.rint(few * span).clip(0, top)
            part.write_bytes(png(whole))
        part.replace(file)


def png(picture: NDArray[Any]) -> bytes:
    """(H, W) or (H, W, 3) of 8 or 16 bits as a PNG file (ISO/IEC 15948): Pillow knows no 16-bit colours."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = picture.shape[:2]
    lines = np.ascontiguousarray(picture.astype(picture.dtype.newbyteorder(">"))).view(np.uint8).reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8 * picture.dtype.itemsize, 2 if picture.ndim == 3 else 0, 0, 0, 0)
    data = zlib.compress(np.concatenate([np.zeros((height, 1), np.uint8), lines], 1).tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def values_of(contract: Any, file: FilePath) -> Values:
    """What black and white are for a file, as the program took them: the fixed window, else the range of the type."""
    from specc.pieces import readers

    inputs = contract.input
    try:
        bits = readers.header(file).bits
    except (readers.ReadError, OSError):
        bits = 8
    edges, seen = inputs.edges(""), inputs.accepts.bits or (bits,)
    mono = contract.plain["image"]["channels"] == "mono"
    if edges is not None:
        low, high = edges[0] - edges[1] / 2, edges[0] + edges[1] / 2
        return Values(low, high, True, 8 if bits <= 8 else 16, mono)
    if inputs.format == "dicom":  # the reader has applied the window of the header
        return Values(0.0, 1.0, False, 8 if bits <= 8 else 16, mono)
    high = 255.0 if max(seen) <= 8 else 65535.0
    return Values(0.0, high, True, 8 if bits <= 8 else 16, mono)
