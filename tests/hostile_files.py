"""Files made to cost far more to read than they cost to send."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image, ImageCms

from tests.dicom_files import dicom
from tests.image_files import PNG_SIGNATURE, png_chunk, tiff_directory, tiff_tag
from tests.known_pixels import tiff as known_tiff
from tests.stand_ins import drawn_cell
from tests.uploads import encoded

MEBIBYTE = 2**20
SIDE = 10_900
"""Of a square image of 119 megapixels, just within the limit."""

_SHORT, _LONG = 3, 4


def png(header: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of these chunks."""
    whole = ((b"IHDR", header), *chunks, (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(png_chunk(kind, data) for kind, data in whole)


def tiff(
    directories: int,
    extra: list[bytes] | None = None,
    side: int = 64,
    pixels: bytes = b"",
    compression: int = 1,
) -> bytes:
    """A little-endian grey TIFF whose pages share one strip."""
    body = pixels or bytes(side * side)
    start = 8 + len(body) + len(body) % 2
    tags = [
        tiff_tag(256, _SHORT, 1, side),
        tiff_tag(257, _SHORT, 1, side),
        tiff_tag(258, _SHORT, 1, 8),
        tiff_tag(259, _SHORT, 1, compression),
        tiff_tag(262, _SHORT, 1, 1),
        tiff_tag(273, _LONG, 1, 8),
        tiff_tag(279, _LONG, 1, len(body)),
        *(extra or []),
    ]
    size = len(tiff_directory(tags))
    parts = [struct.pack("<2sHI", b"II", 42, start), body.ljust(start - 8, b"\0")]
    for page in range(1, directories + 1):
        following = start + size * page if page < directories else 0
        parts.append(tiff_directory(tags, following))
    return b"".join(parts)


def tiff_of_strips(rows: int, width: int = 600) -> bytes:
    """A TIFF whose rows are strips that share their bytes."""
    places = 8 + len(tiff_directory([bytes(12)] * 8))
    tags = [
        tiff_tag(256, _LONG, 1, width),
        tiff_tag(257, _LONG, 1, rows),
        tiff_tag(258, _SHORT, 1, 8),
        tiff_tag(259, _SHORT, 1, 1),
        tiff_tag(262, _SHORT, 1, 1),
        tiff_tag(273, _LONG, rows, places),
        tiff_tag(278, _SHORT, 1, 1),
        tiff_tag(279, _LONG, rows, places + 4 * rows),
    ]
    values = np.full(rows, 8, "<u4").tobytes() + np.full(rows, width, "<u4").tobytes()
    return struct.pack("<2sHI", b"II", 42, 8) + tiff_directory(tags) + values


def blank_png(depth: int, colour: int, *before: tuple[bytes, bytes], side: int = SIDE) -> bytes:
    """A black PNG; colour is 0 for grey, 2 for RGB, 6 for RGBA."""
    row = 1 + (side * depth * {0: 1, 2: 3, 6: 4}[colour] + 7) // 8
    packer, body = zlib.compressobj(9), []
    for top in range(0, side, 100):
        body.append(packer.compress(bytes(row * min(100, side - top))))
    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    return png(header, *before, (b"IDAT", b"".join([*body, packer.flush()])))


def profile() -> tuple[bytes, bytes]:
    """A chunk with a colour profile that must be applied."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = made.replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be"))
    return b"iCCP", b"p\0\0" + zlib.compress(other)


def small_png(*before: tuple[bytes, bytes]) -> bytes:
    """A PNG of 64 x 64 pixels with chunks before its pixels."""
    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    return png(header, *before, (b"IDAT", zlib.compress(bytes(65 * 64))))


def exif_of_many_values() -> bytes:
    """EXIF of one tag that holds seven million numbers."""
    count = 7 * MEBIBYTE
    return struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0xC000, 3, count, 26, 0) + bytes(2 * count)


def overlapping_exif() -> bytes:
    """EXIF of 60,000 tags that all name the same data."""
    tag = struct.pack("<HHII", 0xC000, 3, 30_000, 8)
    return struct.pack("<2sHIH", b"II", 42, 8, 60_000) + tag * 60_000 + bytes(4)


def jpeg_with(before: bytes) -> bytes:
    """A small JPEG with bytes put behind its first segment."""
    data = encoded(Image.new("RGB", (64, 64)), "JPEG")
    behind_jfif = 2 + 18
    return data[:behind_jfif] + before + data[behind_jfif:]


def jpeg_of_scans(number: int, side: int = SIDE) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = encoded(Image.new("L", (side, side), 90), "JPEG", progressive=True, quality=75)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    return data[:last] + scan * number + data[-2:]


def run_length_bmp() -> bytes:
    """A BMP whose runs never fill a pixel."""
    runs = bytes(30 * MEBIBYTE)
    offset = 14 + 40 + 1024
    header = struct.pack("<2sIHHI", b"BM", offset + len(runs), 0, 0, offset)
    info = struct.pack("<IiiHHIIiiII", 40, 64, 64, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return header + info + bytes(1024) + runs


def webp_with(kind: bytes, content: bytes, number: int) -> bytes:
    """A small WebP with further chunks in front of its pixels."""
    plain = encoded(Image.new("RGB", (64, 64)), "WEBP", lossless=True)
    extended = struct.pack("<4sI", b"VP8X", 10) + bytes([8, 0, 0, 0]) + bytes([63, 0, 0, 63, 0, 0])
    chunk = struct.pack("<4sI", kind, len(content)) + content + bytes(len(content) % 2)
    body = b"WEBP" + extended + plain[12:] + chunk * number
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def circle() -> bytes:
    """A TIFF whose second directory leads to the first."""
    data = tiff(2)
    (first,) = struct.unpack_from("<I", data, 4)
    return data[:-4] + struct.pack("<I", first)


def one_colour_webp() -> bytes:
    """A lossless WebP of one colour."""
    size = struct.pack("<I", (SIDE - 1) | (SIDE - 1) << 14)
    pixels = b"\x2f" + size + bytes.fromhex("071011fd0f4444ff03")
    body = b"WEBP" + struct.pack("<4sI", b"VP8L", len(pixels)) + pixels
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def many_tags(number: int) -> list[bytes]:
    """Tags that mean nothing."""
    return [tiff_tag(50_000, _LONG, 1, 7)] * number


def tiff_below(number: int) -> bytes:
    """A TIFF with directories below its only page, which share one place in each hundred."""
    data = tiff(1)
    (start,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, start)
    one = tiff_directory([tiff_tag(256, _SHORT, 1, 64)])
    places = start + len(tiff_directory([bytes(12)] * (tags + 1)))
    first = places + 4 * number
    kept = [data[start + 2 + 12 * tag : start + 14 + 12 * tag] for tag in range(tags)]
    directory = tiff_directory([*kept, tiff_tag(330, _LONG, number, places)])
    spread = struct.pack(f"<{number}I", *(first + len(one) * each for each in range(number)))
    return data[:start] + directory + spread + one * number


def ome_of_many_elements() -> bytes:
    """A TIFF described by a million elements of OME."""
    description = '<?xml version="1.0"?><OME xmlns="x">' + "<A/>" * 2_000_000 + "</OME>"
    return known_tiff(drawn_cell(64), description=description, photometric="rgb")


def heif_with(boxes: int) -> bytes:
    """A HEIC with empty boxes behind its pixels."""
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 64))).save(buffer)
    return buffer.getvalue() + b"\0\0\0\x08free" * boxes


def heif_that_claims(width: int, height: int, kind: str = "HEIF") -> bytes:
    """A small HEIC or AVIF whose header says another size."""
    buffer = io.BytesIO()
    if kind == "AVIF":
        Image.new("RGB", (64, 64)).save(buffer, "AVIF")
    else:
        pillow_heif.from_pillow(Image.new("RGB", (64, 64))).save(buffer)
    data = buffer.getvalue()
    place = data.index(b"ispe") + 8
    return data[:place] + struct.pack(">II", width, height) + data[place + 8 :]


def jpeg2000_that_claims(side: int, tile: int) -> bytes:
    """A small codestream whose header says another size."""
    data = imagecodecs.jpeg2k_encode(drawn_cell(64), level=0, codecformat="J2K")
    sizes = struct.pack(">8I", side, side, 0, 0, tile, tile, 0, 0)
    return data[:8] + sizes + data[40:]


def deflated_dicom(zeros: int) -> bytes:
    """A DICOM file that inflates to many zeros."""
    data = dicom(drawn_cell(64), syntax="1.2.840.10008.1.2.1.99")
    (length,) = struct.unpack_from("<I", data, 140)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    element = struct.pack("<HH2sHI", 9, 0x1001, b"OB", 0, zeros)
    parts = [packer.compress(element)]
    for _ in range(zeros // MEBIBYTE):
        parts.append(packer.compress(bytes(MEBIBYTE)))
    return data[: 144 + length] + b"".join([*parts, packer.flush()])


def dicom_of_elements(number: int) -> bytes:
    """A DICOM file with many elements that mean nothing in front of its pixels."""
    data = dicom(drawn_cell(64))
    place = data.index(b"\x28\x00\x02\x00US")
    element = struct.pack("<HH2sH2s", 9, 0x1001, b"LO", 2, b"a ")
    return data[:place] + element * number + data[place:]


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "TIFF of 24,000 directories": (lambda: tiff(24_000), "pages"),
    "TIFF of 11,000 tags": (lambda: tiff(1, many_tags(11_000)), "tags"),
    "TIFF of 101,000 strips of one row": (lambda: tiff_of_strips(101_000), "values in its tags"),
    "TIFF whose directories lead in a circle": (circle, "several pictures"),
    "PNG of 119 megapixels in 14 kB": (lambda: blank_png(1, 0), "holds almost no data"),
    "PNG of 119 megapixels, grey": (lambda: blank_png(8, 0), "holds almost no data"),
    "PNG of 300,000 text chunks": (lambda: small_png(*[(b"tEXt", b"k\0v")] * 300_000), "chunks"),
    "PNG of 150,000 chunks of pixels": (lambda: small_png(*[(b"IDAT", b"")] * 150_000), "chunks"),
    "PNG with 17 MiB of text": (
        lambda: small_png((b"tEXt", b"k\0" + bytes(17 * MEBIBYTE))),
        "metadata",
    ),
    "JPEG of 60 MB of empty comments": (
        lambda: jpeg_with(b"\xff\xfe\0\2" * 15 * MEBIBYTE),
        "segments",
    ),
    "JPEG of 60 MB of filling": (lambda: jpeg_with(b"\xff" * 60 * MEBIBYTE), "empty space"),
    "JPEG of 60 MB between segments": (lambda: jpeg_with(bytes(60 * MEBIBYTE)), "empty space"),
    "JPEG of 500 scans": (lambda: jpeg_of_scans(500, 2_000), "scans"),
    "BMP of 30 MB of empty runs": (run_length_bmp, "run-length encoded"),
    "WebP of 119 megapixels in 34 bytes": (one_colour_webp, "holds almost no data"),
    "WebP of 5 million chunks": (lambda: webp_with(b"ABCD", b"", 5_000_000), "chunks"),
    "WebP with 17 MiB of metadata": (
        lambda: webp_with(b"XMP ", bytes(17 * MEBIBYTE), 1),
        "metadata",
    ),
    "TIFF of 50,000 directories below one": (lambda: tiff_below(50_000), "pages"),
    "TIFF described by a million elements": (ome_of_many_elements, "metadata"),
    "HEIC of 100,000 boxes": (lambda: heif_with(100_000), "boxes"),
    "HEIC of 100 megapixels in 1 kB": (
        lambda: heif_that_claims(10_000, 10_000),
        "holds almost no data|damaged",
    ),
    "HEIC of a gigapixel": (lambda: heif_that_claims(60_000, 60_000), "megapixels|damaged"),
    "AVIF of a gigapixel": (lambda: heif_that_claims(60_000, 60_000, "AVIF"), "damaged|megapixels"),
    "JPEG 2000 of a gigapixel": (lambda: jpeg2000_that_claims(60_000, 60_000), "megapixels"),
    "JPEG 2000 of 100 megapixels in 1 kB": (
        lambda: jpeg2000_that_claims(10_000, 10_000),
        "holds almost no data",
    ),
    "JPEG 2000 of a million tiles": (lambda: jpeg2000_that_claims(4_000, 4), "tiles"),
    "DICOM that inflates to 300 MB": (lambda: deflated_dicom(300 * MEBIBYTE), "data"),
}
"""What makes each file, and what its refusal says."""

BOUNDED: dict[str, Callable[[], bytes]] = {
    "TIFF of 100 directories": lambda: tiff(100),
    "TIFF of 9,900 tags": lambda: tiff(3, many_tags(3_290)),
    "TIFF of 20,000 strips of one row": lambda: tiff_of_strips(20_000, 1_000),
    "PNG of 60 texts that inflate to 1 MiB": lambda: small_png(
        *[(b"zTXt", b"k\0\0" + zlib.compress(bytes(MEBIBYTE - 1), 9))] * 60
    ),
    "PNG of 99,000 chunks of pixels": lambda: small_png(*[(b"IDAT", b"")] * 99_000),
    "PNG with EXIF of 7 million numbers": lambda: small_png((b"eXIf", exif_of_many_values())),
    "PNG with EXIF of overlapping tags": lambda: small_png((b"eXIf", overlapping_exif())),
    "WebP with EXIF of overlapping tags": lambda: webp_with(b"EXIF", overlapping_exif(), 1),
    "HEIC of 19,000 boxes": lambda: heif_with(19_000),
    "DICOM of 4 million elements": lambda: dicom_of_elements(4_000_000),
}
"""The worst that the bounds let through, small images all."""
