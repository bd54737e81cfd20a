"""Measure what decoding each format costs, and print a Markdown table.

A camera's field and the largest picture accepted.

`python -m benchmarks.decoding [FORMAT ...]` measures only what begins with one of these words. The
table is kept in docs/formats.md. Seconds are those of the processor, which other work on the
machine changes little.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image

from benchmarks.fields import camera_field
from imaging.decoding.color import adobe_rgb_profile
from imaging.images import ImageLimits, RgbImage, resize
from tests.dicom_files import dicom
from tests.hostile_files import SIDE
from tests.known_pixels import as_bits, tiff
from tests.uploads import encoded

MEASURED = """
import os, re, sys, time
from pathlib import Path
from imaging.decoding import process
from imaging.images import read_image
first, file, process.MAX_SECONDS = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
def children():
    threads = Path("/proc/self/task").glob("*/children")
    return [child for thread in threads for child in thread.read_text().split()]
def seconds(child):
    fields = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
def spent():
    return time.process_time() + sum(map(seconds, children()))
def peak(process):
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", text)[1]) / 2**10
before = peak("self")
# Loads the libraries, and starts the process that decodes.
read_image(first.read_bytes())
start = spent()
read_image(file.read_bytes())
other = max(map(peak, children()), default=0)
print(f"{spent() - start:.2f}|{peak('self') - before:.0f}|{other:.0f}")
"""
LIMIT = 300
"""Seconds after which a measurement is given up."""

JPEG, JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.91"


def heic(rgb: RgbImage) -> bytes:
    """Encode as a phone does: tiles of 512 pixels."""
    buffer = io.BytesIO()
    file = pillow_heif.from_pillow(Image.fromarray(rgb))
    file.save(buffer, quality=60, tile_size=512, enc_params={"preset": "ultrafast"})
    return buffer.getvalue()


def ome_tiff(rgb: RgbImage) -> bytes:
    """Write the three channels as pages of their own, as microscopes' programs do."""
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        np.ascontiguousarray(np.moveaxis(rgb, -1, 0)),
        ome=True,
        photometric="minisblack",
        compression="zlib",
        metadata={"axes": "CYX", "Channel": {"Name": ["Red", "Green", "Blue"]}},
    )
    return buffer.getvalue()


@dataclass(frozen=True)
class Kind:
    """One way of writing a file.

    Attributes:
        compared: How the pixels are compared with known ones in `tests/imaging/decoding/`.
        make: Encodes uint8 (h, w, 3) RGB.
    """

    compared: str
    make: Callable[[RgbImage], bytes]


EQUAL, ONE = "equal", "within 1 level"

KINDS: dict[str, Kind] = {
    "TIFF, uncompressed": Kind(ONE, lambda rgb: tiff(rgb, photometric="rgb")),
    "TIFF, LZW": Kind(
        ONE, lambda rgb: tiff(rgb, photometric="rgb", compression="lzw", predictor=True)
    ),
    "TIFF, PackBits": Kind(ONE, lambda rgb: tiff(rgb, photometric="rgb", compression="packbits")),
    "TIFF, JPEG in tiles": Kind(
        "mean under 3",
        lambda rgb: tiff(rgb, photometric="rgb", compression="jpeg", tile=(256, 256)),
    ),
    "TIFF, JPEG 2000": Kind(ONE, lambda rgb: tiff(rgb, photometric="rgb", compression="jpeg2000")),
    "TIFF, 12 of 16 bits, Deflate": Kind(
        ONE,
        lambda rgb: tiff(as_bits(rgb, 12), photometric="rgb", compression="zlib", predictor=True),
    ),
    "TIFF, 16 bits, Adobe RGB, Zstandard": Kind(
        ONE,
        lambda rgb: tiff(
            as_bits(rgb, 16),
            photometric="rgb",
            compression="zstd",
            iccprofile=adobe_rgb_profile(),
        ),
    ),
    "TIFF, 16 bits, planes apart, Zstandard": Kind(
        ONE,
        lambda rgb: tiff(
            as_bits(np.moveaxis(rgb, -1, 0), 16),
            photometric="rgb",
            planarconfig="separate",
            compression="zstd",
        ),
    ),
    "OME-TIFF, 8 bits, Deflate": Kind(ONE, ome_tiff),
    "PNG, 8 bits": Kind(EQUAL, lambda rgb: encoded(Image.fromarray(rgb), "PNG", compress_level=6)),
    "PNG, 8 bits, Adobe RGB": Kind(
        ONE,
        lambda rgb: encoded(
            Image.fromarray(rgb), "PNG", compress_level=6, icc_profile=adobe_rgb_profile()
        ),
    ),
    "PNG, 12 of 16 bits": Kind(
        ONE, lambda rgb: bytes(imagecodecs.png_encode(as_bits(rgb, 12), level=6))
    ),
    "JPEG": Kind("mean under 2", lambda rgb: encoded(Image.fromarray(rgb), "JPEG", quality=90)),
    "BMP": Kind(EQUAL, lambda rgb: encoded(Image.fromarray(rgb), "BMP")),
    "WebP": Kind(
        "equal without loss",
        lambda rgb: encoded(Image.fromarray(rgb), "WEBP", quality=80, method=0),
    ),
    "HEIC": Kind(ONE, heic),
    "AVIF": Kind(
        "within 4 levels",
        lambda rgb: encoded(Image.fromarray(rgb), "AVIF", quality=60, speed=10),
    ),
    "JPEG 2000": Kind(ONE, lambda rgb: bytes(imagecodecs.jpeg2k_encode(rgb, level=50))),
    "DICOM, uncompressed": Kind(EQUAL, lambda rgb: dicom(rgb)),
    "DICOM, JPEG": Kind(
        "mean under 3",
        lambda rgb: dicom(
            rgb, "YBR_FULL_422", syntax=JPEG, frame=bytes(imagecodecs.jpeg8_encode(rgb, level=90))
        ),
    ),
    "DICOM, JPEG 2000": Kind(
        ONE,
        lambda rgb: dicom(
            rgb,
            "YBR_ICT",
            syntax=JPEG_2000,
            frame=bytes(imagecodecs.jpeg2k_encode(rgb, level=50, codecformat="J2K")),
        ),
    ),
}


def main(*words: str) -> None:
    """Print time and memory of each format, each in fresh processes."""
    field = camera_field()
    # Few levels: without loss it must fit into the bytes that are taken.
    largest = resize(field, SIDE, SIDE) & np.uint8(0xE0)
    columns = ("pixels", "MB", "seconds", "server MB", "other MB")
    print("| | compared |", *(f"{column} |" for column in 2 * columns))
    print("|---|---|" + "---:|" * 2 * len(columns))
    for name, kind in KINDS.items():
        if not words or name.startswith(words):
            cells = chain(*_measured(kind, field, largest))
            print(f"| {name} | {kind.compared} |", *(f"{cell} |" for cell in cells), flush=True)


def _measured(kind: Kind, *pictures: RgbImage) -> Iterator[tuple[str, ...]]:
    """Measure files of one kind; the first is read before each, to start what it takes."""
    with tempfile.TemporaryDirectory() as folder:
        first, file = Path(folder) / "first", Path(folder) / "file"
        for rgb in pictures:
            shown = _written(kind, rgb, file)
            if not first.exists():
                first.write_bytes(file.read_bytes())
            size = f"{shown.shape[1]} × {shown.shape[0]}"
            yield size, f"{file.stat().st_size / 2**20:.1f}", *_costs(first, file)


def _written(kind: Kind, rgb: RgbImage, file: Path) -> RgbImage:
    """Write a picture, cut where its file would have more bytes than are taken."""
    data = kind.make(rgb)
    most = ImageLimits().max_bytes
    while len(data) > most:
        share = 0.998 * (most / len(data)) ** 0.5
        rgb = rgb[: int(share * rgb.shape[0]), : int(share * rgb.shape[1])]
        data = kind.make(np.ascontiguousarray(rgb))
    file.write_bytes(data)
    return rgb


def _costs(first: Path, file: Path) -> tuple[str, str, str]:
    command = [sys.executable, "-c", MEASURED, str(first), str(file), str(LIMIT)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return f"over {LIMIT}", "–", "–"
    seconds, server, other = done.stdout.strip().split("|")
    return seconds, server, other


if __name__ == "__main__":
    main(*sys.argv[1:])
