"""Small image files of every kind, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

Array = np.ndarray[Any, Any]


def pillow(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    """An image as Pillow writes it."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png16(values: Array, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """16-bit PNG of (height, width, 1..4) values; each line takes another of the five filters."""
    height, width, planes = values.shape
    grid = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    parts = [values[y::dy, x::dx] for y, x, dy, dx in grid] if interlaced else [values]
    raw = b"".join(_filtered(part) for part in parts if part.size)
    head = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[planes], 0, 0, interlaced)
    body = chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _filtered(values: Array) -> bytes:
    step, out, above = 2 * values.shape[2], b"", bytes(values[0].size * 2)
    for number, line in enumerate(values.astype(">u2")):
        data, coded = line.tobytes(), bytearray()
        for i, byte in enumerate(data):
            left, up = data[i - step] if i >= step else 0, above[i]
            corner = above[i - step] if i >= step else 0
            far = [abs(left + up - corner - one) for one in (left, up, corner)]
            paeth = (left, up, corner)[far.index(min(far))]
            coded.append((byte - (0, left, up, (left + up) // 2, paeth)[number % 5]) & 255)
        out += bytes([number % 5]) + bytes(coded)
        above = data
    return out


def dicom(pixels: Array | bytes, syntax: str = ExplicitVRLittleEndian, /, **tags: Any) -> bytes:
    """A DICOM file of (height, width[, 3]) or (frames, height, width) pixels; a tag that is None is left out."""
    order = (
        (UID(syntax).is_implicit_VR, UID(syntax).is_little_endian) if UID(syntax).is_transfer_syntax else (False, True)
    )
    data = FileDataset("", {}, bytes(128), FileMetaDataset(), *order)
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = MRImageStorage, UID("2.25.1")
    data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, UID("2.25.1")
    data.Modality, data.PatientID = "MR", "P1"
    if not isinstance(pixels, bytes):
        signed = pixels.dtype.kind == "i"
        data.Rows, data.Columns = pixels.shape[:2] if "NumberOfFrames" not in tags else pixels.shape[1:3]
        data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
        data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(signed)
        colour = pixels.ndim == 3 and "NumberOfFrames" not in tags
        data.SamplesPerPixel, data.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
        if colour:
            data.PlanarConfiguration = 0
        swapped = pixels if order[1] else pixels.astype(pixels.dtype.newbyteorder(">"))
        pixels = swapped.tobytes()
        data.PixelData = pixels + b"\0" * (len(pixels) % 2)
    else:
        data.PixelData = pixels
    data["PixelData"].VR = "OW" if data.get("BitsAllocated", 16) > 8 else "OB"
    for name, value in tags.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    if "BitsStored" in tags and "HighBit" not in tags:
        data.HighBit = data.BitsStored - 1
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def lut(table: list[int], first: int, bits: int) -> Dataset:
    """An item of a modality or VOI LUT sequence."""
    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [len(table), first, bits])
    item.add_new(0x00283006, "OW", np.array(table, "<u2").tobytes())
    return item


def write(path: Path, data: bytes) -> Path:
    """Write a file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
