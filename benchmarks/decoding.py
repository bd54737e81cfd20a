"""Seconds and memory that each format takes: a camera's field and the largest picture allowed.

`python -m benchmarks.decoding [FORMAT ...]` measures only what begins with one of these words.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image

from benchmarks.fields import camera_field
from imaging.decoding.color import adobe_rgb_profile
from imaging.images import ImageLimits, RgbImage, resize
from tests.dicom_files import dicom
from tests.hostile_files import SIDE
from tests.known_pixels import as_bits, tiff
from tests.uploads import encoded

MEASURED = """
import re, sys, time
from pathlib import Path
from imaging.images import check_image, read_image
data = Path(sys.argv[1]).read_bytes()
def seconds(reader):
    start = time.perf_counter()
    reader(data)
    return time.perf_counter() - start
def peak(process):
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", text)[1]) / 1024
before = peak("self")
first, check, again = seconds(read_image), seconds(check_image), seconds(read_image)
children = Path("/proc/self/task").glob("*/children")
own = [peak(child) for file in children for child in file.read_text().split()]
print(f"{first:.2f}|{again:.2f}|{check:.3f}|{peak('self') - before:.0f}|{max(own, default=0):.0f}")
"""
JPEG, JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.91"


def heic(rgb: RgbImage) -> bytes:
    """Encode as a phone does: tiles of 512 pixels."""
    buffer = io.BytesIO()
    file = pillow_heif.from_pillow(Image.fromarray(rgb))
    file.save(buffer, quality=60, tile_size=512, enc_params={"preset": "ultrafast"})
    return buffer.getvalue()


FILES: dict[str, Callable[[RgbImage], bytes]] = {
    "PNG": lambda rgb: encoded(Image.fromarray(rgb), "PNG", compress_level=6),
    "PNG, Adobe RGB": lambda rgb: encoded(
        Image.fromarray(rgb), "PNG", compress_level=6, icc_profile=adobe_rgb_profile()
    ),
    "PNG, 12 of 16 bits": lambda rgb: bytes(imagecodecs.png_encode(as_bits(rgb, 12), level=6)),
    "JPEG": lambda rgb: encoded(Image.fromarray(rgb), "JPEG", quality=90),
    "BMP": lambda rgb: encoded(Image.fromarray(rgb), "BMP"),
    "WebP": lambda rgb: encoded(Image.fromarray(rgb), "WEBP", quality=80, method=0),
    "TIFF, uncompressed": lambda rgb: tiff(rgb, photometric="rgb"),
    "TIFF, LZW": lambda rgb: tiff(rgb, photometric="rgb", compression="lzw", predictor=True),
    "TIFF, 12 of 16 bits, Deflate": lambda rgb: tiff(
        as_bits(rgb, 12), photometric="rgb", compression="zlib", predictor=True
    ),
    "TIFF, 16 bits, Adobe RGB": lambda rgb: tiff(
        as_bits(rgb, 16), photometric="rgb", compression="zstd", iccprofile=adobe_rgb_profile()
    ),
    "TIFF, 16 bits, planes apart": lambda rgb: tiff(
        as_bits(np.moveaxis(rgb, -1, 0), 16),
        photometric="rgb",
        planarconfig="separate",
        compression="zstd",
    ),
    "TIFF, JPEG in tiles": lambda rgb: tiff(
        rgb, photometric="rgb", compression="jpeg", tile=(256, 256)
    ),
    "HEIC": heic,
    "AVIF": lambda rgb: encoded(Image.fromarray(rgb), "AVIF", quality=60, speed=10),
    "JPEG 2000": lambda rgb: bytes(imagecodecs.jpeg2k_encode(rgb, level=50)),
    "DICOM, uncompressed": lambda rgb: dicom(rgb),
    "DICOM, JPEG": lambda rgb: dicom(
        rgb, "YBR_FULL_422", syntax=JPEG, frame=bytes(imagecodecs.jpeg8_encode(rgb, level=90))
    ),
    "DICOM, JPEG 2000": lambda rgb: dicom(
        rgb,
        "YBR_ICT",
        syntax=JPEG_2000,
        frame=bytes(imagecodecs.jpeg2k_encode(rgb, level=50, codecformat="J2K")),
    ),
}


def main(*words: str) -> None:
    """Print time and memory of each format, each in fresh processes."""
    field = camera_field()
    # Few levels: without loss it must fit into the bytes that are taken.
    largest = resize(field, SIDE, SIDE) & np.uint8(0xE0)
    for title, rgb in (("A camera's field", field), ("The largest picture", largest)):
        print(f"\n{title}, {rgb.shape[1]} × {rgb.shape[0]} pixels")
        print(" " * 37 + "   seconds                     MB")
        print(" " * 30 + "     MB    first    again    check server  other")
        for name, make in FILES.items():
            if not words or name.startswith(words):
                print(f"{name:<30} {_measured(make(rgb))}", flush=True)


def _measured(data: bytes) -> str:
    size = f"{len(data) / 2**20:6.1f}"
    if len(data) > ImageLimits().max_bytes:
        return f"{size}  more than is taken"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(data)
        command = [sys.executable, "-c", MEASURED, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    first, again, check, server, other = done.stdout.strip().split("|")
    return f"{size} {first:>8} {again:>8} {check:>8} {server:>6} {other:>6}"


if __name__ == "__main__":
    main(*sys.argv[1:])
