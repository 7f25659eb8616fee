"""Readers: every kind of file gives the numbers that were put in, or is refused with a code."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pydicom
import pytest
import tifffile
from pictures import chunk, dicom, lut, pillow, png16, write
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from specc.pieces import readers
from specc.pieces.index import Entry, index

Array = np.ndarray[Any, Any]
GREY8 = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
GREY16 = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5001
RGB8 = np.arange(36, dtype=np.uint8).reshape(3, 4, 3) * 7
RNG = np.random.default_rng(0)


def values(data: bytes, window: str = "none", frame: int | None = None) -> Array:
    """Pixels, with the channel axis left out where there is one channel."""
    pixels, facts = readers.decode(data, window, frame)
    assert pixels.dtype == np.float32
    assert pixels.shape == (facts.height, facts.width, facts.samples)
    assert facts == readers.inspect(data)[0]
    return pixels[..., 0] if facts.samples == 1 else pixels


def refusal(data: bytes, window: str = "auto", frame: int | None = None) -> str:
    """The code that a file is refused with."""
    with pytest.raises(readers.ReadError) as caught:
        readers.decode(data, window, frame)
    assert "/" not in caught.value.reason
    assert "Traceback" not in caught.value.reason
    return caught.value.code


def same(got: Array, wanted: Array) -> None:
    np.testing.assert_array_equal(got, wanted.astype(np.float32))


# PNG


def test_png_of_8_and_16_bits() -> None:
    same(values(pillow(PIL.Image.fromarray(GREY8), "PNG")), GREY8)
    same(values(pillow(PIL.Image.fromarray(RGB8), "PNG")), RGB8)
    same(values(pillow(PIL.Image.fromarray(GREY16), "PNG")), GREY16)
    assert readers.inspect(pillow(PIL.Image.fromarray(GREY16), "PNG"))[0].bits == 16


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (9, 13), (2, 17)])
def test_png_of_16_bits_is_never_cut_to_8(planes: int, interlaced: bool, size: tuple[int, int]) -> None:
    pixels = RNG.integers(0, 65536, (*size, planes))
    if planes in (2, 4):
        pixels[..., -1] = 65535
    got = values(png16(pixels, interlaced))
    colours = pixels[..., :-1] if planes in (2, 4) else pixels
    same(got, colours[..., 0] if planes < 3 else colours)


def test_png_transparency_is_seen_on_black() -> None:
    alpha = np.array([[0, 51, 255, 128]] * 3, np.uint8)
    rgba = np.dstack([RGB8, alpha])
    same(values(pillow(PIL.Image.fromarray(rgba), "PNG")), np.rint(RGB8 * (alpha[..., None] / 255)))
    la = PIL.Image.merge("LA", [PIL.Image.fromarray(GREY8), PIL.Image.fromarray(alpha)])
    same(values(pillow(la, "PNG")), np.rint(GREY8 * (alpha / 255)))
    deep = np.dstack([GREY16, np.full((3, 4), 32768)])
    same(values(png16(deep)), np.rint(GREY16 * (32768 / 65535)))


def test_png_with_a_transparent_colour() -> None:
    keyed = pillow(PIL.Image.fromarray(GREY8), "PNG", transparency=40)
    same(values(keyed), np.where(GREY8 == 40, 0, GREY8))
    key = tuple(int(n) for n in RGB8[1, 2])
    wanted = RGB8.copy()
    wanted[1, 2] = 0
    same(values(pillow(PIL.Image.fromarray(RGB8), "PNG", transparency=key)), wanted)
    deep = png16(GREY16[..., None], extra=chunk(b"tRNS", struct.pack(">H", 5001)))
    same(values(deep), np.where(GREY16 == 5001, 0, GREY16))


def test_png_palette_and_few_bits() -> None:
    image = PIL.Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    image.putpalette([9, 8, 7, 200, 100, 50, 3, 2, 1])
    wanted = np.array([[[9, 8, 7], [200, 100, 50]], [[3, 2, 1], [200, 100, 50]]])
    same(values(pillow(image, "PNG")), wanted)
    clear = values(pillow(image, "PNG", transparency=bytes([255, 0, 255])))
    same(clear, np.where(wanted == [200, 100, 50], 0, wanted))
    bits = np.array([[1, 0, 1]], bool)
    data = pillow(PIL.Image.fromarray(bits), "PNG")
    same(values(data), bits * 255)
    assert readers.inspect(data)[0].bits == 8
    for depth, raw in ((2, b"\0\x1b"), (4, b"\0\x05\xaf")):
        head = struct.pack(">IIBBBBB", 4, 1, depth, 0, 0, 0, 0)
        body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
        same(values(b"\x89PNG\r\n\x1a\n" + body), np.array([[0, 85, 170, 255]]))


def test_png_damage() -> None:
    data = pillow(PIL.Image.fromarray(RNG.integers(0, 255, (40, 40), np.uint8)), "PNG")
    for cut in range(8, len(data), 97):
        assert refusal(data[:cut]) == "P802"
    place = data.index(b"IDAT") + 30
    assert refusal(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]) == "P802"
    assert refusal(data[:16] + struct.pack(">II", 30_000, 30_000) + data[24:]) == "P803"
    assert refusal(data[:16] + struct.pack(">II", 0, 40) + data[24:]) == "P807"
    frames = [PIL.Image.fromarray(GREY8), PIL.Image.fromarray(GREY8[::-1])]
    assert refusal(pillow(frames[0], "PNG", save_all=True, append_images=frames[1:])) == "P804"


# JPEG


def test_jpeg() -> None:
    smooth = np.full((16, 24), 90, np.uint8)
    assert abs(values(pillow(PIL.Image.fromarray(smooth), "JPEG", quality=95)) - 90).max() <= 1
    colour = np.full((16, 24, 3), (200, 60, 30), np.uint8)
    got = values(pillow(PIL.Image.fromarray(colour), "JPEG", quality=95, subsampling=0))
    assert abs(got - colour).max() <= 3
    inks = PIL.Image.new("CMYK", (24, 16), (0, 0, 0, 255))
    assert values(pillow(inks, "JPEG")).shape == (16, 24, 3)
    assert values(pillow(inks, "JPEG")).max() <= 4
    assert refusal(pillow(PIL.Image.fromarray(colour), "JPEG")[:-60]) == "P802"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_orientation_is_carried_out(orientation: int) -> None:
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :8], upright[8:, 24:] = 250, 120
    turns: tuple[Any, ...] = (  # how the camera held it, so that undoing the orientation gives `upright`
        *(lambda p: p, np.fliplr, lambda p: np.rot90(p, 2), np.flipud),
        *(np.transpose, np.rot90, lambda p: np.rot90(p.T, 2), lambda p: np.rot90(p, -1)),
    )
    exif = PIL.Image.Exif()
    exif[274] = orientation
    stored = PIL.Image.fromarray(np.ascontiguousarray(turns[orientation - 1](upright)))
    got = values(pillow(stored, "JPEG", quality=100, exif=exif))
    assert got.shape == upright.shape
    assert abs(got - upright).max() < 12


# TIFF


def tiff(pixels: Array, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "int8", "uint32", "float32", "float64"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_numbers(kind: str, compression: str | None) -> None:
    low = -1000 if kind in ("int16", "float32", "float64") else -100 if kind == "int8" else 0
    pixels = (np.arange(12).reshape(3, 4) * 7 + low).astype(kind)
    data = tiff(pixels, compression=compression, photometric="minisblack")
    same(values(data), pixels)
    facts = readers.inspect(data)[0]
    assert (facts.signed, facts.floating) == (kind[0] in "if", kind[0] == "f")
    assert facts.bits == pixels.dtype.itemsize * 8


def test_tiff_forms() -> None:
    big = np.arange(64 * 48 * 3, dtype=np.uint16).reshape(64, 48, 3)
    same(values(tiff(big, photometric="rgb", byteorder=">")), big)
    same(values(tiff(big, photometric="rgb", tile=(16, 16), compression="zlib", predictor=True)), big)
    same(values(tiff(np.moveaxis(big, 2, 0), photometric="rgb", planarconfig="separate")), big)
    same(values(tiff(GREY8, photometric="miniswhite")), 255 - GREY8)
    same(values(tiff(GREY16, photometric="miniswhite")), 65535 - GREY16)
    five = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    same(values(tiff(five, photometric="minisblack", planarconfig="contig")), five)
    same(values(tiff(GREY8, bigtiff=True)), GREY8)
    for orientation, quarters in ((6, -1), (3, 2)):
        same(values(tiff(GREY8, extratags=[(274, "H", 1, orientation, True)])), np.rot90(GREY8, quarters))


def test_tiff_alpha() -> None:
    alpha = np.full((3, 4, 1), 51, np.uint8)
    rgba = np.concatenate([RGB8, alpha], 2)
    same(values(tiff(rgba, photometric="rgb", extrasamples=["unassalpha"])), np.rint(RGB8 * 0.2))
    same(values(tiff(rgba, photometric="rgb", extrasamples=["assocalpha"])), RGB8)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "group4", "jpeg", "tiff_adobe_deflate"])
def test_tiff_compressions(compression: str) -> None:
    bits = GREY8 > 100
    if compression == "group4":
        same(values(pillow(PIL.Image.fromarray(bits), "TIFF", compression=compression)), bits * 255)
    elif compression == "jpeg":
        flat = np.full((16, 16), 77, np.uint8)
        assert abs(values(pillow(PIL.Image.fromarray(flat), "TIFF", compression=compression)) - 77).max() <= 1
    else:
        same(values(pillow(PIL.Image.fromarray(RGB8), "TIFF", compression=compression)), RGB8)
        same(values(pillow(PIL.Image.fromarray(GREY16), "TIFF", compression=compression)), GREY16)


def test_tiff_palette_and_inks() -> None:
    image = PIL.Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([9, 8, 7, 200, 100, 50])
    same(values(pillow(image, "TIFF")), np.array([[[9, 8, 7], [200, 100, 50]]]))
    deep = np.arange(768).reshape(3, 256).astype(np.uint16) * 83
    assert refusal(tiff(np.array([[0, 1]], np.uint8), photometric="palette", colormap=deep)) == "P804"
    assert values(pillow(PIL.Image.new("CMYK", (4, 3), (0, 255, 0, 0)), "TIFF"))[0, 0].tolist() == [255, 0, 255]


def test_tiff_pages_must_be_chosen() -> None:
    data = tiff(np.stack([GREY8, GREY8 // 2]), photometric="minisblack")
    assert readers.inspect(data)[0].frames == 2
    assert refusal(data) == "P805"
    assert refusal(data, frame=0) == "P805"
    assert refusal(data, frame=3) == "P805"
    same(values(data, frame=2), GREY8 // 2)


def test_tiff_damage() -> None:
    data = tiff(RNG.integers(0, 255, (40, 40), np.uint8))
    for cut in range(4, len(data), 101):
        assert refusal(data[:cut]) == "P802"
    spoilt = np.array([[1.0, np.nan]], np.float32)
    assert refusal(tiff(spoilt)) == "P806"
    bomb = bytearray(tiff(np.zeros((8, 8), np.uint8), compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(bomb)) as file:
        tags: Any = file.pages[0].tags  # type: ignore[union-attr]
        places = tags["StripOffsets"].valueoffset, tags["StripByteCounts"].valueoffset
    strip = zlib.compress(bytes(readers.MAX_INFLATED + 1))
    for place, number in zip(places, (len(bomb), len(strip)), strict=True):
        bomb[place : place + 4] = struct.pack("<I", number)
    assert refusal(bytes(bomb) + strip) == "P803"


# DICOM

STORED = np.array([[0, 100, 1000], [2000, 3000, 4095]], np.uint16)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_dicom_syntaxes(syntax: str) -> None:
    same(values(dicom(STORED, syntax, BitsStored=12)), STORED)


def test_dicom_compressed() -> None:
    from pydicom.pixels.encoders.base import RLELosslessEncoder

    form: dict[str, Any] = {"Rows": 2, "Columns": 3, "BitsAllocated": 16, "BitsStored": 16, "SamplesPerPixel": 1}
    form |= {"PixelRepresentation": 0, "PhotometricInterpretation": "MONOCHROME2"}
    words = {re.sub("(?<!^)(?=[A-Z])", "_", name).lower(): value for name, value in form.items()}
    code = RLELosslessEncoder.encode(STORED.tobytes(), number_of_frames=1, **words)
    same(values(dicom(encapsulate([code]), RLELossless, **form)), STORED)
    smooth = np.full((32, 48), 70, np.uint8)
    form |= {"Rows": 32, "Columns": 48, "BitsAllocated": 8, "BitsStored": 8}
    for syntax, kind in ((JPEGBaseline8Bit, "JPEG"), (JPEG2000Lossless, "JPEG2000")):
        options = {"no_jp2": True} if kind == "JPEG2000" else {"quality": 95}
        code = pillow(PIL.Image.fromarray(smooth), kind, **options)
        assert abs(values(dicom(encapsulate([code]), syntax, **form)) - 70).max() <= 1
        assert refusal(dicom(encapsulate([code]), syntax, **{**form, "Rows": 48, "Columns": 32})) == "P807"
        assert refusal(dicom(encapsulate([code[: len(code) // 2]]), syntax, **form)) == "P802"
    assert refusal(dicom(encapsulate([b"\x01" + bytes(63) + b"\x80\x01" * 40]), RLELossless, **form)) == "P802"
    assert refusal(dicom(encapsulate([b"\xff\xd8"]), JPEGLosslessSV1, **form)) in ("P802", "P809")
    assert refusal(dicom(encapsulate([b"\0"]), "1.2.840.10008.1.2.4.100", **form)) == "P804"


def test_dicom_without_preamble() -> None:
    same(values(dicom(STORED, BitsStored=12)[128 + 4 :]), STORED)


def test_modality_values() -> None:
    rescaled = dicom(STORED, BitsStored=12, RescaleSlope="0.5", RescaleIntercept="-16")
    same(values(rescaled), STORED * 0.5 - 16)
    signed = np.array([[-1024, 0, 3000]], np.int16)
    same(values(dicom(signed, RescaleSlope=1, RescaleIntercept=-24)), signed - 24)
    table = [n * n for n in range(256)]
    small = np.array([[0, 3, 255]], np.uint8)
    same(values(dicom(small, ModalityLUTSequence=[lut(table, 0, 16)])), np.array([[0, 9, 65025]]))
    shifted = dicom(np.array([[-5, -4, 9]], np.int16), ModalityLUTSequence=[lut([7, 8, 9], -5, 16)])
    same(values(shifted), np.array([[7, 8, 9]]))
    assert refusal(dicom(STORED, RescaleSlope=0, RescaleIntercept=0)) == "P807"


def test_tables_and_padding_follow_the_order_of_bytes_and_the_sign() -> None:
    item = lut([7, 8000, 9], 0, 16)
    item["LUTData"].value = np.array([7, 8000, 9], ">u2").tobytes()
    same(values(dicom(np.array([[0, 1, 2]], np.uint16), ExplicitVRBigEndian, ModalityLUTSequence=[item])),
         np.array([[7, 8000, 9]]))  # fmt: skip
    file = pydicom.dcmread(io.BytesIO(dicom(np.array([[-2000, 5, 9]], np.int16))))
    file.add(DataElement(0x00280120, "US", 63536))  # -2000 as an unsigned number
    stream = io.BytesIO()
    file.save_as(stream)
    same(values(stream.getvalue()), np.array([[5, 5, 9]]))


def test_high_bits_are_masked_and_signs_extended() -> None:
    same(values(dicom(STORED | 0xA000, BitsStored=12)), STORED)
    twelve = np.array([[0xF, 0x800, 0xFFF, 0x7FF]], np.uint16)
    data = dicom(twelve | 0x5000, BitsStored=12, PixelRepresentation=1)
    same(values(data), np.array([[15, -2048, -1, 2047]]))


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16"])
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "0.37", "RescaleIntercept": "-16"}])
@pytest.mark.parametrize("voi", [{}, {"WindowCenter": "30", "WindowWidth": "40"}])
def test_monochrome1_is_the_photometric_inverse(kind: str, rescale: dict[str, Any], voi: dict[str, Any]) -> None:
    info = np.iinfo(kind)
    pixels = np.array([[info.min, 5, 90], [100, 101, info.max]], kind)
    inverse = (int(info.min) + int(info.max) - pixels.astype(int)).astype(kind)
    plain = dicom(pixels, **rescale, **voi)
    slope, intercept = float(rescale.get("RescaleSlope", 1)), float(rescale.get("RescaleIntercept", 0))
    if voi:  # the window of the inverse speaks of its own values, which run the other way
        ends = slope * (int(info.min) + int(info.max)) + 2 * intercept
        voi = {"WindowCenter": f"{ends - 30 + 1}", "WindowWidth": "40"}
    turned = dicom(inverse, PhotometricInterpretation="MONOCHROME1", **rescale, **voi)
    np.testing.assert_allclose(values(turned), values(plain), rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(values(turned, "auto"), values(plain, "auto"), atol=1e-4)
    shown = values(plain, "auto").ravel()[pixels.ravel().argsort()]
    assert (np.diff(shown) >= 0).all()
    assert shown[0] < shown[-1]


def test_window_functions() -> None:
    line = np.array([[0, 100, 150, 200, 300]], np.uint16)
    tags = {"WindowCenter": "150", "WindowWidth": "101"}
    np.testing.assert_allclose(values(dicom(line, **tags), "auto"), [[0, 0.005, 0.505, 1, 1]], atol=1e-6)
    exact = dicom(line, **tags | {"WindowWidth": "100"}, VOILUTFunction="LINEAR_EXACT")
    np.testing.assert_allclose(values(exact, "auto"), [[0, 0, 0.5, 1, 1]], atol=1e-6)
    sigmoid = values(dicom(line, **tags, VOILUTFunction="SIGMOID"), "auto")
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp(-4 * (line - 150.0) / 101)), atol=1e-6)
    same(values(dicom(line, WindowCenter="150", WindowWidth="1"), "auto"), np.array([[0, 0, 1, 1, 1]]))
    several = dicom(line, WindowCenter=["150", "0"], WindowWidth=["101", "9"])
    same(values(several, "auto"), values(dicom(line, **tags), "auto"))
    for width in ("0", "-5"):
        whole = values(dicom(line, WindowCenter="9", WindowWidth=width), "auto")
        np.testing.assert_allclose(whole, line / 300, atol=1e-6)
    assert refusal(dicom(line, **tags, VOILUTFunction="GAMMA")) == "P804"
    table = dicom(line, VOILUTSequence=[lut([0, 1023, 4095], 100, 12)], **tags)
    np.testing.assert_allclose(values(table, "auto"), [[0, 0, 1, 1, 1]], atol=1e-6)
    same(values(dicom(line, **tags)), line)


def test_padding_is_dark_and_does_not_stretch() -> None:
    pixels = np.array([[-2000, -1000, 0, 1000]], np.int16)
    data = dicom(pixels, PixelPaddingValue=-2000)
    same(values(data), np.array([[-1000, -1000, 0, 1000]]))
    same(values(data, "auto"), np.array([[0, 0, 0.5, 1]]))
    ranged = dicom(np.array([[0, 1, 2, 8]], np.uint16), PixelPaddingValue=0, PixelPaddingRangeLimit=1)
    same(values(ranged), np.array([[2, 2, 2, 8]]))
    inverted = dicom(
        np.array([[255, 0, 100]], np.uint8), PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=255
    )
    same(values(inverted), np.array([[155, 255, 155]]))
    assert refusal(dicom(np.zeros((2, 2), np.uint8), PixelPaddingValue=0)) == "P807"


def test_dicom_frames() -> None:
    stack = np.stack([STORED, STORED // 2, STORED // 4])
    data = dicom(stack, NumberOfFrames=3, BitsStored=12)
    assert refusal(data) == "P805"
    same(values(data, frame=3), STORED // 4)
    shared, frames = Dataset(), []
    voi = Dataset()
    voi.WindowCenter, voi.WindowWidth = "100", "11"
    shared.FrameVOILUTSequence = [voi]
    for slope in (1, 2, 3):
        item, change = Dataset(), Dataset()
        change.RescaleSlope, change.RescaleIntercept = slope, 0
        item.PixelValueTransformationSequence = [change]
        frames.append(item)
    groups = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": frames}
    enhanced = dicom(stack, NumberOfFrames=3, BitsStored=12, **groups)
    same(values(enhanced, frame=2), STORED // 2 * 2)
    assert set(np.unique(values(enhanced, "auto", frame=1))) == {0.0, 1.0, np.float32(0.55)}


def test_dicom_colour() -> None:
    same(values(dicom(RGB8)), RGB8)
    np.testing.assert_allclose(values(dicom(RGB8), "auto"), RGB8 / 255, atol=1e-6)
    form = {"Rows": 3, "Columns": 4, "SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 8}
    form |= {"PixelRepresentation": 0, "PlanarConfiguration": 1}
    planes = dicom(np.moveaxis(RGB8, 2, 0).tobytes(), PhotometricInterpretation="RGB", **form)
    same(values(planes), RGB8)
    grey = np.full((2, 2, 3), (90, 128, 128), np.uint8)
    same(values(dicom(grey, PhotometricInterpretation="YBR_FULL")), np.full((2, 2, 3), 90))
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for number, name in enumerate(("Red", "Green", "Blue")):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [4, 0, 16]
        tags[f"{name}PaletteColorLookupTableData"] = np.array([0, 1000, 2000, 3000 + number], "<u2").tobytes()
    painted = values(dicom(np.array([[0, 3]], np.uint8), **tags))
    same(painted, np.array([[[0, 0, 0], [3000, 3001, 3002]]]))


GOLDEN = dicom(STORED, BitsStored=12, RescaleSlope="1", RescaleIntercept="0")
MUTATIONS: list[tuple[str, Any]] = [
    *(("Rows", value) for value in (0, 1, 3, 65535, None)),
    *(("Columns", value) for value in (0, 2, 4, 65535, None)),
    *(("SamplesPerPixel", value) for value in (0, 2, 3, 4, None)),
    *(("BitsAllocated", value) for value in (0, 1, 8, 12, 24, 32, 64, None)),
    *(("BitsStored", value) for value in (0, 13, 16, 17, 99, None)),
    *(("HighBit", value) for value in (0, 10, 12, 15, None)),
    *(("PixelRepresentation", value) for value in (2, 7, None)),
    *(("NumberOfFrames", value) for value in (0, 1, 2, -1, 1_000_000)),
    *(("PlanarConfiguration", value) for value in (0, 1, 5)),
    *(("RescaleSlope", value) for value in ("0", "", None)),
    *(("RescaleIntercept", value) for value in ("", None)),
    *(("WindowWidth", value) for value in ("", "0")),
    *(("VOILUTFunction", value) for value in ("", "LINEAR")),
    ("PixelPaddingValue", DataElement(0x00280120, "US", 9)),
    *(("Modality", value) for value in ("", None)),
    *(("PatientID", value) for value in ("", None, "x" * 64)),
    *(("PixelSpacing", value) for value in (["1", "2"], [], None)),
    *(("PhotometricInterpretation", value) for value in ("RGB", "PALETTE COLOR", "YBR_FULL", "HSV", "", None)),
]


@pytest.mark.parametrize(("tag", "value"), MUTATIONS, ids=lambda item: str(item)[:12])
def test_mutated_tags_are_refused_or_change_nothing(tag: str, value: Any) -> None:
    file = pydicom.dcmread(io.BytesIO(GOLDEN))
    if isinstance(value, DataElement):
        file.add(value)
    elif value is None and tag in file:
        delattr(file, tag)
    elif value is not None:
        setattr(file, tag, value)
    stream = io.BytesIO()
    file.save_as(stream)
    try:
        got = values(stream.getvalue(), "none")
    except readers.ReadError as fault:
        assert fault.code in ("P802", "P803", "P804", "P805", "P807", "P808")
    else:
        same(got, STORED)


def test_dicom_damage() -> None:
    data = dicom(RNG.integers(0, 4000, (40, 40), np.uint16))
    for cut in range(140, len(data), 111):
        assert refusal(data[:cut]) in ("P802", "P807", "P808")
    report = dicom(b"", Modality="SR", PixelData=None)
    assert refusal(report) == "P808"
    tail = data[data.index(b"\x08\0\x16\0") :]
    head = dicom(STORED, DeflatedExplicitVRLittleEndian)
    head = head[: 144 + struct.unpack_from("<I", head, 140)[0]]  # preamble, and the file meta group as long as it says

    def deflated(body: bytes) -> bytes:
        press = zlib.compressobj(9, zlib.DEFLATED, -15)
        return head + press.compress(body) + press.flush()

    assert refusal(deflated(tail)[:-9]) == "P802"
    assert refusal(deflated(bytes(readers.MAX_INFLATED + 1))) == "P803"
    element = struct.pack("<HH2sH", 0x11, 0, b"LO", 0)
    many = b"".join(element[:2] + struct.pack("<H", n & 0xFFFF) + element[4:] for n in range(readers.MAX_READS + 1))
    assert refusal(deflated(many)) == "P803"


def test_a_deflated_bomb_is_refused_in_time_and_memory(tmp_path: Path) -> None:
    """1 MB that would inflate to 1 GB: refused in 2 s of a processor with 300 MB more at most (R5)."""
    head = dicom(STORED, DeflatedExplicitVRLittleEndian)
    head = head[: 144 + struct.unpack_from("<I", head, 140)[0]]
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(press.compress(bytes(1 << 20)) for _ in range(1000)) + press.flush()
    file = write(tmp_path / "bomb.dcm", head + body)
    code = (
        "import resource, sys, time; from specc.pieces import readers\n"
        "import pydicom, pydicom.pixels.decoders\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10\n"
        "before, start = peak(), time.process_time()\n"
        "try: readers.read(sys.argv[1])\n"
        "except readers.ReadError as fault: print(fault.code, time.process_time() - start < 2, peak() - before < 300)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["P803", "True", "True"], run.stderr


# Files and limits


def test_what_is_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"", b"hello", b"GIF89a" + bytes(200), bytes(500)):
        assert refusal(data) == "P801"
    for path in (tmp_path, tmp_path / "none.png", "a\0b"):
        with pytest.raises(readers.ReadError) as caught:
            readers.read(path)
        assert caught.value.code == "P801"
        assert str(tmp_path) not in str(caught.value)
    file = write(tmp_path / "x.dcm", pillow(PIL.Image.fromarray(GREY8), "PNG"))
    assert readers.header(file).format == "png"
    monkeypatch.setattr(readers, "MAX_FILE", 10)
    with pytest.raises(readers.ReadError, match="P803"):
        readers.header(file)
    monkeypatch.setattr(readers, "MAX_SAMPLES", 11)
    assert refusal(file.read_bytes()) == "P803"


def test_facts_of_a_dicom_header() -> None:
    facts = readers.inspect(dicom(STORED, BitsStored=12, PixelSpacing=["0.5", "0.25"]))[0]
    assert facts == readers.Facts(
        *("dicom", 2, 3, 1, 12, False, False, "MONOCHROME2", 1, "1.2.840.10008.1.2.1", "MR", "P1", 0.5, 0.25)
    )


def test_import_needs_only_numpy() -> None:
    heavy = ["PIL", "tifffile", "pydicom", "torch"]
    code = f"import sys, specc.pieces.readers, specc.pieces.index; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_an_image_that_imagej_saved(tmp_path: Path, kind: str) -> None:
    """One is read; a stack, of which tifffile shows one page, is not taken for its first."""
    pixels = np.tile(GREY8, (1, 2)).astype(kind)  # three or four columns would be taken for colours
    assert np.array_equal(readers.read(write(tmp_path / "1.tif", tiff(pixels, imagej=True)))[0][..., 0], pixels)
    stack = write(tmp_path / "2.tif", tiff(np.stack([pixels, pixels]), imagej=True))
    with pytest.raises(readers.ReadError) as caught:
        readers.read(stack)
    assert caught.value.code in ("P804", "P805")


# The index


def test_index_reads_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "deep" / "index.json"
    files = [
        write(tmp_path / "1.png", pillow(PIL.Image.fromarray(GREY8), "PNG")),
        write(tmp_path / "2.tif", tiff(GREY8)),
        write(tmp_path / "3.png", b"no image"),
        write(tmp_path / "4.tif", tiff(np.stack([GREY8, GREY8]), photometric="minisblack")),
        tmp_path / "5.png",
    ]
    seen: list[tuple[int, int]] = []
    first = index(files, store, lambda done, total: seen.append((done, total)))
    assert seen == [(n, 5) for n in range(1, 6)]
    assert [entry.error and entry.error[0] for entry in first] == [None, None, "P801", None, "P801"]
    assert first[0].pixels == first[1].pixels
    assert first[0].sha256 != first[1].sha256
    assert (first[0].low, first[0].high) == (0, 220)
    assert first[3].facts is not None
    assert (first[3].facts.frames, first[3].pixels) == (2, "")
    loads: list[str] = []
    load = readers.load

    def counted(path: str | Path) -> bytes:
        loads.append(Path(path).name)
        return load(path)

    monkeypatch.setattr(readers, "load", counted)
    assert index(files, store) == first
    assert loads == ["3.png"]
    write(files[0], pillow(PIL.Image.fromarray(GREY8 // 2), "PNG"))
    changed = index(files, store)
    assert changed[0].high == 110
    assert changed[1:] == first[1:]
    assert index(files[3:4], store, frame=2)[0].pixels == first[0].pixels
    store.write_text("{")
    assert replace(index(files[1:2], store)[0], kept=first[1].kept) == first[1]
    assert sorted(path.suffix for path in store.parent.iterdir()) == [".bin", ".json"]


def test_entry_of_a_dicom_survives_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "a.dcm", dicom(STORED, PixelSpacing=["0.5", "0.25"]))
    fresh = index([file], tmp_path / "i.json")
    assert isinstance(fresh[0], Entry)
    assert index([file], tmp_path / "i.json") == fresh
