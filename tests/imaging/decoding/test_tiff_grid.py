"""Every way of writing a TIFF, against the known pixels: equal, or refused, nothing in between."""

import itertools
import struct
from collections.abc import Sequence
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from imaging.decoding.color import adobe_rgb_profile
from imaging.decoding.errors import ImageError
from imaging.images import read_image
from tests.known_pixels import (
    as_bits,
    assert_reads,
    known_adobe_rgb_in_srgb,
    known_alpha,
    known_grey,
    known_rgb,
    tiff,
)

PACKED = ("lzw", "zlib", "packbits", "zstd", "lzma")
PREDICTED = ("lzw", "zlib", "zstd")


def grid(*choices: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All ways to choose one of each."""
    return list(itertools.product(*choices))


def samples(kind: str, pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """The same picture in another type of samples."""
    if kind.startswith("f"):
        return (pixels / 255).astype(kind)
    if kind == "i2":
        return as_bits(pixels, 15, "i2")
    return as_bits(pixels, int(kind), "u1" if kind == "8" else "u2")


KINDS = ("8", "10", "12", "14", "16", "i2", "f2", "f4", "f8")
ORDERS = (">", "<")
PLANES = ("contig", "separate")
TILES = (None, (16, 32))

GRID = [
    (compression, predictor, *rest)
    for compression in (None, *PACKED)
    for predictor in ((False, True) if compression in PREDICTED else (False,))
    for rest in itertools.product(KINDS, PLANES, ORDERS, TILES)
    # imagecodecs predicts no other floats
    if not (predictor and rest[0] == "f2")
]


def rgb_options(planes: str, **options: Any) -> dict[str, Any]:
    return {"photometric": "rgb", "planarconfig": planes, **options}


def in_planes(pixels: NDArray[Any], planes: str) -> NDArray[Any]:
    return np.moveaxis(pixels, -1, 0) if planes == "separate" else pixels


@pytest.mark.parametrize(
    ("compression", "predictor", "kind", "planes", "order", "tile"),
    GRID,
    ids=lambda value: str(value),
)
def test_rgb(compression, predictor, kind, planes, order, tile):
    pixels = in_planes(samples(kind, known_rgb()), planes)
    options = {"compression": compression, "byteorder": order, "tile": tile}
    if predictor:
        options["predictor"] = True
    upload = assert_reads(tiff(pixels, **rgb_options(planes, **options)), known_rgb())
    assert bool(upload.notes) == (kind != "8")


@pytest.mark.parametrize(
    ("polarity", "kind", "order", "compression"),
    [
        *grid(("minisblack", "miniswhite"), KINDS, ORDERS, (None, "zlib")),
        *grid(("minisblack", "miniswhite"), ("8", "16"), ORDERS, ("jpeg2000",)),
    ],
)
def test_grey_of_both_polarities(polarity, kind, order, compression):
    white_is_zero = polarity == "miniswhite"
    pixels = samples(kind, 255 - known_grey() if white_is_zero else known_grey())
    data = tiff(pixels, photometric=polarity, byteorder=order, compression=compression)
    if white_is_zero and kind in ("10", "12", "14", "i2"):
        with pytest.raises(ImageError, match=r"zero as white.*black and white are unknown"):
            assert_reads(data, known_grey())
    else:
        assert_reads(data, known_grey())


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
@pytest.mark.parametrize("polarity", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("order", ORDERS)
def test_packed_bits(bits: int, polarity: str, order: str):
    wanted = known_grey()
    values = as_bits(wanted, bits, "u1" if bits < 9 else "u2")
    shown = np.floor(values * (255 / (2**bits - 1)) + 0.5)
    if polarity == "miniswhite":
        values = (2**bits - 1) - values
    data = packed_tiff(values, bits, 0 if polarity == "miniswhite" else 1, order)
    upload = assert_reads(data, shown)
    assert bool(upload.notes) == (bits > 8)
    assert upload.reading.stated


def packed_tiff(values: NDArray[Any], bits: int, photometric: int, order: str) -> bytes:
    """A grey TIFF whose samples lie bit by bit behind each other, each row from a whole byte."""
    height, width = values.shape
    spread = (values[..., None].astype(np.uint32) >> np.arange(bits - 1, -1, -1)) & 1
    body = np.packbits(spread.reshape(height, -1).astype(np.uint8), axis=1).tobytes()
    tags = [
        (256, width),
        (257, height),
        (258, bits),
        (259, 1),
        (262, photometric),
        (273, 8),
        (277, 1),
        (278, height),
        (279, len(body)),
    ]
    start = 8 + len(body) + len(body) % 2
    entries = b"".join(struct.pack(order + "HHII", code, 4, 1, value) for code, value in tags)
    head = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, start)
    directory = struct.pack(order + "H", len(tags)) + entries + bytes(4)
    return head + body.ljust(start - 8, b"\0") + directory


@pytest.mark.parametrize(
    ("kind", "extra", "planes", "order", "compression"),
    grid(
        ("8", "12", "16", "f4"),
        ("unassalpha", "assocalpha", "unspecified"),
        PLANES,
        ORDERS,
        (None, "zlib"),
    ),
)
def test_further_channels(kind, extra, planes, order, compression):
    share = known_alpha()[..., None] / 255
    on_black = np.floor(known_rgb() * share + 0.5)
    colors = on_black.astype(np.uint8) if extra == "assocalpha" else known_rgb()
    pixels = samples(kind, np.dstack([colors, known_alpha()]))
    data = tiff(
        in_planes(pixels, planes),
        **rgb_options(planes, extrasamples=[extra], byteorder=order, compression=compression),
    )
    wanted = known_rgb() if extra == "unspecified" else on_black
    upload = assert_reads(data, wanted)
    told = "A further channel" if extra == "unspecified" else "Transparent parts"
    assert any(note.startswith(told) for note in upload.notes)


@pytest.mark.parametrize(
    ("kind", "alpha", "planes"), grid(("8", "12", "16", "f4"), (False, True), PLANES)
)
def test_profiles_in_every_kind(kind: str, alpha: bool, planes: str):
    in_srgb = known_adobe_rgb_in_srgb()
    pixels = known_rgb() if not alpha else np.dstack([known_rgb(), known_alpha()])
    options = {"extrasamples": ["unassalpha"]} if alpha else {}
    data = tiff(
        in_planes(samples(kind, pixels), planes),
        **rgb_options(planes, iccprofile=adobe_rgb_profile(), **options),
    )
    wanted = in_srgb * (known_alpha()[..., None] / 255) if alpha else in_srgb
    upload = assert_reads(data, np.floor(wanted + 0.5))
    assert "Colours were converted to sRGB by the embedded profile." in upload.notes


@pytest.mark.parametrize("kind", ["8", "12", "16"])
def test_linear_light_by_a_profile_is_brought_to_srgb(kind: str):
    shown = known_rgb()
    encoded = shown / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    bits = int(kind)
    values = np.floor(linear * (2**bits - 1) + 0.5).astype("u1" if bits == 8 else "u2")
    profile = imagecodecs.cms_profile(
        "rgb",
        whitepoint=[0.3127, 0.3290, 1.0],
        primaries=[0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1],
        gamma=1.0,
    )
    data = tiff(values, photometric="rgb", iccprofile=profile)
    # 8 bits of linear light hold the dark colours coarsely.
    assert_reads(data, shown, {8: 7, 12: 2, 16: 1}[bits])


@pytest.mark.parametrize(
    ("compression", "kind", "tile"),
    [
        *grid(("jpeg2000", "png", "jpegxl", "lerc"), ("8", "12", "16"), TILES),
        *grid(("webp",), ("8",), TILES),
    ],
)
def test_compressions_that_are_formats_themselves(compression, kind, tile):
    lossless = {"compressionargs": {"level": -1}} if compression == "webp" else {}
    if compression == "jpegxl":
        lossless = {"compressionargs": {"lossless": True}}
    pixels = samples(kind, known_rgb())
    data = tiff(pixels, photometric="rgb", compression=compression, tile=tile, **lossless)
    assert_reads(data, known_rgb())


@pytest.mark.parametrize(
    ("subsampling", "tile", "order"), grid(((1, 1), (2, 1), (2, 2)), TILES, ORDERS)
)
def test_jpeg(subsampling, tile, order):
    data = tiff(
        known_rgb(),
        photometric="rgb",
        compression="jpeg",
        compressionargs={"level": 98},
        subsampling=subsampling,
        tile=tile,
        byteorder=order,
    )
    upload = read_image(data)
    # Tiles reach beyond the edges, and there JPEG rings.
    assert np.abs(upload.rgb.astype(int) - known_rgb()).mean() < 3


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["8", "12", "16"])
def test_big_tiff(order: str, kind: str):
    data = tiff(samples(kind, known_rgb()), photometric="rgb", bigtiff=True, byteorder=order)
    assert_reads(data, known_rgb())


@pytest.mark.parametrize("largest", [255, 65535])
@pytest.mark.parametrize("order", ORDERS)
def test_palettes(largest: int, order: str):
    table = np.random.default_rng(0).integers(0, 256, (3, 256)).astype(np.uint16)
    table[:, :2] = [[0, 255]] * 3
    indices = known_grey()
    scaled = table if largest == 255 else table * 257
    data = tiff(indices, photometric="palette", colormap=scaled, byteorder=order)
    assert_reads(data, table.T[indices])


@pytest.mark.parametrize("kind", ["8", "16"])
def test_cmyk(kind: str):
    inks = np.dstack([255 - known_rgb(), np.zeros_like(known_grey())])
    upload = assert_reads(tiff(samples(kind, inks), photometric="separated"), known_rgb())
    assert "CMYK colours were converted to RGB." in upload.notes


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int):
    pixels = known_rgb()
    turned = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels, -1),
        7: np.rot90(pixels, 2).transpose(1, 0, 2),
        8: np.rot90(pixels),
    }[orientation]
    tags = [(274, 3, 1, orientation, True)]
    assert_reads(tiff(pixels, photometric="rgb", extratags=tags), turned, 0)
