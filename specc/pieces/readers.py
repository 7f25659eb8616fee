"""Read one medical image file: PNG, JPEG, TIFF or DICOM, told apart by content and decoded under limits.

`read` gives float32 pixels (height, width, samples), right way up, white high, never through 8 bits:
- PNG, JPEG, TIFF: the stored numbers. 1, 2 and 4 bits are widened to 0..255; palettes and CMYK become RGB; MinIsWhite
  is turned over; an EXIF orientation is carried out; transparent parts are seen on black; colour profiles are ignored.
- DICOM: modality values, by the modality LUT or the frame's slope and intercept. MONOCHROME1 is turned over about the
  middle of what the stored bits can mean, so that photometric inverses agree. Padding takes the darkest real value.
  With window="auto" values are 0..1 by the VOI LUT, else the first centre and width (before MONOCHROME1 is turned),
  else the range of the real pixels; colours by their bits (PS3.3 C.7.6.3, C.11.1, C.11.2).

ReadError: P801 no accepted format, P802 damaged, P803 over a limit, P804 form not accepted, P805 which frame,
P806 value not finite, P807 header contradicts itself or the pixels, P808 no image, P809 no decoder installed.
"""

from __future__ import annotations

import io
import logging
import stat
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

MAX_FILE, MAX_INFLATED, MAX_SAMPLES, MAX_READS = 1 << 30, 64 << 20, 48 << 20, 200_000  # bytes; bytes; numbers a frame
DICOM = "1.2.840.10008.1.2"  # implicit little endian; with a suffix, the other transfer syntaxes
SYNTAXES = dict.fromkeys(("", ".1", ".1.99", ".2", ".5"), "pydicom")  # which are accepted, and who decodes them
SYNTAXES |= {".4.50": "pillow", ".4.51": "pillow", ".4.57": "python-gdcm", ".4.70": "python-gdcm"}
SYNTAXES |= {".4.80": "pyjpegls", ".4.81": "pyjpegls", ".4.90": "pillow", ".4.91": "pillow"}
SYNTAXES |= dict.fromkeys((".4.201", ".4.202", ".4.203"), "pylibjpeg pylibjpeg-openjpeg")
FAULTS = (  # what the libraries raise on broken files
    *(ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, LookupError, MemoryError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
for library in ("PIL", "pydicom", "tifffile"):  # what they murmur about a file is refused here, or harmless
    warnings.filterwarnings("ignore", module=library)
    logging.getLogger(library).setLevel(logging.CRITICAL + 1)

Array = np.ndarray[Any, Any]
Decode = Callable[[str, int], Array]  # (window, frame from 0) -> (H, W) or (H, W, samples)


class ReadError(Exception):
    """A file was refused: `code` is P80x, `reason` a phrase without a path."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


@dataclass(frozen=True)
class Facts:
    """What the header says of the picture that `read` gives. `bits` are those of a stored number, widened to 8."""

    format: str  # png, jpeg, tiff, dicom
    height: int
    width: int
    samples: int  # 1 grey, 3 RGB, else planes without a name
    bits: int
    signed: bool = False
    floating: bool = False
    photometric: str = ""  # DICOM: as in the file
    frames: int = 1
    compression: str = ""  # DICOM: the transfer syntax
    modality: str = ""
    patient: str = ""  # PatientID: stays on this machine
    row_mm: float = 0.0  # from one row to the next; 0 where the file does not tell
    column_mm: float = 0.0


def header(path: str | Path) -> Facts:
    """The facts, without decoding pixels. Raises ReadError."""
    return inspect(load(path))[0]


def read(path: str | Path, window: str = "auto", frame: int | None = None) -> tuple[Array, Facts]:
    """Pixels (height, width, samples) and facts. `window` is auto or none, `frame` counts from 1. Raises ReadError."""
    return decode(load(path), window, frame)


def _require(sound: bool, code: str, reason: str) -> None:
    if not sound:
        raise ReadError(code, reason)


def load(path: str | Path) -> bytes:
    """The bytes of a file. Raises ReadError."""
    try:
        status = Path(path).stat()
        _require(stat.S_ISREG(status.st_mode), "P801", "not a file")
        _require(status.st_size <= MAX_FILE, "P803", f"{status.st_size:,} bytes, and the limit is {MAX_FILE:,}")
        return Path(path).read_bytes()
    except (OSError, ValueError) as fault:
        raise ReadError("P801", f"cannot be opened ({getattr(fault, 'strerror', 'bad name')})") from None


def inspect(data: bytes) -> tuple[Facts, Decode]:
    """Tell the format by the first bytes: its facts, and a function that decodes it. Raises ReadError."""
    starts = {b"\x89PNG\r\n\x1a\n": _png, b"\xff\xd8\xff": _jpeg}
    starts |= dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff)
    starts |= dict.fromkeys((b"\2\0\0\0", b"\x08\0\0\0", b"\x08\0\5\0", b"\x08\0\x08\0"), _dicom)  # no preamble
    openers = [_dicom] * (data[128:132] == b"DICM") + [starts[start] for start in starts if data.startswith(start)]
    _require(bool(openers), "P801", "not PNG, JPEG, TIFF or DICOM" if data else "an empty file")
    try:
        facts, decoded = openers[0](data)
    except FAULTS:
        raise ReadError("P802", "damaged or cut short") from None
    size = f"{facts.width}x{facts.height}x{facts.samples} numbers, and the limit is {MAX_SAMPLES:,}"
    _require(min(facts.height, facts.width, facts.samples) > 0, "P807", size)
    _require(facts.height * facts.width * facts.samples <= MAX_SAMPLES, "P803", size)
    return facts, decoded


def decode(data: bytes, window: str, frame: int | None, header: Any = None) -> tuple[Array, Facts]:
    """What `read` gives, from the bytes of a file; `header` is what `inspect` said, once. Raises ReadError."""
    facts, decoded = header or inspect(data)
    known = facts.frames == 1 if frame is None else 1 <= frame <= facts.frames
    _require(known, "P805", f"number of frames is {facts.frames}, chosen is {frame or 'none'}")
    try:
        pixels = np.atleast_3d(np.ascontiguousarray(decoded(window, (frame or 1) - 1), np.float32))
    except FAULTS:
        raise ReadError("P802", "damaged or cut short") from None
    _require(pixels.shape == (facts.height, facts.width, facts.samples), "P807", "pixels and header differ in shape")
    _require(bool(np.isfinite(pixels).all()), "P806", "values that are not finite")
    return pixels, facts


def _inflate(data: bytes, bits: int = zlib.MAX_WBITS) -> bytes:
    """Inflate to the end of the stream, but never beyond the limit."""
    stream = zlib.decompressobj(bits)
    out = stream.decompress(data, MAX_INFLATED + 1)
    _require(len(out) <= MAX_INFLATED, "P803", f"inflates beyond {MAX_INFLATED:,} bytes")
    _require(stream.eof, "P802", "compressed data is cut short")
    return out


def _pillow(data: bytes, kind: str) -> Any:
    import PIL.Image

    try:
        return PIL.Image.open(io.BytesIO(data), formats=(kind,))
    except PIL.Image.DecompressionBombError:
        raise ReadError("P803", f"more pixels than the limit of {MAX_SAMPLES:,}") from None


def _over_black(values: Array, top: int) -> Array:
    """The last plane is opacity: what a viewer with a black ground shows, in whole steps."""
    return np.asarray(np.rint(values[..., :-1] * (values[..., -1:] / top)))


def _turn(pixels: Array, orientation: int) -> Array:
    """Undo an EXIF orientation (tag 274), 1 to 8."""
    pixels = pixels.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else pixels
    pixels = pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


def _png(data: bytes) -> tuple[Facts, Decode]:
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    samples, top = 1 if kind in (0, 4) else 3, 2 ** max(depth, 8) - 1

    def decode(window: str, frame: int) -> Array:
        _pillow(data, "PNG").verify()  # the checksum of every chunk, and that the last one is there
        _require(not getattr(image := _pillow(data, "PNG"), "is_animated", False), "P804", "an animated PNG")
        values = np.asarray(image.convert("RGBA") if kind == 3 else image)
        if depth == 16 and kind == 4:  # Pillow keeps 8 bits of it; but it lies in the file like the bytes of 8-bit RGBA
            as8 = b"IHDR" + data[16:24] + b"\x08\x06" + data[26:29]
            image = _pillow(data[:12] + as8 + struct.pack(">I", zlib.crc32(as8)) + data[33:], "PNG")
            values = np.ascontiguousarray(image).view(">u2")
        elif depth == 16 and kind != 0:  # here it gives the high bytes; ask once more, for the low bytes
            low = _pillow(data, "PNG")
            low.tile = [(*low.tile[0][:3], f"{low.mode};16L")]
            values = values.astype(np.uint16) * 256 + np.asarray(low)
        values = (values * np.uint8(255) if values.dtype == bool else values).reshape(height, width, -1)
        if values.shape[2] in (2, 4):
            return _over_black(values, top)
        if (key := image.info.get("transparency")) is None:  # the one grey or colour that is transparent
            return values
        return np.where((values == np.array(key) * (top // (2**depth - 1))).all(2, keepdims=True), 0, values)

    return Facts("png", height, width, samples, max(depth, 8)), decode


def _jpeg(data: bytes) -> tuple[Facts, Decode]:
    image = _pillow(data, "JPEG")
    samples, orientation = 1 if image.mode == "L" else 3, int(image.getexif().get(274, 1))
    height, width = image.size if orientation in (5, 6, 7, 8) else image.size[::-1]

    def decode(window: str, frame: int) -> Array:
        return _turn(np.asarray(image if samples == 1 else image.convert("RGB")), orientation)

    return Facts("jpeg", height, width, samples, 8), decode


def _tiff(data: bytes) -> tuple[Facts, Decode]:
    import tifffile

    pages: Any = tifffile.TiffFile(io.BytesIO(data)).pages
    told = pages[0].description.replace("images=1\n", "") if pages[0].is_imagej else ""  # a stack lies behind one page
    _require("images=" not in told or len(pages) > 1, "P804", "ImageJ stack")
    first = _tiff_facts(pages[0])

    def decode(window: str, frame: int) -> Array:
        page = pages[frame]
        _require(_tiff_facts(page) == first, "P807", "the frames differ in form")
        for at, size in zip(page.dataoffsets, page.databytecounts, strict=True):
            _require(min(at, size) > 0 and at + size <= len(data), "P802", "pixel data is cut short")
            if page.compression in (8, 32946):
                _inflate(data[at : at + size])
        if page.photometric in (0, 1, 2) and page.compression in (1, 8, 32946, 32773) and page.bitspersample >= 8:
            values = page.asarray()  # keeps every number; for other compressions it would need a further package
            values = np.moveaxis(values, 0, -1) if page.planarconfig == 2 and values.ndim == 3 else values
            values = _turn(~values if page.photometric == 0 else values, int(page.tags.valueof(274, 1)))
        else:
            values = _tiff_pillow(data, frame, page)
        if page.extrasamples == (2,):
            return _over_black(values, 2**first.bits - 1)
        return values[..., :-1] if page.extrasamples == (1,) else values  # 1: already multiplied by the opacity

    return replace(first, frames=len(pages)), decode


def _tiff_facts(page: Any) -> Facts:
    bits, kind = int(page.bitspersample), page.dtype.kind
    sound = kind in "bui" if page.photometric == 0 else kind in "buif"
    _require(sound and page.imagedepth == 1 and bits in (1, 2, 4, 8, 16, 32, 64), "P804", f"numbers of {bits} bits")
    _require(page.photometric in (0, 1, 2, 3, 5, 6), "P804", f"photometric interpretation {int(page.photometric)}")
    opacity = page.extrasamples in ((1,), (2,))
    samples = 3 if page.photometric in (3, 5, 6) else int(page.samplesperpixel) - opacity
    size = (int(page.imagewidth), int(page.imagelength))
    height, width = size if page.tags.valueof(274, 1) in (5, 6, 7, 8) else size[::-1]
    return Facts("tiff", height, width, samples, max(bits, 8), kind in "if", kind == "f")


def _tiff_pillow(data: bytes, frame: int, page: Any) -> Array:
    """LZW, fax and JPEG compression, palettes, CMYK: libtiff keeps 8 bits, and grey of any depth."""
    colours = np.asarray(page.colormap if page.photometric == 3 else 0)
    deep = page.bitspersample > 8 and (page.samplesperpixel > 1 or page.photometric != 1)
    deep = deep or bool(((colours % 257 != 0) & (colours % 256 != 0)).any())
    _require(not deep, "P804", "compressed, and of more than 8 bits (store it plain or with deflate)")
    image = _pillow(data, "TIFF")
    image.seek(frame)
    values = np.asarray(image.convert("RGB") if image.mode in ("P", "CMYK", "YCbCr") else image)
    return values * np.uint8(255) if values.dtype == bool else values


class _Metered(io.BytesIO):
    """Bears only so many reads: a header of a million elements is refused in time."""

    left = MAX_READS  # two an element

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        _require(self.left >= 0, "P803", "too many elements in the header")
        return super().read(size)


def _dicom(data: bytes) -> tuple[Facts, Decode]:
    import pydicom
    from pydicom.filereader import read_dataset
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.pixels.processing import apply_color_lut

    pydicom.config.convert_wrong_length_to_UN = True  # which is then no number, instead of an exception of its own
    stream = _Metered(data)
    stream.seek(132 if data[128:132] == b"DICM" else 0)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >= 0x00030000)
    at = stream.tell()
    syntax = str(meta.get("TransferSyntaxUID") or DICOM + ".1" * data[at + 4 : at + 6].isalpha())  # else a good guess
    _require(syntax.removeprefix(DICOM) in SYNTAXES, "P804", f"transfer syntax {syntax[:64]!r}")
    if syntax == DICOM + ".1.99":
        stream = _Metered(_inflate(data[at:], -zlib.MAX_WBITS))
    order = (syntax == DICOM, syntax != DICOM + ".2")  # implicit VR, little endian
    head: Any = read_dataset(stream, *order, stop_when=lambda tag, vr, length: tag >= 0x7FE00008)
    facts, decoder = _dicom_facts(head, syntax), get_decoder(syntax)

    def decode(window: str, frame: int) -> Array:
        head.update(read_dataset(stream, *order))
        head.file_meta = pydicom.dataset.FileMetaDataset()
        head.file_meta.TransferSyntaxUID = syntax
        _check_pixel_data(head, facts, frame, decoder)
        plugin = "pydicom" if syntax == DICOM + ".5" else ""  # a damaged RLE file makes another package panic
        stored: Array = decoder.as_array(head, index=frame, decoding_plugin=plugin)[0]
        if facts.samples == 3:
            palette = facts.photometric == "PALETTE COLOR"
            stored = apply_color_lut(stored, head) if palette else stored
            return np.asarray(stored / (2**facts.bits - 1) if window == "auto" else stored)
        each = (head.get("PerFrameFunctionalGroupsSequence") or [])[frame : frame + 1]
        for group in (*(head.get("SharedFunctionalGroupsSequence") or ()), *each):
            for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
                head.update(group[name][0] if name in group else {})
        return _greys(stored, head, facts, window)

    return facts, decode


def _dicom_facts(head: Any, syntax: str) -> Facts:
    kind = f" (modality {head.Modality})" if "Modality" in head else ""
    _require("Rows" in head, "P808", f"no image{kind}")
    samples, bits, signed = int(head.SamplesPerPixel), int(head.BitsStored), int(head.PixelRepresentation)
    photometric, frames = str(head.PhotometricInterpretation), int(head.get("NumberOfFrames") or 1)
    single = photometric in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
    accepted = single or photometric in ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
    _require(accepted, "P804", f"photometric interpretation {photometric[:16]!r}")
    _require(head.BitsAllocated in (8, 16), "P804", f"{head.BitsAllocated} bits a pixel{kind}")
    sound = samples == (1 if single else 3) and 1 <= bits <= head.BitsAllocated and frames >= 1
    sound = sound and int(head.get("HighBit", bits - 1)) == bits - 1 and signed in (0, int(single))
    _require(sound, "P807", "bits, samples, frames and photometric interpretation contradict each other")
    if photometric == "PALETTE COLOR":
        samples, bits = 3, int(head.RedPaletteColorLookupTableDescriptor[2])
    down, across = head.get("PixelSpacing") or head.get("ImagerPixelSpacing") or (0, 0)
    form = (samples, bits, bool(signed), False, photometric, frames, syntax)
    names = (str(head.get("Modality") or ""), str(head.get("PatientID") or ""))
    return Facts("dicom", int(head.Rows), int(head.Columns), *form, *names, float(down), float(across))


def _check_pixel_data(head: Any, facts: Facts, frame: int, decoder: Any) -> None:
    """Pixels are there, as many as the header says, in a form that a decoder is installed for."""
    from pydicom.encaps import get_frame
    from pydicom.pixels.utils import get_expected_length

    syntax, size, at = facts.compression.removeprefix(DICOM), (facts.height, facts.width), 2
    _require("PixelData" in head, "P808", "no pixel data, or the file ends before it does")
    if syntax in ("", ".1", ".1.99", ".2"):
        asked, given = get_expected_length(head), len(head.PixelData)
        _require(given == asked + asked % 2, "P807", f"{given:,} bytes of pixels, and the header asks for {asked:,}")
        return
    _require(decoder.is_available, "P809", f"{decoder.UID.name} needs a decoder (pip install {SYNTAXES[syntax]})")
    code = get_frame(head.PixelData, frame, number_of_frames=facts.frames)  # its size is checked before it is decoded
    if syntax.startswith((".4.9", ".4.20")):  # JPEG 2000: the marker with the size follows the start
        right, bottom, left, top = struct.unpack_from(">4I", code, code.index(b"\xff\x4f\xff\x51") + 8)
        size = (bottom - top, right - left)
    elif syntax.startswith(".4."):  # JPEG, JPEG-LS: walk to the start of frame
        while struct.unpack_from(">H", code, at)[0] not in (0xFFC0, 0xFFC1, 0xFFC2, 0xFFC3, 0xFFF7):
            at += 2 + struct.unpack_from(">H", code, at + 2)[0]
        size = struct.unpack_from(">HH", code, at + 5)
    _require(size == (facts.height, facts.width), "P807", f"Rows and Columns differ from the {size[1]}x{size[0]} coded")


def _greys(raw: Array, head: Any, facts: Facts, window: str) -> Array:
    """Stored values to modality values, upright; to 0..1 with window="auto"."""

    def stored(values: Array) -> Array:  # older scanners keep other things above the stored bits
        values = values.astype(np.int32) & (2**facts.bits - 1)
        return values - ((values >> (facts.bits - 1)) << facts.bits) if facts.signed else values

    least = -(2 ** (facts.bits - 1)) if facts.signed else 0
    ends, values = np.array([least, least + 2**facts.bits - 1]), stored(raw)
    padding: Array | None = None
    if isinstance(first := head.get("PixelPaddingValue"), int):
        edges = sorted(stored(np.array((first, head.get("PixelPaddingRangeLimit", first)))))
        padding = (values >= edges[0]) & (values <= edges[1])
        _require(not padding.all(), "P807", "every pixel is padding")
    if head.get("ModalityLUTSequence"):
        ends, values = (_look_up(head.ModalityLUTSequence[0], numbers)[0] for numbers in (ends, values))
    else:
        slope, intercept = head.get("RescaleSlope"), float(head.get("RescaleIntercept") or 0)
        slope = 1.0 if slope is None else float(slope)
        _require(slope != 0, "P807", "RescaleSlope is 0")
        ends, values = ends * slope + intercept, values * slope + intercept
    turned = facts.photometric == "MONOCHROME1"
    shown = _voi(values, head) if window == "auto" else None
    if shown is not None:
        shown = 1 - shown if turned else shown
        return shown if padding is None else np.where(padding, 0.0, shown)
    values = ends.sum() - values if turned else values
    low, high = (real := values if padding is None else values[~padding]).min(), real.max()
    values = values if padding is None else np.where(padding, low, values)
    return np.asarray((values - low) / ((high - low) or 1.0)) if window == "auto" else values


def _look_up(item: Any, values: Array) -> tuple[Array, int]:
    """Through a LUT (PS3.3 C.11.1.1, C.11.2.1.1): what the values become, and of how many bits."""
    count, first, bits = (int(n) for n in item.LUTDescriptor)
    count, first = count or 65536, first - 65536 if first > 32767 and values.min() < 0 else first
    data, order = item.LUTData, "<" if item.original_encoding[1] else ">"
    table = np.frombuffer(data, order + "u2" if len(data) >= 2 * count else "u1") if isinstance(data, bytes) else data
    return np.asarray(table, float)[np.clip(np.rint(values).astype(np.int64) - first, 0, count - 1)], bits


def _voi(values: Array, head: Any) -> Array | None:
    """The window that the file brings, applied: 0..1 (PS3.3 C.11.2.1). None where it brings none that can be used."""
    if head.get("VOILUTSequence"):
        shown, bits = _look_up(head.VOILUTSequence[0], values)
        return np.asarray(shown / (2**bits - 1))
    centre, width = (np.ravel(head.get(name)).astype(float) for name in ("WindowCenter", "WindowWidth"))
    if not width[0] > 0 or np.isnan(centre[0]):
        return None
    c, w, function = centre[0], width[0], head.get("VOILUTFunction") or "LINEAR"
    _require(function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"), "P804", "this VOI LUT function")
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(-4 * (values - c) / w)))
    if function == "LINEAR" and w >= 1:  # below 1, which the standard forbids, files mean LINEAR_EXACT
        c, w = c - 0.5, w - 1
    return np.clip((values - c) / w + 0.5, 0, 1) if w else np.asarray(values > c, float)
