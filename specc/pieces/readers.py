"""Read one medical image file: PNG, JPEG, TIFF or DICOM, told apart by content and decoded under limits.

`read` gives float32 pixels (height, width, samples), right way up, white high, and never through 8 bits:

- PNG, JPEG, TIFF: the stored numbers. 1, 2 and 4 bits are widened to 0..255; palettes become colours; CMYK becomes RGB;
  MinIsWhite is turned over; an EXIF orientation is carried out; what is transparent is shown on black; gamma and colour
  profiles are left alone. Float and signed TIFF keep their values.
- DICOM: modality values, after the modality LUT or slope and intercept of the frame. MONOCHROME1 is turned over about
  the middle of what the stored bits can hold, so that a file and its photometric inverse agree. Padding pixels take
  the darkest value of the real ones. With window="auto" the VOI follows (its LUT, else the first centre and width, else
  the range of the real pixels) and values are 0..1 (PS3.3 C.7.6.3, C.11.1, C.11.2).

What cannot be read rightly is refused by ReadError(code, reason); a reason never holds a path:
P801 not an accepted format   P802 damaged or cut short   P803 over a limit          P804 a form that is not accepted
P805 say which frame          P806 value not finite       P807 header contradicted   P808 holds no image
P809 no decoder installed
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import io
import json
import math
import os
import pathlib
import stat
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

VERSION = 1  # of the index file and of the meaning of pixels
DEFLATED = "1.2.840.10008.1.2.1.99"
DECODERS = {  # transfer syntax -> what to install
    "1.2.840.10008.1.2.4.57": "python-gdcm",
    "1.2.840.10008.1.2.4.70": "python-gdcm",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
}
FAULTS = (  # what the decoding libraries raise on broken files
    *(ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, LookupError, MemoryError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
Pixels = np.ndarray[Any, np.dtype[np.float32]]
Array = np.ndarray[Any, Any]
Decode = Callable[[str, int], Array]  # (window, frame from 0) -> (H, W) or (H, W, samples)


class ReadError(Exception):
    """A file was refused: `code` is P8xx, `reason` a phrase without a path."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one file may cost: bytes on disk, samples in a frame, bytes after inflating, reads in a DICOM header."""

    file_bytes: int = 1 << 30
    samples: int = 48 << 20
    inflated: int = 64 << 20
    reads: int = 500_000


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the header says of the picture that `read` gives. `bits` is the depth of the stored numbers after widening."""

    format: str  # png, jpeg, tiff, dicom
    height: int
    width: int
    samples: int  # 1 grey, 3 RGB, else unnamed planes
    bits: int
    signed: bool = False
    floating: bool = False
    photometric: str = "grey"  # grey or rgb; for DICOM as in the file
    compression: str = ""  # DICOM: the transfer syntax
    frames: int = 1
    modality: str = ""
    patient: str = ""  # DICOM PatientID; stays on this machine
    spacing: tuple[float, float] | None = None  # mm: rows, columns


def header(path: str | os.PathLike[str], limits: Limits = Limits()) -> Facts:
    """Facts of a file without decoding its pixels. Raises ReadError."""
    return _open(_load(path, limits), limits)[0]


def read(
    path: str | os.PathLike[str], window: str = "auto", frame: int | None = None, limits: Limits = Limits()
) -> tuple[Pixels, Facts]:
    """Pixels (height, width, samples) float32, and facts. `frame` counts from 1. Raises ReadError."""
    return _decode(_load(path, limits), window, frame, limits)


def _load(path: str | os.PathLike[str], limits: Limits) -> bytes:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise ReadError("P801", "not a file")
        if status.st_size > limits.file_bytes:
            raise ReadError("P803", f"{status.st_size:,} bytes, above the limit of {limits.file_bytes:,}")
        return pathlib.Path(path).read_bytes()
    except (OSError, ValueError) as fault:
        raise ReadError("P801", f"cannot be opened: {getattr(fault, 'strerror', None) or 'bad name'}") from None


def _open(data: bytes, limits: Limits) -> tuple[Facts, Decode]:
    """Tell the format by its first bytes; give facts and a function that decodes."""
    if data[128:132] == b"DICM" or data[:4] in (b"\x02\0\0\0", b"\x08\0\x05\0", b"\x08\0\x08\0", b"\x08\0\x16\0"):
        opener = _dicom
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        opener = _png
    elif data.startswith(b"\xff\xd8\xff"):
        opener = _jpeg
    elif data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        opener = _tiff
    else:
        raise ReadError("P801", "empty file" if not data else "not a PNG, JPEG, TIFF or DICOM file")
    try:
        return opener(data, limits)
    except FAULTS as fault:
        raise ReadError("P802", f"damaged or cut short ({type(fault).__name__})") from None


def _decode(data: bytes, window: str, frame: int | None, limits: Limits) -> tuple[Pixels, Facts]:
    facts, decode = _open(data, limits)
    if frame is None and facts.frames > 1:
        raise ReadError("P805", f"holds {facts.frames} frames, and none is chosen")
    if not 1 <= (frame or 1) <= facts.frames:
        raise ReadError("P805", f"holds {facts.frames} frame{'s'[: facts.frames - 1]}, and number {frame} is asked for")
    try:
        values = decode(window, (frame or 1) - 1)
    except FAULTS as fault:
        raise ReadError("P802", f"damaged or cut short ({type(fault).__name__})") from None
    if values.size != facts.height * facts.width * facts.samples:
        raise ReadError("P807", f"the header promises {facts.width}x{facts.height}x{facts.samples}, the pixels differ")
    pixels = np.ascontiguousarray(values, np.float32).reshape(facts.height, facts.width, facts.samples)
    if not np.isfinite(pixels).all():
        raise ReadError("P806", "holds values that are not finite")
    return pixels, facts


def _within(limits: Limits, height: int, width: int, samples: int) -> None:
    if min(height, width, samples) < 1:
        raise ReadError("P807", f"a picture of {width}x{height}")
    if height * width * samples > limits.samples:
        raise ReadError("P803", f"{width}x{height}x{samples} samples, above the limit of {limits.samples:,}")


def _inflate(data: bytes, limit: int, bits: int = zlib.MAX_WBITS) -> bytes:
    """Inflate to the end of the stream, but never beyond `limit` bytes."""
    stream = zlib.decompressobj(bits)
    out = stream.decompress(data, limit + 1)
    if len(out) > limit:
        raise ReadError("P803", f"inflates beyond {limit:,} bytes")
    if not stream.eof:
        raise ReadError("P802", "compressed data is cut short")
    return out


def _over_black(colour: Array, alpha: Array, top: int) -> Array:
    """What a viewer with a black ground shows, in whole steps."""
    return np.rint(colour * (alpha / top)).astype(colour.dtype)


def _turn(pixels: Array, orientation: int) -> Array:
    """Undo an EXIF orientation 1..8 (TIFF tag 274)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


# PNG (ISO/IEC 15948)


def _png(data: bytes, limits: Limits) -> tuple[Facts, Decode]:
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    samples = 3 if kind in (2, 3, 6) else 1
    _within(limits, height, width, samples)
    chunks = _png_chunks(data)
    if b"acTL" in chunks:
        raise ReadError("P804", "an animated PNG")

    def decode(window: str, frame: int) -> Array:
        passes = _passes(height, width) if interlaced else [(0, 0, 1, 1, height, width)]
        step = depth * channels
        size = sum(rows * (1 + (columns * step + 7) // 8) for *_, rows, columns in passes)
        raw = _inflate(chunks[b"IDAT"], size)
        if len(raw) != size:
            raise ReadError("P802", "pixel data is cut short")
        if depth == 16 and kind != 0:
            values = _png16(raw, passes, height, width, channels)
        else:
            values = _png_pillow(data)
        top, key = 65535 if depth == 16 else 255, chunks.get(b"tRNS")
        if values.shape[2] in (2, 4):
            return _over_black(values[..., :-1], values[..., -1:], top)
        if key is not None and kind in (0, 2):
            widen = 1 if depth == 16 else 255 // (2**depth - 1)
            hidden = (values == np.frombuffer(key, ">u2") * widen).all(2, keepdims=True)
            return np.where(hidden, 0, values)
        return values

    photometric = "rgb" if samples == 3 else "grey"
    return Facts("png", height, width, samples, max(depth, 8), photometric=photometric), decode


def _png_chunks(data: bytes) -> dict[bytes, bytes]:
    """Chunks by name, checked; the parts of IDAT joined."""
    chunks: dict[bytes, list[bytes]] = {}
    at = 8
    while b"IEND" not in chunks:
        length, name = struct.unpack_from(">I4s", data, at)
        (check,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(data[at + 4 : at + 8 + length]) != check:
            raise ReadError("P802", f"checksum of {name.decode('latin-1')} is wrong")
        chunks.setdefault(name, []).append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return {name: b"".join(parts) for name, parts in chunks.items()}


def _png_pillow(data: bytes) -> Array:
    """Up to 8 bits, and 16-bit grey, which Pillow keeps whole: (H, W, 1..4)."""
    import PIL.Image

    with PIL.Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if image.mode == "P":
            image = image.convert("RGBA")
        values = np.asarray(image)
    values = values * np.uint8(255) if values.dtype == np.bool_ else values
    return values.reshape(*values.shape[:2], -1)


def _passes(height: int, width: int) -> list[tuple[int, int, int, int, int, int]]:
    """Adam7: first row and column, steps, rows and columns of each pass that is not empty."""
    grid = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    sized = [(y, x, dy, dx, -(-(height - y) // dy), -(-(width - x) // dx)) for y, x, dy, dx in grid]
    return [one for one in sized if one[4] > 0 and one[5] > 0]


def _png16(
    raw: bytes, passes: list[tuple[int, int, int, int, int, int]], height: int, width: int, channels: int
) -> Array:
    """16-bit colour or alpha, which Pillow would cut to 8 bits: (H, W, channels) uint16."""
    out = np.zeros((height, width, channels), np.uint16)
    at = 0
    for y, x, dy, dx, rows, columns in passes:
        count = rows * (1 + columns * channels * 2)
        lines = np.frombuffer(raw, np.uint8, count, at).reshape(rows, -1)
        out[y::dy, x::dx] = _unfilter(lines, columns, channels * 2).view(">u2")
        at += count
    return out


def _unfilter(lines: Array, width: int, step: int) -> Array:
    """Undo PNG's line filters along diagonals, since a byte needs only its left, upper and upper left neighbours."""
    height = len(lines)
    kinds = lines[:, :1].astype(np.int16)
    if kinds.max() > 4:
        raise ReadError("P802", "unknown line filter")
    coded = lines[:, 1:].reshape(height, width, step)
    out = np.zeros((height + 1, width + 1, step), np.int16)
    for diagonal in range(height + width - 1):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        left, up, corner = out[y + 1, x], out[y, x + 1], out[y, x]
        by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        nearest = np.where(by_up <= by_corner, up, corner)
        paeth = np.where((by_left <= by_up) & (by_left <= by_corner), left, nearest)
        guess = np.choose(kinds[y], (np.zeros_like(left), left, up, (left + up) // 2, paeth))
        out[y + 1, x + 1] = (coded[y, x] + guess) & 255
    return np.ascontiguousarray(out[1:, 1:]).astype(np.uint8)


# JPEG (ITU-T T.81)


def _jpeg(data: bytes, limits: Limits) -> tuple[Facts, Decode]:
    import PIL.Image

    if b"\xff\xd9" not in data[-4096:]:
        raise ReadError("P802", "the end of the picture is missing")
    image = PIL.Image.open(io.BytesIO(data), formats=("JPEG",))
    samples = 1 if image.mode == "L" else 3
    orientation = int(image.getexif().get(274, 1))
    height, width = image.size if orientation in (5, 6, 7, 8) else image.size[::-1]
    _within(limits, height, width, samples)

    def decode(window: str, frame: int) -> Array:
        return _turn(np.asarray(image if samples == 1 else image.convert("RGB")), orientation)

    return Facts("jpeg", height, width, samples, 8, photometric="rgb" if samples == 3 else "grey"), decode


# TIFF 6.0


def _tiff(data: bytes, limits: Limits) -> tuple[Facts, Decode]:
    import tifffile

    file = tifffile.TiffFile(io.BytesIO(data))
    pages: Any = file.pages
    page = pages[0]
    bits, planes = int(page.bitspersample), int(page.samplesperpixel)
    height, width = int(page.imagelength), int(page.imagewidth)
    _within(limits, height, width, planes)
    kind, photometric = np.dtype(page.dtype).kind, int(page.photometric)
    rgb = photometric in (2, 3, 5, 6)
    samples = 3 if rgb else planes
    facts = Facts("tiff", height, width, samples, max(bits, 8), kind in "if", kind == "f", "rgb" if rgb else "grey")

    def decode(window: str, frame: int) -> Array:
        one = pages[frame]
        values = one.asarray()
        if int(one.planarconfig) == 2 and planes > 1:
            values = np.moveaxis(values, 0, -1)
        values = values * np.uint8(255) if values.dtype == np.bool_ else values
        return np.asarray(~values if photometric == 0 else values)

    return dataclasses.replace(facts, frames=len(pages)), decode


# DICOM (PS3.3, PS3.5)


class _Metered(io.BytesIO):
    """A stream that bears only so many reads, so that a header of a million elements is refused in time."""

    left = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise ReadError("P803", "too many elements in the header")
        return super().read(size)


def _file_meta(data: bytes) -> tuple[str, int]:
    """Transfer syntax ("" if not told) and where the data set begins (PS3.10 7.1)."""
    at, syntax = 132 if data[128:132] == b"DICM" else 0, ""
    while data[at : at + 2] == b"\x02\0":
        element, code, short = struct.unpack_from("<H2sH", data, at + 2)
        long = code in (b"OB", b"OW", b"SQ", b"UN", b"UT")
        length = struct.unpack_from("<I", data, at + 8)[0] if long else short
        value = data[at + 8 + 4 * long :][:length]
        if element == 0x10:
            syntax = value.decode("ascii").rstrip("\0 ")
        at += 8 + 4 * long + length
    return syntax, at


def _dicom(data: bytes, limits: Limits) -> tuple[Facts, Decode]:
    import pydicom.filereader
    import pydicom.pixels
    import pydicom.uid

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    syntax, at = _file_meta(data)
    if syntax == DEFLATED:
        data, at = _inflate(data[at:], limits.inflated, -zlib.MAX_WBITS), 0
    explicit = data[at + 4 : at + 6].isalpha() if not syntax else syntax != "1.2.840.10008.1.2"
    syntax = syntax or ("1.2.840.10008.1.2.1" if explicit else "1.2.840.10008.1.2")
    stream = _Metered(data)
    stream.left = limits.reads
    stream.seek(at)
    order = (not explicit, syntax != "1.2.840.10008.1.2.2")
    head = pydicom.filereader.read_dataset(stream, *order, stop_when=lambda tag, vr, length: tag >= 0x7FE00008)
    if "Rows" not in head or "Columns" not in head:
        raise ReadError("P808", "holds no image" + (f" (modality {head.Modality})" if "Modality" in head else ""))
    height, width, samples = int(head.Rows), int(head.Columns), int(head.SamplesPerPixel)
    _within(limits, height, width, samples)
    facts = Facts(
        *("dicom", height, width, samples, int(head.BitsStored), bool(head.PixelRepresentation)),
        photometric=str(head.PhotometricInterpretation),
        compression=syntax,
        frames=int(head.get("NumberOfFrames") or 1),
        modality=str(head.get("Modality", "")),
        patient=str(head.get("PatientID", "")),
    )

    def decode(window: str, frame: int) -> Array:
        head.update(pydicom.filereader.read_dataset(stream, *order))
        if "PixelData" not in head:
            raise ReadError("P808", "holds no pixel data, or is cut short before it")
        head.file_meta = pydicom.dataset.FileMetaDataset()
        head.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        stored, _ = pydicom.pixels.get_decoder(syntax).as_array(head, index=frame)
        return _grey(stored, head, facts, window)

    return facts, decode


def _grey(stored: Array, head: Any, facts: Facts, window: str) -> Array:
    """Modality values, upright; windowed to 0..1 on demand."""
    slope, intercept = float(head.get("RescaleSlope", 1)), float(head.get("RescaleIntercept", 0))
    values = stored.astype(np.float64) * slope + intercept
    low = -(2 ** (facts.bits - 1)) if facts.signed else 0
    ends = 2 * intercept + slope * (2 * low + 2**facts.bits - 1)
    dark_high = facts.photometric == "MONOCHROME1"
    if window == "none":
        return ends - values if dark_high else values
    first, last = float(values.min()), float(values.max())
    values = (values - first) / ((last - first) or 1.0)
    return 1 - values if dark_high else values


# The data index


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file of the data set. `error` is (code, reason) where it cannot be read; `low` and `high` bound its values.

    `pixels` is the SHA-256 of the decoded values, the same for the same picture in two files.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str
    pixels: str
    low: float
    high: float
    facts: Facts | None
    error: tuple[str, str] | None


def index(
    paths: Iterable[str | os.PathLike[str]],
    cache_file: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    frame: int | None = None,
    workers: int = 2,
    limits: Limits = Limits(),
) -> list[Entry]:
    """Hash and decode every file, once: what `cache_file` knows by path, size and time is not read again."""
    names = [os.path.abspath(path) for path in paths]
    known = _read_index(cache_file, frame)
    entries: list[Entry] = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for entry in pool.map(lambda name: _entry(name, known.get(name), frame, limits), names):
            entries.append(entry)
            if progress:
                progress(len(entries), len(names))
    if cache_file is not None and any(known.get(entry.path) != entry for entry in entries):
        _write_index(cache_file, frame, {**known, **{entry.path: entry for entry in entries}})
    return entries


def _entry(name: str, known: Entry | None, frame: int | None, limits: Limits) -> Entry:
    try:
        status = os.stat(name)
        size, time = status.st_size, status.st_mtime_ns
    except (OSError, ValueError):
        size, time = 0, 0
    if known and (known.size, known.mtime_ns) == (size, time):
        return known
    digest, facts = "", None
    try:
        data = _load(name, limits)
        digest = hashlib.sha256(data).hexdigest()
        facts = _open(data, limits)[0]
        if facts.frames > 1 and frame is None:  # which one is for the spec to say
            return Entry(name, size, time, digest, "", 0.0, 0.0, facts, None)
        pixels, facts = _decode(data, "none", frame, limits)
    except ReadError as fault:
        return Entry(name, size, time, digest, "", 0.0, 0.0, facts, (fault.code, fault.reason))
    content = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    return Entry(name, size, time, digest, content, float(pixels.min()), float(pixels.max()), facts, None)


def _read_index(path: str | os.PathLike[str] | None, frame: int | None) -> dict[str, Entry]:
    try:
        stored = json.loads(pathlib.Path(path or "").read_bytes())
        if stored["version"] != VERSION or stored["frame"] != frame:
            return {}
        return {name: _from_json(name, row) for name, row in stored["files"].items()}
    except (OSError, ValueError, TypeError, KeyError):
        return {}  # absent, of another version or damaged: everything is read again


def _from_json(name: str, row: dict[str, Any]) -> Entry:
    facts = row["facts"] and Facts(
        **{**row["facts"], "spacing": row["facts"]["spacing"] and tuple(row["facts"]["spacing"])}
    )
    return Entry(**{**row, "path": name, "facts": facts, "error": row["error"] and tuple(row["error"])})


def _write_index(path: str | os.PathLike[str], frame: int | None, files: dict[str, Entry]) -> None:
    """Whole or not at all: written beside, synced, renamed."""
    folder = pathlib.Path(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    rows = {name: dataclasses.asdict(entry) for name, entry in files.items()}
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".index", delete=False, encoding="ascii") as file:
        json.dump({"version": VERSION, "frame": frame, "files": rows}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
